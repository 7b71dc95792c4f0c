//! Histogram of round-trip times: eight bins per octave of seconds, the grid of Prometheus native histograms of schema
//! 3.

use super::Rtt;
use super::varint::{VarintReader, VarintWriter};
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

/// Counts of round-trip times in bins. Bin `i` holds RTTs in [2^(i/8), 2^((i+1)/8)) seconds.
///
/// Sparse: a target's RTTs fill a few dozen of the 208 bins between 1 µs and 64 s.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// In order.
    bins: Vec<Bin>,
    /// RTTs that are exactly 2^k s. Bins hold their lower edge, Prometheus buckets their upper one (`le`).
    on_edge: Option<Box<[u64; OCTAVES_WITH_EXACT_EDGE]>>,
}

impl Histogram {
    /// Smallest and largest bin.
    pub const BINS: RangeInclusive<i16> = -160..=47;
    /// Exponents k of the Prometheus buckets, `le` = 2^k seconds.
    pub const OCTAVES: RangeInclusive<i16> = -15..=6;
    /// Number of Prometheus buckets, without `+Inf`.
    pub const BUCKETS: usize = 22;

    /// Counts one reply.
    pub fn record(&mut self, rtt: Rtt) {
        let number = bin_of(rtt);
        match self.bins.binary_search_by_key(&number, |bin| bin.number()) {
            Ok(index) => self.bins[index].count_one(),
            Err(index) => {
                if self.bins.len() == self.bins.capacity() {
                    self.bins.reserve_exact(BINS_PER_ALLOCATION);
                }
                self.bins.insert(index, Bin::new(number, 1));
            }
        }
        if let Some(octave) = exact_octave(rtt) {
            self.on_edge.get_or_insert_default()[octave] += 1;
        }
    }

    /// Touches its memory; the returned value has no meaning.
    pub(super) fn prefetch(&self) -> u64 {
        self.bins.first().map_or(0, |bin| bin.0)
    }

