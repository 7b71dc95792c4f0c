//! Those who wait for the first answer of a name.

use super::Added;
use crate::target::{HostName, Label};
use std::collections::HashMap;
use tokio::sync::oneshot;

/// Somebody who added a name and waits for what it turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PendingAdd {
    /// The name it was added under.
    pub name: Label,
    /// The name that is being looked up.
    pub host: HostName,
    /// Nobody was promised this claim yet: if the name turns out to be none, it is taken back.
    pub provisional: bool,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub(super) struct PendingAdds(HashMap<HostName, Vec<(PendingAdd, Answer)>>);

type Answer = oneshot::Sender<Added>;

impl PendingAdds {
    /// Waits for a name's first answer. Whoever adds the same again meanwhile shares its fate.
    pub(super) fn wait(&mut self, mut waiter: PendingAdd) -> oneshot::Receiver<Added> {
        let others = self.0.entry(waiter.host.clone()).or_default();
        waiter.provisional |= others.iter().any(|(other, _)| other.name == waiter.name && other.provisional);
        let (answer, answered) = oneshot::channel();
        others.push((waiter, answer));
        answered
    }

    /// Those who wait for a name; each is to be answered.
    pub(super) fn take(&mut self, host: &HostName) -> Vec<(PendingAdd, Answer)> {
        self.0.remove(host).unwrap_or_default()
    }

    /// The name is no longer followed: nobody will be answered.
    pub(super) fn give_up(&mut self, host: &HostName) {
        self.0.remove(host);
    }

    /// That one is told that the name keeps being tried, so its claim stays, whatever comes.
    pub(super) fn settle_for(&mut self, settled: &PendingAdd) {
        let Some(others) = self.0.get_mut(&settled.host) else { return };
        others.retain(|(_, answer)| !answer.is_closed());
        for (other, _) in others.iter_mut().filter(|(other, _)| other.name == settled.name) {
            other.provisional = false;
        }
        if others.is_empty() {
            self.0.remove(&settled.host);
        }
    }
}
