//! What is told of round-trip times and losses, beside the textbook's way to compute it from all of them.

use meshping::measure::averages::{Averages, WINDOWS};
use meshping::measure::{Histogram, Jitter, LastRtts, RequestTracker, Rtt, SquareSum, Timestamp};
use proptest::prelude::*;
use std::time::Duration;

/// Round-trip times of every size, in microseconds.
fn rtts() -> impl Strategy<Value = Vec<u64>> {
    let one = prop_oneof![1..50_u64, 900..1_100_u64, 19_000..21_000_u64, 1..60_000_000_u64];
    prop::collection::vec(one, 1..200)
}

fn seconds(duration: Option<Duration>) -> f64 {
    duration.map_or(f64::NAN, |duration| duration.as_secs_f64())
}

/// By the definition: first the mean, then the distances from it.
fn deviation(micros: &[u64]) -> f64 {
    let n = micros.len() as f64;
    let mean = micros.iter().map(|&micros| micros as f64).sum::<f64>() / n;
    (micros.iter().map(|&micros| (micros as f64 - mean).powi(2)).sum::<f64>() / n).sqrt() / 1e6
}

/// A request of a target that is pinged every `interval`: when it was sent, in seconds, and its RTT if it has one.
fn requests() -> impl Strategy<Value = (Duration, Vec<(f64, Option<u64>)>)> {
    let outcome = prop::option::weighted(0.8, 1_000..100_000_u64);
    let gap = prop_oneof![30 => Just(0.0), 1 => 100.0..20_000.0];
    let one = (outcome, gap);
    (prop::sample::select(vec![0.1, 1.0, 7.0, 60.0, 900.0]), prop::collection::vec(one, 1..400)).prop_map(
        |(interval, requests)| {
            let timed = requests.into_iter().scan(1_000.0, |now, (rtt, gap)| {
                let at = *now + gap;
                *now = at + interval;
                Some((at, rtt))
            });
            (Duration::from_secs_f64(interval), timed.collect())
        },
    )
}

