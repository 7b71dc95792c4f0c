//! Assigns counts to hours of the wall clock. Pure: every reply is counted in exactly one hour, also when the clock
//! steps.

use crate::measure::LifetimeStats;

/// The current hour of a target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HourStart {
    /// Hours since 1970.
    pub hour: i64,
    /// The statistics at its beginning.
    pub base: LifetimeStats,
}

/// Statistics at a time of the wall clock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Unix seconds.
    pub at: i64,
    pub totals: LifetimeStats,
}

/// A new hour begins.
#[derive(Debug, PartialEq)]
pub(super) struct Rollover {
    pub started: HourStart,
    /// The hour before, and what was settled in it, to be added to that hour.
    pub ended: Option<(i64, LifetimeStats)>,
}

/// The hour of a time in Unix seconds.
pub(super) const fn hour_of(at: i64) -> i64 {
    at.div_euclid(SECONDS)
}

/// Seconds of an hour.
pub(super) const SECONDS: i64 = 3_600;

/// Between two samples that are further apart than this the daemon was not running, or the clock was set.
const MAX_SAMPLE_GAP_SECONDS: i64 = 30;

/// Compares a sample of a target with the start of its current hour and with the sample before. Returns `None` while
/// the hour lasts.
///
/// Without a start the target is new, and everything was counted in this hour, except what is in `before`.
pub(super) fn step(start: Option<HourStart>, before: Option<Sample>, now: &Sample) -> Option<Rollover> {
    let hour = hour_of(now.at);
    let Some(start) = start else {
        let base = before.map(|sample| sample.totals).unwrap_or_default();
        return Some(Rollover { started: HourStart { hour, base }, ended: None });
    };
    if start.hour == hour {
        return None;
    }
    let gap = before.as_ref().is_some_and(|sample| (now.at - sample.at).abs() > MAX_SAMPLE_GAP_SECONDS);
    let last = before.filter(|_| gap).map_or_else(|| now.totals.clone(), |sample| sample.totals);
    let settled = last.since(&start.base);
    let ended = (!settled.is_nothing()).then_some((start.hour, settled));
    Some(Rollover { started: HourStart { hour, base: last }, ended })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::measure::Rtt;
    use std::collections::BTreeMap;

    type Pairs = &'static [(i64, u64)];

    const NOON: i64 = 12 * SECONDS;

    /// Statistics of `count` replies.
    pub(in crate::state) fn replies(count: u64) -> LifetimeStats {
        let mut totals = LifetimeStats { replies: count, ..LifetimeStats::default() };
        for _ in 0..count {
            totals.rtt.record(Rtt::from_micros(100));
            totals.histogram.record(Rtt::from_micros(100));
        }
        totals
    }

    /// Replies in each hour, from samples (time, replies so far).
    fn history(samples: &[(i64, u64)]) -> BTreeMap<i64, u64> {
        let (mut start, mut before, mut hours) = (None, None, BTreeMap::new());
        for &(at, count) in samples {
            let now = Sample { at, totals: replies(count) };
            if let Some(Rollover { started, ended }) = step(start.clone(), before, &now) {
                start = Some(started);
                if let Some((hour, settled)) = ended {
                    *hours.entry(hour).or_default() += settled.replies;
                }
            }
            before = Some(now);
        }
        if let (Some(start), Some(before)) = (start, before) {
            *hours.entry(start.hour).or_default() += before.totals.since(&start.base).replies;
        }
        hours.retain(|_, count| *count > 0);
        hours
    }

    #[test]
    fn every_reply_is_counted_in_one_hour_whatever_the_clock_does() {
        let cases: [(&str, Pairs, Pairs); 9] = [
            ("one hour", &[(NOON, 0), (NOON + 8, 8), (NOON + 16, 16)], &[(12, 16)]),
            ("a new target", &[(NOON, 5), (NOON + 8, 8)], &[(12, 8)]),
            (
                "the next hour",
                &[(NOON + 3592, 10), (NOON + 3600, 18), (NOON + 3608, 26)],
                &[(12, 18), (13, 8)],
            ),
            ("an hour forward", &[(NOON, 10), (NOON + 8, 18), (NOON + 3616, 26)], &[(12, 18), (13, 8)]),
            (
                "an hour back, and over the same hour again",
                &[(NOON + 3600, 8), (NOON + 8, 16), (NOON + 3592, 24), (NOON + 3600, 32)],
                &[(13, 8), (12, 24)],
            ),
            ("years back", &[(NOON * 9999, 8), (60, 16)], &[(NOON * 9999 / SECONDS, 8), (0, 8)]),
            ("before 1970", &[(-60, 8), (8, 16)], &[(-1, 8), (0, 8)]),
            ("a night without machine", &[(NOON + 60, 60), (NOON + 8 * 3600, 68)], &[(12, 60), (20, 8)]),
            (
                "counters restart from zero",
                &[(NOON, 100), (NOON + 8, 3), (NOON + 3600, 11)],
                &[(12, 3), (13, 8)],
            ),
        ];
        for (case, samples, expected) in cases {
            let mut sums = BTreeMap::new();
            for (hour, count) in expected {
                *sums.entry(*hour).or_default() += count;
            }
            assert_eq!(history(samples), sums, "{case}");
        }
    }

    #[test]
    fn counts_of_before_the_history_are_in_no_hour() {
        let (before, now) =
            (Sample { at: NOON, totals: replies(100) }, Sample { at: NOON + 9, totals: replies(103) });
        let Some(Rollover { started, ended: None }) = step(None, Some(before), &now) else {
            panic!("no hour begins")
        };
        assert_eq!(now.totals.since(&started.base).replies, 3);
    }
}
