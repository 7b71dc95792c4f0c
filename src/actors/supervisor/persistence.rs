//! The supervisor's use of the storage port.

use super::SupervisorActor;
use crate::actors::persistence::{Receipt, RewriteAll, SavedTarget, StateStore};
use crate::target::TargetKey;
use actix::prelude::*;
use std::collections::HashMap;
use std::rc::Rc;

/// The storage, if there is one, and the saved statistics of targets that are not pinged yet.
#[derive(Default)]
pub(super) struct Persistence {
    store: Option<Rc<dyn StateStore>>,
    saved: HashMap<TargetKey, SavedTarget>,
}

impl Persistence {
    /// Reports the start of a target; returns its statistics from before the restart.
    pub(super) fn started(&mut self, key: &TargetKey) -> Option<SavedTarget> {
        if let Some(store) = &self.store {
            store.started();
        }
        let saved = self.saved.remove(key);
        if self.saved.is_empty() {
            self.saved = HashMap::new();
        }
        saved
    }

    /// Reports the end of a target, and of its statistics.
    pub(super) fn retired(&mut self, key: TargetKey) {
        if let Some(store) = &self.store {
            store.retired(key);
        }
    }
}

impl SupervisorActor {
    /// Saves runtime changes in a store, and continues saved statistics of targets.
    #[must_use]
    pub fn with_store(mut self, store: Rc<dyn StateStore>, saved: HashMap<TargetKey, SavedTarget>) -> Self {
        self.persistence = Persistence { store: Some(store), saved };
        self
    }

    /// Saves the runtime changes since the latest call.
    pub(super) fn persist(&mut self) -> Receipt {
        let changes = self.registry.drain_changes();
        self.persistence.store.as_ref().map_or_else(Receipt::default, |store| store.record(changes))
    }
}

impl Handler<RewriteAll> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: RewriteAll, _: &mut Self::Context) {
        self.persist();
        if let Some(store) = &self.persistence.store {
            store.rewrite(self.registry.runtime_state());
        }
    }
}
