//! When a target's requests are due: each target has its own grid; late requests are sent or skipped.

use super::Timestamp;
use std::time::Duration;

/// A target's grid: points at its phase, one interval apart.
///
/// Phases are spread over the targets, so that many targets cause no burst, and depend on the address alone, so
/// that neither a restart nor a change of the target list shifts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// In nanoseconds: half the size of a `Duration`, for up to 100 000 targets.
    interval_nanos: u64,
    /// Position of the grid within the interval, as a fraction of 2^32.
    phase: u32,
    next: Timestamp,
    /// When the latest request was sent; `None` before the first.
    previous: Option<Timestamp>,
}

/// What is due at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Whether a request has to be sent now.
    pub send: bool,
    /// Points of the grid that were skipped.
    pub skipped: u64,
}

impl Schedule {
    /// A schedule that starts at `now`: its first request is due within min(interval, 1 s).
    pub fn new(interval: Duration, phase: u32, now: Timestamp) -> Self {
        let mut schedule = Self { interval_nanos: nanos(interval), phase, next: now, previous: None };
        let max_delay = MAX_FIRST_DELAY.min(interval);
        let on_grid = schedule.grid_point_from(now);
        schedule.next =
            if on_grid.since(now) <= max_delay { on_grid } else { now + fraction(max_delay, phase) };
        schedule
    }

    /// When the next request is due.
    pub const fn next(&self) -> Timestamp {
        self.next
    }

    /// The time between two requests.
    pub const fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval_nanos)
    }

    /// The time until the next request: the interval, but at most a second before the first request.
    pub fn pace(&self) -> Duration {
        if self.previous.is_none() { MAX_FIRST_DELAY.min(self.interval()) } else { self.interval() }
    }

    /// Changes the interval. The next request is due on the new grid, half an interval or more after the
    /// latest one, and never in the past.
    pub fn set_interval(&mut self, interval: Duration, now: Timestamp) {
        if interval == self.interval() {
            return;
        }
        self.interval_nanos = nanos(interval);
        if let Some(previous) = self.previous {
            self.next = self.grid_point_from((previous + interval / 2).max(now));
        } else {
            // The first request is never later than before the change.
            let first_due = self.next.max(now);
            *self = Self::new(interval, self.phase, now);
            self.next = self.next.min(first_due);
        }
    }

    /// Returns what is due at `now`, and advances along the grid.
    ///
    /// A request is still sent when it is at most min(interval / 2, 250 ms) late; the points of the grid before
    /// that are skipped. The first request is sent in any case. Requests are never closer than half an interval.
    pub fn take_due(&mut self, now: Timestamp) -> Due {
        let mut due = Due::default();
        if now < self.next {
            return due;
        }
        let max_lateness = (self.interval() / 2).min(MAX_LATENESS);
        let first = self.previous.is_none().then_some(self.next);
        if now.since(self.next) > max_lateness {
            due.skipped = self.skip_to(now - max_lateness);
        }
        if self.next <= now {
            self.send(now);
            due.send = true;
        } else if let Some(first_due) = first {
            // The first request must be soon, and the next point may be a day away: so it replaces the points after it.
            let second = self.grid_point_from(first_due + self.interval() / 2);
            self.send(now);
            due = Due { send: true, skipped: self.points_from(second) };
        }
        due
    }

    fn send(&mut self, now: Timestamp) {
        self.previous = Some(now);
        self.next = self.grid_point_from(now + self.interval() / 2);
    }

    /// Number of points from `point` on, before the next one.
    fn points_from(&self, point: Timestamp) -> u64 {
        let points = self.next.since(point).as_nanos() / u128::from(self.interval_nanos);
        u64::try_from(points).unwrap_or(u64::MAX - 1)
    }

    /// Advances to the first point at or after `moment`; returns the number of points skipped.
    fn skip_to(&mut self, moment: Timestamp) -> u64 {
        let first = self.next;
        // The first request may be off the grid.
        let second = self.grid_point_from(first + self.interval() / 2);
        self.next = if second >= moment { second } else { self.grid_point_from(moment) };
        1 + self.points_from(second)
    }

    /// The first point of the grid at or after `moment`.
    fn grid_point_from(&self, moment: Timestamp) -> Timestamp {
        let phase = u64::try_from(fraction(self.interval(), self.phase).as_nanos()).unwrap_or(0);
        let behind = moment.as_nanos().saturating_sub(phase);
        let points = behind.div_ceil(self.interval_nanos);
        Timestamp::from_nanos(phase.saturating_add(points.saturating_mul(self.interval_nanos)))
    }
}

/// Maximum time until the first request of a target; the interval if that is shorter.
const MAX_FIRST_DELAY: Duration = Duration::from_secs(1);

/// Maximum lateness of a request that is still sent; half an interval if that is shorter.
const MAX_LATENESS: Duration = Duration::from_millis(250);

