//! One request of the recent past, in eight bytes: a target at one a second remembers eleven of them.

use crate::measure::Moment;

/// One request of the recent past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    /// When it was sent; while it is queued, when it was queued.
    pub sent: Moment,
    /// What became of it.
    pub state: State,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Handed over, not known to have been sent.
    Queued,
    /// Never sent.
    Unsent,
    /// Sent, and not settled yet.
    InFlight,
    /// Lost, void or answered by an error, and no reply so far.
    Unanswered,
    /// A reply has come, in time or late.
    Replied,
}

impl State {
    const ALL: [Self; 5] = [Self::Queued, Self::Unsent, Self::InFlight, Self::Unanswered, Self::Replied];
}

/// A request with its state in the highest three bits of its time: 73 years of nanoseconds are left for that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed(u64);

const TIME_BITS: u32 = 61;
const LATEST: u64 = (1 << TIME_BITS) - 1;

impl From<Request> for Packed {
    fn from(Request { sent, state }: Request) -> Self {
        Self(sent.as_nanos().min(LATEST) | (state as u64) << TIME_BITS)
    }
}

impl From<Packed> for Request {
    fn from(Packed(bits): Packed) -> Self {
        let state = State::ALL.into_iter().find(|&state| state as u64 == bits >> TIME_BITS);
        Self { sent: Moment::from_nanos(bits & LATEST), state: state.unwrap_or(State::Unsent) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_state_and_its_time() {
        for state in State::ALL {
            for nanos in [0, 7, 1_234_567_890_123_456_789, LATEST] {
                let request = Request { sent: Moment::from_nanos(nanos), state };
                assert_eq!(Request::from(Packed::from(request)), request);
            }
        }
    }
}
