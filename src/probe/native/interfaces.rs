//! The indices of interfaces, which change when an interface is made again or renamed.

use super::sys;
use crate::measure::Timestamp;
use crate::target::Zone;
use std::collections::HashMap;
use std::time::Duration;

/// Time for which an index is remembered: after a change, requests leave through the right interface again this soon.
const MEMORY: Duration = Duration::from_secs(1);

/// The indices of the interfaces that targets name, by name.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    known: HashMap<Zone, u32>,
    since: Timestamp,
}

impl Interfaces {
    /// The index of an interface, never 0; `None` while there is no such interface.
    pub(super) fn index(&mut self, name: Zone, now: Timestamp) -> Option<u32> {
        if now.since(self.since) >= MEMORY {
            self.forget();
            self.since = now;
        }
        if let Some(index) = self.known.get(&name) {
            return Some(*index);
        }
        let index = sys::interface_of(name.as_str())?;
        self.known.insert(name, index);
        Some(index)
    }

    /// Makes the next requests look up their interfaces again.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_remembered_for_a_second_and_a_missing_one_is_not() {
        let mut interfaces = Interfaces::default();
        let (lo, seven) = (Zone::parse("lo").expect("a name"), Zone::parse("7").expect("a name"));
        let at = |millis: u64| Timestamp::from_nanos(millis * 1_000_000);
        assert_eq!(interfaces.index(lo, at(10)), Some(1));
        interfaces.known.insert(lo, 99);
        assert_eq!((interfaces.index(lo, at(999)), interfaces.index(seven, at(999))), (Some(99), Some(7)));
        assert_eq!(interfaces.index(lo, at(1_000)), Some(1));
        interfaces.known.insert(lo, 99);
        interfaces.forget();
        assert_eq!(interfaces.index(lo, at(1_001)), Some(1));
        assert_eq!(interfaces.index(Zone::parse("nowhere0").expect("a name"), at(1_001)), None);
    }
}
