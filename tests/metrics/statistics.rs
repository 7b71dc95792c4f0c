//! Statistics of a target in which every counter has another value.

use meshping::measure::{Cause, ErrorClass, LifetimeStats, Outages, Rtt, Timestamp, WallMapping};
use std::time::Duration;

/// Every counter has another value, so that a mix-up changes the exposition.
pub fn busy_totals() -> LifetimeStats {
    let mut totals = LifetimeStats {
        lost: 3,
        void: 4,
        late: 5,
        duplicates: 6,
        out_of_date: 7,
        ..LifetimeStats::default()
    };
    for micros in [28, 31, 15_625, 1_000_000, 8_000_001] {
        totals.replies += 1;
        totals.histogram.record(Rtt::from_micros(micros));
        totals.rtt.record(Rtt::from_micros(micros));
        totals.recent.record(Some(Rtt::from_micros(micros)));
    }
    (0..3).for_each(|_| totals.recent.record(None));
    totals.errors[ErrorClass::TtlExceeded as usize] = 8;
    totals.errors[ErrorClass::Send as usize] = 9;
    for pair in [[31, 15_625], [15_625, 1_000_000]] {
        totals.jitter.record(Rtt::from_micros(pair[0]), Rtt::from_micros(pair[1]));
    }
    LifetimeStats { skipped: 10, pending: 11, reply_ttl: Some(64), outages: outages(), ..totals }
}

/// An outage of 12 seconds, and one that began half a minute ago.
fn outages() -> Outages {
    let at = |second: u64| Timestamp::from_nanos(second * 1_000_000_000);
    let mut outages = Outages::default();
    for second in [10, 11] {
        outages.unanswered(at(second), Cause::Lost);
    }
    outages.answered(at(22));
    for second in [70, 71] {
        outages.unanswered(at(second), Cause::Lost);
    }
    outages
}

/// Half past the hundredth second.
pub fn wall() -> WallMapping {
    WallMapping::new(Timestamp::from_nanos(100_500_000_000), Duration::from_millis(1_700_000_000_500))
}
