//! The elements of scripts: the outcome of one echo request.

use crate::measure::ErrorClass;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

/// Outcome of one echo request to a scripted host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedOutcome {
    pub(super) sending: Sending,
    /// Shared, because an outcome is looked up for each request.
    pub(super) arrivals: Rc<[Arrival]>,
}

/// Outcome of sending a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    Sent,
    NotSent,
    Refused,
    Panic,
}

/// A packet that arrives a time after the request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub after: Duration,
    pub kind: ScriptedArrival,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScriptedArrival {
    Reply,
    Error(ErrorClass),
    /// A reply with a number that is not the request's.
    Stale,
    /// A reply that the local receive buffer drops.
    DroppedByUs,
}

impl ScriptedOutcome {
    /// TTL of every scripted reply.
    pub const TTL: u8 = 57;
    /// The router that all scripted errors come from.
    pub const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254));
    /// The code of all scripted errors.
    pub const CODE: u8 = 1;

    /// Combines two outcomes: `reply(12).and(reply(15))` is a reply and its duplicate, `error(5, class).and(reply(40))`
    /// an error and a later reply.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a script reads better without borrows")]
    pub fn and(self, other: Self) -> Self {
        let arrivals = self.arrivals.iter().chain(&*other.arrivals).copied().collect();
        Self { arrivals, ..self }
    }

    fn sending(sending: Sending) -> Self {
        Self { sending, arrivals: Rc::new([]) }
    }

    fn arrival(after: Duration, kind: ScriptedArrival) -> Self {
        Self { sending: Sending::Sent, arrivals: Rc::new([Arrival { after, kind }]) }
    }
}

/// A reply after `millis` milliseconds: an answer, or a late reply after the timeout.
pub fn reply(millis: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Reply)
}

/// A reply after `micros` microseconds. Its time of receipt is exact; it is delivered at the next whole millisecond.
pub fn reply_micros(micros: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_micros(micros), ScriptedArrival::Reply)
}

/// No reply.
pub fn silence() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::Sent)
}

/// An ICMP error of the class after `millis` milliseconds.
pub fn error(millis: u64, class: ErrorClass) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Error(class))
}

/// A reply after `millis` milliseconds with a number that no recent request has.
pub fn stale(millis: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Stale)
}

/// A reply after `millis` milliseconds that the local receive buffer drops.
pub fn swallowed(millis: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::DroppedByUs)
}

/// Not sent, for lack of local resources.
pub fn not_sent() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::NotSent)
}

/// Refused by the local kernel.
pub fn refused() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::Refused)
}

/// The engine panics at sending, which ends the actor.
pub fn panic_at_send() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::Panic)
}
