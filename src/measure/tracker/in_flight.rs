//! One request of the recent past, in eight bytes: a target at one a second remembers eleven of them.

use crate::measure::{Cause, ErrorClass, SendError, Timestamp};

/// One request of the recent past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrackedRequest {
    /// When it was sent; while it is queued, when it was queued.
    pub sent: Timestamp,
    /// What became of it.
    pub fate: Outcome,
    /// A reply has come, in time or late.
    pub replied: bool,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Handed over, not known to have been sent.
    Queued,
    /// Never sent.
    Unsent,
    /// Sent, and not settled yet.
    InFlight,
    /// Answered in time.
    Answered,
    /// Nobody knows: our own buffers dropped packets.
    Void,
    /// Lost, or answered by an error.
    Unanswered(Cause),
}

impl TrackedRequest {
    /// A request that is about to be sent.
    pub(super) const fn queued(now: Timestamp) -> Self {
        Self { sent: now, fate: Outcome::Queued, replied: false }
    }

    /// What becomes of it is still to come.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.fate, Outcome::Queued | Outcome::InFlight)
    }

    /// Whether it has been sent.
    pub(super) const fn has_left(&self) -> bool {
        !matches!(self.fate, Outcome::Queued | Outcome::Unsent)
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

/// A request with its fate in the highest six bits of its time: nine years of nanoseconds are left for that, of
/// the life of one process.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedRequest(u64);

const TIME_BITS: u32 = 58;
const LATEST: u64 = (1 << TIME_BITS) - 1;
const REPLIED: u64 = 1 << TIME_BITS;

impl From<TrackedRequest> for PackedRequest {
    fn from(TrackedRequest { sent, fate, replied }: TrackedRequest) -> Self {
        let replied = if replied { REPLIED } else { 0 };
        Self(sent.as_nanos().min(LATEST) | replied | fate.code() << (TIME_BITS + 1))
    }
}

impl From<PackedRequest> for TrackedRequest {
    fn from(PackedRequest(bits): PackedRequest) -> Self {
        let sent = Timestamp::from_nanos(bits & LATEST);
        Self { sent, fate: Outcome::from_code(bits >> (TIME_BITS + 1)), replied: bits & REPLIED != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_fate_and_its_time() {
        let errors = ErrorClass::ALL.map(|class| Outcome::Unanswered(Cause::Error(class)));
        let others = [Outcome::Queued, Outcome::Unsent, Outcome::InFlight, Outcome::Answered, Outcome::Void];
        let refused = SendError::ALL.map(|error| Outcome::Unanswered(Cause::Refused(error)));
        let fates = errors.into_iter().chain(refused).chain(others).chain([Outcome::Unanswered(Cause::Lost)]);
        for (fate, replied) in fates.flat_map(|fate| [(fate, false), (fate, true)]) {
            for nanos in [0, 7, 123_456_789_012_345_678, LATEST] {
                let request = TrackedRequest { sent: Timestamp::from_nanos(nanos), fate, replied };
                assert_eq!(TrackedRequest::from(PackedRequest::from(request)), request);
            }
        }
    }
}
