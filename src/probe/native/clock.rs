//! From the kernel's time stamps, which are wall-clock time, to moments on our own line.

use crate::measure::Timestamp;
use std::time::Duration;

/// Translates wall-clock stamps. A step of the wall clock must not become a round-trip time.
#[derive(Debug, Default)]
pub(super) struct WallClock {
    /// Wall-clock time at our epoch, in ns: of the present, and of before the latest step.
    epoch: i128,
    epoch_before: i128,
}

impl WallClock {
    /// A clock on which wall-clock time `wall`, in ns, was the moment `now`.
    pub(super) fn new(wall: i128, now: Timestamp) -> Self {
        let epoch = wall - i128::from(now.as_nanos());
        Self { epoch, epoch_before: epoch }
    }

    /// Takes a new sample of both clocks. Differences below half a millisecond are the sampling's own.
    pub(super) fn sample(&mut self, wall: i128, now: Timestamp) {
        let epoch = wall - i128::from(now.as_nanos());
        if (epoch - self.epoch).unsigned_abs() > SAMPLING_ERROR.as_nanos() {
            self.epoch_before = self.epoch;
        }
        self.epoch = epoch;
    }

    /// When a packet stamped `wall` was received, if it was received after `earliest` and before `latest`.
    ///
    /// The stamp was taken before or after a step: whichever fits between the two is right. If both do, the step
    /// was small, and we err by no more than it. If neither does, the clock stepped twice, and the nearer bound
    /// is all that is known.
    pub(super) fn moment(&self, wall: i128, earliest: Timestamp, latest: Timestamp) -> Timestamp {
        let candidates = [self.epoch, self.epoch_before].map(|epoch| on_line(wall - epoch));
        let slack = SAMPLING_ERROR;
        let fits = |moment: &Timestamp| *moment + slack >= earliest && *moment <= latest + slack;
        let best = candidates.into_iter().find(fits).unwrap_or(candidates[0]);
        best.clamp(earliest, latest.max(earliest))
    }
}

fn on_line(nanos: i128) -> Timestamp {
    Timestamp::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

const SAMPLING_ERROR: Duration = Duration::from_micros(500);

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i128 = 3_600_000_000_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn wall(millis: i128) -> i128 {
        1_700_000_000_000_000_000 + millis * 1_000_000
    }

    #[test]
    fn a_stamp_is_a_moment_on_our_line() {
        let clock = WallClock::new(wall(0), at(100));
        assert_eq!(clock.moment(wall(7), at(100), at(110)), at(107));
    }

    #[test]
    fn a_step_between_receipt_and_reading_changes_nothing() {
        for step in [HOUR, -HOUR] {
            let mut clock = WallClock::new(wall(0), at(100));
            clock.sample(wall(20) + step, at(120));
            assert_eq!(clock.moment(wall(7), at(100), at(120)), at(107), "stamped before the step");
            assert_eq!(clock.moment(wall(25) + step, at(120), at(130)), at(125), "stamped after the step");
        }
    }

    #[test]
    fn a_step_too_small_to_tell_errs_by_no_more_than_itself() {
        let mut clock = WallClock::new(wall(0), at(100));
        clock.sample(wall(20) + 5_000_000, at(120));
        let before = clock.moment(wall(7), at(100), at(120));
        assert!(before >= at(102) && before <= at(107), "{before:?}");
    }

    #[test]
    fn what_no_clock_explains_is_bounded_by_when_it_was_read() {
        let clock = WallClock::new(wall(0), at(100));
        assert_eq!(clock.moment(wall(0) + HOUR, at(100), at(110)), at(110));
        assert_eq!(clock.moment(wall(0) - HOUR, at(100), at(110)), at(100));
    }
}
