//! What is pinged from the start: what is configured, and what was wished live before a restart.

use crate::actors::supervisor::{ApplyConfig, ConfigChange, Restore, RuntimeChange, SupervisorActor};
use crate::target::{Host, Label, TargetSpec};
use actix::prelude::*;
use std::collections::HashSet;

/// Has the supervisor want what is configured, and what was wished live before the restart. Bans come first, so that
/// nobody is pinged only to be banned; those of what is not configured any more are over, unless it is not known
/// (`incomplete`) what is configured.
pub(super) fn begin(
    supervisor: &Addr<SupervisorActor>,
    targets: Vec<TargetSpec>,
    incomplete: bool,
    wishes: Vec<RuntimeChange>,
) {
    let is_ban = |wish: &RuntimeChange| matches!(wish, RuntimeChange::Suppress { .. });
    let (bans, wishes): (Vec<RuntimeChange>, Vec<RuntimeChange>) = wishes.into_iter().partition(is_ban);
    let configured: HashSet<(&Label, &Host)> =
        targets.iter().filter(|_| !bans.is_empty()).map(|target| (&target.name, &target.host)).collect();
    let over = |wish: &RuntimeChange| match wish {
        RuntimeChange::Suppress { name, host } if !incomplete && !configured.contains(&(name, host)) => {
            Some(ConfigChange::Drop { name: name.clone(), host: host.clone() })
        }
        _ => None,
    };
    let over: Vec<ConfigChange> = bans.iter().filter_map(over).collect();
    supervisor.do_send(Restore(bans));
    supervisor
        .do_send(ApplyConfig(over.into_iter().chain(targets.into_iter().map(ConfigChange::Put)).collect()));
    supervisor.do_send(Restore(wishes));
}
