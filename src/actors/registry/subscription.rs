//! One target of the registry: its subscriptions, and the options that follow from them.

use super::{AddError, Origin};
use crate::target::{HostName, Label, TargetOptions};
use smallvec::SmallVec;

/// One target.
pub struct TargetEntry<H> {
    /// Handle of its actor; `None` until the owner has set it.
    pub handle: Option<H>,
    /// The options of all subscriptions together; later values override earlier ones.
    options: TargetOptions,
    /// Nearly always one.
    subscriptions: Subscriptions,
}

/// Maximum number of subscriptions of one host, which bounds memory and search.
pub(super) const MAX_SUBSCRIPTIONS: usize = 256;

type Subscriptions = SmallVec<[Subscription; 1]>;

/// A reason to ping an address.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subscription {
    /// The name of the target in it.
    pub name: Label,
    /// The DNS name that resolved to the address; `None` if the address itself was added.
    pub dns_name: Option<HostName>,
    /// Where it comes from.
    pub origin: Origin,
    /// Its options.
    pub revised: RevisedOptions,
}

impl Subscription {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.name == other.name && self.dns_name == other.dns_name
    }
}

/// Options, and when they were set: of several values the latest applies.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RevisedOptions {
    pub options: TargetOptions,
    interval_revision: u64,
    options_revision: u64,
}

impl RevisedOptions {
    /// Options that are set now.
    pub(super) fn at(options: TargetOptions, revision: u64) -> Self {
        Self { options, interval_revision: revision, options_revision: revision }
    }

    /// When one of them was last set.
    pub(super) fn revision(&self) -> u64 {
        self.interval_revision.max(self.options_revision)
    }

    /// Other options, set at the same time.
    pub(super) fn with(&self, options: TargetOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// These options with later ones merged over them.
    pub(super) fn revised(&self, options: &TargetOptions, revision: u64) -> Self {
        Self {
            options: options.merged_over(&self.options),
            interval_revision: if options.interval.is_some() { revision } else { self.interval_revision },
            options_revision: if options.overrides.is_some() { revision } else { self.options_revision },
        }
    }
}

impl<H> TargetEntry<H> {
    /// A target without subscriptions.
    pub(super) fn new() -> Self {
        Self { handle: None, options: TargetOptions::default(), subscriptions: SmallVec::new() }
    }

    /// The first of its names.
    pub fn name(&self) -> &Label {
        &self.subscriptions[0].name
    }

    /// Its options.
    pub const fn options(&self) -> &TargetOptions {
        &self.options
    }

    /// The options of a subscription to the address itself, not through a DNS name.
    pub(super) fn options_by(&self, name: &Label, origin: Origin) -> Option<&RevisedOptions> {
        let direct = self.subscriptions.iter().find(|subscription| {
            subscription.dns_name.is_none() && subscription.origin == origin && subscription.name == *name
        });
        direct.map(|subscription| &subscription.revised)
    }

    /// Adds a subscription or changes its options.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn subscribe(&mut self, subscription: Subscription) -> Result<Subscribed, AddError> {
        let known = self.subscriptions.iter().position(|other| other.is_same(&subscription));
        if let Some(index) = known {
            self.subscriptions[index].revised = subscription.revised;
        } else if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(AddError::TooManyLabels(MAX_SUBSCRIPTIONS));
        } else {
            self.subscriptions.push(subscription);
        }
        Ok(Subscribed { is_new: known.is_none(), options_changed: self.combine_options() })
    }

    /// Ends the matching subscriptions.
    pub(super) fn unsubscribe(&mut self, ends: impl Fn(&Subscription) -> bool) -> Unsubscribed {
        let (ended, left): (Subscriptions, Subscriptions) = self.subscriptions.drain(..).partition(ends);
        self.subscriptions = left;
        let mut names: Vec<Label> = ended.iter().map(|subscription| subscription.name.clone()).collect();
        names.retain(|name| self.subscriptions.iter().all(|subscription| subscription.name != *name));
        Unsubscribed { ended, names, options_changed: self.combine_options() }
    }

    /// Whether there is a subscription.
    pub(super) fn is_subscribed(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    pub(super) fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter()
    }

    pub(super) fn has_label(&self, name: &Label) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.name == *name)
    }

    pub(super) fn is_subscribed_by(&self, name: &Label, host: &HostName) -> bool {
        self.subscriptions
            .iter()
            .any(|subscription| subscription.name == *name && subscription.dns_name.as_ref() == Some(host))
    }

    pub(super) fn resolves_from(&self, host: &HostName) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.dns_name.as_ref() == Some(host))
    }

    /// Combines the options of all subscriptions; returns whether that changes the target's.
    fn combine_options(&mut self) -> bool {
        let all = || self.subscriptions.iter().map(|subscription| &subscription.revised);
        let interval = all()
            .filter(|revised| revised.options.interval.is_some())
            .max_by_key(|revised| revised.interval_revision);
        let mut with_options: SmallVec<[&RevisedOptions; 1]> =
            all().filter(|revised| revised.options.overrides.is_some()).collect();
        with_options.sort_by_key(|revised| revised.options_revision);
        let options = with_options.into_iter().fold(TargetOptions::default(), |options, revised| {
            TargetOptions { interval: None, overrides: revised.options.overrides.clone() }
                .merged_over(&options)
        });
        let options =
            TargetOptions { interval: interval.and_then(|revised| revised.options.interval), ..options };
        let changed = options != self.options;
        self.options = options;
        changed
    }
}

/// Result of a subscription.
pub(super) struct Subscribed {
    /// Whether the subscription is new.
    pub is_new: bool,
    /// Whether the target's options have changed.
    pub options_changed: bool,
}

/// Result of ending subscriptions.
pub(super) struct Unsubscribed {
    /// The subscriptions that ended.
    pub ended: Subscriptions,
    /// The names without a subscription left.
    pub names: Vec<Label>,
    /// Whether the target's options have changed.
    pub options_changed: bool,
}
