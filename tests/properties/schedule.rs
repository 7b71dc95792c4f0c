//! The grid, whatever the lateness.

use meshping::measure::{Schedule, Timestamp};
use proptest::prelude::*;
use std::time::Duration;

/// How late it is when somebody looks, in 2^-16 of the interval after the next point; negative: before it.
fn looks() -> impl Strategy<Value = Vec<i64>> {
    let look = prop_oneof![
        3 => Just(0_i64),
        3 => 0..0x8000_i64,
        2 => -0x8000..0_i64,
        2 => 0..0x2_0000_i64,
        1 => 0..0x200_0000_i64,
    ];
    prop::collection::vec(look, 1..120)
}

/// Intervals in whole microseconds, from 10 ms to a day.
fn interval() -> impl Strategy<Value = Duration> {
    let micros = prop_oneof![10_000..2_000_000_u64, 10_000..86_400_000_000_u64, Just(1_000_000)];
    micros.prop_map(Duration::from_micros)
}

fn late(from: Timestamp, interval: Duration, look: i64) -> Timestamp {
    let part = interval.mul_f64(look.unsigned_abs() as f64 / 65_536.0);
    if look < 0 { from - part } else { from + part }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_point_of_the_grid_is_sent_at_or_skipped_and_requests_keep_their_distance(
        interval in interval(),
        phase in any::<u32>(),
        start in 0..10_000_000_000_000_u64,
        looks in looks(),
    ) {
        let start = Timestamp::from_nanos(start);
        let mut schedule = Schedule::new(interval, phase, start);
        let first = schedule.next();
        prop_assert!(first >= start && first.since(start) <= interval.min(Duration::from_secs(1)));
        let mut now = start;
        let (mut sent, mut skipped, mut previous) = (0, 0, None::<Timestamp>);
        let mut second = None;
        for look in looks {
            now = late(schedule.next(), interval, look).max(now);
            let next = schedule.next();
            let due = schedule.take_due(now);
            prop_assert!(schedule.next() > now, "what is due is dealt with at once");
            prop_assert_eq!(due.send || due.skipped > 0, next <= now);
            skipped += due.skipped;
            if due.send {
                sent += 1;
                let apart = previous.map_or(interval, |previous| now.since(previous));
                prop_assert!(apart >= interval / 2, "{apart:?} apart");
                previous = Some(now);
            }
            if schedule.next() > first {
                // A first request that was late pushes the second away; where that is begins the count.
                let counted_from = |late| if late { now } else { first };
                let lateness = due.send && due.skipped == 0;
                let second = *second.get_or_insert_with(|| {
                    first_grid_point_after(counted_from(lateness), schedule.next(), interval)
                });
                prop_assert_eq!(on_grid(second, schedule.next(), interval), Some(sent + skipped - 1));
            }
        }
    }

    #[test]
    fn a_change_of_the_interval_keeps_the_distance_and_comes_soon(
        changes in prop::collection::vec((interval(), 0.0..2.0_f64), 1..40),
        phase in any::<u32>(),
    ) {
        let mut now = Timestamp::from_nanos(1_000_000_000_000);
        let mut schedule = Schedule::new(changes[0].0, phase, now);
        let mut previous = None::<Timestamp>;
        for (interval, wait) in changes {
            schedule.set_interval(interval, now);
            prop_assert!(schedule.next() >= now);
            prop_assert!(schedule.next().since(now) <= interval + interval / 2);
            now = now + interval.mul_f64(wait);
            if schedule.take_due(now).send {
                let apart = previous.map_or(interval, |previous| now.since(previous));
                prop_assert!(apart >= interval / 2, "{apart:?} apart");
                previous = Some(now);
            }
        }
    }
}

/// The first point after `first` that lies whole intervals before `later` and half an interval or more after
/// `first`.
fn first_grid_point_after(first: Timestamp, later: Timestamp, interval: Duration) -> Timestamp {
    let soonest = first + interval / 2;
    let points = later.since(soonest).as_nanos() / interval.as_nanos();
    let behind = interval.as_nanos() * points;
    later - Duration::from_nanos(u64::try_from(behind).expect("a few days"))
}

/// How many intervals `point` lies after `second`; `None` if that is no whole number.
fn on_grid(second: Timestamp, point: Timestamp, interval: Duration) -> Option<u64> {
    let behind = point.since(second).as_nanos();
    let whole = behind.is_multiple_of(interval.as_nanos());
    whole.then(|| u64::try_from(behind / interval.as_nanos()).ok())?
}
