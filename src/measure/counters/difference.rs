//! What happened between two looks at the totals of a target, and how such pieces are put together.

use crate::measure::{ErrorClass, ErrorCounts, LifetimeStats, RttStats, SquareSum};

impl LifetimeStats {
    /// What was settled since `earlier`, an earlier look at the same books; nothing is pending in it. If the books have
    /// begun anew since then, it is all that they hold.
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
        let of = |class| self.errors[class] - earlier.errors[class];
        let errors: [u64; ErrorClass::ALL.len()] = std::array::from_fn(of);
        Self {
            replies: self.replies - earlier.replies,
            errors: ErrorCounts::from(errors),
            lost: self.lost - earlier.lost,
            void: self.void - earlier.void,
            late: self.late - earlier.late,
            duplicates: self.duplicates - earlier.duplicates,
            outdated: self.outdated - earlier.outdated,
            skipped: self.skipped - earlier.skipped,
            pending: 0,
            reply_ttl: self.reply_ttl,
            rtt: if histogram.count() == 0 { RttStats::default() } else { rtt },
            histogram,
            ..Self::default()
        }
    }

    /// Adds what happened later.
    pub fn absorb(&mut self, later: &Self) {
        self.replies += later.replies;
        for (own, other) in self.errors.iter_mut().zip(later.errors.iter()) {
            *own += other;
        }
        self.lost += later.lost;
        self.void += later.void;
        self.late += later.late;
        self.duplicates += later.duplicates;
        self.outdated += later.outdated;
        self.skipped += later.skipped;
        self.reply_ttl = later.reply_ttl.or(self.reply_ttl);
        let mut rtt = later.rtt;
        rtt.prepend(self.rtt);
        self.rtt = rtt;
        self.histogram.absorb(&later.histogram);
    }

    /// Whether nothing happened.
    pub fn is_nothing(&self) -> bool {
        self.requests() + self.late + self.duplicates + self.skipped == 0
    }

    /// Whether no counter is smaller than it was.
    fn continues(&self, earlier: &Self) -> bool {
        let counters = |totals: &Self| {
            let Self { replies, lost, void, late, duplicates, outdated, skipped, .. } = *totals;
            [replies, lost, void, late, duplicates, outdated, skipped, totals.rtt.sum]
        };
        let all = counters(self).into_iter().zip(counters(earlier));
        let errors = self.errors.iter().copied().zip(earlier.errors.iter().copied());
        all.chain(errors).all(|(now, before)| now >= before) && self.histogram.continues(&earlier.histogram)
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
    fn a_difference_and_what_was_before_are_the_whole() {
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
    fn books_that_began_anew_count_from_nothing() {
        let earlier = totals(&[100, 100], 5, 0);
        for now in [totals(&[90], 5, 0), totals(&[90, 90], 6, 0), totals(&[], 0, 0)] {
            assert_eq!(now.since(&earlier), now);
        }
    }

    #[test]
    fn books_that_began_anew_are_noticed_by_their_histogram_too() {
        let (earlier, now) = (totals(&[100], 0, 0), totals(&[50, 60], 0, 0));
        assert_eq!(now.since(&earlier).histogram, now.histogram);
        assert!(Histogram::default().continues(&Histogram::default()));
    }
}
