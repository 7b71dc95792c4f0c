//! The books of a target as bytes that outlast the process: a version, and then parts that each say how long they are.
//!
//! What a reader does not know it skips, and what it does not find is nothing; so a newer version can add parts.

use super::averages::{WINDOWS, Weights};
use super::varint::{VarintReader, VarintWriter};
use super::{
    Cause, EndedOutage, ErrorClass, ErrorCounts, Histogram, Jitter, LifetimeStats, Outage, Outages,
    PeriodStats, Rtt, RttStats, SquareSum, Timestamp,
};

/// The books of a target, to be gone on with after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedStats(Box<[u8]>);

/// What is in saved books.
#[derive(Debug, Default)]
pub(super) struct StatsParts {
    pub totals: LifetimeStats,
    /// Since the latest reset, with the longest outage that ended in it.
    pub period: Option<(PeriodStats, Option<EndedOutage>)>,
    pub histogram_base: Option<Histogram>,
    pub windows: [Weights; WINDOWS.len()],
}

const VERSION: u8 = 1;

const TOTALS: u64 = 1;
const PERIOD: u64 = 2;
const HISTOGRAM_BASE: u64 = 3;
const RECENT: u64 = 4;
const ROW: u64 = 5;
const LONGEST_OUTAGE: u64 = 6;
const LONGEST_OUTAGE_OF_PERIOD: u64 = 7;
const AVERAGES: u64 = 8;

impl EncodedStats {
    /// Times are written as ages at `now`: neither the clock nor the machine's start matters afterwards.
    pub(super) fn of(parts: &StatsParts, now: Timestamp) -> Self {
        let mut out = VarintWriter::new(VERSION);
        let StatsParts { totals, period, histogram_base, windows } = parts;
        out.part(TOTALS, |out| write_totals(totals, out));
        if let Some((period, longest)) = period {
            out.part(PERIOD, |out| write_period(period, out));
            out.optional(LONGEST_OUTAGE_OF_PERIOD, *longest, |past, out| write_past(past, now, out));
        }
        out.optional(HISTOGRAM_BASE, histogram_base.as_ref(), Histogram::write);
        out.part(RECENT, |out| write_recent(totals, out));
        out.optional(ROW, totals.outages.row(), |row, out| write_outage(row, now, out));
        out.optional(LONGEST_OUTAGE, totals.outages.longest().get(), |past, out| write_past(past, now, out));
        out.part(AVERAGES, |out| write_averages(windows, out));
        out.into()
    }

    /// Bytes that were saved, whatever they are.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes to be kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The books since the beginning; `None` if these are no books, or contradict themselves.
    pub fn totals(&self) -> Option<LifetimeStats> {
        self.parts(Timestamp::EPOCH).map(|parts| parts.totals)
    }

    /// What was saved at `then`.
    pub(super) fn parts(&self, then: Timestamp) -> Option<StatsParts> {
        let (&version, rest) = self.0.split_first()?;
        let mut input = VarintReader::new(rest);
        let (mut parts, mut row, mut longest, mut of_period) = (None, None, None, None);
        while version == VERSION && !input.is_empty() {
            let (tag, mut part) = (input.number()?, input.part()?);
            let found = parts.get_or_insert_with(StatsParts::default);
            match tag {
                TOTALS => found.totals = read_totals(&mut part)?,
                PERIOD => found.period = Some((read_period(&mut part)?, None)),
                LONGEST_OUTAGE_OF_PERIOD => of_period = Some(read_past(&mut part, then)?),
                HISTOGRAM_BASE => found.histogram_base = Some(Histogram::read(&mut part)?),
                RECENT => read_recent(&mut part, &mut found.totals)?,
                ROW => row = Some(read_outage(&mut part, then)?),
                LONGEST_OUTAGE => longest = Some(read_past(&mut part, then)?),
                AVERAGES => found.windows = read_averages(&mut part)?,
                _ => {}
            }
        }
        let mut parts = parts.filter(StatsParts::is_consistent)?;
        parts.totals.outages = Outages::restored(row, longest);
        if let Some((_, longest)) = &mut parts.period {
            *longest = of_period;
        }
        Some(parts)
    }
}

impl From<VarintWriter> for EncodedStats {
    fn from(out: VarintWriter) -> Self {
        Self(out.into_bytes())
    }
}

impl From<&LifetimeStats> for EncodedStats {
    /// Nothing but the counters.
    fn from(totals: &LifetimeStats) -> Self {
        let mut out = VarintWriter::new(VERSION);
        out.part(TOTALS, |out| write_totals(totals, out));
        out.into()
    }
}

impl StatsParts {
    /// Whether the invariants hold that the rest of the program relies on; a damaged disk can violate them.
    fn is_consistent(&self) -> bool {
        let Self { totals, period, histogram_base, .. } = self;
        are_possible(totals.replies, &totals.rtt)
            && totals.histogram.count() == totals.replies
            && period.as_ref().is_none_or(|(period, _)| are_possible(period.recv, &period.rtt))
            && histogram_base.as_ref().is_none_or(|base| totals.histogram.continues(base))
    }
}

/// Whether that number of round-trip times can have these statistics.
fn are_possible(count: u64, rtt: &RttStats) -> bool {
    let least = count.checked_mul(rtt.min).is_some_and(|least| least <= rtt.sum);
    let most = count.checked_mul(rtt.max).is_none_or(|most| rtt.sum <= most);
    least && most && rtt.min <= rtt.max
}

