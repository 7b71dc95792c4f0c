//! The latest settled requests.

use super::Rtt;
use super::deviation::SquareSum;
use std::collections::VecDeque;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// The latest settled requests, in the order of settling, without void ones: ten, or more if [`LastRtts::keep`] says so.
#[derive(Debug, Clone)]
pub struct LastRtts(Ring);

/// Microseconds, or [`UNANSWERED`]. Ten need no allocation, because every target has them.
#[derive(Debug, Clone)]
enum Ring {
    Ten { micros: [u32; 10], len: u8, next: u8 },
    More { micros: VecDeque<u32>, window: SettledWindow },
}

/// Number of the latest settled requests that a summary covers, 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettledWindow(u16);

impl SettledWindow {
    /// The number of requests that every target keeps.
    pub const DEFAULT: Self = Self(10);
    /// Maximum that a client of the HTTP server can ask for by itself: each target then keeps 400 bytes.
    pub const MAX_ASKED: Self = Self(100);
    /// Maximum.
    pub const MAX: Self = Self(1_000);

    /// The number.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Display for SettledWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text is not a number of settled requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it takes a whole number from 1 to {max}", max = SettledWindow::MAX)]
pub struct WindowError;

impl FromStr for SettledWindow {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        number.filter(|number| (1..=Self::MAX.0).contains(number)).map(Self).ok_or(WindowError)
    }
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
    /// Adds a request; `None` if it was not answered.
    pub fn record(&mut self, rtt: Option<Rtt>) {
        let rtt = rtt.map(|rtt| u32::try_from(rtt.micros()).unwrap_or(MAX_MICROS).min(MAX_MICROS));
        let rtt = rtt.unwrap_or(UNANSWERED);
        match &mut self.0 {
            Ring::Ten { micros, len, next } => {
                micros[usize::from(*next) % TEN] = rtt;
                *next = (*next + 1) % 10;
                *len = (*len + 1).min(10);
            }
            Ring::More { micros, window } => {
                if micros.len() >= window.get() {
                    micros.pop_front();
                }
                micros.push_back(rtt);
            }
        }
    }

    /// Keeps at least this many requests from now on.
    pub fn keep(&mut self, window: SettledWindow) {
        let kept = match &self.0 {
            Ring::Ten { .. } => SettledWindow::DEFAULT,
            Ring::More { window, .. } => *window,
        };
        if window > kept {
            let mut micros = VecDeque::new();
            micros.reserve_exact(window.get());
            micros.extend(self.micros());
            self.0 = Ring::More { micros, window };
        }
    }

    /// The last of them, at most this many.
    #[must_use]
    pub fn last(mut self, window: SettledWindow) -> Self {
        let surplus = self.len().saturating_sub(window.get());
        match &mut self.0 {
            Ring::Ten { len, .. } => *len -= u8::try_from(surplus).unwrap_or(*len),
            Ring::More { micros, .. } => drop(micros.drain(..surplus)),
        }
        self
    }

    fn len(&self) -> usize {
        match &self.0 {
            Ring::Ten { len, .. } => usize::from(*len),
            Ring::More { micros, .. } => micros.len(),
        }
    }

    fn micros(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let (len, next) = match &self.0 {
            Ring::Ten { len, next, .. } => (usize::from(*len), usize::from(*next)),
            Ring::More { micros, .. } => (micros.len(), 0),
        };
        (0..len).map(move |index| match &self.0 {
            Ring::Ten { micros, .. } => micros[(next + TEN - len + index) % TEN],
            Ring::More { micros, .. } => micros[index],
        })
    }

    /// The requests, oldest first; `None` for those without an answer.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Option<Rtt>> + '_ {
        self.micros().map(|micros| (micros != UNANSWERED).then(|| Rtt::from_micros(micros.into())))
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
        (self.len() > 0).then(|| unanswered as f64 / self.len() as f64)
    }

    /// Touches its memory; the returned value has no meaning.
    pub(super) fn prefetch(&self) -> u64 {
        match &self.0 {
            Ring::Ten { micros, next, .. } => (micros[0] ^ u32::from(*next)).into(),
            Ring::More { micros, .. } => micros.back().copied().unwrap_or(0).into(),
        }
    }
}

impl Default for LastRtts {
    fn default() -> Self {
        Self(Ring::Ten { micros: [0; TEN], len: 0, next: 0 })
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
const TEN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::LifetimeStats;
    use std::iter;

    fn of(micros: &[u64]) -> LastRtts {
        micros.iter().map(|&micros| rtt(micros)).collect()
    }

    fn rtt(micros: u64) -> Option<Rtt> {
        (micros > 0).then(|| Rtt::from_micros(micros))
    }

    fn micros(recent: &LastRtts) -> Vec<u64> {
        recent.iter().map(|rtt| rtt.map_or(0, Rtt::micros)).collect()
    }

    #[test]
    fn only_the_last_ten_count() {
        let mut expected: Vec<u64> = (0..25).collect();
        expected[20] = 0;
        let recent = of(&expected);
        assert_eq!(micros(&recent), expected[15..]);
        assert_eq!(recent.iter().collect::<LastRtts>().rtts(), recent.rtts());
    }

    #[test]
    fn more_are_kept_from_the_moment_that_they_are_wanted() {
        for window in [1, 10, 11, 42, 1_000] {
            let window = SettledWindow(window);
            let mut recent: LastRtts = (1..=25).map(rtt).collect();
            recent.keep(window);
            assert_eq!(micros(&recent), (16..=25).collect::<Vec<_>>(), "those from before, window {window}");
            // Less does not forget.
            recent.keep(SettledWindow(1));
            (26..=2_000).for_each(|micros| recent.record(rtt(micros)));
            let kept = window.max(SettledWindow::DEFAULT).get() as u64;
            assert_eq!(micros(&recent), (2_001 - kept..=2_000).collect::<Vec<_>>(), "window {window}");
            recent.record(None);
            assert_eq!(recent.loss(), Some(1.0 / kept as f64), "window {window}");
        }
    }

    #[test]
    fn a_shorter_window_has_the_latest() {
        for kept in [10, 42] {
            let mut recent = LastRtts::default();
            recent.keep(SettledWindow(kept));
            for known in 0..60_u64 {
                for window in [1, 3, 10, 30, 42, 1_000] {
                    let last = recent.clone().last(SettledWindow(window));
                    let number = known.min(kept.into()).min(window.into());
                    let expected: Vec<u64> = (known - number + 1..=known).collect();
                    assert_eq!(micros(&last), expected, "{window} of {known}");
                }
                recent.record(rtt(known + 1));
            }
        }
    }

    #[test]
    fn a_window_is_a_whole_number_up_to_the_maximum() {
        for (text, number) in [("1", 1), ("10", 10), ("042", 42), ("1000", 1_000)] {
            assert_eq!(text.parse().map(SettledWindow::get), Ok(number), "{text}");
        }
        let long = iter::repeat_n('1', 30).collect::<String>();
        for text in ["", "0", "1001", "65537", "+5", "-1", "1.5", "1e2", " 5", "ten", "\u{664}", &long] {
            assert_eq!(text.parse::<SettledWindow>(), Err(WindowError), "{text}");
        }
    }

    #[test]
    fn a_target_that_nobody_asks_for_more_pays_for_ten() {
        // As large as with a plain array.
        assert_eq!((size_of::<LastRtts>(), size_of::<LifetimeStats>()), (48, 216));
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
