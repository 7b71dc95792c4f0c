//! Rate limit of requests: a token bucket.
//!
//! Kept by hand: the algorithm has twelve lines, and its state is one instant.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A rate, and how many requests may exceed it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Time after which one more request is allowed.
    pub interval: Duration,
    /// Maximum number of requests without a pause.
    pub burst: u32,
}

/// The tokens, as the instant at which the bucket is full again.
#[derive(Debug, Default)]
pub(crate) struct TokenBucket(Mutex<Option<Instant>>);

impl TokenBucket {
    /// Takes a token; `false` if there is none.
    pub(crate) fn take(&self, rate: RateLimit, now: Instant) -> bool {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rate.interval.saturating_mul(rate.burst);
        let next = full_at.unwrap_or(now).max(now).checked_add(rate.interval);
        let taken = next.filter(|next| next.duration_since(now) <= room);
        if taken.is_some() {
            *full_at = taken;
        }
        taken.is_some()
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "instants cannot be made of numbers: each test begins at the present"
)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_permitted_and_then_one_each_interval() {
        let rate = RateLimit { interval: Duration::from_secs(2), burst: 3 };
        let (bucket, start) = (TokenBucket::default(), Instant::now());
        let steps = [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (1, false),
            (2, true),
            (3, false),
            (4, true),
            (100, true),
            (100, true),
            (100, true),
            (100, false),
        ];
        for (index, (second, expected)) in steps.into_iter().enumerate() {
            let taken = bucket.take(rate, start + Duration::from_secs(second));
            assert_eq!(taken, expected, "step {index}, second {second}");
        }
    }

    #[test]
    fn an_endless_interval_is_no_overflow() {
        let bucket = TokenBucket::default();
        assert!(!bucket.take(RateLimit { interval: Duration::MAX, burst: 2 }, Instant::now()));
    }
}
