//! Converts the kernel's time stamps, which are wall-clock time, to moments on the engine's clock.

use crate::measure::Timestamp;
use std::time::Duration;

/// Converts wall-clock stamps. A step of the wall clock must not change a round-trip time.
#[derive(Debug, Default)]
pub(super) struct WallClock {
    /// Wall-clock time at the epoch in ns: by the current clock, and by the clock before its latest step.
    epoch: i128,
    epoch_before: i128,
}

impl WallClock {
    /// A clock by which the wall-clock time `wall` in ns was the moment `now`.
    pub(super) fn new(wall: i128, now: Timestamp) -> Self {
        let epoch = wall - i128::from(now.as_nanos());
        Self { epoch, epoch_before: epoch }
    }

    /// Adds a sample of both clocks. Differences below half a millisecond are errors of sampling.
    pub(super) fn sample(&mut self, wall: i128, now: Timestamp) {
        let epoch = wall - i128::from(now.as_nanos());
        if (epoch - self.epoch).unsigned_abs() > SAMPLING_ERROR.as_nanos() {
            self.epoch_before = self.epoch;
        }
        self.epoch = epoch;
    }

    /// When a packet with the stamp `wall` was received, between `earliest` and `latest`.
    ///
    /// The stamp was taken before or after a step: the conversion that lies between the bounds is right. If both do,
    /// the error is at most the step. If neither does, the clock stepped twice, and the result is the nearer bound.
    pub(super) fn moment(&self, wall: i128, earliest: Timestamp, latest: Timestamp) -> Timestamp {
        let candidates = [self.epoch, self.epoch_before].map(|epoch| timestamp(wall - epoch));
        let slack = SAMPLING_ERROR;
        let fits = |moment: &Timestamp| *moment + slack >= earliest && *moment <= latest + slack;
        let best = candidates.into_iter().find(fits).unwrap_or(candidates[0]);
        best.clamp(earliest, latest.max(earliest))
    }
}

fn timestamp(nanos: i128) -> Timestamp {
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
    fn a_stamp_is_converted_to_a_moment() {
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
    fn the_error_of_a_small_step_is_at_most_the_step() {
        let mut clock = WallClock::new(wall(0), at(100));
        clock.sample(wall(20) + 5_000_000, at(120));
        let before = clock.moment(wall(7), at(100), at(120));
        assert!(before >= at(102) && before <= at(107), "{before:?}");
    }

    #[test]
    fn a_stamp_that_fits_neither_clock_becomes_the_nearer_bound() {
        let clock = WallClock::new(wall(0), at(100));
        assert_eq!(clock.moment(wall(0) + HOUR, at(100), at(110)), at(110));
        assert_eq!(clock.moment(wall(0) - HOUR, at(100), at(110)), at(100));
    }
}