/// At least one, because it is a divisor.
fn nanos(interval: Duration) -> u64 {
    u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// `of` times `numerator` / 2^32, rounded down to whole milliseconds, so that targets can share a wake-up.
fn fraction(of: Duration, numerator: u32) -> Duration {
    let nanos = (of.as_nanos() * u128::from(numerator)) >> 32;
    let whole = if of >= Duration::from_millis(100) { nanos - nanos % 1_000_000 } else { nanos };
    Duration::from_nanos(u64::try_from(whole).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u32 = 1 << 31;

    fn at(millis: u64) -> Timestamp {
        Timestamp::EPOCH + ms(millis)
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_request_comes_within_a_second_and_the_next_on_the_grid_half_an_interval_later() {
        // interval, phase, start; first, second, third request in ms
        let cases = [
            ("a second, on the grid", 1_000, HALF, 10_000, [10_500, 11_500, 12_500]),
            ("a minute, grid far away", 60_000, HALF, 61_000, [61_500, 150_000, 210_000]),
            ("a minute, grid at hand", 60_000, HALF, 89_500, [90_000, 150_000, 210_000]),
            ("a minute, the grid's next point is too near", 60_000, HALF, 70_000, [70_500, 150_000, 210_000]),
            ("ten milliseconds", 10, HALF, 1_001, [1_005, 1_015, 1_025]),
        ];
        for (case, interval, phase, start, expected) in cases {
            let mut schedule = Schedule::new(ms(interval), phase, at(start));
            for due in expected {
                assert_eq!(schedule.next(), at(due), "{case}");
                assert_eq!(schedule.take_due(at(due)), Due { send: true, skipped: 0 }, "{case}");
            }
        }
    }

    #[test]
    fn a_late_request_off_the_grid_keeps_its_distance_to_the_next_point() {
        let mut schedule = Schedule::new(ms(2_000), HALF, at(1_500));
        assert_eq!(schedule.next(), at(2_000), "off the grid, half an interval or more before 3000 ms");
        assert!(schedule.take_due(at(2_200)).send);
        assert_eq!(schedule.next(), at(5_000), "3000 ms is less than half an interval after 2200 ms");
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut schedule = Schedule::new(ms(1_000), HALF, at(0));
        assert_eq!(schedule.take_due(at(499)), Due::default());
        assert_eq!(schedule.next(), at(500));
    }

    #[test]
    fn lateness_is_forgiven_up_to_a_quarter_second_and_never_makes_a_volley() {
        // interval, how late; sent, skipped, then the next point after the one that was due at 500 ms
        let cases = [
            ("a little late", 1_000, 200, true, 0, 1_500),
            ("too late for this one", 1_000, 260, false, 1, 1_500),
            ("a stall of ten seconds", 1_000, 10_100, true, 10, 11_500),
            ("a stall between two points", 1_000, 10_600, false, 11, 11_500),
            ("half of a short interval", 100, 50, true, 0, 600),
            ("more than half of a short interval", 100, 60, false, 1, 600),
        ];
        for (case, interval, late, send, skipped, next) in cases {
            let mut schedule = Schedule::new(ms(interval), HALF, at(500 - interval / 4));
            assert!(schedule.take_due(schedule.next()).send);
            let point = schedule.next();
            let due = schedule.take_due(point + ms(late));
            assert_eq!(due, Due { send, skipped }, "{case}");
            assert_eq!(schedule.next().since(point), ms(next - 500), "{case}");
        }
    }

    #[test]
    fn the_first_request_is_sent_however_late() {
        // interval, how late; skipped, then the next point after the one that was due at first
        let cases = [
            ("a little late", 60_000, 200, 0, 60_000),
            ("far too late for any other", 60_000, 20_000, 0, 60_000),
            ("with points that passed", 1_000, 10_600, 11, 12_000),
            ("with a point that is still good", 1_000, 10_100, 10, 11_000),
        ];
        for (case, interval, late, skipped, next) in cases {
            let mut schedule = Schedule::new(ms(interval), 0, at(0));
            let due = schedule.take_due(at(late));
            assert_eq!(due, Due { send: true, skipped }, "{case}");
            assert_eq!(schedule.next(), at(next), "{case}");
        }
    }

    #[test]
    fn a_new_interval_takes_effect_at_once_and_keeps_its_distance() {
        let mut schedule = Schedule::new(ms(60_000), 0, at(0));
        assert!(schedule.take_due(at(0)).send);
        schedule.set_interval(ms(1_000), at(10_300));
        assert_eq!(schedule.next(), at(11_000));
        assert!(schedule.take_due(at(11_000)).send);
        schedule.set_interval(ms(4_000), at(11_100));
        assert_eq!(schedule.next(), at(16_000), "12 s is less than half an interval after 11 s");
    }

    #[test]
    fn the_first_request_comes_within_a_second_however_often_the_interval_changes() {
        let mut schedule = Schedule::new(ms(60_000), HALF, at(0));
        for millis in (0..=500).step_by(100) {
            schedule.set_interval(ms(60_000 + millis), at(millis));
            assert_eq!(schedule.next(), at(500), "changed at {millis} ms");
        }
        schedule.set_interval(ms(100), at(700));
        assert_eq!(schedule.next(), at(700), "due already");
    }

    #[test]
    fn a_day_is_an_interval_like_any_other() {
        let day = Duration::from_secs(86_400);
        let mut schedule = Schedule::new(day, u32::MAX, at(0));
        assert!(schedule.next() <= at(1_000));
        schedule.take_due(schedule.next());
        assert!(schedule.next() <= at(1_000) + day);
        // The tenth point lies just before the end of the tenth day.
        assert_eq!(schedule.take_due(Timestamp::EPOCH + day * 10), Due { send: true, skipped: 9 });
    }
}
