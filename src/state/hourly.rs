//! Which hour of the wall clock gets what was counted. Pure: the clock may step as it likes, every reply is counted in
//! one hour.

use crate::measure::LifetimeStats;

/// An hour that is under way for a target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HourStart {
    /// Hours since 1970.
    pub hour: i64,
    /// The books at its beginning.
    pub base: LifetimeStats,
}

/// Books at some time of the wall clock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Unix seconds.
    pub at: i64,
    pub totals: LifetimeStats,
}

/// An hour begins.
#[derive(Debug, PartialEq)]
pub(super) struct Rollover {
    pub begun: HourStart,
    /// What was settled in the one before; it is added to that one.
    pub ended: Option<(i64, LifetimeStats)>,
}

/// The hour of a time in Unix seconds.
pub(super) const fn hour_of(at: i64) -> i64 {
    at.div_euclid(SECONDS)
}

/// Seconds of an hour.
pub(super) const SECONDS: i64 = 3_600;

/// Two looks that are further apart than this had no daemon, or no machine, between them; or the clock was set.
const GAP: i64 = 30;

/// A look at the books of a target, whose hour is `mark`, and which was looked at before. `None` while the hour goes on.
///
/// Without a mark it is new: everything was counted in this hour; or `before` tells what was not.
pub(super) fn step(mark: Option<HourStart>, before: Option<Sample>, now: &Sample) -> Option<Rollover> {
    let hour = hour_of(now.at);
    let Some(mark) = mark else {
        let base = before.map(|look| look.totals).unwrap_or_default();
        return Some(Rollover { begun: HourStart { hour, base }, ended: None });
    };
    if mark.hour == hour {
        return None;
    }
    let gap = before.as_ref().is_some_and(|look| (now.at - look.at).abs() > GAP);
    let last = before.filter(|_| gap).map_or_else(|| now.totals.clone(), |look| look.totals);
    let settled = last.since(&mark.base);
    let ended = (!settled.is_nothing()).then_some((mark.hour, settled));
    Some(Rollover { begun: HourStart { hour, base: last }, ended })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Rtt;
    use std::collections::BTreeMap;

    type Pairs = &'static [(i64, u64)];

    const NOON: i64 = 12 * SECONDS;

    /// Totals of so many replies.
    fn replies(count: u64) -> LifetimeStats {
        let mut totals = LifetimeStats { replies: count, ..LifetimeStats::default() };
        for _ in 0..count {
            totals.rtt.record(Rtt::from_micros(100));
            totals.histogram.record(Rtt::from_micros(100));
        }
        totals
    }

    /// Replies in each hour, after looks at these times that found so many.
    fn history(looks: &[(i64, u64)]) -> BTreeMap<i64, u64> {
        let (mut mark, mut before, mut hours) = (None, None, BTreeMap::new());
        for &(at, count) in looks {
            let now = Sample { at, totals: replies(count) };
            if let Some(Rollover { begun, ended }) = step(mark.clone(), before, &now) {
                mark = Some(begun);
                if let Some((hour, settled)) = ended {
                    *hours.entry(hour).or_default() += settled.replies;
                }
            }
            before = Some(now);
        }
        if let (Some(mark), Some(before)) = (mark, before) {
            *hours.entry(mark.hour).or_default() += before.totals.since(&mark.base).replies;
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
            ("counters begin anew", &[(NOON, 100), (NOON + 8, 3), (NOON + 3600, 11)], &[(12, 3), (13, 8)]),
        ];
        for (case, looks, expected) in cases {
            let mut sums = BTreeMap::new();
            for (hour, count) in expected {
                *sums.entry(*hour).or_default() += count;
            }
            assert_eq!(history(looks), sums, "{case}");
        }
    }

    #[test]
    fn books_from_before_there_was_a_history_are_not_counted_in_it() {
        let (before, now) =
            (Sample { at: NOON, totals: replies(100) }, Sample { at: NOON + 9, totals: replies(103) });
        let Some(Rollover { begun, ended: None }) = step(None, Some(before), &now) else {
            panic!("no hour begins")
        };
        assert_eq!(now.totals.since(&begun.base).replies, 3);
    }
}
