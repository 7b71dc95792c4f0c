//! The engine's table of targets, with access by index for replies and by address for errors.

use super::custom_packet::CustomPacket;
use super::interfaces::Interfaces;
use super::socket::Fragments;
use super::sys::PacketMarks;
use crate::measure::Timestamp;
use crate::probe::wire::{PAYLOAD, Quote};
use crate::probe::{Listener, TargetId};
use crate::target::{Address, PacketOptions, Zone};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::rc::Rc;
use std::time::Duration;

/// One target of the engine.
pub(super) struct NativeTarget {
    /// Receives its events.
    pub listener: Rc<dyn Listener>,
    /// The slot of its alarm.
    pub alarm: Option<Timestamp>,
    /// Its address.
    pub address: Address,
    /// Index of the interface that a link-local address belongs to, as of the latest request; 0 without one.
    scope: u32,
    /// Requests per second, in millionths.
    rate: u64,
    /// Its packet options, if they differ from the defaults.
    custom: Option<Box<CustomPacket>>,
}

/// Destination and options of a request.
pub(super) struct Route {
    /// The destination.
    pub to: SocketAddr,
    /// Number of bytes after the ICMP header.
    pub size: usize,
    /// How it is fragmented.
    pub fragments: Fragments,
    /// Control data of its packet.
    pub marks: Option<PacketMarks>,
}

/// Why a request can't be sent; for the log.
#[derive(Debug, thiserror::Error)]
#[error("there is no interface {0:?}")]
pub(super) struct NoInterface(Zone);

impl NativeTarget {
    /// The address of its requests.
    pub(super) const fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Whether this source is the target's own address.
    pub(super) fn is_from(&self, source: SocketAddr) -> bool {
        let scope = if let SocketAddr::V6(v6) = source { v6.scope_id() } else { 0 };
        source.ip().to_canonical() == self.address.ip() && self.is_within(scope)
    }

    /// Whether the target can be behind the interface with this index; 0 is an unknown one.
    const fn is_within(&self, scope: u32) -> bool {
        scope == 0 || self.scope == 0 || scope == self.scope
    }

    /// Number of bytes after the ICMP header of its requests.
    pub(super) fn size(&self) -> usize {
        self.custom.as_ref().map_or(PAYLOAD, |custom| custom.size())
    }

    /// The source address of its requests, if set.
    pub(super) fn source(&self) -> Option<IpAddr> {
        self.custom.as_ref()?.source()
    }

    /// The interface that its address or its options name; the zone of an address is the same as the option, if it has both.
    fn interface(&self) -> Option<Zone> {
        let option = || self.custom.as_ref().and_then(|custom| custom.interface());
        self.address.zone().copied().or_else(option)
    }

    /// The route of a request; `index` looks up an interface.
    fn route(&mut self, index: impl FnOnce(Zone) -> Option<u32>) -> Result<Route, NoInterface> {
        let mut interface = match self.interface() {
            None => 0,
            Some(name) => index(name).ok_or(NoInterface(name))?,
        };
        if self.address.is_link_local() {
            // Part of the destination, which datagram sockets demand.
            self.scope = std::mem::take(&mut interface);
        }
        let to = match self.address.ip() {
            IpAddr::V4(v4) => (v4, 0).into(),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, 0, 0, self.scope).into(),
        };
        Ok(match &self.custom {
            None => Route { to, size: PAYLOAD, fragments: Fragments::Never, marks: None },
            Some(custom) => Route {
                to,
                size: custom.size(),
                fragments: custom.fragments(),
                marks: Some(custom.marks(interface)),
            },
        })
    }
}

/// All targets of an engine.
#[derive(Default)]
pub(super) struct NativeTargets {
    entries: Vec<NativeEntry>,
    free: Vec<u32>,
    by_address: HashMap<IpAddr, u32>,
    /// Further targets of an address: variants, other zones, and other spellings of a zone.
    siblings: HashMap<IpAddr, Vec<u32>>,
    interfaces: Interfaces,
    rate: u64,
}

#[derive(Default)]
struct NativeEntry {
    generation: u32,
    target: Option<NativeTarget>,
}