fn at(second: f64) -> Timestamp {
    Timestamp::EPOCH + Duration::from_secs_f64(second)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deviation_is_the_textbook_s(micros in rtts()) {
        let mut squares = SquareSum::default();
        for &micros in &micros {
            squares.record(Rtt::from_micros(micros));
        }
        let found = seconds(squares.deviation(micros.len() as u64, micros.iter().sum()));
        let expected = deviation(&micros);
        prop_assert!((found - expected).abs() <= 1e-9 + expected * 1e-9, "{found} for {expected}");
    }

    #[test]
    fn a_jitter_is_the_rfc_s(micros in rtts()) {
        let (mut jitter, mut expected) = (Jitter::default(), 0.0);
        for pair in micros.windows(2) {
            jitter.record(Rtt::from_micros(pair[0]), Rtt::from_micros(pair[1]));
            expected += (pair[0].abs_diff(pair[1]) as f64 - expected) / 16.0;
        }
        let found = jitter.get().as_secs_f64() * 1e6;
        prop_assert!((found - expected).abs() < 1.0, "{found} for {expected}");
    }

    #[test]
    fn a_quantile_is_off_by_a_bin_at_most(micros in rtts(), q in 0.0..=1.0_f64) {
        let mut histogram = Histogram::default();
        for &micros in &micros {
            histogram.record(Rtt::from_micros(micros));
        }
        let mut sorted = micros;
        sorted.sort_unstable();
        let rank = (q * sorted.len() as f64).ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let expected = sorted[rank as usize - 1] as f64 / 1e6;
        let ratio = seconds(histogram.quantile(q)) / expected;
        let bin = 0.125_f64.exp2() + 1e-6;
        prop_assert!((1.0 / bin..bin).contains(&ratio), "{ratio} of {expected}");
    }

    #[test]
    fn what_an_account_tells_lies_between_its_extremes(micros in rtts()) {
        let mut account = RequestTracker::new(Duration::from_secs(60), Duration::from_secs(120), 7);
        let mut now = Timestamp::from_nanos(1_000);
        for &micros in &micros {
            let number = account.open(now);
            account.sent(number, now);
            now = now + Duration::from_micros(micros);
            account.reply(number, now, None);
        }
        let (summary, detail) = (account.summary(), account.detail(now));
        let [min, max] = [summary.rtt.min, summary.rtt.max].map(Duration::from_micros);
        let quantiles = detail.quantiles.expect("there are replies");
        prop_assert!(quantiles.is_sorted() && min <= quantiles[0] && quantiles[2] <= max, "{quantiles:?}");
        prop_assert!(detail.stddev.is_some_and(|stddev| min + stddev <= max));
        prop_assert_eq!(detail.jitter.is_some(), micros.len() > 1);
        let averages = detail.averages.map(|window| window.rtt().expect("there are replies"));
        let slack = max / 100_000;
        prop_assert!(averages.iter().all(|&rtt| min <= rtt + slack && rtt <= max + slack), "{averages:?}");
    }

    #[test]
    fn averages_are_those_of_all_requests_by_their_age((interval, requests) in requests(), later in 0.0..5_000.0) {
        let mut averages = Averages::new(interval);
        for &(second, micros) in &requests {
            averages.record(micros.map(Rtt::from_micros), at(second));
        }
        let now = requests[requests.len() - 1].0 + interval.as_secs_f64() + later;
        for (window, length) in averages.windows(at(now)).iter().zip(WINDOWS) {
            // A bucket of ten seconds is taken in as one: that far the ages may be off.
            let slack = 0.001 + 10.5 / length.as_secs_f64();
            let weight = |second: f64| ((second - now) / length.as_secs_f64()).exp();
            let sum = |value: fn(Option<u64>) -> f64| -> f64 {
                requests.iter().map(|&(second, micros)| weight(second) * value(micros)).sum()
            };
            let (all, lost) = (sum(|_| 1.0), sum(|micros| f64::from(u8::from(micros.is_none()))));
            let found = window.loss().unwrap_or(f64::NAN);
            if all > 1e-30 {
                prop_assert!((found - lost / all).abs() <= slack, "{found} for {} of {length:?}", lost / all);
            }
            if all > 1e-30 && all - lost > all / 500.0 {
                let expected = sum(|micros| micros.map_or(0.0, |micros| micros as f64 / 1e6)) / (all - lost);
                let found = seconds(window.rtt());
                prop_assert!((found / expected - 1.0).abs() <= 2.0 * slack, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn the_recent_requests_are_the_last_ten(outcomes in prop::collection::vec(prop::option::of(1..60_000_000_u64), 0..40)) {
        let recent: LastRtts = outcomes.iter().map(|micros| micros.map(Rtt::from_micros)).collect();
        let last = &outcomes[outcomes.len().saturating_sub(10)..];
        let answered: Vec<u64> = last.iter().copied().flatten().collect();
        prop_assert_eq!(recent.iter().map(|rtt| rtt.map(Rtt::micros)).collect::<Vec<_>>(), last);
        let lost = (last.len() - answered.len()) as f64;
        prop_assert_eq!(recent.loss(), (!last.is_empty()).then(|| lost / last.len() as f64));
        prop_assert_eq!(recent.rtts().is_some(), !answered.is_empty());
        if let Some(rtts) = recent.rtts() {
            prop_assert_eq!(Some(rtts.min.as_micros()), answered.iter().min().map(|&micros| u128::from(micros)));
            prop_assert_eq!(Some(rtts.max.as_micros()), answered.iter().max().map(|&micros| u128::from(micros)));
            let mean = answered.iter().sum::<u64>() as f64 / answered.len() as f64;
            prop_assert!((rtts.mean.as_secs_f64() * 1e6 - mean).abs() < 0.001);
            prop_assert!((rtts.stddev.as_secs_f64() - deviation(&answered)).abs() < 1e-8);
        }
    }
}
