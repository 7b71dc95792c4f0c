//! Packet options of targets that differ from the defaults.

use super::socket::Fragments;
use super::sys::PacketMarks;
use crate::probe::wire::PAYLOAD;
use crate::target::{PacketOptions, Zone};
use std::net::IpAddr;
use std::num::NonZero;

/// Packet options of a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct CustomPacket(PacketOptions);

impl CustomPacket {
    /// `None` for the default options.
    pub(super) fn new(packet: PacketOptions) -> Option<Box<Self>> {
        (packet != PacketOptions::default()).then(|| Box::new(Self(packet)))
    }

    /// Number of bytes after the ICMP header.
    pub(super) fn size(&self) -> usize {
        self.0.size.map_or(PAYLOAD, |size| size.get().into())
    }

    /// The source address of its requests, if set.
    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.0.source
    }

    /// How requests that exceed the MTU of a link are fragmented.
    ///
    /// Requests of the default size are never fragmented; larger ones are, unless that is forbidden, because measuring
    /// with large packets is the purpose of the size.
    pub(super) fn fragments(&self) -> Fragments {
        match self.0.dont_fragment {
            Some(true) => Fragments::Never,
            Some(false) => Fragments::Anywhere,
            None if self.size() <= PAYLOAD => Fragments::Never,
            None => Fragments::AtSource,
        }
    }

    /// The interface that its requests leave through, if set.
    pub(super) const fn interface(&self) -> Option<Zone> {
        self.0.interface
    }

    /// Control data of its packets. `interface` is the index of an interface; 0 for the one of the routing table, or of
    /// the destination.
    pub(super) fn marks(&self, interface: u32) -> PacketMarks {
        PacketMarks {
            traffic_class: self.0.traffic_class(),
            ttl: self.0.ttl.map(NonZero::get),
            source: self.0.source,
            interface,
        }
    }
}
