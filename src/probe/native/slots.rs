//! Alarms of targets, grouped into slots, so that many targets share one wake-up.
//!
//! A wake-up costs 25 µs, more than a ping. Slots are as wide as the rate allows: at most about 50 requests in one,
//! because a slot is a burst on an access link.

use crate::measure::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Alarms of targets, by slot. A target has at most one; the caller stores its slot.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: BTreeMap<Timestamp, Vec<u32>>,
    /// Emptied slots, reused without an allocation.
    spare: Vec<Vec<u32>>,
}

impl Slots {
    /// Adds an alarm to a slot from [`slot_of`].
    pub(super) fn insert(&mut self, slot: Timestamp, index: u32) {
        let spare = &mut self.spare;
        self.slots.entry(slot).or_insert_with(|| spare.pop().unwrap_or_default()).push(index);
    }

    /// Removes the alarm of a target from its slot.
    pub(super) fn remove(&mut self, slot: Timestamp, index: u32) {
        let Some(indices) = self.slots.get_mut(&slot) else { return };
        if let Some(position) = indices.iter().position(|&other| other == index) {
            indices.swap_remove(position);
        }
        if indices.is_empty() {
            self.recycle(slot);
        }
    }

    /// The first slot.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.slots.first_key_value().map(|(&slot, _)| slot)
    }

    /// Takes up to `limit` targets whose slot is not after `now` and appends them to `due`, earliest first.
    pub(super) fn take_due(&mut self, now: Timestamp, limit: usize, due: &mut Vec<u32>) {
        let mut left = limit;
        while left > 0 {
            let Some(mut entry) = self.slots.first_entry().filter(|entry| *entry.key() <= now) else {
                return;
            };
            let indices = entry.get_mut();
            let keep = indices.len().saturating_sub(left);
            left -= indices.len() - keep;
            due.extend(indices.drain(keep..));
            if keep == 0 {
                let slot = *entry.key();
                self.recycle(slot);
            }
        }
    }

    fn recycle(&mut self, slot: Timestamp) {
        let Some(emptied) = self.slots.remove(&slot) else { return };
        if self.spare.len() < MAX_SPARE && emptied.capacity() <= MAX_SPARE_CAPACITY {
            self.spare.push(emptied);
        }
    }
}

/// The slot for an alarm at `at` that may be up to `slack` late: the first one at or after it, on the widest grid that
/// the rate and the slack allow. Slots of all widths lie on one grid of milliseconds.
pub(super) fn slot_of(at: Timestamp, slack: Duration, rate: f64) -> Timestamp {
    let fits = |width: &u64| {
        Duration::from_millis(*width) <= slack && *width as f64 / 1e3 * rate <= REQUESTS_PER_SLOT
    };
    let width = WIDTHS_MS.into_iter().find(fits).unwrap_or(NARROWEST_MS);
    // At a high rate even the narrowest slot is full; a short interval may need an even narrower one.
    let width = if Duration::from_millis(width) <= slack { width } else { 1 };
    let nanos = width * 1_000_000;
    Timestamp::from_nanos(at.as_nanos().div_ceil(nanos).saturating_mul(nanos))
}

const WIDTHS_MS: [u64; 5] = [100, 50, 20, 10, 5];
const NARROWEST_MS: u64 = 5;
/// Maximum average number of requests in a slot.
const REQUESTS_PER_SLOT: f64 = 50.0;
const MAX_SPARE: usize = 256;
const MAX_SPARE_CAPACITY: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn slots_widen_with_the_slack_and_narrow_with_the_rate() {
        let second = Duration::from_millis(125);
        let cases = [
            ("a few targets", 1_001, second, 10.0, 1_100),
            ("1 000 a second", 1_001, second, 1_000.0, 1_050),
            ("on the grid already", 1_100, second, 10.0, 1_100),
            ("2 000 a second", 1_001, second, 2_000.0, 1_020),
            ("10 000 a second", 1_001, second, 10_000.0, 1_005),
            ("100 000 a second", 1_001, second, 100_000.0, 1_005),
            ("an interval of 10 ms", 1_001, Duration::from_micros(1_250), 10.0, 1_001),
            ("an interval of 100 ms", 1_001, Duration::from_micros(12_500), 10.0, 1_010),
        ];
        for (case, alarm, slack, rate, slot) in cases {
            assert_eq!(slot_of(at(alarm), slack, rate), at(slot), "{case}");
        }
    }

    #[test]
    fn the_earliest_are_taken_first_and_no_more_than_asked_for() {
        let mut slots = Slots::default();
        for (slot, index) in [(20, 1), (10, 2), (10, 3), (30, 4)] {
            slots.insert(at(slot), index);
        }
        let mut due = Vec::new();
        slots.take_due(at(9), 10, &mut due);
        assert!(due.is_empty());
        slots.take_due(at(25), 1, &mut due);
        assert_eq!(due, [3]);
        slots.take_due(at(25), 10, &mut due);
        assert_eq!(due, [3, 2, 1]);
        assert_eq!(slots.first(), Some(at(30)));
    }

    #[test]
    fn a_cancelled_alarm_leaves_nothing_behind() {
        let mut slots = Slots::default();
        slots.insert(at(10), 1);
        slots.insert(at(10), 2);
        slots.remove(at(10), 1);
        slots.remove(at(99), 2);
        assert_eq!(slots.first(), Some(at(10)));
        slots.remove(at(10), 2);
        assert_eq!(slots.first(), None);
    }
}
