//! What a supervisor tells whoever keeps things over restarts, and what it got from there.

use super::SupervisorActor;
use crate::actors::persistence::{Recall, Receipt, RewriteAll, SavedTarget, StateStore};
use crate::target::Address;
use actix::prelude::*;
use std::collections::HashMap;
use std::rc::Rc;

/// Who keeps things, if anybody does, and the statistics of targets that are not pinged yet.
#[derive(Default)]
pub(super) struct Persistence {
    keeper: Option<Rc<dyn StateStore>>,
    saved: HashMap<Address, SavedTarget>,
}

impl Persistence {
    /// A target begins; returns what was known of it before the restart.
    pub(super) fn started(&mut self, address: &Address) -> Option<SavedTarget> {
        if let Some(keeper) = &self.keeper {
            keeper.started();
        }
        let saved = self.saved.remove(address);
        if self.saved.is_empty() {
            self.saved = HashMap::new();
        }
        saved
    }

    /// A target ends, and what was known of it.
    pub(super) fn retired(&mut self, address: Address) {
        if let Some(keeper) = &self.keeper {
            keeper.retired(address);
        }
    }
}

impl SupervisorActor {
    /// Has what is wished live kept from now on, and the targets go on with statistics that were kept.
    #[must_use]
    pub fn remembering(mut self, keeper: Rc<dyn StateStore>, saved: HashMap<Address, SavedTarget>) -> Self {
        self.memory = Persistence { keeper: Some(keeper), saved };
        self
    }

    /// Has kept what was wished since this was last called.
    pub(super) fn keep(&mut self) -> Receipt {
        let wishes = self.registry.drain_changes();
        self.memory.keeper.as_ref().map_or_else(Receipt::default, |keeper| keeper.record(wishes))
    }
}

impl Handler<RewriteAll> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, _: RewriteAll, _: &mut Self::Context) {
        self.keep();
        if let Some(keeper) = &self.memory.keeper {
            keeper.rewrite(self.registry.wished());
        }
    }
}

impl Handler<Recall> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Recall(wishes): Recall, ctx: &mut Self::Context) {
        self.restore(wishes, ctx);
    }
}
