//! The families of the targets: name, meaning, and how to read each from a snapshot.

mod errors;
mod histogram;

use super::snapshot::Snapshot;
use super::varint::{Cursor, PackedSnapshots};
use super::writer::SampleWriter;
use crate::measure::{Counter, LifetimeStats};
pub(super) use histogram::Bounds;
use std::time::Duration;

/// One family of the targets.
pub struct MetricFamily {
    /// Name, with unit and `_total` where the dialect has them.
    pub name: &'static str,
    /// Text of the HELP line.
    pub help: &'static str,
    /// Type of its samples, and how to read them.
    pub kind: SampleKind,
}

/// Type of the samples of a family, and how to read them from a snapshot.
#[derive(Clone, Copy)]
pub enum SampleKind {
    /// A counter.
    Counter(fn(&LifetimeStats) -> u64),
    /// The counter of errors, by class.
    Errors,
    /// An integer; `None` while unknown.
    Gauge(fn(&Snapshot) -> Option<u64>),
    /// A time in microseconds, written in seconds; `None` while unknown.
    Seconds(fn(&Snapshot) -> Option<u64>),
    /// A time, written in seconds with nanoseconds; `None` while unknown.
    Duration(fn(&Snapshot) -> Option<Duration>),
    /// A time in microseconds, written in milliseconds with two decimals; `None` while unknown.
    Millis(fn(&Snapshot) -> Option<f64>),
    /// A ratio; `None` while unknown.
    Ratio(fn(&Snapshot) -> Option<f64>),
    /// The histogram of round-trip times in seconds.
    Histogram(Bounds, HistogramNames),
    /// The histogram of round-trip times in milliseconds, with our own bins.
    Bins(HistogramNames),
}

/// Names of the samples of a histogram.
#[derive(Clone, Copy)]
pub struct HistogramNames {
    /// `…_bucket`.
    pub bucket: &'static str,
    /// `…_sum`.
    pub sum: &'static str,
    /// `…_count`.
    pub count: &'static str,
}

impl SampleKind {
    /// The type in the exposition format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter(_) | Self::Errors => "counter",
            Self::Gauge(_) | Self::Seconds(_) | Self::Duration(_) | Self::Millis(_) | Self::Ratio(_) => {
                "gauge"
            }
            Self::Histogram(..) | Self::Bins(_) => "histogram",
        }
    }
}

impl MetricFamily {
    /// The family of a counter.
    pub const fn of_counter(counter: &Counter) -> Self {
        Self { name: counter.name, help: counter.help, kind: SampleKind::Counter(counter.read) }
    }

    /// Writes the HELP and TYPE lines.
    pub fn write_head(&self, into: &mut SampleWriter) {
        into.head(self.name, self.help, self.kind.as_str());
    }

    /// Packs the values of one target.
    pub fn pack(&self, target: &Snapshot, into: &mut PackedSnapshots) {
        match self.kind {
            SampleKind::Counter(read) => into.push(read(&target.totals)),
            SampleKind::Errors => errors::pack(target, into),
            SampleKind::Histogram(bounds, _) => histogram::pack_seconds(bounds, target, into),
            SampleKind::Bins(_) => histogram::pack_bins(target, into),
            SampleKind::Gauge(read) | SampleKind::Seconds(read) => into.push_option(read(target)),
            SampleKind::Duration(read) => into.push_option(read(target).map(nanos)),
            SampleKind::Millis(read) | SampleKind::Ratio(read) => {
                into.push_option(read(target).map(f64::to_bits));
            }
        }
    }

    /// Writes the samples of one target from its packed values.
    pub fn write(&self, labels: &[u8], from: &PackedSnapshots, at: &mut Cursor, into: &mut SampleWriter) {
        match &self.kind {
            SampleKind::Counter(_) => into.number(self.name, labels, "", from.take(at)),
            SampleKind::Errors => errors::write(self.name, labels, from, at, into),
            SampleKind::Histogram(bounds, names) => {
                histogram::write_seconds(*bounds, names, labels, from, at, into);
            }
            SampleKind::Bins(names) => histogram::write_bins(names, labels, from, at, into),
            gauge => {
                if let Some(number) = from.take_option(at) {
                    self.write_gauge(gauge, labels, number, into);
                }
            }
        }
    }

    fn write_gauge(&self, kind: &SampleKind, labels: &[u8], number: u64, into: &mut SampleWriter) {
        let name = self.name;
        match kind {
            SampleKind::Seconds(_) => into.seconds(name, labels, number),
            SampleKind::Duration(_) => into.nanos(name, labels, number),
            SampleKind::Millis(_) => {
                into.formatted(name, labels, format_args!("{:.2}", f64::from_bits(number) / 1e3));
            }
            SampleKind::Ratio(_) => into.formatted(name, labels, format_args!("{}", f64::from_bits(number))),
            _ => into.number(name, labels, "", number),
        }
    }
}

/// A round-trip time; `None` before the first reply.
pub(super) fn rtt(target: &Snapshot, micros: u64) -> Option<u64> {
    (target.totals.replies > 0).then_some(micros)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