    /// The non-empty bins in order, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (i16, u64)> + '_ {
        self.bins.iter().map(|bin| (i16::from(bin.number()) + Self::BINS.start(), bin.count()))
    }

    /// Number of replies counted.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|bin| bin.count()).sum()
    }

    /// The `q`-quantile, `0.0..=1.0`: the smallest round-trip time that at least this share of the replies did not
    /// exceed. `None` without replies.
    ///
    /// Interpolated logarithmically within its bin, as in Prometheus. It lies in the same bin as the exact one, so its
    /// error is below 9.1 % (2^(1/8)).
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let rank = (q * self.count() as f64).ceil().max(1.0);
        let mut before = 0.0;
        for (bin, count) in self.iter() {
            let count = count as f64;
            if before + count >= rank {
                // The middle of its position among the counts of the bin.
                let inside = (rank - before - 0.5) / count;
                return Duration::try_from_secs_f64(((f64::from(bin) + inside) / 8.0).exp2()).ok();
            }
            before += count;
        }
        None
    }

    /// Replies with an RTT of at most 2^k seconds, for each k of [`Self::OCTAVES`].
    pub fn buckets(&self) -> [u64; Self::BUCKETS] {
        let mut buckets = [0; Self::BUCKETS];
        let below = self.up_to(Self::OCTAVES.map(|octave| octave * 8 - 1));
        for ((bucket, octave), below) in buckets.iter_mut().zip(Self::OCTAVES).zip(below) {
            *bucket = below + self.exactly(octave);
        }
        buckets
    }

    /// For each of these bins, which are in order, the number of replies in all bins up to and including it.
    pub fn up_to(&self, bins: impl Iterator<Item = i16>) -> impl Iterator<Item = u64> {
        let mut counts = self.iter().peekable();
        bins.scan(0, move |sum, last| {
            while let Some((_, count)) = counts.next_if(|&(bin, _)| bin <= last) {
                *sum += count;
            }
            Some(*sum)
        })
    }

    fn exactly(&self, octave: i16) -> u64 {
        let index = usize::try_from(octave - FIRST_EXACT_OCTAVE).ok();
        index.and_then(|index| self.on_edge.as_deref()?.get(index).copied()).unwrap_or(0)
    }

    /// Whether no more RTTs are exactly 2^k s than are in the bin that begins there.
    fn edges_are_in_their_bins(&self) -> bool {
        let bins = (FIRST_EXACT_OCTAVE..)
            .map(|octave| u8::try_from(octave * 8 - Self::BINS.start()).unwrap_or(u8::MAX));
        self.on_edge
            .iter()
            .flat_map(|counts| counts.iter())
            .zip(bins)
            .all(|(&count, bin)| count <= self.count_in(bin))
    }

    fn count_in(&self, number: u8) -> u64 {
        self.bins
            .binary_search_by_key(&number, |bin| bin.number())
            .map_or(0, |index| self.bins[index].count())
    }

    /// The counts since `earlier`, an earlier state of this histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = Self { on_edge: self.on_edge.clone(), ..Self::default() };
        for bin in &self.bins {
            let before = earlier.count_in(bin.number());
            if bin.count() > before {
                difference.bins.push(Bin::new(bin.number(), bin.count() - before));
            }
        }
        if let (Some(difference), Some(before)) = (&mut difference.on_edge, &earlier.on_edge) {
            for (count, before) in difference.iter_mut().zip(before.iter()) {
                *count -= before;
            }
        }
        difference
    }

    /// Whether no count is smaller than in `earlier`.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        let edges = |histogram: &Self| histogram.on_edge.as_deref().copied().unwrap_or_default();
        earlier.bins.iter().all(|bin| self.count_in(bin.number()) >= bin.count())
            && edges(self).iter().zip(edges(earlier)).all(|(now, before)| *now >= before)
    }

    /// Adds the counts of another histogram.
    pub fn absorb(&mut self, other: &Self) {
        for bin in &other.bins {
            match self.bins.binary_search_by_key(&bin.number(), |own| own.number()) {
                Ok(index) => self.bins[index].0 += bin.count(),
                Err(index) => self.bins.insert(index, *bin),
            }
        }
        if let Some(other) = &other.on_edge {
            let own = self.on_edge.get_or_insert_default();
            own.iter_mut().zip(other.iter()).for_each(|(own, other)| *own += other);
        }
    }

    /// The smallest and the largest number of microseconds of the non-empty bins.
    pub fn bounds(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.bins.first()?, self.bins.last()?);
        let above =
            LOWER_EDGES.get(usize::from(last.number()) + 1).copied().unwrap_or(END_OF_LAST_BIN_MICROS);
        Some((LOWER_EDGES[usize::from(first.number())], above - 1))
    }

    pub(super) fn write(&self, out: &mut VarintWriter) {
        out.number(self.bins.len() as u64);
        for bin in &self.bins {
            out.number(bin.number().into());
            out.number(bin.count());
        }
        for count in self.on_edge.iter().flat_map(|counts| counts.iter()) {
            out.number(*count);
        }
    }

    /// Reads a histogram that was [written](Self::write), up to the end of the input.
    pub(super) fn read(input: &mut VarintReader<'_>) -> Option<Self> {
        let mut histogram = Self::default();
        for _ in 0..input.number()? {
            let (number, count) = (u8::try_from(input.number()?).ok()?, input.number()?);
            let in_order = histogram.bins.last().is_none_or(|last| last.number() < number);
            if !in_order || usize::from(number) >= LOWER_EDGES.len() {
                return None;
            }
            histogram.bins.push(Bin::new(number, count));
        }
        if !input.is_empty() {
            let counts = histogram.on_edge.get_or_insert_default();
            for count in counts.iter_mut().take(EXACT_EDGES_OF_FIRST_VERSION) {
                *count = input.number()?;
            }
            for count in counts.iter_mut().skip(EXACT_EDGES_OF_FIRST_VERSION) {
                *count = if input.is_empty() { 0 } else { input.number()? };
            }
            if !histogram.edges_are_in_their_bins() {
                return None;
            }
        }
        histogram.bins.shrink_to_fit();
        Some(histogram)
    }
}

/// The upper edge of the last bin.
const END_OF_LAST_BIN_MICROS: u64 = 64_000_000;

/// The number of a bin, counted from the first one, in the highest eight bits, and its count in the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bin(u64);

const COUNT_BITS: u32 = 56;
/// Bins that are allocated at a time.
const BINS_PER_ALLOCATION: usize = 4;

impl Bin {
    fn new(number: u8, count: u64) -> Self {
        Self(u64::from(number) << COUNT_BITS | count)
    }

    const fn number(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    const fn count(self) -> u64 {
        self.0 & ((1 << COUNT_BITS) - 1)
    }

    /// A hundred replies a second fill it in 22 million years.
    const fn count_one(&mut self) {
        self.0 += 1;
    }
}

/// Index of the bin, counted from the first one.
fn bin_of(rtt: Rtt) -> u8 {
    let above = LOWER_EDGES.partition_point(|&edge| edge <= rtt.micros());
    u8::try_from(above.saturating_sub(1)).unwrap_or(u8::MAX)
}

/// Smallest whole number of microseconds in each bin. 2^(i/8) · 10^6 is either irrational or, for 2^k s with
/// k ≥ -6, exact in an `f64`: rounding up never puts an RTT on the wrong side.
static LOWER_EDGES: LazyLock<[u64; 208]> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 64e6")]
    std::array::from_fn(|index| ((index as f64 - 160.0) / 8.0).exp2().mul_add(1e6, 0.0).ceil() as u64)
});

/// 2^-6 s is 15625 µs, the smallest power of two that is a whole number of microseconds.
const FIRST_EXACT_OCTAVE: i16 = -6;
/// Up to 2^5 s: no round-trip time is longer than a timeout, which is at most a minute.
const OCTAVES_WITH_EXACT_EDGE: usize = 12;
/// Those that statistics of the first version have on disk.
const EXACT_EDGES_OF_FIRST_VERSION: usize = 10;

