//! How fast a client reads. A client is not slow because the server is: only the time counts in which the connection could
//! take nothing more, as far as it was seen. The time between the last look and the moment when it took bytes again may be
//! that of a busy server.

use std::time::{Duration, Instant};

/// Bytes per second below which a client is slow.
const MIN_BYTES_PER_SECOND: f64 = 1e6;

/// The pace is that of the last one to two windows. Longer than the pause after a lost packet, half as long as a scrape
/// waits for others.
const WINDOW: Duration = Duration::from_millis(500);

/// Bytes that the kernel holds of a connection beyond those that are on their way: enough to keep a fast connection busy.
/// The client may have read so many more than the connection has taken since. More would hide for seconds that a client
/// does not read.
pub(in crate::web) const MAX_UNSENT: u32 = 128 * 1024;

/// How fast a client reads.
pub(in crate::web) struct ReaderPace {
    /// When the connection became full; `None` if it takes bytes.
    full_since: Option<Instant>,
    total: Progress,
    /// The beginnings of the previous and the current window.
    marks: [(Instant, Progress); 2],
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// Bytes that the connection has taken.
    taken: u64,
    /// Time in which it was seen to be full.
    waited: Duration,
}

impl ReaderPace {
    /// Begins to measure.
    pub(in crate::web) fn new(now: Instant) -> Self {
        let begin = (now, Progress::default());
        Self { full_since: None, total: Progress::default(), marks: [begin; 2] }
    }

    /// Measures from now on.
    pub(in crate::web) fn restart(&mut self, now: Instant) {
        let is_full = self.full_since.is_some();
        *self = Self::new(now);
        self.full_since = is_full.then_some(now);
    }

    /// The connection is full.
    pub(in crate::web) fn full(&mut self, now: Instant) {
        self.full_since.get_or_insert(now);
    }

    /// The connection has taken bytes.
    pub(in crate::web) fn took(&mut self, bytes: usize, now: Instant) {
        self.full_since = None;
        self.total.taken += bytes as u64;
        self.turn(now);
    }

    /// Whether the client was slow in the last one to two windows. The more often this is asked, the nearer is the pace to
    /// the true one; it is never lower.
    pub(in crate::web) fn is_slow(&mut self, now: Instant) -> bool {
        if let Some(since) = &mut self.full_since {
            self.total.waited += now.saturating_duration_since(*since);
            *since = now;
        }
        let (_, begin) = self.marks[0];
        let waited = self.total.waited.saturating_sub(begin.waited);
        let taken = self.total.taken - begin.taken;
        self.turn(now);
        let most = (taken + u64::from(MAX_UNSENT)) as f64;
        waited >= WINDOW && most < MIN_BYTES_PER_SECOND * waited.as_secs_f64()
    }

    /// Begins the next window if the current one has ended.
    fn turn(&mut self, now: Instant) {
        if now.saturating_duration_since(self.marks[1].0) >= WINDOW {
            self.marks = [self.marks[1], (now, self.total)];
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "only times relative to one moment matter")]
mod tests {
    use super::*;

    /// When a client is called slow that reads `bytes` every `pause_ms` milliseconds, after `start_bytes` that fit into
    /// buffers; asked every 10 ms for a minute.
    fn slow_at(start_bytes: usize, bytes: usize, pause_ms: u64) -> Option<u64> {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = ReaderPace::new(start);
        pace.took(start_bytes, start);
        pace.full(start);
        (1..60_000).find(|ms| {
            if ms % pause_ms == 0 {
                pace.took(bytes, at(*ms));
                pace.full(at(*ms));
            }
            ms % 10 == 5 && pace.is_slow(at(*ms))
        })
    }

    #[test]
    fn a_client_below_a_megabyte_per_second_is_slow() {
        let cases = [
            ("reads nothing", 200_000, 0, 500, Some(505)),
            ("64 kB each half second", 200_000, 64_000, 500, Some(505)),
            ("0.6 MB/s", 0, 60_000, 100, Some(525)),
            ("0.6 MB/s after a large buffer", 4_000_000, 60_000, 100, Some(1025)),
            ("1 MB/s", 0, 64_000, 64, None),
            ("1 MB/s in steps of a tenth of a second", 100_000, 100_000, 100, None),
            ("100 MB/s", 0, 1_000_000, 10, None),
        ];
        let found = cases
            .map(|(name, start_bytes, bytes, pause_ms, _)| (name, slow_at(start_bytes, bytes, pause_ms)));
        assert_eq!(found, cases.map(|(name, _, _, _, expected)| (name, expected)));
    }

    #[test]
    fn a_client_is_not_slow_because_the_server_notices_late() {
        let start = Instant::now();
        let mut pace = ReaderPace::new(start);
        // The connection is full, empty again a moment later, and the busy server looks at it a tenth of a second later.
        for tenth in 0..100 {
            let now = start + Duration::from_millis(100 * tenth);
            pace.took(10_000, now);
            assert!(!pace.is_slow(now), "{tenth}");
            pace.full(now);
        }
    }

    #[test]
    fn a_client_is_not_slow_because_the_server_is() {
        let start = Instant::now();
        let mut pace = ReaderPace::new(start);
        // 20 kB each second: the connection was never full.
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            assert!(!pace.is_slow(now), "{second}");
            pace.took(20_000, now);
        }
    }

    #[test]
    fn a_pause_is_forgotten() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = ReaderPace::new(start);
        pace.full(start);
        assert!(pace.is_slow(at(10_000)));
        for ms in (10_000..13_000).step_by(10) {
            pace.took(50_000, at(ms));
            pace.full(at(ms));
        }
        assert!(!pace.is_slow(at(13_000)));
        // And a fast start is no credit for ever.
        assert!((13_000..16_000).step_by(100).any(|ms| pace.is_slow(at(ms))));
    }
}
