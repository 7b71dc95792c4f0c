//! What there is to tell of a target beyond its counters.

use super::averages::{WINDOWS, Weights};
use super::{EndedOutage, Outage, Timestamp};
use std::time::Duration;

/// What there is to tell of a target beyond its counters, at one moment; `None` while it is unknown.
///
/// The deviation, the quantiles and the longest outage begin again with a reset, as the counters do. The others look
/// back by themselves, and no reader's reset disturbs them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetailedStats {
    /// Standard deviation of the round-trip times, of the population.
    pub stddev: Option<Duration>,
    /// Interarrival jitter of the round-trip times, from the second one on.
    pub jitter: Option<Duration>,
    /// Round-trip times that 50, 90 and 99 per cent of the answers did not exceed.
    pub quantiles: Option<[Duration; 3]>,
    /// Moving averages over the [`WINDOWS`].
    pub averages: [Weights; WINDOWS.len()],
    /// The outage under way.
    pub outage: Option<Outage>,
    /// The longest one, which may be the one under way.
    pub longest_outage: Option<EndedOutage>,
}

/// The quantiles of [`DetailedStats::quantiles`].
pub const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// The wall-clock time of moments, as of when it was asked for: a step of that clock moves all of them, and no
/// duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallMapping {
    now: Timestamp,
    unix: Duration,
}

impl WallMapping {
    /// At `now` it is so long since 1970.
    pub const fn new(now: Timestamp, unix: Duration) -> Self {
        Self { now, unix }
    }

    /// The present.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Time since 1970, in whole milliseconds: two clocks are never read at quite the same time.
    pub fn unix(&self, moment: Timestamp) -> Duration {
        let at = (self.unix + moment.since(self.now)).saturating_sub(self.now.since(moment));
        let millis = (at + Duration::from_micros(500)).as_millis();
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_a_wall_clock_time_before_and_after_the_present() {
        let at = |millis: u64| Timestamp::from_nanos(millis * 1_000_000);
        let wall = WallMapping::new(at(5_000), Duration::from_micros(1_700_000_000_000_300));
        for (moment, millis) in
            [(at(5_000), 0_i64), (at(4_000), -1_000), (at(5_123), 123), (Timestamp::EPOCH, -5_000)]
        {
            let expected = u64::try_from(1_700_000_000_000 + millis).expect("positive");
            assert_eq!(wall.unix(moment), Duration::from_millis(expected), "{moment:?}");
        }
        assert_eq!(
            WallMapping::new(at(5_000), Duration::ZERO).unix(at(1)),
            Duration::ZERO,
            "a clock that was never set"
        );
    }
}
