//! The port to the network: the trait of engines, and the callbacks of their targets.
//!
//! An engine handles sockets, batches, time stamps and authenticity, and has no statistics. One engine serves one
//! thread. A pinger and its engine exchange no messages: the engine calls the pinger's `Listener` on the thread of
//! both.

/// Engine with sockets of its own, for Linux.
#[cfg(target_os = "linux")]
pub mod native;
/// Engine on surge-ping.
pub mod portable;
/// Network for tests.
pub mod scripted;
mod send_failures;
/// Packets as bytes.
#[deny(clippy::disallowed_methods)]
pub mod wire;

use crate::measure::{ErrorClass, Log2Histogram, SendError, Timestamp};
use crate::target::{Address, PacketOptions, Timeout};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// An event of one target. Requests are identified by their full number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The request was sent at `at`. Always precedes the request's other events.
    Sent {
        /// Number of the request.
        number: u32,
        /// When it was passed to the network.
        at: Timestamp,
    },
    /// The request was not sent for lack of local resources (buffers, memory).
    NotSent {
        /// Number of the request.
        number: u32,
    },
    /// The local kernel refused the request: no route, interface down, not permitted.
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
        /// The class of the error.
        class: ErrorClass,
        /// The ICMP or ICMPv6 code.
        code: u8,
        /// The sender of the error.
        router: IpAddr,
    },
}

/// Why a packet was rejected; the label `reason` of `meshping_foreign_packets_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RejectReason {
    /// For another program: another identifier, or an address that is no target.
    NotOurs,
    /// Too short, or with lengths that do not add up.
    Malformed,
    /// A wrong checksum, or a wrong payload with a right token.
    Corrupt,
    /// For a request that is too old, or was never sent.
    Stale,
    /// The token is not that of the request: a forgery, or a fault of the host.
    Forged,
}

impl RejectReason {
    /// Every reason, in the order of its counters.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The value of the label `reason`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Counters of an engine, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineStats {
    /// `native`, `portable` or `scripted`.
    pub engine: &'static str,
    /// `raw`, `dgram` or `none`.
    pub socket: &'static str,
    /// Rejected packets, in the order of [`RejectReason::ALL`].
    pub foreign: [u64; RejectReason::ALL.len()],
    /// Packets that our own receive buffers dropped, IPv4 and IPv6.
    pub dropped: [u64; 2],
    /// Time from slots to the calls of their targets, if the engine measures it.
    pub lateness: Log2Histogram,
    /// How often the engine's task woke up.
    pub wakeups: u64,
    /// Time for which no target was called although at least one was due. Overload alone does not increase it; a
    /// suspend does, until the engine's task runs again.
    pub stalled: Duration,
}

/// Identifies a target within its engine. Indices are reused with another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetId {
    /// Index into the engine's table.
    pub index: u32,
    /// Number of earlier uses of the index.
    pub generation: u32,
}

/// Maximum time from receipt to delivery of a packet: [`Engine::complete_until`] is at most this far behind the slot of
/// an alarm, if the sockets could be emptied.
pub const DELIVERY: Duration = Duration::from_millis(5);

/// Sends requests and receives replies for the targets of one thread. Driven by its own task, which ends with its last
/// user.
///
/// Only `send` and `collect` call listeners: their callers must not hold a borrow that a listener needs.
pub trait Engine {
    /// The present. All moments of one engine are on one clock.
    fn now(&self) -> Timestamp;
    /// Adds a target, whose events go to `listener`.
    fn attach(&self, address: Address, listener: Rc<dyn Listener>) -> TargetId;
    /// Removes a target, with its alarm and its queued requests. Later packets for it are foreign.
    fn detach(&self, id: TargetId);
    /// Changes the options of a target's requests.
    fn set_packet_options(&self, id: TargetId, packet: PacketOptions);
    /// Changes the timeout of a target, for engines that stop listening after it.
    fn set_timeout(&self, _: TargetId, _: Timeout) {}
    /// Queues an echo request; `Sent`, `NotSent` or `Refused` follows.
    fn send(&self, id: TargetId, number: u32);
    /// Sets the alarm of a target to `at`, or up to an eighth of its interval later; replaces an earlier alarm.
    fn wake_at(&self, id: TargetId, at: Timestamp, interval: Duration);
    /// Delivers received packets. Returns the moment up to which all of them are delivered: a request whose timeout
    /// was before it, and that has no event, has no answer.
    fn collect(&self) -> Timestamp;
    /// Like [`Self::collect`], without looking at the network again.
    fn complete_until(&self) -> Timestamp;
    /// Whether the receive buffer of this target's family dropped packets between the two moments.
    fn dropped_between(&self, id: TargetId, from: Timestamp, to: Timestamp) -> bool;
    /// The address that the target's latest reply came from, if it is not the target's own.
    fn answered_by(&self, _: TargetId) -> Option<Address> {
        None
    }
    /// The counters of the engine.
    fn stats(&self) -> EngineStats;
}

/// Callbacks of a target.
pub trait Listener {
    /// Handles an event of a request. Must not call the engine, which may hold a borrow.
    ///
    /// # Errors
    /// [`RejectReason::Stale`] for an event without a recent request; the engine counts it.
    fn on_event(&self, event: Event) -> Result<(), RejectReason>;
    /// Whether a request with this sequence number is in flight.
    fn awaits(&self, sequence: u16) -> bool;
    /// Handles the alarm of the target.
    fn on_due(&self, engine: EngineHandle<'_>);
    /// Touches all memory that the next [`Self::on_due`] needs; the returned value has no meaning.
    ///
    /// An engine calls it for all targets of a wake-up first: then their memory, which is in no cache after a second,
    /// is fetched in parallel and not one target after the other.
    fn prefetch(&self) -> u64;
}

/// One target's access to its engine.
#[derive(Clone, Copy)]
pub struct EngineHandle<'a> {
    engine: &'a dyn Engine,
    id: TargetId,
}

impl<'a> EngineHandle<'a> {
    /// The access of the target with that id.
    pub fn new(engine: &'a dyn Engine, id: TargetId) -> Self {
        Self { engine, id }
    }

    /// See [`Engine::now`].
    pub fn now(self) -> Timestamp {
        self.engine.now()
    }

    /// See [`Engine::send`].
    pub fn send(self, number: u32) {
        self.engine.send(self.id, number);
    }

    /// See [`Engine::wake_at`].
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
