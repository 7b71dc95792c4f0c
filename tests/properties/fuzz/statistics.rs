//! Saved statistics of a target.

use super::input::Input;
use meshping::measure::{EncodedStats, LifetimeStats, PeriodStats, RequestTracker, Timestamp};
use std::time::Duration;

/// Bytes are refused, or are statistics that are consistent, can be continued, and are written and read unchanged.
pub fn check(bytes: &[u8]) {
    let encoded = EncodedStats::from_bytes(bytes);
    let Some(totals) = encoded.totals() else {
        assert!(!tracker().restore(&encoded, NOW, Duration::ZERO), "refused once, accepted once");
        return;
    };
    check_totals(&totals);
    let written = EncodedStats::from(&totals);
    let read = written.totals().expect("what was written can be read");
    assert_eq!(EncodedStats::from(&read), written, "the counters change");

    let mut restored = tracker();
    assert!(restored.restore(&encoded, NOW, Duration::ZERO));
    check_tracker(&restored);
    let saved = restored.save(NOW);
    let mut again = tracker();
    assert!(again.restore(&saved, NOW, Duration::ZERO), "what was saved can be restored");
    assert_eq!(again.save(NOW), saved, "the statistics change");
    go_on(restored, bytes);
}

const NOW: Timestamp = Timestamp::from_nanos(1_000_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn tracker() -> RequestTracker {
    RequestTracker::new(SECOND, 10 * SECOND, 7)
}

fn check_totals(totals: &LifetimeStats) {
    assert_eq!(totals.histogram.count(), totals.replies);
    check_period(&totals.summary());
    let buckets = totals.histogram.buckets();
    assert!(buckets.is_sorted() && buckets.iter().all(|&count| count <= totals.replies), "{buckets:?}");
}

/// The invariants of `docs/architecture.md`.
fn check_period(period: &PeriodStats) {
    let (count, rtt) = (u128::from(period.replies), period.rtt);
    assert!(count * u128::from(rtt.min) <= u128::from(rtt.sum), "{period:?}");
    assert!(u128::from(rtt.sum) <= count * u128::from(rtt.max), "{period:?}");
    assert_eq!(period.sent(), period.settled() + period.in_flight);
}

fn check_tracker(tracker: &RequestTracker) {
    check_totals(&tracker.totals());
    check_period(&tracker.summary());
    let detail = tracker.detail(NOW);
    if let Some(quantiles) = detail.quantiles {
        assert!(quantiles.is_sorted(), "{quantiles:?}");
    }
    for window in detail.averages {
        assert!(window.loss().is_none_or(|loss| (0.0..=1.0).contains(&loss)), "{window:?}");
    }
}

/// Requests, answers and resets after the restart.
fn go_on(mut tracker: RequestTracker, bytes: &[u8]) {
    let (mut input, mut now, mut ended) = (Input::new(bytes), NOW, None);
    for _ in 0..16 {
        let number = tracker.open(now);
        tracker.sent(number, now);
        now = now + SECOND / 8;
        match input.byte() % 4 {
            0 => drop(tracker.reply(number, now, Some(64))),
            1 => tracker.begin_histogram(),
            2 => ended = Some(tracker.begin_period()),
            _ => ended.take().into_iter().for_each(|ended| tracker.resume_period(ended)),
        }
        tracker.expire(now, |_, _| false);
        check_tracker(&tracker);
    }
}
