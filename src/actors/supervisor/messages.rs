//! What a supervisor is asked, and what it answers.

use super::Settings;
use crate::actors::persistence::Receipt;
use crate::actors::pinger::PingActor;
pub use crate::actors::registry::{AddError, ConfigChange, Filter, RuntimeChange};
use crate::actors::reload::ReloadState;
use crate::actors::shard::ShardHandle;
use crate::probe::EngineStats;
use crate::target::{Address, Host, Interval, Label, OptionOverrides, TargetSpec};
use actix::WeakAddr;
use actix::prelude::*;
use std::sync::Arc;

/// Adds a target. An existing one keeps the options that the specification does not set.
///
/// The reply comes with the answer of DNS, or after 300 ms with `Ok`; then the name is still looked up.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Added")]
pub struct AddTarget(pub TargetSpec);

/// What came of an [`AddTarget`].
#[derive(Debug)]
pub struct Added {
    /// Whether it is measured.
    pub result: Result<(), AddError>,
    /// Tells when that will be so after a restart, too.
    pub receipt: Receipt,
}

/// Asks to forget hosts. Both given: both apply. Nothing is resolved for it. The reply tells when that will be so after
/// a restart, too.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Receipt")]
pub struct RemoveTargets {
    /// Whatever is called so, and every target that no other name wants.
    pub name: Option<Label>,
    /// An address, whoever wanted it; or a DNS name, whose following ends.
    pub host: Option<Host>,
}

/// Asks which targets there are, in address order.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "TargetPage")]
pub struct GetTargets {
    /// Which of them.
    pub filter: Filter,
    /// Only those after this address.
    pub after: Option<Address>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Targets in address order, with the actors to be asked for their books.
#[derive(Debug, Clone, Default)]
pub struct TargetPage {
    /// The targets asked for.
    pub members: Vec<TargetRef>,
    /// How many there are in all.
    pub total: usize,
}

/// One target.
#[derive(Debug, Clone)]
pub struct TargetRef {
    /// Whom it pings.
    pub address: Address,
    /// Its first name.
    pub name: Label,
    /// Its interval.
    pub interval: Interval,
    /// Its other options.
    pub overrides: Option<Arc<OptionOverrides>>,
    /// The actor that owns its books. Weak, because copies of it take no memory.
    pub pinger: WeakAddr<PingActor>,
    /// Where that actor runs.
    pub home: ShardHandle,
}

/// Asks how the daemon is doing.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Status")]
pub struct GetStatus;

/// How the daemon is doing.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Number of targets.
    pub targets: usize,
    /// Number of DNS names that are followed.
    pub names: usize,
    /// Every target's actor runs.
    pub ready: bool,
    /// Pingers and resolvers that ended by a panic and were replaced.
    pub replaced: u64,
    /// How reading the configuration went.
    pub reload: ReloadState,
    /// One for each shard.
    pub engines: Vec<EngineStats>,
    /// Shards whose thread has ended: nobody pings their targets.
    pub dead_shards: usize,
}

/// Asks to take steps towards another configuration, in order. The reply is what could not be done.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<Rejected>")]
pub struct ApplyConfig(pub Vec<ConfigChange>);

/// What the configuration wants, and can't have.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// How it is called.
    pub name: Label,
    /// What was to be pinged.
    pub host: Host,
    /// Why it is not.
    pub error: AddError,
}

/// Asks what the configuration wants at present.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Configured")]
pub struct GetConfigured;

/// What the configuration wants at present.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configured {
    /// What is wanted.
    pub declared: Vec<TargetSpec>,
    /// What it wants, and somebody has removed live.
    pub banned: Vec<(Label, Host)>,
}

/// Changes the settings.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Configure(pub Settings);

/// Notes how reading the configuration went, for those who ask for the [`Status`].
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct NoteReload(pub ReloadState);

/// Has things as they were wished live before a restart.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Restore(pub Vec<RuntimeChange>);

/// Asks whether every actor of what was wanted so far runs; answered when they do. From then on the daemon is ready.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct WaitUntilReady;