impl NativeTargets {
    /// Adds a target.
    pub(super) fn insert(&mut self, address: Address, listener: Rc<dyn Listener>) -> TargetId {
        let index = self.free.pop().unwrap_or_else(|| {
            if self.entries.len() == self.entries.capacity() {
                self.entries.reserve_exact((self.entries.len() / 8).max(64));
            }
            self.entries.push(NativeEntry::default());
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        self.link(address.ip(), index);
        let entry = &mut self.entries[index as usize];
        entry.target = Some(NativeTarget { listener, alarm: None, address, scope: 0, rate: 0, custom: None });
        TargetId { index, generation: entry.generation }
    }

    /// Removes a target and returns it.
    pub(super) fn remove(&mut self, id: TargetId) -> Option<NativeTarget> {
        self.get(id)?;
        let entry = &mut self.entries[id.index as usize];
        let target = entry.target.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(id.index);
        self.rate -= target.rate;
        self.unlink(target.ip(), id.index);
        Some(target)
    }

    /// The target with this id, unless it was removed.
    pub(super) fn get(&self, id: TargetId) -> Option<&NativeTarget> {
        let entry = self.entries.get(id.index as usize)?;
        entry.target.as_ref().filter(|_| entry.generation == id.generation)
    }

    /// The target with this id, unless it was removed.
    pub(super) fn get_mut(&mut self, id: TargetId) -> Option<&mut NativeTarget> {
        let entry = self.entries.get_mut(id.index as usize)?;
        entry.target.as_mut().filter(|_| entry.generation == id.generation)
    }

    /// The current target with this index.
    pub(super) fn at(&self, index: u32) -> Option<(TargetId, &NativeTarget)> {
        let entry = self.entries.get(index as usize)?;
        Some((TargetId { index, generation: entry.generation }, entry.target.as_ref()?))
    }

    /// Takes the alarm of the current target with this index; returns its id, listener and slot.
    pub(super) fn take_alarm(&mut self, index: u32) -> Option<(TargetId, Rc<dyn Listener>, Timestamp)> {
        let entry = self.entries.get_mut(index as usize)?;
        let target = entry.target.as_mut()?;
        let slot = target.alarm.take()?;
        Some((TargetId { index, generation: entry.generation }, Rc::clone(&target.listener), slot))
    }

    /// Whether an index was ever in use.
    pub(super) fn was_used(&self, index: u32) -> bool {
        (index as usize) < self.entries.len()
    }

    /// The target whose request an error quotes; `scope` is the interface index of the error's sender, or 0.
    ///
    /// Several targets can have the address, so the index in the quoted payload decides. If less is quoted, the error
    /// belongs to the only one of them, or to the only one that awaits the sequence number; it is stale if two of them do.
    pub(super) fn quoted(&self, quote: &Quote, scope: u32) -> Option<&NativeTarget> {
        let ip = quote.destination.to_canonical();
        if let Some(index) = quote.index {
            return self.at(index).map(|(_, target)| target).filter(|target| target.ip() == ip);
        }
        let of_address = || self.indices(ip).filter_map(|index| self.at(index).map(|(_, target)| target));
        let candidates = || of_address().filter(|target| target.is_within(scope));
        let mut all = candidates();
        let first = all.next()?;
        if all.next().is_none() {
            return Some(first);
        }
        let mut awaiting = candidates().filter(|target| target.listener.awaits(quote.sequence));
        awaiting.next().filter(|_| awaiting.next().is_none())
    }

    fn indices(&self, ip: IpAddr) -> impl Iterator<Item = u32> {
        self.by_address.get(&ip).into_iter().chain(self.siblings.get(&ip).into_iter().flatten()).copied()
    }

    fn link(&mut self, ip: IpAddr, index: u32) {
        match self.by_address.entry(ip) {
            Entry::Vacant(first) => drop(first.insert(index)),
            Entry::Occupied(_) => self.siblings.entry(ip).or_default().push(index),
        }
    }

    fn unlink(&mut self, ip: IpAddr, index: u32) {
        let mut next = None;
        if let Some(siblings) = self.siblings.get_mut(&ip) {
            if self.by_address.get(&ip) == Some(&index) {
                next = siblings.pop();
            } else {
                siblings.retain(|sibling| *sibling != index);
            }
            if siblings.is_empty() {
                self.siblings.remove(&ip);
            }
        }
        match next {
            Some(next) => drop(self.by_address.insert(ip, next)),
            None if self.by_address.get(&ip) == Some(&index) => drop(self.by_address.remove(&ip)),
            None => {}
        }
    }

    /// Changes the packet options of a target.
    pub(super) fn set_packet_options(&mut self, id: TargetId, packet: PacketOptions) {
        if let Some(target) = self.get_mut(id) {
            target.custom = CustomPacket::new(packet);
            target.scope = 0;
        }
    }

    /// The route of a target's requests; `None` if the target was removed.
    ///
    /// # Errors
    /// [`NoInterface`] while there is no such interface.
    pub(super) fn route(
        &mut self,
        id: TargetId,
        now: impl Fn() -> Timestamp,
    ) -> Option<Result<Route, NoInterface>> {
        let Self { entries, interfaces, .. } = self;
        let entry = entries.get_mut(id.index as usize).filter(|entry| entry.generation == id.generation)?;
        Some(entry.target.as_mut()?.route(|name| interfaces.index(name, now())))
    }

    /// Makes the next request of a target look up its interface again.
    pub(super) fn forget_interfaces(&mut self, id: TargetId) {
        if self.get(id).is_some_and(|target| target.interface().is_some()) {
            self.interfaces.forget();
        }
    }

    /// Sets a target's interval; returns whether it is the first one.
    pub(super) fn set_interval(&mut self, id: TargetId, interval: Duration) -> bool {
        let micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX).max(1);
        let Some(target) = self.get_mut(id) else { return false };
        let rate = 1_000_000_000_000 / micros;
        let before = std::mem::replace(&mut target.rate, rate);
        self.rate = self.rate - before + rate;
        before == 0
    }

    /// Requests per second of all targets together.
    pub(super) fn rate(&self) -> f64 {
        self.rate as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ErrorClass;
    use crate::probe::{EngineHandle, Event, RejectReason};

    /// A listener that awaits one sequence number.
    struct Awaiting(u16);

    impl Listener for Awaiting {
        fn on_event(&self, _: Event) -> Result<(), RejectReason> {
            Ok(())
        }

        fn awaits(&self, sequence: u16) -> bool {
            sequence == self.0
        }

        fn on_due(&self, _: EngineHandle<'_>) {}

        fn prefetch(&self) -> u64 {
            0
        }
    }

    fn quote(sequence: u16, index: Option<u32>) -> Quote {
        let destination = IpAddr::from([10, 0, 0, 1]);
        Quote { destination, ident: 1, sequence, index, class: ErrorClass::HostUnreachable, code: 1 }
    }

    #[test]
    fn an_error_belongs_to_the_target_that_it_quotes() {
        let mut targets = NativeTargets::default();
        let address: Address = "10.0.0.1".parse().unwrap();
        let sequences = [7, 8, 8];
        let ids: Vec<TargetId> =
            sequences.iter().map(|&sequence| targets.insert(address, Rc::new(Awaiting(sequence)))).collect();
        let found = |targets: &NativeTargets, sequence, index| {
            let found = targets.quoted(&quote(sequence, index), 3)?;
            ids.iter().position(|id| targets.get(*id).is_some_and(|target| std::ptr::eq(target, found)))
        };
        let cases = [
            ("the index decides", 8, Some(2), Some(2)),
            ("whatever is in flight", 9, Some(0), Some(0)),
            ("a target that has ended", 7, Some(9), None),
            ("the only one with the request", 7, None, Some(0)),
            ("two with such a request", 8, None, None),
            ("none", 9, None, None),
        ];
        for (case, sequence, index, expected) in cases {
            assert_eq!(found(&targets, sequence, index), expected, "{case}");
        }
        targets.remove(ids[0]);
        assert_eq!(found(&targets, 8, Some(1)), Some(1));
        targets.remove(ids[2]);
        assert_eq!(found(&targets, 9, None), Some(1), "the only target of the address");
        targets.remove(ids[1]);
        assert!(targets.quoted(&quote(8, Some(1)), 0).is_none());
        assert!(targets.by_address.is_empty() && targets.siblings.is_empty());
    }

    proptest::proptest! {
        /// Whatever targets of an address await, an error about a request of one of them never counts for another one.
        #[test]
        fn an_error_never_belongs_to_another_target_of_the_address(
            awaited in proptest::collection::vec(0_u16..6, 1..6),
            removed in proptest::collection::vec(proptest::bool::weighted(0.3), 6),
            owner in 0_usize..6,
            quotes_payload in proptest::bool::ANY,
        ) {
            let mut targets = NativeTargets::default();
            let address: Address = "10.0.0.1".parse().unwrap();
            let ids: Vec<TargetId> =
                awaited.iter().map(|&sequence| targets.insert(address, Rc::new(Awaiting(sequence)))).collect();
            let owner = owner % ids.len();
            for (id, _) in ids.iter().zip(&removed).enumerate().filter(|(n, (_, gone))| *n != owner && **gone).map(|(_, it)| it) {
                targets.remove(*id);
            }
            let quote = quote(awaited[owner], quotes_payload.then_some(ids[owner].index));
            let found = targets.quoted(&quote, 0);
            let is_owner = found.is_some_and(|found| targets.get(ids[owner]).is_some_and(|own| std::ptr::eq(own, found)));
            proptest::prop_assert!(found.is_none() || is_owner);
            // With the payload it is always found.
            proptest::prop_assert!(is_owner || !quotes_payload);
        }
    }
}
