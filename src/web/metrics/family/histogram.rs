//! The histograms of round-trip times: few buckets in seconds, and all our bins in milliseconds.

use super::HistogramNames;
use crate::measure::Histogram;
use crate::web::metrics::snapshot::Snapshot;
use crate::web::metrics::varint::{Cursor, PackedSnapshots};
use crate::web::metrics::writer::SampleWriter;
use std::sync::LazyLock;

/// The upper bounds of the buckets of a histogram in seconds.
#[derive(Clone, Copy)]
pub enum Bounds {
    /// 2^k s, counted exactly.
    PowersOfTwo,
    /// smokeping_prober's 5e-05 · 2^k s, k = 0 … 19. Each lies inside one of our bins, whose replies all count as below
    /// it: the true bound of the counts is the upper edge of the bin, 2.65 % above.
    Smokeping,
}

impl Bounds {
    /// Label `le` of each bucket, after a comma, in Go's notation as usual for Prometheus; the last is +Inf.
    const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::PowersOfTwo => &POWERS_OF_TWO,
            Self::Smokeping => &SMOKEPING,
        }
    }
}

/// The bin that 5e-05 s lies in; every later bound lies an octave, eight bins, above the one before.
const FIRST_SMOKEPING_BIN: i16 = -115;

/// Packs the counts of the buckets as differences, which are small numbers, and the sum.
pub(super) fn pack_seconds(bounds: Bounds, target: &Snapshot, into: &mut PackedSnapshots) {
    let histogram = &target.totals.histogram;
    match bounds {
        Bounds::PowersOfTwo => pack_counts(histogram.buckets().into_iter(), target, into),
        Bounds::Smokeping => {
            let bins = (0..).map(|octave| FIRST_SMOKEPING_BIN + 8 * octave).take(SMOKEPING.len() - 1);
            pack_counts(histogram.up_to(bins), target, into);
        }
    }
}

fn pack_counts(counts: impl Iterator<Item = u64>, target: &Snapshot, into: &mut PackedSnapshots) {
    let mut before = 0;
    for count in counts.chain([target.totals.replies]) {
        into.push(count.saturating_sub(before));
        before = count;
    }
    into.push(target.totals.rtt.sum);
}

/// Writes the packed buckets.
pub(super) fn write_seconds(
    bounds: Bounds,
    names: &HistogramNames,
    labels: &[u8],
    from: &PackedSnapshots,
    at: &mut Cursor,
    into: &mut SampleWriter,
) {
    let mut replies = 0;
    let buckets = bounds.labels().iter().map(|bound| {
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

/// Writes all bins from the packed ones. Buckets are cumulative, so one that appeared with its first reply would begin at
/// the count of all smaller ones, which Prometheus does not take for an increase.
pub(super) fn write_bins(
    names: &HistogramNames,
    labels: &[u8],
    from: &PackedSnapshots,
    at: &mut Cursor,
    into: &mut SampleWriter,
) {
    let (mut packed, mut replies) = (from.take(at), 0);
    let mut next = (packed > 0).then(|| from.take(at));
    let edges = EDGES.iter().map(String::as_str).chain([NO_BOUND]);
    let buckets = (0..).zip(edges).map(|(bin, edge)| {
        if next == Some(bin) {
            replies += from.take(at);
            packed -= 1;
            next = (packed > 0).then(|| from.take(at));
        }
        (edge, replies)
    });
    into.buckets(names.bucket, labels, buckets);
    into.millis(names.sum, labels, from.take(at));
    into.number(names.count, labels, "", replies);
}

const POWERS_OF_TWO: [&str; Histogram::BUCKETS + 1] = [
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
    ",le=\"16\"",
    ",le=\"32\"",
    ",le=\"64\"",
    NO_BOUND,
];

const SMOKEPING: [&str; 21] = [
    ",le=\"5e-05\"",
    ",le=\"0.0001\"",
    ",le=\"0.0002\"",
    ",le=\"0.0004\"",
    ",le=\"0.0008\"",
    ",le=\"0.0016\"",
    ",le=\"0.0032\"",
    ",le=\"0.0064\"",
    ",le=\"0.0128\"",
    ",le=\"0.0256\"",
    ",le=\"0.0512\"",
    ",le=\"0.1024\"",
    ",le=\"0.2048\"",
    ",le=\"0.4096\"",
    ",le=\"0.8192\"",
    ",le=\"1.6384\"",
    ",le=\"3.2768\"",
    ",le=\"6.5536\"",
    ",le=\"13.1072\"",
    ",le=\"26.2144\"",
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
        for (label, octave) in POWERS_OF_TWO.iter().zip(Histogram::OCTAVES) {
            assert_eq!(bound(label), Some(f64::from(octave).exp2()), "{label}");
        }
    }

    #[test]
    fn bounds_of_smokeping_prober_are_doublings_of_50_us_in_go_s_notation() {
        let mut edge = 5e-05_f64;
        for label in &SMOKEPING[..20] {
            assert_eq!(bound(label), Some(edge), "{label}");
            // Rust's shortest text, and Go's, which has an exponent below 0.0001.
            let text = if edge < 1e-4 { "5e-05".to_owned() } else { edge.to_string() };
            assert_eq!(*label, format!(",le=\"{text}\""));
            edge *= 2.0;
        }
        assert_eq!(SMOKEPING[20], NO_BOUND);
    }

    #[test]
    fn each_bound_of_smokeping_prober_is_within_the_bin_that_ends_its_counts() {
        for (label, octave) in SMOKEPING[..20].iter().zip(0..) {
            let bin = f64::from(FIRST_SMOKEPING_BIN + 8 * octave);
            let (edge, above) = (bound(label).unwrap(), ((bin + 1.0) / 8.0).exp2());
            assert!((bin / 8.0).exp2() < edge && edge < above, "{label}");
            assert!((above / edge - 1.0265).abs() < 1e-4, "{label}: the counts end at {above}");
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
