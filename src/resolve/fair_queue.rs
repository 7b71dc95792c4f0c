//! A queue that is fair to zones: many waiting names of one zone do not delay those of another. Pure.

use std::collections::{HashMap, VecDeque};

/// Waiting items by zone.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    zones: HashMap<String, ZoneQueue<T>>,
    /// Zones with items, in the order of their next turn.
    rotation: VecDeque<String>,
}

#[derive(Debug)]
struct ZoneQueue<T> {
    items: VecDeque<T>,
    /// Whether the newest item is next, otherwise the oldest. Alternately, so that a name that is added behind thousands
    /// of others waits as little as the first of them.
    newest_is_next: bool,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { zones: HashMap::new(), rotation: VecDeque::new() }
    }
}

impl<T> FairQueue<T> {
    pub(super) fn push(&mut self, zone: &str, item: T) {
        if let Some(queue) = self.zones.get_mut(zone) {
            queue.items.push_back(item);
            return;
        }
        self.zones.insert(zone.to_owned(), ZoneQueue { items: [item].into(), newest_is_next: false });
        self.rotation.push_back(zone.to_owned());
    }

    /// Takes the next item.
    pub(super) fn pop(&mut self) -> Option<T> {
        let zone = self.rotation.pop_front()?;
        let queue = self.zones.get_mut(&zone)?;
        queue.newest_is_next = !queue.newest_is_next;
        let item = if queue.newest_is_next { queue.items.pop_front() } else { queue.items.pop_back() };
        if queue.items.is_empty() {
            self.zones.remove(&zone);
        } else {
            self.rotation.push_back(zone);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_take_turns_and_their_newest_and_oldest_items_too() {
        let mut queue = FairQueue::default();
        assert_eq!(queue.pop(), None::<&str>);
        for item in ["a1", "a2", "a3", "a4", "b1", "a5", "c1", "b2"] {
            queue.push(&item[..1], item);
        }
        let order: Vec<&str> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["a1", "b1", "c1", "a5", "b2", "a2", "a4", "a3"]);
        assert!(queue.zones.is_empty() && queue.rotation.is_empty());
        queue.push("a", "again");
        assert_eq!(queue.pop(), Some("again"));
    }
}
