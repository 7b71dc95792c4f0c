//! From the sockets to the listeners: reads, checks, attributes.

use super::NativeEngine;
use super::clock::WallClock;
use super::socket::{IcmpSocket, SocketKind};
use super::sys::{self, Inbound, Received};
use crate::measure::Timestamp;
use crate::probe::wire::{self, Packet, Quote, Reply};
use crate::probe::{DELIVERY, Engine, Event, RejectReason};
use crate::target::{Family, PayloadSize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tracing::debug;

/// A collection this recent is as good as a new one.
pub(super) const STALE_AFTER: Duration = Duration::from_millis(1);
/// Batches that are read in one go; a flood must not keep us from sending.
const MOST_BATCHES: usize = 64;
/// A socket that fails so often in a row is left alone for now.
const MOST_FAILURES: u32 = 8;
/// Requests are remembered for two minutes at most.
const MEMORY: Duration = Duration::from_secs(150);

/// More than an error and what it quotes have in headers: two of IPv4 with all their options, two of ICMP.
const HEADERS: usize = 2 * (60 + wire::HEADER);

/// What reading takes: buffers and a clock.
pub(super) struct Receiver {
    inbound: Inbound,
    wall: WallClock,
    /// When the sockets were last seen empty.
    emptied: Timestamp,
}

impl Receiver {
    pub(super) fn new(wall: WallClock) -> Self {
        Self { inbound: Inbound::new(), wall, emptied: Timestamp::EPOCH }
    }

    /// Has replies to requests of that size read whole, and errors that quote them.
    pub(super) fn make_room(&mut self, size: PayloadSize) {
        self.inbound.make_room(usize::from(size.get()) + HEADERS);
    }
}

impl NativeEngine {
    /// Delivers what has arrived. Returns whether the sockets were emptied.
    pub(super) fn drain(&self) -> bool {
        let mut receiver = self.receiver.borrow_mut();
        let mut sockets = self.sockets.borrow_mut();
        let start = self.now();
        self.drained.set(start);
        receiver.wall.sample(sys::clock(libc::CLOCK_REALTIME), start);
        let mut emptied = true;
        for socket in sockets.iter_mut() {
            let corrupt = socket.note_drops(receiver.emptied, start);
            (0..corrupt).for_each(|_| self.count_foreign(RejectReason::Corrupt));
            socket.drops.forget_before(start - MEMORY);
            emptied &= self.drain_socket(socket, &mut receiver);
        }
        if emptied {
            receiver.emptied = start;
            // A packet is stamped a little before it can be read.
            self.complete_until.set(start - DELIVERY);
        }
        emptied
    }

    fn drain_socket(&self, socket: &IcmpSocket, receiver: &mut Receiver) -> bool {
        self.drain_queue(socket, receiver, true);
        self.drain_queue(socket, receiver, false)
    }

    /// Reads what waits in a socket's error queue; else it fails our next request, whoever that is for.
    pub(super) fn drain_errors(&self, socket: &IcmpSocket) {
        self.drain_queue(socket, &mut self.receiver.borrow_mut(), true);
    }

    fn drain_queue(&self, socket: &IcmpSocket, receiver: &mut Receiver, errors: bool) -> bool {
        let mut failures = 0;
        for _ in 0..MOST_BATCHES {
            match receiver.inbound.receive(socket, errors) {
                // Less than a batch is no sign of the end: a pending error cuts it short.
                Ok(0) => return true,
                Ok(_) => {
                    failures = 0;
                    self.take_batch(socket, receiver, errors);
                }
                Err(error) => {
                    // An ICMP error is reported here too, once; the queue tells whose it was. What waits behind
                    // it has not been read, however often it happens.
                    debug!(%error, family = ?socket.family, "receiving");
                    failures += 1;
                    if failures == MOST_FAILURES {
                        break;
                    }
                }
            }
        }
        false
    }

    fn take_batch(&self, socket: &IcmpSocket, receiver: &Receiver, errors: bool) {
        let now = self.now();
        for packet in receiver.inbound.packets() {
            let stamped = packet.stamp.map(|wall| receiver.wall.moment(wall, receiver.emptied, now));
            let at = stamped.unwrap_or(now);
            let understand = if errors { Self::understand_error } else { Self::understand };
            if let Err(reason) = understand(self, socket, &packet, at) {
                debug!(source = ?packet.source, reason = reason.as_str(), "foreign packet");
                self.count_foreign(reason);
            }
        }
    }

    fn understand(
        &self,
        socket: &IcmpSocket,
        packet: &Received<'_>,
        received: Timestamp,
    ) -> Result<(), RejectReason> {
        let source = packet.source.ok_or(RejectReason::Malformed)?;
        if packet.cut {
            return Err(RejectReason::Malformed);
        }
        let (message, ttl) = match (socket.family, socket.kind) {
            (Family::V4, SocketKind::Raw) => {
                wire::read_ipv4(packet.bytes).map(|(message, ttl)| (message, Some(ttl)))?
            }
            (family, _) => (wire::read_message(family, packet.bytes)?, packet.hops),
        };
        match message {
            Packet::Reply(reply) => self.deliver_reply(socket, &reply, source, received, ttl),
            Packet::Error(quote) => self.deliver_error(socket, &quote, source.ip(), source, received),
            Packet::Other => Ok(()),
        }
    }

    /// An entry of the error queue. A raw socket gets the same error as a packet, so there it is passed over;
    /// our own kernel's complaints are heard at sending.
    fn understand_error(
        &self,
        socket: &IcmpSocket,
        packet: &Received<'_>,
        received: Timestamp,
    ) -> Result<(), RejectReason> {
        let (SocketKind::Datagram, Some(destination), Some(error)) =
            (socket.kind, packet.source, &packet.error)
        else {
            return Ok(());
        };
        let router = error.offender.unwrap_or(destination.ip());
        match queued_quote(socket.family, packet.bytes, destination.ip(), error) {
            Some(quote) => self.deliver_error(socket, &quote, router, destination, received),
            None => Ok(()),
        }
    }

    fn deliver_reply(
        &self,
        socket: &IcmpSocket,
        reply: &Reply<'_>,
        source: SocketAddr,
        received: Timestamp,
        ttl: Option<u8>,
    ) -> Result<(), RejectReason> {
        if reply.ident != socket.ident {
            return Err(RejectReason::NotOurs);
        }
        let targets = self.targets.borrow();
        let index = reply.index().ok_or(RejectReason::Malformed)?;
        if !targets.knows(index) {
            return Err(RejectReason::Forged);
        }
        let (port, target) = targets.at(index).ok_or(RejectReason::Stale)?;
        if !target.is_from(source) {
            return Err(RejectReason::NotOurs);
        }
        let number = reply.verify(&self.key, target.ip(), port, target.size())?;
        target.listener.on_event(Event::Reply { number, received, ttl })
    }

    fn deliver_error(
        &self,
        socket: &IcmpSocket,
        quote: &Quote,
        router: IpAddr,
        source: SocketAddr,
        received: Timestamp,
    ) -> Result<(), RejectReason> {
        if quote.ident != socket.ident {
            return Err(RejectReason::NotOurs);
        }
        let scope = if let SocketAddr::V6(v6) = source { v6.scope_id() } else { 0 };
        let targets = self.targets.borrow();
        let target = targets.find(quote.destination, scope).ok_or(RejectReason::Stale)?;
        let Quote { sequence, class, code, .. } = *quote;
        target.listener.on_event(Event::Error { sequence, received, class, code, router })
    }
}

/// What the error queue says: our own ICMP header, and the type and code of the error about it.
fn queued_quote(
    family: Family,
    ours: &[u8],
    destination: IpAddr,
    error: &sys::ExtendedError,
) -> Option<Quote> {
    let header = ours.first_chunk::<8>()?;
    Some(Quote {
        destination,
        ident: u16::from_be_bytes([header[4], header[5]]),
        sequence: u16::from_be_bytes([header[6], header[7]]),
        class: wire::classify(family, error.kind, error.code)?,
        code: error.code,
    })
}
