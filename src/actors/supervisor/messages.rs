//! Messages of a supervisor.

use super::Settings;
use crate::actors::persistence::Receipt;
use crate::actors::pinger::PingActor;
pub use crate::actors::registry::{AddError, ConfigChange, Entry, EntryQuery, Filter, Origin, RuntimeChange};
use crate::actors::reload::ReloadState;
use crate::actors::shard::ShardHandle;
use crate::probe::EngineStats;
use crate::resolve::LookupVerdict;
use crate::target::{
    EntryConflict, HostSelector, HostVariant, Interval, Label, NewEntry, OptionOverrides, TargetKey,
    TargetSpec,
};
use actix::WeakAddr;
use actix::prelude::*;
use std::sync::Arc;
use std::time::SystemTime;

/// Adds a target. An existing one keeps the options that the specification does not set.
///
/// The reply comes with the result, or after 300 ms with `Ok`: then look-ups of the name go on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Added")]
pub struct AddTarget(pub NewEntry);

/// Result of an [`AddTarget`].
#[derive(Debug)]
pub struct Added {
    /// Whether it was added.
    pub result: Result<(), AddError>,
    /// Options that have no effect, because another entry of a target has other ones.
    pub conflict: Option<EntryConflict>,
    /// Resolves when the change is saved.
    pub receipt: Receipt,
}

/// Removes targets, by name, by host or by both. No name is resolved. The reply resolves when the change is saved.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Removed")]
pub struct RemoveTargets {
    /// Removes this name, and every target without another name.
    pub name: Option<Label>,
    /// Removes this address with all its names, or stops following this DNS name.
    pub host: Option<HostSelector>,
}

/// Result of a [`RemoveTargets`].
#[derive(Debug, Default)]
pub struct Removed {
    /// Whether anything matched. A target that matched by one of several names is still pinged.
    pub matched: bool,
    /// Number of targets that are no longer pinged.
    pub targets: usize,
    /// Number of DNS names that are no longer followed.
    pub names: usize,
    /// Resolves when the change is on disk.
    pub receipt: Receipt,
}

/// Asks for targets, in address order.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "TargetPage")]
pub struct GetTargets {
    /// Selects them.
    pub filter: Filter,
    /// Only those after this target.
    pub after: Option<TargetKey>,
    /// Maximum number of targets.
    pub limit: Option<usize>,
}

/// Targets in address order, with their actors.
#[derive(Debug, Clone, Default)]
pub struct TargetPage {
    /// The selected targets.
    pub targets: Vec<TargetRef>,
    /// Number of targets that match, on all pages.
    pub total: usize,
}

/// One target.
#[derive(Debug, Clone)]
pub struct TargetRef {
    /// Its address and variant.
    pub key: TargetKey,
    /// Its first name.
    pub name: Label,
    /// All its names, the first one included; empty if there is only one.
    pub names: Vec<Label>,
    /// Its interval.
    pub interval: Interval,
    /// Its options that differ from the defaults.
    pub overrides: Option<Arc<OptionOverrides>>,
    /// Its actor. Weak, because copies of it take no memory.
    pub pinger: WeakAddr<PingActor>,
    /// The shard that the actor runs on.
    pub shard: ShardHandle,
}

/// Asks for entries.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "Vec<EntryState>")]
pub struct GetEntries(pub EntryQuery);

/// An entry, and what is known of its DNS name.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryState {
    /// The entry.
    pub entry: Entry,
    /// The look-ups of its DNS name; `None` for an address.
    pub lookups: Option<LookupState>,
}

/// The look-ups of a DNS name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupState {
    /// Result of the latest one; `None` during the first.
    pub verdict: Option<LookupVerdict>,
    /// Since when the result is the same.
    pub since: SystemTime,
    /// When the next one begins, or when the present one began.
    pub next: SystemTime,
    /// The latest one that found an address.
    pub succeeded: Option<SystemTime>,
}

/// Asks for the state of the daemon.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Status")]
pub struct GetStatus;

/// State of the daemon.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Number of targets.
    pub targets: usize,
    /// Number of DNS names that are followed.
    pub names: usize,
    /// Whether the actors of all targets have started once.
    pub ready: bool,
    /// Pingers and resolvers that ended by a panic and were replaced.
    pub replaced: u64,
    /// Result of the latest reload.
    pub reload: ReloadState,
    /// One for each shard.
    pub engines: Vec<EngineStats>,
    /// Shards whose thread has ended: their targets are not pinged.
    pub dead_shards: usize,
}

/// Applies changes of the configuration, in order. The reply holds those that were rejected.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<Rejected>")]
pub struct ApplyConfig(pub Vec<ConfigChange>);

/// A configured target that was not added.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// Its name.
    pub name: Label,
    /// The host.
    pub host: HostVariant,
    /// The reason.
    pub error: AddError,
}

/// Asks for the configured targets.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Configured")]
pub struct GetConfigured;

/// The configured targets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configured {
    /// Configured and pinged.
    pub targets: Vec<TargetSpec>,
    /// Configured, and removed at runtime.
    pub suppressed: Vec<(Label, HostVariant)>,
}

/// Changes the settings.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Configure(pub Settings);

/// Sets the result of a reload, as part of the [`Status`].
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct NoteReload(pub ReloadState);

/// Waits until the actors of all targets so far run; from then on the daemon is ready.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct WaitUntilReady;
