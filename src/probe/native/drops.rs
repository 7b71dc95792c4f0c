//! When the receive buffer dropped packets, so that requests of that time count as void and not as lost.

use crate::measure::Timestamp;
use std::collections::VecDeque;

/// The recent time windows in which a socket's buffer dropped packets, and the total number of drops.
#[derive(Debug, Default)]
pub(super) struct Drops {
    total: u64,
    windows: VecDeque<(Timestamp, Timestamp)>,
}

impl Drops {
    /// Records `count` packets dropped between the two moments.
    pub(super) fn record(&mut self, count: u64, from: Timestamp, to: Timestamp) {
        self.total += count;
        match self.windows.back_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => self.windows.push_back((from, to)),
        }
        if self.windows.len() > MAX_WINDOWS {
            // Merges the two oldest windows: requests between them count as void although they may be lost.
            if let Some((start, _)) = self.windows.pop_front()
                && let Some(next) = self.windows.front_mut()
            {
                next.0 = start;
            }
        }
    }

    /// Removes windows that ended before `moment`, which no request is older than.
    pub(super) fn remove_before(&mut self, moment: Timestamp) {
        while self.windows.front().is_some_and(|window| window.1 < moment) {
            self.windows.pop_front();
        }
    }

    /// Whether packets may have been dropped between the two moments.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp) -> bool {
        self.windows.iter().rev().any(|window| window.0 <= to && window.1 >= from)
    }

    /// Total number of dropped packets.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }
}

/// Maximum number of windows.
const MAX_WINDOWS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn only_requests_that_were_open_during_a_drop_are_affected() {
        let mut drops = Drops::default();
        drops.record(3, at(100), at(110));
        drops.record(1, at(300), at(310));
        let cases = [
            (0, 99, false),
            (0, 100, true),
            (105, 106, true),
            (110, 200, true),
            (111, 299, false),
            (0, 999, true),
        ];
        for (from, to, dropped) in cases {
            assert_eq!(drops.between(at(from), at(to)), dropped, "{from} to {to}");
        }
        drops.remove_before(at(111));
        assert!(!drops.between(at(0), at(200)));
        assert_eq!(drops.total(), 4);
    }

    #[test]
    fn memory_is_bounded_and_old_windows_are_merged() {
        let mut drops = Drops::default();
        for time in 0..1_000 {
            drops.record(1, at(time * 10), at(time * 10 + 1));
        }
        assert!(drops.windows.len() <= MAX_WINDOWS);
        assert!(drops.between(at(5), at(6)));
        assert_eq!(drops.total(), 1_000);
    }
}
