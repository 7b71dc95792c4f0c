//! What a supervisor is asked, and what it answers.

use crate::actors::pinger::PingActor;
pub use crate::actors::registry::{AddError, Filter};
use crate::actors::shard::Home;
use crate::probe::EngineStats;
use crate::target::{Address, Host, Interval, Label};
use actix::WeakAddr;
use actix::prelude::*;

/// Asks for a host to be measured under a name.
///
/// Answered when it is known what came of it, or after 300 ms with `Ok`: then the name keeps being tried.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), AddError>")]
pub struct Add {
    /// How to call it.
    pub name: Label,
    /// What to ping.
    pub host: Host,
    /// Seconds between requests; without it an existing target keeps its own, a new one gets the default.
    pub interval: Option<Interval>,
}

/// Asks to forget hosts. Both given: both apply. Nothing is resolved for it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Remove {
    /// Whatever is called so, and every target that no other name wants.
    pub name: Option<Label>,
    /// An address, whoever wanted it; or a DNS name, whose following ends.
    pub host: Option<Host>,
}

/// Asks which targets there are, in address order.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "Roster")]
pub struct GetRoster {
    /// Which of them.
    pub filter: Filter,
    /// Only those after this address.
    pub after: Option<Address>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Targets in address order, with the actors to be asked for their books.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// The targets asked for.
    pub members: Vec<Member>,
    /// How many there are in all.
    pub total: usize,
}

/// One target.
#[derive(Debug, Clone)]
pub struct Member {
    /// Whom it pings.
    pub address: Address,
    /// Its first name.
    pub name: Label,
    /// Its interval.
    pub interval: Interval,
    /// The actor that owns its books. Weak, because copies of it take no memory.
    pub pinger: WeakAddr<PingActor>,
    /// Where that actor runs.
    pub home: Home,
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
    /// One for each shard.
    pub engines: Vec<EngineStats>,
}

/// Asks for hosts to be measured at the start. Answered when their actors run; names are not waited for.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Load(pub Vec<Add>);
