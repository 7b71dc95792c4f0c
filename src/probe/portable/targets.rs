//! The targets of the portable engine: their requests in flight and their alarms.

use super::request::{MAX_PAYLOAD, PortableRequest};
use crate::measure::{SendError, Timestamp};
use crate::probe::wire::PAYLOAD;
use crate::probe::{Listener, TargetId};
use crate::target::{Address, OptionKey, OptionOverrides, PacketOptions, Timeout, Zone};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use tokio::task::JoinSet;

/// The targets of an engine, and their alarms.
pub(super) struct PortableTargets {
    slots: Vec<Option<PortableTarget>>,
    generations: Vec<u32>,
    free: Vec<u32>,
    alarms: BTreeSet<(Timestamp, u32)>,
    /// The identifier of the next target's requests.
    next_ident: u16,
    /// The sockets that each address is pinged with.
    lanes: BTreeSet<(IpAddr, usize)>,
}

/// One target.
pub(super) struct PortableTarget {
    id: TargetId,
    pub address: Address,
    pub listener: Rc<dyn Listener>,
    /// Timeout of requests.
    pub timeout: Timeout,
    /// Its own identifier, so that replies to an earlier target with the same address are rejected.
    pub ident: u16,
    /// Number of the sockets that its requests are sent with. Targets of one address have different ones: surge-ping tells
    /// their replies apart by address and sequence only if the kernel chooses the identifier.
    pub lane: usize,
    /// When surge-ping stopped waiting for a request because of a packet that is no answer.
    pub unanswerable: Rc<RefCell<VecDeque<Timestamp>>>,
    alarm: Timestamp,
    in_flight: JoinSet<()>,
    packet: PacketOptions,
}

impl PortableTargets {
    pub(super) fn new(first_ident: u16) -> Self {
        Self {
            slots: Vec::new(),
            generations: Vec::new(),
            free: Vec::new(),
            alarms: BTreeSet::new(),
            next_ident: first_ident,
            lanes: BTreeSet::new(),
        }
    }

    pub(super) fn attach(
        &mut self,
        address: Address,
        listener: Rc<dyn Listener>,
        timeout: Timeout,
    ) -> TargetId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.generations.push(0);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let id = TargetId { index, generation: self.generations[index as usize] };
        let lane = self.free_lane(address.ip());
        while lane > 0 && self.has_ident(address.ip(), self.next_ident) {
            self.next_ident = self.next_ident.wrapping_add(1);
        }
        self.lanes.insert((address.ip(), lane));
        self.slots[index as usize] =
            Some(PortableTarget::new(id, address, listener, timeout, (self.next_ident, lane)));
        self.next_ident = self.next_ident.wrapping_add(1);
        id
    }

    pub(super) fn detach(&mut self, id: TargetId) -> Option<PortableTarget> {
        self.set_alarm(id, Timestamp::NEVER);
        let (ip, lane) = self.get_mut(id).map(|target| (target.address.ip(), target.lane))?;
        self.lanes.remove(&(ip, lane));
        self.generations[id.index as usize] += 1;
        self.free.push(id.index);
        self.slots[id.index as usize].take()
    }

    /// The first lane without a target of the address.
    fn free_lane(&self, ip: IpAddr) -> usize {
        let used = self.lanes.range((ip, 0)..=(ip, usize::MAX)).map(|&(_, lane)| lane);
        used.enumerate()
            .find(|(free, lane)| free != lane)
            .map_or_else(|| self.lanes.range((ip, 0)..=(ip, usize::MAX)).count(), |(free, _)| free)
    }

    /// Whether a target of the address has the identifier. Identifiers repeat after 65 536 targets.
    fn has_ident(&self, ip: IpAddr, ident: u16) -> bool {
        self.slots.iter().flatten().any(|target| target.address.ip() == ip && target.ident == ident)
    }

    pub(super) fn get_mut(&mut self, id: TargetId) -> Option<&mut PortableTarget> {
        self.slots.get_mut(id.index as usize)?.as_mut().filter(|target| target.id == id)
    }

    pub(super) fn set_alarm(&mut self, id: TargetId, at: Timestamp) {
        let Some(target) = self.get_mut(id) else { return };
        let before = std::mem::replace(&mut target.alarm, at);
        self.alarms.remove(&(before, id.index));
        if at != Timestamp::NEVER {
            self.alarms.insert((at, id.index));
        }
    }

    pub(super) fn next_alarm(&self) -> Timestamp {
        self.alarms.first().map_or(Timestamp::NEVER, |&(at, _)| at)
    }

    /// Removes the first alarm that is due at `now`, and returns its target.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Rc<dyn Listener>, TargetId)> {
        let &(_, index) = self.alarms.first().filter(|&&(at, _)| at <= now)?;
        self.alarms.pop_first();
        let target = self.slots[index as usize].as_mut()?;
        target.alarm = Timestamp::NEVER;
        Some((Rc::clone(&target.listener), target.id))
    }
}

