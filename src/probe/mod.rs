//! The port to the network: what a target's actor asks of an engine, and what it hears from it.
//!
//! An engine knows sockets, batches, time stamps and authenticity; it knows nothing of statistics. One engine
//! serves one thread. Nothing is sent between an actor and its engine as a message: the engine calls the actor's
//! [`Listener`], on the thread that both live on.

#[cfg(target_os = "linux")]
pub mod native;
pub mod portable;
pub mod scripted;
mod send_failures;
#[deny(clippy::disallowed_methods)]
pub mod wire;

use crate::measure::{ErrorClass, Log2Histogram, SendError, Timestamp};
use crate::target::{Address, PacketOptions, Timeout};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// What an engine reports of one target. Requests are named by the full number they were sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The request left at `at`. Always comes before the request's other events.
    Sent {
        /// Number of the request.
        number: u32,
        /// When it was handed to the network.
        at: Timestamp,
    },
    /// The request was not sent, for want of our own resources (buffers, memory).
    NotSent {
        /// Number of the request.
        number: u32,
    },
    /// Our own kernel refused the request: no route, interface down, not permitted.
    Refused {
        /// Number of the request.
        number: u32,
        /// When it was refused.
        at: Timestamp,
        /// Why, if the engine knows.
        reason: Option<SendError>,
    },
    /// An authentic echo reply.
    Reply {
        /// Number of the request that it answers.
        number: u32,
        /// When the kernel received it.
        received: Timestamp,
        /// Time to live, or hop limit, if known.
        ttl: Option<u8>,
    },
    /// An ICMP error that quotes the request.
    Error {
        /// The low 16 bits of the request's number: all that an error quotes.
        sequence: u16,
        /// When the kernel received it.
        received: Timestamp,
        /// What kind of error.
        class: ErrorClass,
        /// The ICMP or ICMPv6 code.
        code: u8,
        /// Who sent it.
        router: IpAddr,
    },
}

/// Why a packet was not ours; the label `reason` of `meshping_foreign_packets_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Somebody else's: another ident, an address that is no target.
    NotOurs,
    /// Too short, or with lengths that do not add up.
    Malformed,
    /// A wrong checksum, or a payload that is not what we sent although its token is.
    Corrupt,
    /// Of a request that is no longer remembered, or never was sent.
    Stale,
    /// The token is not the one of that request: forged, or a confused host.
    Forged,
}

impl RejectReason {
    /// Every reason, in the order of its counters.
    pub const ALL: [Self; 5] = [Self::NotOurs, Self::Malformed, Self::Corrupt, Self::Stale, Self::Forged];

    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::Malformed => "malformed",
            Self::Corrupt => "corrupt",
            Self::Stale => "stale",
            Self::Forged => "forged",
        }
    }
}

/// How an engine is doing, for its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineStats {
    /// `native`, `portable` or `scripted`.
    pub engine: &'static str,
    /// `raw`, `dgram` or `none`.
    pub socket: &'static str,
    /// Packets that were not ours, in the order of [`RejectReason::ALL`].
    pub foreign: [u64; RejectReason::ALL.len()],
    /// Packets that our own receive buffers dropped, IPv4 and IPv6.
    pub dropped: [u64; 2],
    /// How long after their slots targets got their turn, where the engine knows.
    pub lateness: Log2Histogram,
    /// How often the engine's task woke up.
    pub wakeups: u64,
    /// So long no target at all has been called on although at least one is due. Overload alone makes others late, and
    /// this no longer; a suspended machine makes it long until the engine's task has had its turn.
    pub stalled: Duration,
}

/// Names a target within its engine. Indices are used again, with another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetId {
    /// Index into the engine's table.
    pub index: u32,
    /// How often the index has been used before.
    pub generation: u32,
}

/// So long after it was received, a packet may still have to be delivered: [`Engine::complete_until`] is never
/// further behind the slot of an alarm that rings, if the sockets could be emptied.
pub const DELIVERY: Duration = Duration::from_millis(5);

