//! One recent request, in eight bytes: a target with one request a second has eleven of them.

use crate::measure::{Cause, ErrorClass, SendError, Timestamp};

/// One recent request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrackedRequest {
    /// When it was sent; before that, when it was queued.
    pub sent: Timestamp,
    /// Its outcome so far.
    pub outcome: Outcome,
    /// Whether a reply was received, in time or late.
    pub replied: bool,
}

/// Outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Passed to the engine, not yet reported as sent.
    Queued,
    /// Never sent.
    Unsent,
    /// Sent, and not settled yet.
    InFlight,
    /// Answered in time.
    Answered,
    /// Unknown: our own buffers dropped packets.
    Void,
    /// Lost, or answered by an error.
    Unanswered(Cause),
}

impl TrackedRequest {
    /// A request that is passed to the engine.
    pub(super) const fn queued(now: Timestamp) -> Self {
        Self { sent: now, outcome: Outcome::Queued, replied: false }
    }

    /// Whether its outcome is still open.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.outcome, Outcome::Queued | Outcome::InFlight)
    }

    /// Whether it has been sent.
    pub(super) const fn was_sent(&self) -> bool {
        !matches!(self.outcome, Outcome::Queued | Outcome::Unsent)
    }
}

impl Outcome {
    const LOST: u64 = 5;
    const REFUSED: u64 = Self::LOST + 1 + ErrorClass::ALL.len() as u64;

    const fn code(self) -> u64 {
        match self {
            Self::Queued => 0,
            Self::Unsent => 1,
            Self::InFlight => 2,
            Self::Answered => 3,
            Self::Void => 4,
            Self::Unanswered(Cause::Lost) => Self::LOST,
            Self::Unanswered(Cause::Error(class)) => Self::LOST + 1 + class as u64,
            Self::Unanswered(Cause::Refused(error)) => Self::REFUSED + error as u64,
        }
    }

    fn from_code(code: u64) -> Self {
        match code {
            0 => Self::Queued,
            1 => Self::Unsent,
            2 => Self::InFlight,
            3 => Self::Answered,
            4 => Self::Void,
            Self::LOST => Self::Unanswered(Cause::Lost),
            Self::REFUSED.. => {
                let index = usize::try_from(code - Self::REFUSED).unwrap_or(usize::MAX);
                let error = SendError::ALL.get(index).copied();
                Self::Unanswered(error.map_or(Cause::Error(ErrorClass::Send), Cause::Refused))
            }
            error => {
                let index = usize::try_from(error - Self::LOST - 1).unwrap_or(usize::MAX);
                let class = ErrorClass::ALL.get(index).copied().unwrap_or(ErrorClass::Other);
                Self::Unanswered(Cause::Error(class))
            }
        }
    }
}

/// A request with its outcome in the highest six bits of its time. The other bits hold nine years of nanoseconds, the
/// maximum run time of a process.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedRequest(u64);

const TIME_BITS: u32 = 58;
const MAX_NANOS: u64 = (1 << TIME_BITS) - 1;
const REPLIED: u64 = 1 << TIME_BITS;

impl From<TrackedRequest> for PackedRequest {
    fn from(TrackedRequest { sent, outcome, replied }: TrackedRequest) -> Self {
        let replied = if replied { REPLIED } else { 0 };
        Self(sent.as_nanos().min(MAX_NANOS) | replied | outcome.code() << (TIME_BITS + 1))
    }
}

impl From<PackedRequest> for TrackedRequest {
    fn from(PackedRequest(bits): PackedRequest) -> Self {
        let sent = Timestamp::from_nanos(bits & MAX_NANOS);
        Self { sent, outcome: Outcome::from_code(bits >> (TIME_BITS + 1)), replied: bits & REPLIED != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_request_keeps_its_outcome_and_its_time() {
        let errors = ErrorClass::ALL.iter().map(|&class| Outcome::Unanswered(Cause::Error(class)));
        let others = [Outcome::Queued, Outcome::Unsent, Outcome::InFlight, Outcome::Answered, Outcome::Void];
        let refused = SendError::ALL.map(|error| Outcome::Unanswered(Cause::Refused(error)));
        let outcomes = errors.chain(refused).chain(others).chain([Outcome::Unanswered(Cause::Lost)]);
        for (outcome, replied) in outcomes.flat_map(|outcome| [(outcome, false), (outcome, true)]) {
            for nanos in [0, 7, 123_456_789_012_345_678, MAX_NANOS] {
                let request = TrackedRequest { sent: Timestamp::from_nanos(nanos), outcome, replied };
                assert_eq!(TrackedRequest::from(PackedRequest::from(request)), request);
            }
        }
    }
}
