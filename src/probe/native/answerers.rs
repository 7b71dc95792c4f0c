//! The targets that another address answers for: few, so they are kept apart from the others.

use super::sys;
use crate::probe::TargetId;
use crate::target::{Address, Zone};
use std::collections::HashMap;
use std::net::SocketAddr;

/// The source of the latest reply of each target, if it is not the target's own address.
#[derive(Debug, Default)]
pub(super) struct Answerers(HashMap<TargetId, SocketAddr>);

impl Answerers {
    /// A reply of the target came from this source; `None` for the target's own address.
    pub(super) fn note(&mut self, id: TargetId, source: Option<SocketAddr>) {
        match source {
            Some(source) => drop(self.0.insert(id, source)),
            // Nearly always empty.
            None if self.0.is_empty() => {}
            None => self.remove(id),
        }
    }

    /// The target has ended.
    pub(super) fn remove(&mut self, id: TargetId) {
        self.0.remove(&id);
    }

    /// The address of the latest source.
    pub(super) fn get(&self, id: TargetId) -> Option<Address> {
        let source = self.0.get(&id)?;
        let zone = match source {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => zone(v6.scope_id()),
            _ => None,
        };
        Address::within(source.ip(), zone).ok()
    }
}

/// The zone of an interface, with its name if it still has one.
fn zone(interface: u32) -> Option<Zone> {
    let name = sys::interface_name(interface).unwrap_or_else(|| interface.to_string());
    Zone::parse(&name).filter(|_| interface != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_source_counts_until_the_target_answers_itself() {
        let ids = [0, 1].map(|index| TargetId { index, generation: 0 });
        let mut answerers = Answerers::default();
        let shown = |answerers: &Answerers, id| answerers.get(id).map(|address| address.to_string());
        let cases = [
            ("10.0.0.9:0", Some("10.0.0.9")),
            ("[::ffff:10.0.0.9]:0", Some("10.0.0.9")),
            ("[fd07::1]:58", Some("fd07::1")),
            ("[fe80::1%1]:58", Some("fe80::1%lo")),
            ("[fe80::1%4294967295]:58", Some("fe80::1%4294967295")),
            ("[fe80::1]:58", Some("fe80::1")),
            ("0.0.0.0:0", None),
        ];
        for (source, expected) in cases {
            answerers.note(ids[0], source.parse().ok());
            assert_eq!(shown(&answerers, ids[0]).as_deref(), expected, "{source}");
            assert_eq!(shown(&answerers, ids[1]), None);
        }
        answerers.note(ids[0], None);
        assert!(answerers.0.is_empty());
    }
}
