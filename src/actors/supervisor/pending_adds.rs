//! Adds that wait for the first answer of a DNS name.

use super::Added;
use crate::target::{HostName, Label, NameVariant};
use std::collections::HashMap;
use tokio::sync::oneshot;

/// An add that waits for the first answer of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PendingAdd {
    /// The name it was added under.
    pub name: Label,
    /// The DNS name that is looked up.
    pub host: NameVariant,
    /// No add of this subscription has been confirmed yet: it is undone if the name does not exist.
    pub provisional: bool,
    /// The name is followed even if it has no address.
    pub unresolved: bool,
}

impl PendingAdd {
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.host == other.host
    }
}

/// All adds that wait.
#[derive(Debug, Default)]
pub(super) struct PendingAdds(HashMap<HostName, Vec<(PendingAdd, Answer)>>);

type Answer = oneshot::Sender<Added>;

impl PendingAdds {
    /// Waits for a name's first answer. An add of the same name meanwhile shares the result.
    pub(super) fn wait(&mut self, mut pending: PendingAdd) -> oneshot::Receiver<Added> {
        let others = self.0.entry(pending.host.name.clone()).or_default();
        pending.provisional |= others.iter().any(|(other, _)| other.is_same(&pending) && other.provisional);
        let (answer, answered) = oneshot::channel();
        others.push((pending, answer));
        answered
    }

    /// Takes the pending adds of a name; the caller completes each.
    pub(super) fn take(&mut self, host: &HostName) -> Vec<(PendingAdd, Answer)> {
        self.0.remove(host).unwrap_or_default()
    }

    /// Drops the pending adds of a name that is no longer followed.
    pub(super) fn cancel(&mut self, host: &HostName) {
        self.0.remove(host);
    }

    /// Confirms an add without an answer: its subscription stays, even if the name does not exist.
    pub(super) fn confirm(&mut self, confirmed: &PendingAdd) {
        let Some(others) = self.0.get_mut(&confirmed.host.name) else { return };
        others.retain(|(_, answer)| !answer.is_closed());
        for (other, _) in others.iter_mut().filter(|(other, _)| other.is_same(confirmed)) {
            other.provisional = false;
        }
        if others.is_empty() {
            self.0.remove(&confirmed.host.name);
        }
    }
}
