//! A histogram of durations with bounds at powers of two: small enough to exist for every thread and to be copied.

use std::time::Duration;

/// Counts of durations up to 2^k seconds, k = -15 … 6, and of those beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log2Histogram {
    counts: [u64; Self::BUCKETS + 1],
    sum_nanos: u64,
}

impl Log2Histogram {
    /// Number of bounds.
    pub const BUCKETS: usize = 22;

    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[BOUNDS_NANOS.partition_point(|&bound| bound < nanos)] += 1;
        self.sum_nanos = self.sum_nanos.saturating_add(nanos);
    }

    /// The bounds in seconds, each with the number of durations up to it.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let bounds = (0..).map(|index| f64::from(index - 15).exp2());
        let cumulative = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        bounds.zip(cumulative).take(Self::BUCKETS)
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of all durations, in seconds.
    pub fn seconds(&self) -> f64 {
        self.sum_nanos as f64 / 1e9
    }
}

/// 2^k seconds in nanoseconds, rounded down: exact from 2^-9 s on.
const BOUNDS_NANOS: [u64; Log2Histogram::BUCKETS] = {
    let mut bounds = [0; Log2Histogram::BUCKETS];
    let mut index = 0;
    while index < bounds.len() {
        bounds[index] = (1_000_000_000 << index) >> 15;
        index += 1;
    }
    bounds
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_durations_up_to_and_including_its_bound() {
        let mut histogram = Log2Histogram::default();
        for micros in [0, 30, 31, 1_000_000, 1_000_001, 8_000_000, 9_000_000, 64_000_000, 64_000_001] {
            histogram.record(Duration::from_micros(micros));
        }
        let buckets: Vec<(f64, u64)> = histogram.buckets().collect();
        assert_eq!(buckets.len(), Log2Histogram::BUCKETS);
        assert_eq!(buckets[0], (0.000_030_517_578_125, 2));
        assert_eq!(buckets[1].1, 3);
        assert_eq!(buckets[15], (1.0, 4));
        assert_eq!(buckets[16], (2.0, 5));
        assert_eq!(buckets[18], (8.0, 6));
        assert_eq!(buckets[19..], [(16.0, 7), (32.0, 7), (64.0, 8)]);
        assert_eq!(histogram.count(), 9);
        assert!((histogram.seconds() - 147.000_063).abs() < 1e-6);
    }
}
