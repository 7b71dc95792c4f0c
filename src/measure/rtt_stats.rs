//! Sums and extremes of round-trip times.

use super::deviation::SquareSum;
use super::rtt::Rtt;
use std::time::Duration;

/// Sums and extremes of the round-trip times of answered requests, in microseconds; all 0 without requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RttStats {
    /// The sum.
    pub sum: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
    /// The latest.
    pub last: u64,
    /// The sum of their squares.
    pub squares: SquareSum,
}

impl RttStats {
    /// Adds a round-trip time.
    pub fn record(&mut self, rtt: Rtt) {
        let micros = rtt.micros();
        self.sum += micros;
        self.min = if self.min == 0 { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.last = micros;
        self.squares.record(rtt);
    }

    /// Clamps `rtt` to the extremes; there must be at least one round-trip time.
    pub(super) fn within(&self, rtt: Duration) -> Duration {
        rtt.max(Duration::from_micros(self.min)).min(Duration::from_micros(self.max))
    }

    /// The latest; `None` without any.
    pub fn latest(&self) -> Option<Rtt> {
        (self.last > 0).then(|| Rtt::from_micros(self.last))
    }

    /// Adds the statistics of an earlier span of time.
    pub(super) fn prepend(&mut self, earlier: Self) {
        if self.last == 0 {
            *self = earlier;
        } else if earlier.last != 0 {
            self.sum += earlier.sum;
            self.min = self.min.min(earlier.min);
            self.max = self.max.max(earlier.max);
            self.squares = self.squares.plus(earlier.squares);
        }
    }
}
