//! One target of the registry: who wants it, and on which terms.

use super::{AddError, Origin};
use crate::target::{HostName, Label, TargetOptions};
use smallvec::SmallVec;

/// One target.
pub struct TargetEntry<H> {
    /// How to reach its actor; `None` until the owner has set it.
    pub handle: Option<H>,
    /// What all who want it have said, the last given first.
    terms: TargetOptions,
    /// Nearly always there is one.
    wants: Subscriptions,
}

/// So many names one host can have, so that neither memory nor the search through them is without bound.
pub(super) const MAX_SUBSCRIPTIONS: usize = 256;

type Subscriptions = SmallVec<[Subscription; 1]>;

/// A reason to ping an address.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subscription {
    /// How the target is called for it.
    pub name: Label,
    /// The DNS name that resolved to the address; `None` if the address itself was added.
    pub by: Option<HostName>,
    /// Who says so.
    pub origin: Origin,
    /// On which terms.
    pub given: RevisedOptions,
}

impl Subscription {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.name == other.name && self.by == other.by
    }
}

/// Terms, and when they were given: of those given by several, the last counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RevisedOptions {
    pub terms: TargetOptions,
    interval_revision: u64,
    options_revision: u64,
}

impl RevisedOptions {
    /// Terms that are given now.
    pub(super) fn at(terms: TargetOptions, revision: u64) -> Self {
        Self { terms, interval_revision: revision, options_revision: revision }
    }

    /// When any of them were given last.
    pub(super) fn revision(&self) -> u64 {
        self.interval_revision.max(self.options_revision)
    }

    /// Other terms, of the same time.
    pub(super) fn with(&self, terms: TargetOptions) -> Self {
        Self { terms, ..self.clone() }
    }

    /// What was given before, with these terms over it.
    pub(super) fn renewed(&self, terms: &TargetOptions, revision: u64) -> Self {
        Self {
            terms: terms.merged_over(&self.terms),
            interval_revision: if terms.interval.is_some() { revision } else { self.interval_revision },
            options_revision: if terms.overrides.is_some() { revision } else { self.options_revision },
        }
    }
}

impl<H> TargetEntry<H> {
    /// A target that nobody wants yet.
    pub(super) fn new() -> Self {
        Self { handle: None, terms: TargetOptions::default(), wants: SmallVec::new() }
    }

    /// The first of its names.
    pub fn name(&self) -> &Label {
        &self.wants[0].name
    }

    /// On which terms it is pinged.
    pub const fn terms(&self) -> &TargetOptions {
        &self.terms
    }

    /// What those who want it by itself, and not for a DNS name, said.
    pub(super) fn given_by(&self, name: &Label, origin: Origin) -> Option<&RevisedOptions> {
        let wants =
            self.wants.iter().find(|want| want.by.is_none() && want.origin == origin && want.name == *name);
        wants.map(|want| &want.given)
    }

    /// Adds a reason, or renews its terms. Whether it was there before, and whether the target's terms change.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn want(&mut self, want: Subscription) -> Result<Subscribed, AddError> {
        let known = self.wants.iter().position(|other| other.is_same(&want));
        if let Some(index) = known {
            self.wants[index].given = want.given;
        } else if self.wants.len() >= MAX_SUBSCRIPTIONS {
            return Err(AddError::TooManyLabels(MAX_SUBSCRIPTIONS));
        } else {
            self.wants.push(want);
        }
        Ok(Subscribed { fresh: known.is_none(), adjusted: self.add_up() })
    }

    /// Ends the reasons that match.
    pub(super) fn unwant(&mut self, ends: impl Fn(&Subscription) -> bool) -> Unsubscribed {
        let (ended, kept): (Subscriptions, Subscriptions) = self.wants.drain(..).partition(ends);
        self.wants = kept;
        let mut names: Vec<Label> = ended.iter().map(|want| want.name.clone()).collect();
        names.retain(|name| self.wants.iter().all(|want| want.name != *name));
        Unsubscribed { ended, names, adjusted: self.add_up() }
    }

    /// Whether anybody wants it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.wants.is_empty()
    }

    pub(super) fn wants(&self) -> impl Iterator<Item = &Subscription> {
        self.wants.iter()
    }

    pub(super) fn is_called(&self, name: &Label) -> bool {
        self.wants.iter().any(|want| want.name == *name)
    }

    pub(super) fn is_wanted_by(&self, name: &Label, host: &HostName) -> bool {
        self.wants.iter().any(|want| want.name == *name && want.by.as_ref() == Some(host))
    }

    pub(super) fn is_behind(&self, host: &HostName) -> bool {
        self.wants.iter().any(|want| want.by.as_ref() == Some(host))
    }

    /// Makes one of the terms of all; returns whether that changes anything.
    fn add_up(&mut self) -> bool {
        let all = || self.wants.iter().map(|want| &want.given);
        let interval =
            all().filter(|given| given.terms.interval.is_some()).max_by_key(|given| given.interval_revision);
        let mut with_options: SmallVec<[&RevisedOptions; 1]> =
            all().filter(|given| given.terms.overrides.is_some()).collect();
        with_options.sort_by_key(|given| given.options_revision);
        let others = with_options.into_iter().fold(TargetOptions::default(), |terms, given| {
            TargetOptions { interval: None, overrides: given.terms.overrides.clone() }.merged_over(&terms)
        });
        let terms = TargetOptions { interval: interval.and_then(|given| given.terms.interval), ..others };
        let changed = terms != self.terms;
        self.terms = terms;
        changed
    }
}

/// What came of one more reason to ping a target.
pub(super) struct Subscribed {
    /// It is new.
    pub fresh: bool,
    /// The target's terms are others now.
    pub adjusted: bool,
}

/// What came of the end of reasons.
pub(super) struct Unsubscribed {
    /// The reasons that ended.
    pub ended: Subscriptions,
    /// The names that no reason has any more.
    pub names: Vec<Label>,
    /// The target's terms are others now.
    pub adjusted: bool,
}
