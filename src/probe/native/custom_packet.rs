//! Packet options of targets that differ from the defaults.

use super::socket::Fragments;
use super::sys::{self, PacketMarks};
use crate::probe::wire::PAYLOAD;
use crate::target::{PacketOptions, Zone};
use std::net::IpAddr;
use std::num::NonZero;

/// Packet options of a target, and the interface that they name.
#[derive(Debug, Clone, Copy)]
pub(super) struct CustomPacket {
    packet: PacketOptions,
    /// Index of its interface; 0 without one, or while there is no such interface.
    interface: u32,
}

impl CustomPacket {
    /// `None` for the default options.
    pub(super) fn new(packet: PacketOptions) -> Option<Box<Self>> {
        (packet != PacketOptions::default()).then(|| Box::new(Self { packet, interface: 0 }))
    }

    /// Number of bytes after the ICMP header.
    pub(super) fn size(&self) -> usize {
        self.packet.size.map_or(PAYLOAD, |size| size.get().into())
    }

    /// The source address of its requests, if set.
    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.packet.source
    }

    /// How requests that exceed the MTU of a link are fragmented.
    ///
    /// Requests of the default size are never fragmented; larger ones are, unless that is forbidden, because measuring
    /// with large packets is the purpose of the size.
    pub(super) fn fragments(&self) -> Fragments {
        match self.packet.dont_fragment {
            Some(true) => Fragments::Never,
            Some(false) => Fragments::Anywhere,
            None if self.size() <= PAYLOAD => Fragments::Never,
            None => Fragments::AtSource,
        }
    }

    /// Control data of its packets; looks up the interface if necessary.
    ///
    /// # Errors
    /// The interface, if it does not exist.
    pub(super) fn marks(&mut self) -> Result<PacketMarks, Zone> {
        if let (Some(name), 0) = (self.packet.interface, self.interface) {
            self.interface = sys::interface_of(name.as_str()).ok_or(name)?;
        }
        Ok(PacketMarks {
            traffic_class: self.packet.traffic_class(),
            ttl: self.packet.ttl.map(NonZero::get),
            source: self.packet.source,
            interface: self.interface,
        })
    }

    /// Makes the next request look up the interface again: it may have another index now.
    pub(super) fn invalidate_interface(&mut self) {
        self.interface = 0;
    }
}
