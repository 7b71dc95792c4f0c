//! The families of the targets: how each is called, what it means, and how to read it from a snapshot.

mod errors;
mod histogram;

use super::snapshot::Snapshot;
use super::varint::{Cursor, PackedSnapshots};
use super::writer::SampleWriter;
use std::time::Duration;

/// One family of the targets.
pub struct MetricFamily {
    /// Its name, with unit and `_total` where the dialect has them.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// How its samples look.
    pub kind: SampleKind,
}

/// How the samples of a family look, and how they are read.
#[derive(Clone, Copy)]
pub enum SampleKind {
    /// A count of things that happened.
    Counter(fn(&Snapshot) -> u64),
    /// The counter of errors, by class.
    Errors,
    /// A number, if there is one yet.
    Gauge(fn(&Snapshot) -> Option<u64>),
    /// A time in microseconds, if there is one yet; written in seconds.
    Seconds(fn(&Snapshot) -> Option<u64>),
    /// A time, if there is one yet; written in seconds, to the nanosecond.
    Duration(fn(&Snapshot) -> Option<Duration>),
    /// A time in microseconds, if there is one yet; written in milliseconds, with two decimals.
    Millis(fn(&Snapshot) -> Option<f64>),
    /// A ratio, if there is one yet.
    Ratio(fn(&Snapshot) -> Option<f64>),
    /// The round-trip times by octaves, in seconds.
    Log2Histogram(HistogramNames),
    /// The round-trip times by our own bins, in milliseconds.
    Bins(HistogramNames),
}

/// What the samples of a histogram are called.
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
    /// What the exposition format calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter(_) | Self::Errors => "counter",
            Self::Gauge(_) | Self::Seconds(_) | Self::Duration(_) | Self::Millis(_) | Self::Ratio(_) => {
                "gauge"
            }
            Self::Log2Histogram(_) | Self::Bins(_) => "histogram",
        }
    }
}

impl MetricFamily {
    /// Writes the two lines above the samples.
    pub fn write_head(&self, into: &mut SampleWriter) {
        into.head(self.name, self.help, self.kind.as_str());
    }

    /// Keeps what there is to write of one target.
    pub fn pack(&self, target: &Snapshot, into: &mut PackedSnapshots) {
        match self.kind {
            SampleKind::Counter(read) => into.push(read(target)),
            SampleKind::Errors => errors::pack(target, into),
            SampleKind::Log2Histogram(_) => histogram::pack_octaves(target, into),
            SampleKind::Bins(_) => histogram::pack_bins(target, into),
            SampleKind::Gauge(read) | SampleKind::Seconds(read) => into.push_option(read(target)),
            SampleKind::Duration(read) => into.push_option(read(target).map(nanos)),
            SampleKind::Millis(read) | SampleKind::Ratio(read) => {
                into.push_option(read(target).map(f64::to_bits));
            }
        }
    }

    /// Writes the samples of one target from what was kept of it.
    pub fn write(&self, labels: &[u8], from: &PackedSnapshots, at: &mut Cursor, into: &mut SampleWriter) {
        match &self.kind {
            SampleKind::Counter(_) => into.number(self.name, labels, "", from.take(at)),
            SampleKind::Errors => errors::write(self.name, labels, from, at, into),
            SampleKind::Log2Histogram(names) => histogram::write_octaves(names, labels, from, at, into),
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

/// A round-trip time, once there has been a reply.
pub(super) fn rtt(target: &Snapshot, micros: u64) -> Option<u64> {
    (target.totals.replies > 0).then_some(micros)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
