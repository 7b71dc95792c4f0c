//! The engine's table of targets, with access by index for replies and by address for errors.

use super::custom_packet::CustomPacket;
use super::socket::Fragments;
use super::sys;
use crate::measure::Timestamp;
use crate::probe::wire::PAYLOAD;
use crate::probe::{Listener, TargetId};
use crate::target::{Address, PacketOptions, Zone};
use std::collections::HashMap;
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
    /// Index of its zone's interface; 0 without a zone, or while there is no such interface.
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
    pub marks: Option<sys::PacketMarks>,
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

    /// Whether a packet from this source can be a reply of the target.
    pub(super) fn is_from(&self, source: SocketAddr) -> bool {
        let same_zone = match source {
            SocketAddr::V6(v6) if self.scope != 0 => v6.scope_id() == self.scope,
            _ => true,
        };
        source.ip().to_canonical() == self.address.ip() && same_zone
    }

    /// Number of bytes after the ICMP header of its requests.
    pub(super) fn size(&self) -> usize {
        self.custom.as_ref().map_or(PAYLOAD, |custom| custom.size())
    }

    /// The source address of its requests, if set.
    pub(super) fn source(&self) -> Option<IpAddr> {
        self.custom.as_ref()?.source()
    }

    /// The route of a request to that destination.
    fn route(&mut self, to: SocketAddr) -> Result<Route, NoInterface> {
        Ok(match &mut self.custom {
            None => Route { to, size: PAYLOAD, fragments: Fragments::Never, marks: None },
            Some(custom) => Route {
                to,
                size: custom.size(),
                fragments: custom.fragments(),
                marks: Some(custom.marks().map_err(NoInterface)?),
            },
        })
    }

    /// The destination of its requests; `None` while its zone's interface does not exist.
    fn destination(&self) -> Option<SocketAddr> {
        match self.address.ip() {
            IpAddr::V4(v4) => Some((v4, 0).into()),
            IpAddr::V6(_) if self.address.zone().is_some() && self.scope == 0 => None,
            IpAddr::V6(v6) => Some(SocketAddrV6::new(v6, 0, 0, self.scope).into()),
        }
    }
}

/// All targets of an engine.
#[derive(Default)]
pub(super) struct NativeTargets {
    entries: Vec<NativeEntry>,
    free: Vec<u32>,
    by_address: HashMap<(IpAddr, u32), u32>,
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
        let scope = scope_of(address);
        self.by_address.insert((address.ip(), scope), index);
        let entry = &mut self.entries[index as usize];
        entry.target = Some(NativeTarget { listener, alarm: None, address, scope, rate: 0, custom: None });
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
        let key = (target.address.ip(), target.scope);
        if self.by_address.get(&key) == Some(&id.index) {
            self.by_address.remove(&key);
        }
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

    /// The target with an address; `scope` is the interface index of the sender of the error.
    pub(super) fn find(&self, ip: IpAddr, scope: u32) -> Option<&NativeTarget> {
        let ip = ip.to_canonical();
        let index = self.by_address.get(&(ip, 0)).or_else(|| self.by_address.get(&(ip, scope)))?;
        self.entries.get(*index as usize)?.target.as_ref()
    }

    /// Changes the packet options of a target.
    pub(super) fn set_packet_options(&mut self, id: TargetId, packet: PacketOptions) {
        if let Some(target) = self.get_mut(id) {
            target.custom = CustomPacket::new(packet);
        }
    }

    /// The route of a target's requests; looks up interfaces if necessary. `None` if the target was removed.
    ///
    /// # Errors
    /// [`NoInterface`] while an interface does not exist.
    pub(super) fn route(&mut self, id: TargetId) -> Option<Result<Route, NoInterface>> {
        let target = self.get_mut(id)?;
        if let Some(to) = target.destination() {
            return Some(target.route(to));
        }
        let address = target.address;
        self.set_scope(id, scope_of(address));
        let target = self.get_mut(id)?;
        match (target.destination(), address.zone()) {
            (Some(to), _) => Some(target.route(to)),
            (None, zone) => zone.map(|zone| Err(NoInterface(*zone))),
        }
    }

    /// Makes the next request look up the interfaces of a target again: they may have other indices now.
    pub(super) fn invalidate_interfaces(&mut self, id: TargetId) {
        self.set_scope(id, 0);
        if let Some(custom) = self.get_mut(id).and_then(|target| target.custom.as_mut()) {
            custom.invalidate_interface();
        }
    }

    fn set_scope(&mut self, id: TargetId, scope: u32) {
        let Some(target) = self.get_mut(id) else { return };
        if target.scope != scope && target.address.zone().is_some() {
            let ip = target.address.ip();
            let before = std::mem::replace(&mut target.scope, scope);
            self.by_address.remove(&(ip, before));
            self.by_address.insert((ip, scope), id.index);
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

fn scope_of(address: Address) -> u32 {
    address.zone().and_then(|zone| sys::interface_of(zone.as_str())).unwrap_or(0)
}
