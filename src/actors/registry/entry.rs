//! One target of the registry: its interval, and who wants it.

use super::{AddError, Change, Given};
use crate::target::{HostName, Interval, Label};
use smallvec::SmallVec;

/// One target.
pub struct Entry<H> {
    /// How to reach its actor; `None` until the owner has set it.
    pub handle: Option<H>,
    /// Its interval.
    pub interval: Interval,
    given: u64,
    /// Nearly always there is one.
    wants: Wants,
}

/// So many names one host can have, so that neither memory nor the search through them is without bound.
pub(super) const MOST_LABELS: usize = 256;

type Wants = SmallVec<[Want; 1]>;

/// A reason to ping an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Want {
    /// How the target is called for it.
    pub name: Label,
    /// The DNS name that resolved to the address; `None` if the address itself was added.
    pub by: Option<HostName>,
}

impl<H> Entry<H> {
    /// A target that nobody wants yet.
    pub(super) fn new(interval: Interval) -> Self {
        Self { handle: None, interval, given: 0, wants: SmallVec::new() }
    }

    /// The first of its names.
    pub fn name(&self) -> &Label {
        &self.wants[0].name
    }

    /// Adds a reason; `false` if it was there before.
    ///
    /// # Errors
    /// [`AddError::TooManyLabels`].
    pub(super) fn want(&mut self, want: Want) -> Result<bool, AddError> {
        if self.wants.contains(&want) {
            return Ok(false);
        }
        if self.wants.len() >= MOST_LABELS {
            return Err(AddError::TooManyLabels(MOST_LABELS));
        }
        self.wants.push(want);
        Ok(true)
    }

    /// Ends the reasons that match. Returns the names that no reason has any more, and whether one is left.
    pub(super) fn unwant(&mut self, ends: impl Fn(&Want) -> bool) -> (Vec<Label>, bool) {
        let (ended, kept): (Wants, Wants) = self.wants.drain(..).partition(ends);
        self.wants = kept;
        let mut gone: Vec<Label> = ended.into_iter().map(|want| want.name).collect();
        gone.retain(|name| self.wants.iter().all(|want| want.name != *name));
        (gone, !self.wants.is_empty())
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
}

impl<H: Clone> Entry<H> {
    /// Takes an interval, unless one that was given later is in force.
    pub(super) fn set_interval(&mut self, given: Option<Given>) -> Option<Change<H>> {
        let given = given.filter(|given| given.stamp > self.given)?;
        self.given = given.stamp;
        let before = std::mem::replace(&mut self.interval, given.interval);
        let handle = self.handle.clone().filter(|_| before != given.interval)?;
        Some(Change::SetInterval(handle, given.interval))
    }
}
