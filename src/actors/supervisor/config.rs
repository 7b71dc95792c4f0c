//! Configuration of a supervisor, at the start and at a reload.

use super::{
    AddError, ApplyConfig, Configure, Configured, GetConfigured, NoteReload, Rejected, Settings, Shard,
    SupervisorActor, WaitUntilReady,
};
use crate::actors::persistence::Restore;
use crate::actors::registry::{Change, ConfigChange, RuntimeChange};
use crate::target::{HostName, HostVariant, Label, TargetSpec};
use actix::prelude::*;
use futures_util::future::join_all;
use tracing::error;

impl SupervisorActor {
    /// Makes the changes that follow from a change of the registry, and follows its new DNS name.
    fn finish_change(
        &mut self,
        result: Result<Option<HostName>, AddError>,
        changes: Vec<Change<super::Pinger>>,
        ctx: &mut Context<Self>,
    ) -> Result<(), AddError> {
        self.apply(changes, ctx);
        if let Some(host) = result? {
            self.start_resolver(&host, ctx);
        }
        Ok(())
    }

    pub(super) fn restore(&mut self, changes: Vec<RuntimeChange>, ctx: &mut Context<Self>) {
        for change in changes {
            let mut changes = Vec::new();
            let name = match &change {
                RuntimeChange::Add(TargetSpec { name, .. }) => name.clone(),
                _ => "".into(),
            };
            let result = self.registry.restore(change, &mut changes);
            if let Err(error) = self.finish_change(result, changes, ctx) {
                error!(?name, %error, "what was added before the restart is not added again");
            }
        }
        self.log_conflicts();
    }
}

impl Handler<ApplyConfig> for SupervisorActor {
    type Result = MessageResult<ApplyConfig>;

    fn handle(&mut self, ApplyConfig(changes): ApplyConfig, ctx: &mut Self::Context) -> Self::Result {
        let mut rejected = Vec::new();
        for change in changes {
            let (name, host) = subject(&change);
            let mut changes = Vec::new();
            let result = self.registry.apply_change(change, &mut changes);
            if let Err(error) = self.finish_change(result, changes, ctx) {
                error!(?name, %host, %error, "target not added");
                rejected.push(Rejected { name, host, error });
            }
        }
        self.log_conflicts();
        self.persist();
        MessageResult(rejected)
    }
}

fn subject(change: &ConfigChange) -> (Label, HostVariant) {
    match change {
        ConfigChange::Put(spec) => (spec.name.clone(), spec.host_variant()),
        ConfigChange::Drop { name, host } => (name.clone(), host.clone()),
    }
}

impl Handler<Restore> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Restore(changes): Restore, ctx: &mut Self::Context) {
        self.restore(changes, ctx);
    }
}

impl Handler<GetConfigured> for SupervisorActor {
    type Result = MessageResult<GetConfigured>;

    fn handle(&mut self, _: GetConfigured, _: &mut Self::Context) -> Self::Result {
        let suppressed = self.registry.suppressed().cloned().collect();
        MessageResult(Configured { targets: self.registry.configured(), suppressed })
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