impl PortableTarget {
    fn new(
        id: TargetId,
        address: Address,
        listener: Rc<dyn Listener>,
        timeout: Timeout,
        (ident, lane): (u16, usize),
    ) -> Self {
        let (alarm, in_flight, packet) = (Timestamp::NEVER, JoinSet::new(), PacketOptions::default());
        let unanswerable = Rc::default();
        Self { id, address, listener, timeout, ident, lane, unanswerable, alarm, in_flight, packet }
    }

    /// Changes the options of its requests.
    pub(super) fn set_packet_options(&mut self, packet: PacketOptions) {
        self.packet = packet;
    }

    /// Number of bytes after the ICMP header of its requests.
    ///
    /// # Errors
    /// [`Unsendable`] if this engine can't send such requests.
    pub(super) fn size(&self) -> Result<usize, Unsendable> {
        // The interface of a link-local address is a part of the destination.
        let interface = self.packet.interface.filter(|_| self.address.is_link_local());
        let supported = PacketOptions { size: self.packet.size, interface, ..PacketOptions::default() };
        if self.packet != supported {
            let packet = PacketOptions {
                size: None,
                interface: self.packet.interface.filter(|_| interface.is_none()),
                ..self.packet
            };
            let rest = OptionOverrides { packet, ..OptionOverrides::default() };
            let other = rest.iter().map(|(key, _)| key).next();
            other.map_or(Ok(()), |key| Err(Unsendable::Option(key)))?;
        }
        let size = self.packet.size.map_or(PAYLOAD, |size| size.get().into());
        if size > MAX_PAYLOAD { Err(Unsendable::Size(size)) } else { Ok(size) }
    }

    /// Starts a request, and removes those that have ended.
    pub(super) fn start(&mut self, request: PortableRequest) {
        while self.in_flight.try_join_next().is_some() {}
        self.in_flight.spawn_local(request.run());
    }

    /// The destination of its next request. An interface is looked up each time: made again, it has another index.
    ///
    /// # Errors
    /// [`Unsendable`] while the interface that the address or the options name does not exist.
    pub(super) fn destination(&self) -> Result<SocketAddr, Unsendable> {
        let option = || self.packet.interface.filter(|_| self.address.is_link_local());
        match self.address.zone().copied().or_else(option) {
            None => Ok(SocketAddr::new(self.address.ip(), 0)),
            Some(name) => self.within(name).ok_or(Unsendable::NoInterface(name)),
        }
    }

    /// The address within the zone of an interface; `None` while there is no such interface.
    fn within(&self, name: Zone) -> Option<SocketAddr> {
        // The system's parser of addresses knows the indices of interfaces; it sends no DNS query.
        (format!("{}%{}", self.address.ip(), name.as_str()), 0).to_socket_addrs().ok()?.next()
    }
}

/// Why this engine can't send a request; for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("the portable engine can't set {0}: remove that option, or use the native engine")]
    Option(OptionKey),
    #[error(
        "the portable engine can't send {0} bytes, at most {MAX_PAYLOAD}: choose another size, or use the native engine"
    )]
    Size(usize),
    #[error("there is no interface {0:?}")]
    NoInterface(Zone),
    #[error("there is no socket of this family")]
    NoSocket,
}

impl Unsendable {
    /// The reason as statistics have it; `None` for what only the log says.
    pub(super) const fn reason(self) -> Option<SendError> {
        match self {
            Self::NoInterface(_) => Some(SendError::NoInterface),
            Self::NoSocket => Some(SendError::NoSocket),
            Self::Option(_) | Self::Size(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{EngineHandle, Event, RejectReason};

    struct Silent;

    impl Listener for Silent {
        fn on_event(&self, _: Event) -> Result<(), RejectReason> {
            Ok(())
        }

        fn awaits(&self, _: u16) -> bool {
            false
        }

        fn on_due(&self, _: EngineHandle<'_>) {}

        fn prefetch(&self) -> u64 {
            0
        }
    }

    #[test]
    fn targets_of_one_address_differ_in_lane_and_identifier() {
        let mut targets = PortableTargets::new(7);
        let mut attach = |address: &str| {
            let id = targets.attach(address.parse().unwrap(), Rc::new(Silent), Timeout::DEFAULT);
            let target = targets.get_mut(id).unwrap();
            (id, (target.lane, target.ident))
        };
        let (first, found) = attach("10.0.0.1");
        assert_eq!(found, (0, 7));
        for number in 0..65_535_u32 {
            let address = std::net::Ipv4Addr::from(0x0b00_0001 + number).to_string();
            assert_eq!(attach(&address).1.0, 0);
        }
        assert_eq!(attach("10.0.0.1").1, (1, 8), "the identifier 7 is taken");
        targets.detach(first);
        let id = targets.attach("10.0.0.1".parse().unwrap(), Rc::new(Silent), Timeout::DEFAULT);
        assert_eq!(targets.get_mut(id).unwrap().lane, 0, "the lane is free again");
    }
}
