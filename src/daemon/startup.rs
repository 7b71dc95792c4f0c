//! Targets of the start: those of the configuration, and those added at runtime before a restart.

use crate::actors::persistence::Restore;
use crate::actors::supervisor::{ApplyConfig, ConfigChange, RuntimeChange, SupervisorActor};
use crate::target::{HostVariant, Label, TargetSpec};
use actix::prelude::*;
use std::collections::HashSet;

/// Sends the supervisor the configured targets and the runtime changes of before the restart.
///
/// Suppressions come first, so that a suppressed target is not pinged at all. A suppression ends if its target is no
/// longer configured, unless the configuration is `incomplete`.
pub(super) fn begin(
    supervisor: &Addr<SupervisorActor>,
    targets: Vec<TargetSpec>,
    incomplete: bool,
    runtime_changes: Vec<RuntimeChange>,
) {
    let (suppressions, others): (Vec<RuntimeChange>, Vec<RuntimeChange>) =
        runtime_changes.into_iter().partition(|change| matches!(change, RuntimeChange::Suppress { .. }));
    let configured: HashSet<(Label, HostVariant)> = targets
        .iter()
        .filter(|_| !suppressions.is_empty())
        .map(|target| (target.name.clone(), target.host_variant()))
        .collect();
    let ended = |change: &RuntimeChange| match change {
        RuntimeChange::Suppress { name, host }
            if !incomplete && !configured.contains(&(name.clone(), host.clone())) =>
        {
            Some(ConfigChange::Drop { name: name.clone(), host: host.clone() })
        }
        _ => None,
    };
    let ended: Vec<ConfigChange> = suppressions.iter().filter_map(ended).collect();
    supervisor.do_send(Restore(suppressions));
    supervisor
        .do_send(ApplyConfig(ended.into_iter().chain(targets.into_iter().map(ConfigChange::Put)).collect()));
    supervisor.do_send(Restore(others));
}
