use super::*;
use crate::measure::{DetailedStats, Reception, RequestTracker};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn empty() -> RequestTracker {
    RequestTracker::new(SECOND, 10 * SECOND, 7)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

/// One request of every fate, a reset in between, and one in flight.
fn eventful() -> RequestTracker {
    let mut tracker = empty();
    for sent in (0..6).map(|second| at(1_000 * second)) {
        let number = tracker.open(sent);
        tracker.sent(number, sent);
        match number {
            7 => assert_eq!(tracker.reply(number, sent + SECOND / 64, Some(63)), Reception::Answer),
            8 => assert_eq!(tracker.error(number, sent, ErrorClass::Send), Reception::Error),
            9 => drop(tracker.begin_period()),
            11 => assert_eq!(tracker.reply(number, sent + SECOND / 100, Some(64)), Reception::Answer),
            _ => {}
        }
        tracker.expire(sent + SECOND, |from, _| from == at(3_000));
    }
    tracker.skip(300);
    tracker
}

#[test]
fn restored_statistics_equal_the_saved_ones() {
    let before = eventful();
    let saved = EncodedStats::from_bytes(before.save(at(9_000)).as_bytes());
    let mut after = empty();
    assert!(after.restore(&saved, at(9_000), Duration::ZERO));
    assert_eq!(
        DetailedStats { averages: Default::default(), ..after.detail(at(9_000)) },
        DetailedStats { averages: Default::default(), ..before.detail(at(9_000)) }
    );
    let (old, new) = (before.totals(), after.totals());
    assert_eq!(old.pending, 1);
    assert_eq!((new.pending, new.void), (0, old.void + old.pending), "its outcome is unknown");
    assert_eq!(new.requests(), old.requests());
    let without_fate = |totals: &LifetimeStats| LifetimeStats { pending: 0, void: 0, ..totals.clone() };
    assert_eq!(without_fate(&new), without_fate(&old));
    assert_eq!(after.histogram(), before.histogram());
    let (old, new) = (before.summary(), after.summary());
    assert_eq!(new, PeriodStats { in_flight: 0, void: old.void + 1, ..old });
}

#[test]
fn saved_times_are_ages_that_do_not_depend_on_the_clock_or_the_downtime() {
    let mut before = empty();
    for (sent, answered) in [(1, true), (2, false), (3, false), (4, true), (5, false), (6, false)] {
        let sent = at(1_000 * sent);
        let number = before.open(sent);
        before.sent(number, sent);
        if answered {
            assert_eq!(before.reply(number, sent + SECOND / 64, None), Reception::Answer);
        }
        before.expire(sent + 2 * SECOND, |_, _| false);
    }
    let (saved, now, hour) = (before.save(at(10_000)), at(90_000_000), 3_600 * SECOND);
    let mut after = empty();
    assert!(after.restore(&saved, now, hour));
    let (detail, now) = (after.detail(now), now - hour);
    let age = |moment: Timestamp| now.since(moment);
    assert_eq!(detail.outage.map(|outage| (age(outage.since), outage.requests)), Some((5 * SECOND, 2)));
    let ended =
        after.totals().outages.longest().get().map(|ended| (age(ended.outage.since), age(ended.until)));
    assert_eq!(ended, Some((8 * SECOND, 6 * SECOND)));
    let [short, _, day] = detail.averages;
    let [short_before, _, day_before] = before.detail(at(10_000)).averages;
    assert!(short.answered < short_before.answered / 50.0, "{detail:?}");
    assert!(day.answered > day_before.answered * 0.95, "{detail:?}");
    // Where the clock has not run that long, it began with the clock.
    let mut young = empty();
    assert!(young.restore(&saved, at(500), hour));
    assert_eq!(young.detail(at(500)).outage.map(|outage| outage.since), Some(Timestamp::EPOCH));
}

#[test]
fn statistics_of_months_take_few_bytes() {
    let mut totals = eventful().totals();
    totals.skipped = 10_000_000;
    assert!(EncodedStats::from(&totals).as_bytes().len() < 80, "{:?}", EncodedStats::from(&totals));
}

#[test]
fn unknown_parts_are_skipped() {
    let mut out = VarintWriter::new(VERSION);
    out.part(99, |out| out.number(u64::MAX));
    out.part(TOTALS, |out| write_totals(&eventful().totals(), out));
    assert_eq!(
        EncodedStats::from(out).totals().map(|totals| totals.requests()),
        Some(eventful().totals().requests())
    );
}

#[test]
fn damaged_bytes_are_rejected() {
    let good = eventful().save(at(9_000));
    assert!(good.totals().is_some());
    for length in 0..good.as_bytes().len() {
        // Between two parts there is nothing to notice; it is the database that notices.
        let _ = EncodedStats::from_bytes(&good.as_bytes()[..length]).totals();
    }
    for index in 0..good.as_bytes().len() {
        for bit in 0..8 {
            let mut bytes = good.as_bytes().to_vec();
            bytes[index] ^= 1 << bit;
            if let Some(totals) = EncodedStats::from_bytes(&bytes).totals() {
                assert_eq!(totals.histogram.count(), totals.replies);
            }
        }
    }
    let mut contradiction = eventful().totals();
    contradiction.replies += 1;
    assert_eq!(EncodedStats::from(&contradiction).totals(), None);
    assert_eq!(EncodedStats::from_bytes(&[2, 0]).totals(), None, "an unknown version");
    assert_eq!(EncodedStats::from_bytes(&[1, 1, 1, 0xff]).totals(), None);
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let totals = eventful().totals();
    let refused = |write: fn(&mut VarintWriter)| {
        let mut out = VarintWriter::new(VERSION);
        out.part(TOTALS, |out| write_totals(&totals, out));
        write(&mut out);
        EncodedStats::from(out).totals().is_none()
    };
    assert!(!refused(|_| {}));
    assert!(refused(|out| out.part(PERIOD, |out| {
        let rtt = RttStats { sum: 5, min: 3, max: 2, ..RttStats::default() };
        write_period(&PeriodStats { replies: 2, rtt, ..PeriodStats::default() }, out);
    })));
    assert!(refused(|out| out.part(PERIOD, |out| {
        let rtt = RttStats { sum: 5, max: 3, last: 3, ..RttStats::default() };
        write_period(&PeriodStats { replies: 2, rtt, ..PeriodStats::default() }, out);
    })));
    assert!(refused(|out| out.part(PERIOD, |out| {
        write_period(&PeriodStats { lost: 1 << 51, ..PeriodStats::default() }, out);
    })));
    // It began 5 µs ago and ended 6 µs ago.
    assert!(refused(|out| out.part(LONGEST_OUTAGE, |out| {
        for number in [5, 2, 0, 6] {
            out.number(number);
        }
    })));
    assert!(refused(|out| out.part(HISTOGRAM_BASE, |out| {
        let mut base = Histogram::default();
        base.record(Rtt::from_micros(7_000_000));
        base.write(out);
    })));
    assert!(refused(|out| out.part(AVERAGES, |out| {
        let huge = Weights { answered: f32::MAX, unanswered: f32::MAX, rtt_seconds: 0.0 };
        write_averages(&[huge; WINDOWS.len()], out);
    })));
    // No bin is hit, but one reply took exactly 2^-6 s.
    assert!(refused(|out| out.part(HISTOGRAM_BASE, |out| (0..11).for_each(|index| out.number(index % 2)))));
}