/// One thread's way to the network. Lives as long as its last user, and is driven by a task of its own.
///
/// Of its methods only `send` and `collect` call listeners: who calls them must be ready to be called.
pub trait Engine {
    /// The present, on the engine's clock. All moments of one engine are on one line.
    fn now(&self) -> Timestamp;
    /// Registers a target: its events go to `listener` from now on.
    fn attach(&self, address: Address, listener: Rc<dyn Listener>) -> TargetId;
    /// Forgets a target, with its wake-up and its queued requests. What still arrives for it is foreign.
    fn detach(&self, id: TargetId);
    /// Has a target's requests look like that from now on.
    fn set_packet_options(&self, id: TargetId, packet: PacketOptions);
    /// A target's requests are lost after that time. For engines that stop listening some time.
    fn set_timeout(&self, _: TargetId, _: Timeout) {}
    /// Queues an echo request; `Sent`, `NotSent` or `Refused` follows.
    fn send(&self, id: TargetId, number: u32);
    /// Rings the bell of a target with that interval at `at`, or up to an eighth of the interval later. The latest
    /// call counts.
    fn wake_at(&self, id: TargetId, at: Timestamp, interval: Duration);
    /// Delivers what has arrived by now. Returns the moment up to which every packet received is delivered:
    /// a request whose timeout was before it, and that heard nothing, has no answer.
    fn collect(&self) -> Timestamp;
    /// Like [`Self::collect`], without looking at the network again.
    fn complete_until(&self) -> Timestamp;
    /// Whether our own receive buffer for this target's family dropped packets between the two moments.
    fn dropped_between(&self, id: TargetId, from: Timestamp, to: Timestamp) -> bool;
    /// How the engine is doing.
    fn stats(&self) -> EngineStats;
}

/// Whom an engine tells about a target.
pub trait Listener {
    /// Something happened to a request. Nothing is asked of the engine in return: it may be in the middle of things.
    ///
    /// # Errors
    /// [`RejectReason::Stale`] for what belongs to no request that is remembered; the engine counts it.
    fn on_event(&self, event: Event) -> Result<(), RejectReason>;
    /// The target's time has come; here is its way to the network.
    fn on_due(&self, line: Line<'_>);
    /// Reads a little of everything that the next turn needs; what it returns means nothing.
    ///
    /// An engine does it for all targets of a wake-up first: then their memory, in no cache after a second, is
    /// fetched at the same time and not one after the other.
    fn prefetch(&self) -> u64;
}

/// A target's way to the network.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    engine: &'a dyn Engine,
    id: TargetId,
}

impl<'a> Line<'a> {
    /// The way of the target with that id.
    pub fn new(engine: &'a dyn Engine, id: TargetId) -> Self {
        Self { engine, id }
    }

    /// The present, on the engine's clock.
    pub fn now(self) -> Timestamp {
        self.engine.now()
    }

    /// Queues an echo request with that number.
    pub fn send(self, number: u32) {
        self.engine.send(self.id, number);
    }

    /// Asks to be woken at `at`, or up to an eighth of the interval later, instead of what was asked before.
    pub fn wake_at(self, at: Timestamp, interval: Duration) {
        self.engine.wake_at(self.id, at, interval);
    }

    /// See [`Engine::collect`].
    pub fn collect(self) -> Timestamp {
        self.engine.collect()
    }

    /// See [`Engine::complete_until`].
    pub fn complete_until(self) -> Timestamp {
        self.engine.complete_until()
    }

    /// See [`Engine::dropped_between`].
    pub fn dropped_between(self, from: Timestamp, to: Timestamp) -> bool {
        self.engine.dropped_between(self.id, from, to)
    }
}

/// A target's place in its engine. Dropping it detaches the target.
pub struct Port {
    engine: Rc<dyn Engine>,
    id: TargetId,
}

impl Port {
    /// Attaches a target to an engine.
    pub fn open(engine: Rc<dyn Engine>, address: Address, listener: Rc<dyn Listener>) -> Self {
        let id = engine.attach(address, listener);
        Self { engine, id }
    }

    /// Has the target's requests look like that from now on.
    pub fn set_packet_options(&self, packet: PacketOptions) {
        self.engine.set_packet_options(self.id, packet);
    }

    /// The target's requests are lost after that time.
    pub fn set_timeout(&self, timeout: Timeout) {
        self.engine.set_timeout(self.id, timeout);
    }

    /// The target's way to the network.
    pub fn line(&self) -> Line<'_> {
        Line::new(&*self.engine, self.id)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.engine.detach(self.id);
    }
}
