//! Statistics of a target beyond its counters.

use super::averages::{WINDOWS, Weights};
use super::{EndedOutage, Outage, Timestamp};
use std::time::Duration;

/// Statistics of a target beyond its counters, at one moment; `None` while unknown.
///
/// A reset starts the deviation, the quantiles and the longest outage again, as it does the counters. The others are
/// moving values, which no reset changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetailedStats {
    /// Standard deviation of the round-trip times, of the population.
    pub stddev: Option<Duration>,
    /// Interarrival jitter of the round-trip times; `None` before the second one.
    pub jitter: Option<Duration>,
    /// Median, 90th and 99th percentile of the round-trip times.
    pub quantiles: Option<[Duration; 3]>,
    /// Moving averages over the [`WINDOWS`].
    pub averages: [Weights; WINDOWS.len()],
    /// The current outage.
    pub outage: Option<Outage>,
    /// The longest outage, which may be the current one.
    pub longest_outage: Option<EndedOutage>,
}

/// The quantiles of [`DetailedStats::quantiles`].
pub const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Maps moments to the wall clock, as of the time when it was read: a step of that clock shifts all of them, and
/// changes no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallMapping {
    now: Timestamp,
    unix: Duration,
}

impl WallMapping {
    /// The mapping for a time since 1970 that was read at `now`.
    pub const fn new(now: Timestamp, unix: Duration) -> Self {
        Self { now, unix }
    }

    /// When it was read.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Time since 1970 in whole milliseconds: the two clocks are not read at exactly the same time.
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
