//! The latest settled requests.

use super::Rtt;
use super::deviation::SquareSum;
use std::time::Duration;

/// The last [`LastRtts::REQUESTS`] settled requests, in the order of settling, without void ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastRtts {
    /// A ring of microseconds, or [`UNANSWERED`].
    micros: [u32; Self::REQUESTS],
    /// Number of requests in the ring.
    len: u8,
    /// Index of the next one.
    next: u8,
}

/// Round-trip times of the latest requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRttsSummary {
    /// The smallest round-trip time.
    pub min: Duration,
    /// The largest.
    pub max: Duration,
    /// Their mean.
    pub mean: Duration,
    /// Their standard deviation, of the population.
    pub stddev: Duration,
}

impl LastRtts {
    /// Size of the ring.
    pub const REQUESTS: usize = 10;

    /// Adds a request; `None` if it was not answered.
    pub fn record(&mut self, rtt: Option<Rtt>) {
        let micros = rtt.map(|rtt| u32::try_from(rtt.micros()).unwrap_or(MAX_MICROS).min(MAX_MICROS));
        let next = usize::from(self.next) % Self::REQUESTS;
        self.micros[next] = micros.unwrap_or(UNANSWERED);
        self.next = (self.next + 1) % CAPACITY;
        self.len = (self.len + 1).min(CAPACITY);
    }

    /// The requests, oldest first; `None` for those without an answer.
    pub fn iter(&self) -> impl Iterator<Item = Option<Rtt>> + '_ {
        let (len, next) = (usize::from(self.len), usize::from(self.next));
        let indices = (0..len).map(move |index| (next + Self::REQUESTS - len + index) % Self::REQUESTS);
        let rtt = |micros: u32| (micros != UNANSWERED).then(|| Rtt::from_micros(micros.into()));
        indices.map(move |index| rtt(self.micros[index]))
    }

    /// Summary of the answered ones; `None` without any.
    pub fn rtts(&self) -> Option<LastRttsSummary> {
        let answered = || self.iter().flatten();
        let (count, sum) = (answered().count() as u64, answered().map(Rtt::micros).sum());
        let mut squares = SquareSum::default();
        answered().for_each(|rtt| squares.record(rtt));
        Some(LastRttsSummary {
            min: Duration::from_micros(answered().min()?.micros()),
            max: Duration::from_micros(answered().max()?.micros()),
            mean: Duration::from_nanos(sum * 1_000 / count),
            stddev: squares.deviation(count, sum)?,
        })
    }

    /// Share of unanswered requests, 0 to 1; `None` without requests.
    pub fn loss(&self) -> Option<f64> {
        let unanswered = self.iter().filter(Option::is_none).count();
        (self.len > 0).then(|| unanswered as f64 / f64::from(self.len))
    }

    /// Touches its memory; the returned value has no meaning.
    pub(super) fn prefetch(&self) -> u64 {
        (self.micros[0] ^ u32::from(self.next)).into()
    }
}

impl PartialEq for LastRtts {
    /// Compares the requests, not their positions in the ring.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for LastRtts {}

impl FromIterator<Option<Rtt>> for LastRtts {
    fn from_iter<T: IntoIterator<Item = Option<Rtt>>>(requests: T) -> Self {
        let mut recent = Self::default();
        requests.into_iter().for_each(|rtt| recent.record(rtt));
        recent
    }
}

const UNANSWERED: u32 = u32::MAX;
/// More than an hour, which is longer than any timeout.
const MAX_MICROS: u32 = UNANSWERED - 1;
const CAPACITY: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: &[u64]) -> LastRtts {
        micros.iter().map(|&micros| (micros > 0).then(|| Rtt::from_micros(micros))).collect()
    }

    #[test]
    fn only_the_last_ten_count() {
        let mut micros: Vec<u64> = (0..25).collect();
        micros[20] = 0;
        let recent = of(&micros);
        let micros_left: Vec<u64> = recent.iter().map(|rtt| rtt.map_or(0, Rtt::micros)).collect();
        assert_eq!(micros_left, micros[15..]);
        assert_eq!(recent.iter().collect::<LastRtts>().rtts(), recent.rtts());
    }

    #[test]
    fn the_answers_among_them_are_summed_up() {
        // Round-trip times, 0 for none; min, max, mean, deviation in nanoseconds; loss in percent.
        type Case = (&'static [u64], Option<[u64; 4]>, Option<f64>);
        let cases: [Case; 5] = [
            (&[], None, None),
            (&[0], None, Some(100.0)),
            (&[7], Some([7_000, 7_000, 7_000, 0]), Some(0.0)),
            (&[1, 0, 3, 0], Some([1_000, 3_000, 2_000, 1_000]), Some(50.0)),
            (&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], Some([1_000, 1_000, 1_000, 0]), Some(0.0)),
        ];
        for (micros, expected, percent) in cases {
            let recent = of(micros);
            let nanos = recent.rtts().map(|it| [it.min, it.max, it.mean, it.stddev].map(|it| it.as_nanos()));
            assert_eq!(nanos, expected.map(|nanos| nanos.map(u128::from)), "{micros:?}");
            assert_eq!(recent.loss().map(|loss| loss * 100.0), percent, "{micros:?}");
        }
    }
}
