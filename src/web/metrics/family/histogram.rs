//! The histograms of round-trip times: powers of two in seconds, and our own bins in milliseconds.

use super::HistogramNames;
use crate::measure::Histogram;
use crate::web::metrics::snapshot::Snapshot;
use crate::web::metrics::varint::{Cursor, PackedSnapshots};
use crate::web::metrics::writer::SampleWriter;
use std::sync::LazyLock;

/// Packs the counts of the buckets as differences, which are small numbers, and the sum.
pub(super) fn pack_octaves(target: &Snapshot, into: &mut PackedSnapshots) {
    let mut before = 0;
    for count in target.totals.histogram.buckets().into_iter().chain([target.totals.replies]) {
        into.push(count.saturating_sub(before));
        before = count;
    }
    into.push(target.totals.rtt.sum);
}

/// Writes the packed buckets.
pub(super) fn write_octaves(
    names: &HistogramNames,
    labels: &[u8],
    from: &PackedSnapshots,
    at: &mut Cursor,
    into: &mut SampleWriter,
) {
    let mut replies = 0;
    let buckets = BOUNDS.iter().map(|bound| {
        replies += from.take(at);
        (*bound, replies)
    });
    into.buckets(names.bucket, labels, buckets);
    into.seconds(names.sum, labels, from.take(at));
    into.number(names.count, labels, "", replies);
}

/// Packs the bins that are not empty, and the sum.
pub(super) fn pack_bins(target: &Snapshot, into: &mut PackedSnapshots) {
    let bins = &target.totals.histogram;
    into.push(bins.iter().count() as u64);
    for (bin, count) in bins.iter() {
        // Not negative, because `bin` is in the range.
        into.push(u64::try_from(bin - Histogram::BINS.start()).unwrap_or(0));
        into.push(count);
    }
    into.push(target.totals.rtt.sum);
}

/// Writes the packed bins.
pub(super) fn write_bins(
    names: &HistogramNames,
    labels: &[u8],
    from: &PackedSnapshots,
    at: &mut Cursor,
    into: &mut SampleWriter,
) {
    let (bins, mut replies) = (from.take(at), 0);
    let buckets = (0..=bins).map(|index| {
        if index == bins {
            return (NO_BOUND, replies);
        }
        let bin = usize::try_from(from.take(at)).unwrap_or(usize::MAX);
        replies += from.take(at);
        (EDGES.get(bin).map_or(NO_BOUND, String::as_str), replies)
    });
    into.buckets(names.bucket, labels, buckets);
    into.millis(names.sum, labels, from.take(at));
    into.number(names.count, labels, "", replies);
}

/// 2^k for k = -15 … 3, in Go's notation as usual for Prometheus; and +Inf.
const BOUNDS: [&str; Histogram::BUCKETS + 1] = [
    ",le=\"3.0517578125e-05\"",
    ",le=\"6.103515625e-05\"",
    ",le=\"0.0001220703125\"",
    ",le=\"0.000244140625\"",
    ",le=\"0.00048828125\"",
    ",le=\"0.0009765625\"",
    ",le=\"0.001953125\"",
    ",le=\"0.00390625\"",
    ",le=\"0.0078125\"",
    ",le=\"0.015625\"",
    ",le=\"0.03125\"",
    ",le=\"0.0625\"",
    ",le=\"0.125\"",
    ",le=\"0.25\"",
    ",le=\"0.5\"",
    ",le=\"1\"",
    ",le=\"2\"",
    ",le=\"4\"",
    ",le=\"8\"",
    NO_BOUND,
];

const NO_BOUND: &str = ",le=\"+Inf\"";

/// The upper edge of each bin in milliseconds, in the shortest exact text.
static EDGES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let edges = Histogram::BINS.map(|bin| (f64::from(bin + 1) / 8.0).exp2() * 1000.0);
    edges.map(|edge| format!(",le=\"{edge}\"")).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(label: &str) -> Option<f64> {
        label.strip_prefix(",le=\"")?.strip_suffix('"')?.parse().ok()
    }

    #[test]
    fn bounds_are_the_powers_of_two_of_the_histogram() {
        for (label, octave) in BOUNDS.iter().zip(Histogram::OCTAVES) {
            assert_eq!(bound(label), Some(f64::from(octave).exp2()), "{label}");
        }
    }

    #[test]
    fn bins_are_an_eighth_of_an_octave() {
        let edges: Vec<f64> = EDGES.iter().filter_map(|edge| bound(edge)).collect();
        assert_eq!(edges.len(), Histogram::BINS.count());
        for (text, edge) in [("64000", edges[207]), ("1000", edges[159]), ("15.625", edges[111])] {
            assert_eq!(edge.to_string(), text);
        }
        for pair in edges.windows(2) {
            assert!((pair[1] / pair[0] - 2_f64.powf(0.125)).abs() < 1e-12, "{pair:?}");
        }
    }
}