fn exact_octave(rtt: Rtt) -> Option<usize> {
    let factor = rtt.micros() / 15_625;
    let index = factor.checked_ilog2()? as usize;
    (rtt.micros().is_multiple_of(15_625) && factor.is_power_of_two() && index < OCTAVES_WITH_EXACT_EDGE)
        .then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &micros in micros {
            histogram.record(Rtt::from_micros(micros));
        }
        histogram
    }

    #[test]
    fn a_bin_holds_its_lower_edge_and_not_its_upper_one() {
        let cases = [
            (1, -160),
            (2, -152),
            (15_624, -49),
            (15_625, -48),
            (1_000_000, 0),
            (999_999, -1),
            (1_090_507, 0), // 2^(1/8) = 1.0905077…
            (1_090_508, 1),
            (63_999_999, 47),
        ];
        for (micros, bin) in cases {
            assert_eq!(of(&[micros]).iter().next(), Some((bin, 1)), "{micros} µs");
        }
    }

    #[test]
    fn every_bin_agrees_with_the_logarithm() {
        for micros in (1_u32..200_000).step_by(7) {
            let bin = ((f64::from(micros) / 1e6).log2() * 8.0).floor();
            assert_eq!(
                of(&[micros.into()]).iter().next().map(|(bin, _)| f64::from(bin)),
                Some(bin),
                "{micros} µs"
            );
        }
    }

    #[test]
    fn a_bucket_counts_replies_up_to_and_including_its_bound() {
        let buckets = of(&[30, 31, 15_624, 15_625, 15_626, 8_000_000, 8_000_001]).buckets();
        assert_eq!(buckets[0], 1, "2^-15 s is 30.5 µs");
        assert_eq!(buckets[9], 4, "2^-6 s is 15625 µs, and `le` includes it");
        assert_eq!(buckets[18..], [6, 7, 7, 7], "8, 16, 32 and 64 s");
        for (bucket, octave) in [(18, 3), (19, 4), (20, 5)] {
            let edge = 1_000_000 << octave;
            let buckets = of(&[edge - 1, edge, edge + 1]).buckets();
            assert_eq!(buckets[bucket - 1..=bucket + 1], [0, 2, 3], "2^{octave} s");
        }
        assert_eq!(of(&[60_000_000]).buckets()[20..], [0, 1], "the longest timeout");
    }

    #[test]
    fn statistics_of_the_first_version_have_no_exact_counts_above_eight_seconds() {
        let histogram = of(&[15_625, 8_000_000, 16_000_000]);
        let mut out = VarintWriter::new(1);
        histogram.write(&mut out);
        let bytes = out.into_bytes();
        let read = |bytes: &[u8]| Histogram::read(&mut VarintReader::new(&bytes[1..]));
        assert_eq!(read(&bytes), Some(histogram));
        let old = read(&bytes[..bytes.len() - 2]).expect("two numbers less");
        assert_eq!(old.buckets()[18..], [2, 2, 3, 3], "16 s counts as above 16 s");
        assert!(read(&bytes[..bytes.len() - 3]).is_none(), "cut");
    }

    #[test]
    fn a_quantile_lies_in_the_bin_of_the_true_one() {
        let hundred: Vec<u64> = (1..=100).map(|milli| milli * 1_000).collect();
        let cases: [(&[u64], f64, Option<u64>); 9] = [
            (&[], 0.5, None),
            (&[10_000], 0.0, Some(10_000)),
            (&[10_000], 1.0, Some(10_000)),
            (&[10_000, 20_000], 0.5, Some(10_000)),
            (&[10_000, 20_000], 0.51, Some(20_000)),
            (&[10, 10, 10, 10, 10, 10, 10, 10, 10, 70_000], 0.9, Some(10)),
            (&hundred, 0.5, Some(50_000)),
            (&hundred, 0.99, Some(99_000)),
            (&[64_000_000], 0.5, Some(60_000_000)),
        ];
        for (micros, q, expected) in cases {
            let quantile = of(micros).quantile(q).map(|rtt| rtt.as_secs_f64());
            let ratio = quantile.zip(expected).map(|(found, micros)| found / (micros as f64 / 1e6));
            assert_eq!(quantile.is_some(), expected.is_some(), "{micros:?} {q}");
            assert!(
                ratio.is_none_or(|ratio| (0.917..1.091).contains(&ratio)),
                "{micros:?} {q}: {quantile:?}"
            );
        }
    }

    #[test]
    fn a_difference_holds_the_later_counts() {
        let earlier = of(&[5, 15_625]);
        let mut later = earlier.clone();
        later.record(Rtt::from_micros(15_625));
        later.record(Rtt::from_micros(70));
        let since = later.since(&earlier);
        assert_eq!(since, of(&[15_625, 70]));
        assert_eq!(since.count(), 2);
    }
}
