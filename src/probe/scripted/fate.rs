//! The vocabulary of scripts: what becomes of one echo request.

use crate::measure::ErrorClass;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

/// What becomes of one echo request to a scripted host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedOutcome {
    pub(super) sending: Sending,
    /// Shared, because a fate is looked up once for each request.
    pub(super) arrivals: Rc<[Arrival]>,
}

/// What our own side does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    Sent,
    NotSent,
    Refused,
    Panic,
}

/// Something that comes back, so long after the request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub after: Duration,
    pub what: ScriptedArrival,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScriptedArrival {
    Reply,
    Error(ErrorClass),
    /// A reply with a number that is not the request's.
    Stale,
    /// A reply that our own receive buffer drops.
    Swallowed,
}

impl ScriptedOutcome {
    /// TTL of every scripted reply.
    pub const TTL: u8 = 57;
    /// The router that all scripted errors come from.
    pub const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254));
    /// The code of all scripted errors.
    pub const CODE: u8 = 1;

    /// Both happen: `reply(12).and(reply(15))` is a reply and its duplicate, `error(5, class).and(reply(40))` an
    /// error and a reply that comes all the same.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a script reads better without borrows")]
    pub fn and(self, other: Self) -> Self {
        let arrivals = self.arrivals.iter().chain(&*other.arrivals).copied().collect();
        Self { arrivals, ..self }
    }

    fn sending(sending: Sending) -> Self {
        Self { sending, arrivals: Rc::new([]) }
    }

    fn arrival(after: Duration, what: ScriptedArrival) -> Self {
        Self { sending: Sending::Sent, arrivals: Rc::new([Arrival { after, what }]) }
    }
}

/// A reply after so many milliseconds: an answer, or a late one if that is longer than the timeout.
pub fn reply(millis: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Reply)
}

/// A reply after so many microseconds. Its time of receipt is exact; it is heard at the next whole millisecond.
pub fn reply_micros(micros: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_micros(micros), ScriptedArrival::Reply)
}

/// Nothing ever comes back.
pub fn silence() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::Sent)
}

/// An ICMP error of that class after so many milliseconds.
pub fn error(millis: u64, class: ErrorClass) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Error(class))
}

/// A reply after so many milliseconds whose number no request of the recent past had.
pub fn stale(millis: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Stale)
}

/// A reply after so many milliseconds that our own receive buffer drops.
pub fn swallowed(millis: u64) -> ScriptedOutcome {
    ScriptedOutcome::arrival(Duration::from_millis(millis), ScriptedArrival::Swallowed)
}

/// Not sent, for want of our own resources.
pub fn not_sent() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::NotSent)
}

/// Refused by our own kernel, at once.
pub fn refused() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::Refused)
}

/// The engine panics when it is told to send, and takes the actor with it.
pub fn panic_at_send() -> ScriptedOutcome {
    ScriptedOutcome::sending(Sending::Panic)
}
