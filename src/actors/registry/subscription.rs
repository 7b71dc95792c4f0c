//! One target of the registry: its subscriptions, and the options that follow from them.

use super::{AddError, Origin};
use crate::target::{Defaults, EntryConflict, HostName, Label, TargetKey, TargetOptions};
use smallvec::SmallVec;

/// One target.
pub struct TargetEntry<H> {
    /// Handle of its actor; `None` until the owner has set it.
    pub handle: Option<H>,
    /// The options of its first entry.
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
    pub options: TargetOptions,
    /// When its interval was set: of several the latest has the highest number.
    pub revision: u32,
}

impl Subscription {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.is_same_entry(other)
    }

    /// Whether both are for the same name and host, whatever their origins.
    fn is_same_entry(&self, other: &Self) -> bool {
        self.name == other.name && self.dns_name == other.dns_name
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

    /// All its names in the order of their adding, each once; empty if there is only one.
    pub fn several_names(&self) -> Vec<Label> {
        let [first, others @ ..] = &self.subscriptions[..] else { return Vec::new() };
        if others.iter().all(|other| other.name == first.name) {
            return Vec::new();
        }
        let mut names: Vec<Label> = Vec::new();
        for name in self.subscriptions.iter().map(|it| &it.name) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Its options.
    pub const fn options(&self) -> &TargetOptions {
        &self.options
    }

    /// The options of a subscription to the address itself, not through a DNS name.
    pub(super) fn options_by(&self, name: &Label, origin: Origin) -> Option<(&TargetOptions, u32)> {
        let direct = self.subscriptions.iter().find(|subscription| {
            subscription.dns_name.is_none() && subscription.origin == origin && subscription.name == *name
        });
        direct.map(|subscription| (&subscription.options, subscription.revision))
    }

    /// Adds a subscription or changes its options.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn subscribe(&mut self, subscription: Subscription) -> Result<Subscribed, AddError> {
        let known = self.subscriptions.iter().position(|other| other.is_same(&subscription));
        let (is_new, is_revised) = if let Some(index) = known {
            let known = &mut self.subscriptions[index];
            known.revision = subscription.revision;
            (false, std::mem::replace(&mut known.options, subscription.options) != known.options)
        } else if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(AddError::TooManyLabels(MAX_SUBSCRIPTIONS));
        } else {
            self.subscriptions.push(subscription);
            (true, true)
        };
        Ok(Subscribed { is_new, is_revised, options_changed: self.update_options() })
    }

    /// The conflict of the entry with this name and DNS name with the options of the target.
    pub(super) fn conflict(
        &self,
        key: &TargetKey,
        (name, dns_name): (&Label, Option<&HostName>),
        defaults: &Defaults,
    ) -> Option<EntryConflict> {
        let first = self.subscriptions.first()?;
        let is_entry = |it: &&Subscription| it.name == *name && it.dns_name.as_ref() == dns_name;
        let other = self.subscriptions.iter().find(is_entry).filter(|other| !other.is_same_entry(first))?;
        let options = self.entry_options(other);
        EntryConflict::between(key.clone(), (&first.name, &self.options), (name, &options), defaults)
    }

    /// Ends the matching subscriptions.
    pub(super) fn unsubscribe(&mut self, ends: impl Fn(&Subscription) -> bool) -> Unsubscribed {
        let (ended, left): (Subscriptions, Subscriptions) = self.subscriptions.drain(..).partition(ends);
        self.subscriptions = left;
        let mut names: Vec<Label> = ended.iter().map(|subscription| subscription.name.clone()).collect();
        names.retain(|name| self.subscriptions.iter().all(|subscription| subscription.name != *name));
        Unsubscribed { ended, names, options_changed: self.update_options() }
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

    /// Applies the options of the first entry, so that a target's name, labels and interval belong together; returns
    /// whether that changes the target's options.
    ///
    /// As in 2015, the interval of an `add` that gives no other option applies whatever its name is, unless the first
    /// entry has other options.
    fn update_options(&mut self) -> bool {
        let first = self.subscriptions.first();
        let mut options = first.map(|first| self.entry_options(first)).unwrap_or_default();
        if options.overrides.is_none() {
            options.interval = self.decides_interval().and_then(|it| it.options.interval);
        }
        let changed = options != self.options;
        self.options = options;
        changed
    }

    /// The subscription that set the interval last: of the first entry, or of an `add` without other options.
    pub(super) fn decides_interval(&self) -> Option<&Subscription> {
        let first = self.subscriptions.first()?;
        let counts = |it: &&Subscription| {
            it.is_same_entry(first) || (it.origin == Origin::Runtime && it.options.overrides.is_none())
        };
        let with_interval =
            self.subscriptions.iter().filter(counts).filter(|it| it.options.interval.is_some());
        with_interval.max_by_key(|it| it.revision)
    }

    /// The options of an entry: those of runtime over those of the configuration. A later change of the configuration
    /// removes from the runtime options what it sets.
    fn entry_options(&self, entry: &Subscription) -> TargetOptions {
        let of_origin = |origin| {
            let is_own = |it: &&Subscription| it.origin == origin && it.is_same_entry(entry);
            self.subscriptions.iter().find(is_own).map(|it| &it.options)
        };
        Origin::merge(of_origin)
    }
}

/// Result of a subscription.
pub(super) struct Subscribed {
    /// Whether the subscription is new.
    pub is_new: bool,
    /// Whether it is new, or its options have changed.
    pub is_revised: bool,
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
