//! Standard deviation of round-trip times.

use super::Rtt;
use std::time::Duration;

/// The sum of the squares of round-trip times, in square microseconds. Together with their sum and their number it
/// yields the standard deviation.
///
/// Not Welford's running mean and deviation: round-trip times are whole microseconds, so this sum is exact and
/// independent of the order; and the sums of periods can be added, also when a reset is undone. 96 bits hold 10^13
/// round trips of a minute; a `u128` would take 16 bytes more for every target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SquareSum([u8; 12]);

impl SquareSum {
    /// Adds a round-trip time.
    pub fn record(&mut self, rtt: Rtt) {
        *self = self.add(u128::from(rtt.micros()).pow(2));
    }

    /// A sum with this value.
    pub fn new(sum: u128) -> Self {
        Self::default().add(sum)
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.add(other.get())
    }

    /// The sum, in square microseconds.
    pub fn get(self) -> u128 {
        let mut bytes = [0; 16];
        bytes[..12].copy_from_slice(&self.0);
        u128::from_le_bytes(bytes)
    }

    /// Standard deviation of `count` round-trip times with the sum `sum`, in microseconds; `None` without any.
    ///
    /// Of the population, divided by `count` as in `ping`: these are all round-trip times, not a sample.
    pub fn deviation(self, count: u64, sum: u64) -> Option<Duration> {
        let (n, sum) = (u128::from(count), u128::from(sum));
        let numerator = n.saturating_mul(self.get()).saturating_sub(sum.saturating_mul(sum));
        let micros = (numerator as f64).sqrt() / count as f64;
        Duration::try_from_secs_f64(micros / 1e6).ok().filter(|_| count > 0)
    }

    fn add(self, squares: u128) -> Self {
        let sum = self.get().saturating_add(squares).min(MAX_SUM);
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&sum.to_le_bytes()[..12]);
        Self(bytes)
    }
}

const MAX_SUM: u128 = (1 << 96) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_is_that_of_the_population() {
        let cases: [(&[u64], Option<u64>); 6] = [
            (&[], None),
            (&[5_000], Some(0)),
            (&[1, 1, 1], Some(0)),
            (&[1_000, 3_000], Some(1_000_000)),
            (&[2_000, 4_000, 4_000, 4_000, 5_000, 5_000, 7_000, 9_000], Some(2_000_000)),
            (&[60_000_000, 60_000_001], Some(500)),
        ];
        for (micros, nanos) in cases {
            let mut squares = SquareSum::default();
            for &micros in micros {
                squares.record(Rtt::from_micros(micros));
            }
            let deviation = squares.deviation(micros.len() as u64, micros.iter().sum());
            assert_eq!(deviation, nanos.map(Duration::from_nanos), "{micros:?}");
        }
    }

    #[test]
    fn squares_stop_at_what_they_can_hold() {
        let mut squares = SquareSum::new(MAX_SUM - 1);
        squares.record(Rtt::from_micros(3));
        assert_eq!(squares.get(), MAX_SUM);
    }
}