fn write_totals(totals: &LifetimeStats, out: &mut VarintWriter) {
    let LifetimeStats { replies, lost, void, late, duplicates, outdated, skipped, pending, .. } = *totals;
    for count in [replies, lost, void, late, duplicates, outdated, skipped, pending] {
        out.number(count);
    }
    out.number(totals.reply_ttl.map_or(0, |ttl| u64::from(ttl) + 1));
    write_rtt(&totals.rtt, out);
    let errors = totals.errors.iter().enumerate().filter(|(_, count)| **count > 0);
    out.number(errors.clone().count() as u64);
    for (class, count) in errors {
        out.number(class as u64);
        out.number(*count);
    }
    totals.histogram.write(out);
}

fn read_totals(input: &mut VarintReader<'_>) -> Option<LifetimeStats> {
    let [replies, lost, void, late, duplicates, outdated, skipped, pending] = input.numbers()?;
    let reply_ttl = input.number()?.checked_sub(1).map(u8::try_from).transpose().ok()?;
    let rtt = read_rtt(input)?;
    let mut errors = [0; ErrorClass::ALL.len()];
    for _ in 0..input.number()? {
        let class = usize::try_from(input.number()?).ok()?;
        *errors.get_mut(class)? = input.number()?;
    }
    let (errors, histogram) = (ErrorCounts::from(errors), Histogram::read(input)?);
    Some(LifetimeStats {
        replies,
        errors,
        lost,
        void,
        late,
        duplicates,
        outdated,
        skipped,
        pending,
        reply_ttl,
        rtt,
        histogram,
        ..LifetimeStats::default()
    })
}

fn write_period(period: &PeriodStats, out: &mut VarintWriter) {
    let PeriodStats { recv, errs, lost, void, outd, dups, .. } = *period;
    for count in [recv, errs, lost, void, outd, dups] {
        out.number(count);
    }
    write_rtt(&period.rtt, out);
}

fn read_period(input: &mut VarintReader<'_>) -> Option<PeriodStats> {
    let [recv, errs, lost, void, outd, dups] = input.numbers()?;
    Some(PeriodStats { recv, errs, lost, void, outd, dups, in_flight: 0, rtt: read_rtt(input)? })
}

fn write_rtt(rtt: &RttStats, out: &mut VarintWriter) {
    for micros in [rtt.sum, rtt.min, rtt.max, rtt.last] {
        out.number(micros);
    }
    // 96 bits.
    let squares = rtt.squares.get();
    for shift in [0, 48] {
        out.number(u64::try_from((squares >> shift) & LOW_HALF).unwrap_or(0));
    }
}

const LOW_HALF: u128 = (1 << 48) - 1;

fn read_rtt(input: &mut VarintReader<'_>) -> Option<RttStats> {
    let [sum, min, max, last, low, high] = input.numbers()?;
    let squares = SquareSum::new((u128::from(high) << 48) + u128::from(low));
    Some(RttStats { sum, min, max, last, squares })
}

fn write_recent(totals: &LifetimeStats, out: &mut VarintWriter) {
    out.number(totals.jitter.sixteenths().into());
    for rtt in totals.recent.iter() {
        out.number(rtt.map_or(0, Rtt::micros));
    }
}

fn read_recent(input: &mut VarintReader<'_>, totals: &mut LifetimeStats) -> Option<()> {
    totals.jitter = Jitter::from_sixteenths(u32::try_from(input.number()?).ok()?);
    while !input.is_empty() {
        let micros = input.number()?;
        totals.recent.record((micros > 0).then(|| Rtt::from_micros(micros)));
    }
    Some(())
}

fn write_outage(outage: Outage, now: Timestamp, out: &mut VarintWriter) {
    out.micros(now.since(outage.since));
    out.number(outage.requests.into());
    out.number(match outage.cause {
        Cause::Lost => 0,
        Cause::Error(class) => class as u64 + 1,
    });
}

fn read_outage(input: &mut VarintReader<'_>, then: Timestamp) -> Option<Outage> {
    let (since, requests) = (then - input.micros()?, u32::try_from(input.number()?).ok()?);
    let cause = match usize::try_from(input.number()?).ok()? {
        0 => Cause::Lost,
        class => Cause::Error(*ErrorClass::ALL.get(class - 1)?),
    };
    Some(Outage { since, requests, cause })
}

fn write_past(past: EndedOutage, now: Timestamp, out: &mut VarintWriter) {
    write_outage(past.outage, now, out);
    out.micros(now.since(past.until));
}

fn read_past(input: &mut VarintReader<'_>, then: Timestamp) -> Option<EndedOutage> {
    let outage = read_outage(input, then)?;
    let until = then - input.micros()?;
    (until >= outage.since).then_some(EndedOutage { outage, until })
}

fn write_averages(windows: &[Weights; WINDOWS.len()], out: &mut VarintWriter) {
    for Weights { answered, unanswered, rtt_seconds } in *windows {
        for weight in [answered, unanswered, rtt_seconds] {
            out.number(weight.to_bits().into());
        }
    }
}

/// A window weighs at most 1, and its round-trip times at most 64 s; sums of larger weights could overflow.
const MAX_WEIGHT: f32 = 100.0;

fn read_averages(input: &mut VarintReader<'_>) -> Option<[Weights; WINDOWS.len()]> {
    let mut windows = [Weights::default(); WINDOWS.len()];
    for Weights { answered, unanswered, rtt_seconds } in &mut windows {
        for weight in [answered, unanswered, rtt_seconds] {
            let read = f32::from_bits(u32::try_from(input.number()?).ok()?);
            *weight = Some(read).filter(|weight| (0.0..=MAX_WEIGHT).contains(weight))?;
        }
    }
    Some(windows)
}

#[cfg(test)]
mod tests;
