//! The statistics of a target as bytes for the disk: a version, and then parts with tag and length.
//!
//! A reader skips unknown parts, and missing parts are empty; so a newer version can add parts.

use super::averages::{WINDOWS, Weights};
use super::last_rtts::SettledWindow;
use super::varint::{VarintReader, VarintWriter};
use super::{
    Cause, EndedOutage, ErrorClass, ErrorCounts, Histogram, Jitter, LifetimeStats, Outage, Outages,
    PeriodStats, Rtt, RttStats, SquareSum, Timestamp,
};
use std::time::Duration;

/// The encoded statistics of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedStats(Box<[u8]>);

/// Decoded statistics.
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
const UNANSWERED_RUN: u64 = 5;
const LONGEST_OUTAGE: u64 = 6;
const LONGEST_OUTAGE_OF_PERIOD: u64 = 7;
const AVERAGES: u64 = 8;
const LATER_COUNTERS: u64 = 9;

/// Counters that the first version wrote into the parts `TOTALS` and `PERIOD`. Counters with a later row in their table
/// are written behind the other values of the period, and into the part `LATER_COUNTERS`.
const COUNTERS_IN_TOTALS: usize = 7;
const COUNTERS_IN_PERIOD: usize = 6;

impl EncodedStats {
    /// Encodes statistics. Times are written as ages at `now`, so that they do not depend on a clock or on the boot
    /// time.
    pub(super) fn of(parts: &StatsParts, now: Timestamp) -> Self {
        let mut out = VarintWriter::new(VERSION);
        let StatsParts { totals, period, histogram_base, windows } = parts;
        write_counters(totals, &mut out);
        if let Some((period, longest)) = period {
            out.part(PERIOD, |out| write_period(period, out));
            out.optional(LONGEST_OUTAGE_OF_PERIOD, *longest, |ended, out| write_ended(ended, now, out));
        }
        out.optional(HISTOGRAM_BASE, histogram_base.as_ref(), Histogram::write);
        out.part(RECENT, |out| write_recent(totals, out));
        out.optional(UNANSWERED_RUN, totals.outages.run(), |run, out| write_outage(run, now, out));
        out.optional(LONGEST_OUTAGE, totals.outages.longest().get(), |ended, out| {
            write_ended(ended, now, out);
        });
        out.part(AVERAGES, |out| write_averages(windows, out));
        out.into()
    }

    /// Saved bytes, not checked.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes to be saved.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The statistics since the beginning; `None` if the bytes can't be decoded or are inconsistent.
    pub fn totals(&self) -> Option<LifetimeStats> {
        self.parts(Timestamp::EPOCH).map(|parts| parts.totals)
    }

