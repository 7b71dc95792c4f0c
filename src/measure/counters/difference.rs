//! Differences and sums of lifetime statistics: what was settled between two samples of one target.

use crate::measure::{ErrorClass, ErrorCounts, LifetimeStats, RttStats, SquareSum};

impl LifetimeStats {
    /// What was settled since `earlier`, an earlier sample of the same target; nothing is pending in the result. If the
    /// counters have restarted from zero since then, the result is all of `self`.
    ///
    /// The extremes of its round-trip times are those of its histogram's bins, which are up to 9 % too wide.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        if !self.continues(earlier) {
            return Self { pending: 0, ..self.clone() };
        }
        let histogram = self.histogram.since(&earlier.histogram);
        let (min, max) = histogram.bounds().unwrap_or_default();
        let rtt = RttStats {
            sum: self.rtt.sum - earlier.rtt.sum,
            min: min.max(self.rtt.min),
            max: max.min(self.rtt.max),
            last: self.rtt.last,
            squares: SquareSum::new(self.rtt.squares.get().saturating_sub(earlier.rtt.squares.get())),
        };
        let errors: [u64; ErrorClass::ALL.len()] =
            std::array::from_fn(|class| self.errors[class] - earlier.errors[class]);
        let mut difference = Self {
            errors: ErrorCounts::from(errors),
            reply_ttl: self.reply_ttl,
            rtt: if histogram.count() == 0 { RttStats::default() } else { rtt },
            histogram,
            ..Self::default()
        };
        let counters = difference.counters_mut().into_iter().zip(self.counters()).zip(earlier.counters());
        counters.for_each(|((count, now), before)| *count = now - before);
        difference
    }

    /// Adds statistics of a later span of time.
    pub fn absorb(&mut self, later: &Self) {
        for (count, more) in self.counters_mut().into_iter().zip(later.counters()) {
            *count += more;
        }
        for (count, more) in self.errors.iter_mut().zip(later.errors.iter()) {
            *count += more;
        }
        self.reply_ttl = later.reply_ttl.or(self.reply_ttl);
        let mut rtt = later.rtt;
        rtt.prepend(self.rtt);
        self.rtt = rtt;
        self.histogram.absorb(&later.histogram);
    }

    /// Whether every counter is zero.
    pub fn is_nothing(&self) -> bool {
        self.counters().into_iter().chain(self.errors.iter().copied()).sum::<u64>() + self.pending == 0
    }

    /// Whether no counter is smaller than in `earlier`.
    fn continues(&self, earlier: &Self) -> bool {
        let all = |totals: &Self| totals.counters().into_iter().chain([totals.rtt.sum]).chain(*totals.errors);
        all(self).zip(all(earlier)).all(|(now, before)| now >= before)
            && self.histogram.continues(&earlier.histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Histogram, Rtt};

    fn totals(micros: &[u64], lost: u64, send_errors: u64) -> LifetimeStats {
        let mut totals = LifetimeStats { lost, replies: micros.len() as u64, ..LifetimeStats::default() };
        for &micros in micros {
            totals.rtt.record(Rtt::from_micros(micros));
            totals.histogram.record(Rtt::from_micros(micros));
        }
        if send_errors > 0 {
            totals.errors[ErrorClass::Send as usize] = send_errors;
        }
        totals
    }

    #[test]
    fn a_difference_added_to_the_earlier_statistics_gives_the_later_ones() {
        let cases: [(&[u64], &[u64]); 4] =
            [(&[], &[]), (&[], &[100, 7]), (&[100, 15_625], &[]), (&[100, 15_625], &[7, 15_625, 100])];
        for (before, later) in cases {
            let earlier = totals(before, 1, 0);
            let now = totals(&[before, later].concat(), 4, 2);
            let since = now.since(&earlier);
            assert_eq!(
                (since.replies, since.lost, since.requests()),
                (later.len() as u64, 3, later.len() as u64 + 5)
            );
            assert_eq!(since.rtt.sum, later.iter().sum::<u64>());
            let (min, max) = (later.iter().min().copied(), later.iter().max().copied());
            let (min, max) = (min.unwrap_or(0) as f64, max.unwrap_or(0) as f64);
            assert!(since.rtt.min as f64 <= min && since.rtt.min as f64 >= min / 1.0906 - 1.0, "{since:?}");
            assert!(since.rtt.max as f64 >= max && since.rtt.max as f64 <= max * 1.0906, "{since:?}");
            let mut whole = earlier;
            whole.absorb(&since);
            assert_eq!((whole.replies, whole.lost, &whole.errors), (now.replies, now.lost, &now.errors));
            assert_eq!(
                (whole.rtt.sum, whole.rtt.last, &whole.histogram),
                (now.rtt.sum, now.rtt.last, &now.histogram)
            );
        }
    }

    #[test]
    fn counters_that_restarted_are_counted_from_zero() {
        let earlier = totals(&[100, 100], 5, 0);
        for now in [totals(&[90], 5, 0), totals(&[90, 90], 6, 0), totals(&[], 0, 0)] {
            assert_eq!(now.since(&earlier), now);
        }
    }

    #[test]
    fn a_restart_is_detected_by_the_histogram_alone() {
        let (earlier, now) = (totals(&[100], 0, 0), totals(&[50, 60], 0, 0));
        assert_eq!(now.since(&earlier).histogram, now.histogram);
        assert!(Histogram::default().continues(&Histogram::default()));
    }
}
