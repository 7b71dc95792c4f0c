//! In what the requests to some targets differ from those to all others.

use super::socket::Fragments;
use super::sys::{self, PacketMarks};
use crate::probe::wire::PAYLOAD;
use crate::target::{PacketOptions, Zone};
use std::net::IpAddr;
use std::num::NonZero;

/// What a target was given, and what it takes to send that.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpecialSocket {
    packet: PacketOptions,
    /// Index of its interface; 0 without one, or while there is no such interface.
    interface: u32,
}

impl SpecialSocket {
    /// `None` if it is like all others.
    pub(super) fn new(packet: PacketOptions) -> Option<Box<Self>> {
        (packet != PacketOptions::default()).then(|| Box::new(Self { packet, interface: 0 }))
    }

    /// Number of bytes after the ICMP header.
    pub(super) fn size(&self) -> usize {
        self.packet.size.map_or(PAYLOAD, |size| size.get().into())
    }

    /// The address of ours that its requests come from, if that was asked for.
    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.packet.source
    }

    /// What the system does with requests that are larger than a link takes.
    ///
    /// Nobody fragments our usual ones; that others are fragmented is what size is good for, unless it is forbidden.
    pub(super) fn fragments(&self) -> Fragments {
        match self.packet.dont_fragment {
            Some(true) => Fragments::Never,
            Some(false) => Fragments::Anywhere,
            None if self.size() <= PAYLOAD => Fragments::Never,
            None => Fragments::AtSource,
        }
    }

    /// What its packets bear; looks for its interface if need be.
    ///
    /// # Errors
    /// The interface, if there is none of that name.
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

    /// Has the interface looked for again: it may have gone, or come back as another one.
    pub(super) fn forget_interface(&mut self) {
        self.interface = 0;
    }
}
