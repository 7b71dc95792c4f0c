//! The port to the network: what a target's actor asks of an engine, and what it hears from it.
//!
//! An engine knows sockets, batches, time stamps and authenticity; it knows nothing of statistics. One engine
//! serves one thread. Nothing is sent between an actor and its engine as a message: they share a [`Mailbox`].

#[cfg(target_os = "linux")]
pub mod native;
pub mod portable;
mod refusals;
pub mod scripted;
pub mod wire;

use crate::measure::{ErrorClass, Moment, Octaves};
use crate::target::Address;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What an engine reports of one target. Requests are named by the full number they were sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The request left at `at`. Always comes before the request's other events.
    Sent {
        /// Number of the request.
        number: u32,
        /// When it was handed to the network.
        at: Moment,
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
        at: Moment,
    },
    /// An authentic echo reply.
    Reply {
        /// Number of the request that it answers.
        number: u32,
        /// When the kernel received it.
        received: Moment,
        /// Time to live, or hop limit, if known.
        ttl: Option<u8>,
    },
    /// An ICMP error that quotes the request.
    Error {
        /// The low 16 bits of the request's number: all that an error quotes.
        sequence: u16,
        /// When the kernel received it.
        received: Moment,
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
pub enum Foreign {
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

impl Foreign {
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
    /// Packets that were not ours, in the order of [`Foreign::ALL`].
    pub foreign: [u64; Foreign::ALL.len()],
    /// Packets that our own receive buffers dropped, IPv4 and IPv6.
    pub dropped: [u64; 2],
    /// How long after their slots targets got their turn, where the engine knows.
    pub lateness: Octaves,
    /// How often the engine's task woke up.
    pub wakeups: u64,
}

/// Names a target within its engine. Indices are used again, with another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortId {
    /// Index into the engine's table.
    pub index: u32,
    /// How often the index has been used before.
    pub generation: u32,
}

/// So long after it was received, a packet may still have to be delivered: [`Engine::complete_until`] is never
/// further behind when an alarm rings.
pub const DELIVERY: Duration = Duration::from_millis(5);

/// One thread's way to the network. Lives as long as its last user, and is driven by a task of its own.
///
/// No method may be called from within another; an engine delivers events and wakes actors without holding
/// a borrow, so that whatever they do next is allowed.
pub trait Engine {
    /// The present, on the engine's clock. All moments of one engine are on one line.
    fn now(&self) -> Moment;
    /// Registers a target: its events go to `mailbox` from now on.
    fn attach(&self, address: Address, mailbox: Rc<Mailbox>) -> PortId;
    /// Forgets a target, with its wake-up and its queued requests. What still arrives for it is foreign.
    fn detach(&self, id: PortId);
    /// Queues an echo request; `Sent`, `NotSent` or `Refused` follows.
    fn send(&self, id: PortId, number: u32);
    /// Rings the bell of a target with that interval at `at`, or up to an eighth of the interval later. The latest
    /// call counts.
    fn wake_at(&self, id: PortId, at: Moment, interval: Duration);
    /// Delivers what has arrived by now. Returns the moment up to which every packet received is delivered:
    /// a request whose timeout was before it, and that heard nothing, has no answer.
    fn collect(&self) -> Moment;
    /// Like [`Self::collect`], without looking at the network again.
    fn complete_until(&self) -> Moment;
    /// Whether our own receive buffer for this target's family dropped packets between the two moments.
    fn dropped_between(&self, id: PortId, from: Moment, to: Moment) -> bool;
    /// Counts a packet that turned out to be foreign only when its actor looked at it.
    fn count_foreign(&self, reason: Foreign);
    /// How the engine is doing.
    fn stats(&self) -> EngineStats;
}

/// Where an engine leaves a target's events, and how it wakes the target's actor.
#[derive(Default)]
pub struct Mailbox {
    due: Cell<bool>,
    events: RefCell<Vec<Event>>,
    waker: Cell<Option<Waker>>,
}

impl Mailbox {
    /// So many events wake the actor; fewer wait until it is due anyway.
    const FULL: usize = 16;

    /// Leaves an event.
    pub fn deliver(&self, event: Event) {
        let mut events = self.events.borrow_mut();
        let length = events.len();
        if length == events.capacity() {
            // Most targets have two to a turn, a request's and its reply's: less than a `Vec` begins with.
            events.reserve_exact(length.max(2));
        }
        events.push(event);
        let full = length + 1 == Self::FULL;
        drop(events);
        if full {
            self.ring();
        }
    }

    /// Wakes the actor: its time has come.
    pub fn ring(&self) {
        self.due.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.due.replace(false) {
            return Poll::Ready(());
        }
        let waker = self.waker.take().filter(|old| old.will_wake(cx.waker()));
        self.waker.set(Some(waker.unwrap_or_else(|| cx.waker().clone())));
        Poll::Pending
    }
}

/// A target's end of its engine. Dropping it detaches the target.
pub struct Port {
    engine: Rc<dyn Engine>,
    mailbox: Rc<Mailbox>,
    id: PortId,
}

impl Port {
    /// Attaches a target to an engine.
    pub fn open(engine: Rc<dyn Engine>, address: Address) -> Self {
        let mailbox = Rc::new(Mailbox::default());
        let id = engine.attach(address, Rc::clone(&mailbox));
        Self { engine, mailbox, id }
    }

    /// The present, on the engine's clock.
    pub fn now(&self) -> Moment {
        self.engine.now()
    }

    /// Queues an echo request with that number.
    pub fn send(&self, number: u32) {
        self.engine.send(self.id, number);
    }

    /// Asks to be woken at `at`, or up to an eighth of the interval later, instead of what was asked before.
    pub fn wake_at(&self, at: Moment, interval: Duration) {
        self.engine.wake_at(self.id, at, interval);
    }

    /// Ready when the bell has rung since the last time.
    pub fn poll_bell(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.mailbox.poll(cx)
    }

    /// Takes the events that have been delivered, oldest first; [`Self::recycle`] gives their memory back.
    pub fn take_events(&self) -> Vec<Event> {
        self.mailbox.events.take()
    }

    /// Keeps the memory of events that have been dealt with, so that none is allocated for a ping.
    pub fn recycle(&self, mut events: Vec<Event>) {
        events.clear();
        let mut current = self.mailbox.events.borrow_mut();
        if current.is_empty() && events.capacity() <= Mailbox::FULL {
            *current = events;
        }
    }

    /// See [`Engine::collect`].
    pub fn collect(&self) -> Moment {
        self.engine.collect()
    }

    /// See [`Engine::complete_until`].
    pub fn complete_until(&self) -> Moment {
        self.engine.complete_until()
    }

    /// See [`Engine::dropped_between`].
    pub fn dropped_between(&self, from: Moment, to: Moment) -> bool {
        self.engine.dropped_between(self.id, from, to)
    }

    /// See [`Engine::count_foreign`].
    pub fn count_foreign(&self, reason: Foreign) {
        self.engine.count_foreign(reason);
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.engine.detach(self.id);
    }
}
