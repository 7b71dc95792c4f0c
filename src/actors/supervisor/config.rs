//! What a supervisor does about its configuration: at the start, and when another one is given.

use super::{
    AddError, ApplyConfig, Configure, Configured, GetConfigured, NoteReload, Rejected, Restore, Settings,
    Shard, SupervisorActor, WaitUntilReady,
};
use crate::actors::registry::{Change, ConfigChange, RuntimeChange};
use crate::target::{Host, HostName, Label};
use actix::prelude::*;
use futures_util::future::join_all;
use tracing::error;

impl SupervisorActor {
    /// Does what follows from a step, and follows the DNS name that is new with it.
    fn follow_up(
        &mut self,
        done: Result<Option<HostName>, AddError>,
        changes: Vec<Change<super::Pinger>>,
        ctx: &mut Context<Self>,
    ) -> Result<(), AddError> {
        self.apply(changes, ctx);
        if let Some(host) = done? {
            self.start_resolver(&host, ctx);
        }
        Ok(())
    }

    pub(super) fn restore(&mut self, wishes: Vec<RuntimeChange>, ctx: &mut Context<Self>) {
        for wish in wishes {
            let mut changes = Vec::new();
            let what = match &wish {
                RuntimeChange::Add(target) => target.name.clone(),
                _ => "".into(),
            };
            let done = self.registry.restore(wish, &mut changes);
            if let Err(error) = self.follow_up(done, changes, ctx) {
                error!(name = ?what, %error, "what was added before the restart is not added again");
            }
        }
    }
}

impl Handler<ApplyConfig> for SupervisorActor {
    type Result = MessageResult<ApplyConfig>;

    fn handle(&mut self, ApplyConfig(amendments): ApplyConfig, ctx: &mut Self::Context) -> Self::Result {
        let mut refused = Vec::new();
        for amendment in amendments {
            let (name, host) = subject(&amendment);
            let mut changes = Vec::new();
            let done = self.registry.amend(amendment, &mut changes);
            if let Err(error) = self.follow_up(done, changes, ctx) {
                error!(?name, %host, %error, "target not added");
                refused.push(Rejected { name, host, error });
            }
        }
        self.keep();
        MessageResult(refused)
    }
}

fn subject(amendment: &ConfigChange) -> (Label, Host) {
    match amendment {
        ConfigChange::Put(declared) => (declared.name.clone(), declared.host.clone()),
        ConfigChange::Drop { name, host } => (name.clone(), host.clone()),
    }
}

impl Handler<Restore> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Restore(wishes): Restore, ctx: &mut Self::Context) {
        self.restore(wishes, ctx);
    }
}

impl Handler<GetConfigured> for SupervisorActor {
    type Result = MessageResult<GetConfigured>;

    fn handle(&mut self, _: GetConfigured, _: &mut Self::Context) -> Self::Result {
        let banned = self.registry.banned().cloned().collect();
        MessageResult(Configured { declared: self.registry.declared(), banned })
    }
}

impl Handler<Configure> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Configure(Settings { limits, defaults }): Configure, ctx: &mut Self::Context) {
        self.registry.set_limits(limits);
        let changes = self.registry.set_defaults(defaults);
        self.apply(changes, ctx);
    }
}

impl Handler<NoteReload> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, NoteReload(state): NoteReload, _: &mut Self::Context) {
        self.reload = state;
    }
}

impl Handler<WaitUntilReady> for SupervisorActor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: WaitUntilReady, _: &mut Self::Context) -> Self::Result {
        let started = join_all(self.shards.iter().map(Shard::stats));
        Box::pin(started.into_actor(self).map(|_, supervisor, _| supervisor.ready = true))
    }
}
