//! When our own receive buffer dropped packets, so that nobody else is blamed for it.

use crate::measure::Timestamp;
use std::collections::VecDeque;

/// The recent times within which a socket's buffer dropped packets, and how many it dropped in all.
#[derive(Debug, Default)]
pub(super) struct Drops {
    total: u64,
    windows: VecDeque<(Timestamp, Timestamp)>,
}

impl Drops {
    /// The buffer dropped `count` packets at some time between the two moments.
    pub(super) fn record(&mut self, count: u64, from: Timestamp, to: Timestamp) {
        self.total += count;
        match self.windows.back_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => self.windows.push_back((from, to)),
        }
        if self.windows.len() > MOST {
            // Two old windows become one: what lies between them is doubted without need, but nothing is blamed.
            if let Some((start, _)) = self.windows.pop_front()
                && let Some(next) = self.windows.front_mut()
            {
                next.0 = start;
            }
        }
    }

    /// Forgets what ended before `moment`: no request is that old.
    pub(super) fn forget_before(&mut self, moment: Timestamp) {
        while self.windows.front().is_some_and(|window| window.1 < moment) {
            self.windows.pop_front();
        }
    }

    /// Whether packets may have been dropped between the two moments.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp) -> bool {
        self.windows.iter().rev().any(|window| window.0 <= to && window.1 >= from)
    }

    /// Packets dropped since the beginning.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }
}

const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_request_is_doubted_only_when_packets_were_dropped_while_it_was_open() {
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
        drops.forget_before(at(111));
        assert!(!drops.between(at(0), at(200)));
        assert_eq!(drops.total(), 4);
    }

    #[test]
    fn memory_is_bounded_and_errs_towards_doubt() {
        let mut drops = Drops::default();
        for time in 0..1_000 {
            drops.record(1, at(time * 10), at(time * 10 + 1));
        }
        assert!(drops.windows.len() <= MOST);
        assert!(drops.between(at(5), at(6)));
        assert_eq!(drops.total(), 1_000);
    }
}