    /// Decodes statistics that were saved at `then`.
    pub(super) fn parts(&self, then: Timestamp) -> Option<StatsParts> {
        let (&version, rest) = self.0.split_first()?;
        let mut input = VarintReader::new(rest);
        let (mut parts, mut run, mut longest, mut of_period) = (None, None, None, None);
        while version == VERSION && !input.is_empty() {
            let (tag, mut part) = (input.number()?, input.part()?);
            let found = parts.get_or_insert_with(StatsParts::default);
            match tag {
                TOTALS => read_totals(&mut part, &mut found.totals)?,
                LATER_COUNTERS => {
                    let counters = found.totals.counters_mut().into_iter().skip(COUNTERS_IN_TOTALS);
                    read_later_counters(&mut part, counters)?;
                }
                PERIOD => found.period = Some((read_period(&mut part)?, None)),
                LONGEST_OUTAGE_OF_PERIOD => of_period = Some(read_ended(&mut part, then)?),
                HISTOGRAM_BASE => found.histogram_base = Some(Histogram::read(&mut part)?),
                RECENT => read_recent(&mut part, &mut found.totals)?,
                UNANSWERED_RUN => run = Some(read_outage(&mut part, then)?.0),
                LONGEST_OUTAGE => longest = Some(read_ended(&mut part, then)?),
                AVERAGES => found.windows = read_averages(&mut part)?,
                _ => {}
            }
        }
        let mut parts = parts.filter(StatsParts::is_consistent)?;
        parts.totals.outages = Outages::restored(run, longest);
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
    /// Encodes the counters only.
    fn from(totals: &LifetimeStats) -> Self {
        let mut out = VarintWriter::new(VERSION);
        write_counters(totals, &mut out);
        out.into()
    }
}

impl StatsParts {
    /// Whether the invariants hold that the rest of the program relies on; a damaged disk can violate them.
    fn is_consistent(&self) -> bool {
        let Self { totals, period, histogram_base, .. } = self;
        totals.requests() <= MAX_REQUESTS
            && are_possible(totals.replies, &totals.rtt)
            && totals.histogram.count() == totals.replies
            && period.as_ref().is_none_or(|(period, _)| {
                period.settled() <= MAX_REQUESTS && are_possible(period.replies, &period.rtt)
            })
            && histogram_base.as_ref().is_none_or(|base| totals.histogram.continues(base))
    }
}

/// A hundred requests a second for 350 000 years. Sums of such counts can be saved again: numbers end at 2^56.
const MAX_REQUESTS: u64 = 1 << 50;

/// Whether that number of round-trip times, of at least 1 µs each, can have these statistics.
fn are_possible(count: u64, rtt: &RttStats) -> bool {
    if count == 0 {
        return *rtt == RttStats::default();
    }
    let least = count.checked_mul(rtt.min).is_some_and(|least| least <= rtt.sum);
    let most = count.checked_mul(rtt.max).is_none_or(|most| rtt.sum <= most);
    least && most && (1..=rtt.max).contains(&rtt.min) && rtt.last > 0
}

/// Writes the parts that hold the counters.
fn write_counters(totals: &LifetimeStats, out: &mut VarintWriter) {
    out.part(TOTALS, |out| write_totals(totals, out));
    let later = totals.counters().into_iter().skip(COUNTERS_IN_TOTALS);
    if later.clone().any(|count| count > 0) {
        out.part(LATER_COUNTERS, |out| later.for_each(|count| out.number(count)));
    }
}

fn write_totals(totals: &LifetimeStats, out: &mut VarintWriter) {
    totals.counters().into_iter().take(COUNTERS_IN_TOTALS).for_each(|count| out.number(count));
    out.number(totals.pending);
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

fn read_totals(input: &mut VarintReader<'_>, totals: &mut LifetimeStats) -> Option<()> {
    for count in totals.counters_mut().into_iter().take(COUNTERS_IN_TOTALS) {
        *count = input.number()?;
    }
    totals.pending = input.number()?;
    totals.reply_ttl = input.number()?.checked_sub(1).map(u8::try_from).transpose().ok()?;
    totals.rtt = read_rtt(input)?;
    let mut errors = [0; ErrorClass::ALL.len()];
    for _ in 0..input.number()? {
        let class = usize::try_from(input.number()?).ok()?;
        *errors.get_mut(class)? = input.number()?;
    }
    totals.errors = ErrorCounts::from(errors);
    totals.histogram = Histogram::read(input)?;
    Some(())
}

fn write_period(period: &PeriodStats, out: &mut VarintWriter) {
    let counters = period.counters();
    counters.into_iter().take(COUNTERS_IN_PERIOD).for_each(|count| out.number(count));
    write_rtt(&period.rtt, out);
    counters.into_iter().skip(COUNTERS_IN_PERIOD).for_each(|count| out.number(count));
}

fn read_period(input: &mut VarintReader<'_>) -> Option<PeriodStats> {
    let mut period = PeriodStats::default();
    for count in period.counters_mut().into_iter().take(COUNTERS_IN_PERIOD) {
        *count = input.number()?;
    }
    period.rtt = read_rtt(input)?;
    read_later_counters(input, period.counters_mut().into_iter().skip(COUNTERS_IN_PERIOD))?;
    Some(period)
}

/// Reads counters that are newer than the format; those that the writer did not have stay 0.
fn read_later_counters<'a>(
    input: &mut VarintReader<'_>,
    counters: impl Iterator<Item = &'a mut u64>,
) -> Option<()> {
    for count in counters {
        if input.is_empty() {
            break;
        }
        *count = input.number()?;
    }
    Some(())
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
    // A longer window is one that scrapes ask for, and starts again with ten after a restart.
    for rtt in totals.recent.clone().last(SettledWindow::DEFAULT).iter() {
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
        // The reason is not saved: versions before it must be able to read the state.
        Cause::Refused(_) => ErrorClass::Send as u64 + 1,
    });
}

/// Reads an outage, and the age of its beginning at `then`.
fn read_outage(input: &mut VarintReader<'_>, then: Timestamp) -> Option<(Outage, Duration)> {
    let (age, requests) = (input.micros()?, u32::try_from(input.number()?).ok()?);
    let cause = match usize::try_from(input.number()?).ok()? {
        0 => Cause::Lost,
        class => Cause::Error(*ErrorClass::ALL.get(class - 1)?),
    };
    Some((Outage { since: then - age, requests, cause }, age))
}

fn write_ended(ended: EndedOutage, now: Timestamp, out: &mut VarintWriter) {
    write_outage(ended.outage, now, out);
    out.micros(now.since(ended.until));
}

fn read_ended(input: &mut VarintReader<'_>, then: Timestamp) -> Option<EndedOutage> {
    let (outage, begun) = read_outage(input, then)?;
    let ended = input.micros()?;
    // Ages are compared, because all times before the clock began are the same timestamp.
    (ended <= begun).then_some(EndedOutage { outage, until: then - ended })
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
