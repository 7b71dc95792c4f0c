//! Receiving: reads packets from the sockets, verifies them, and calls the listeners of their targets.

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

/// Maximum age of a drain that replaces a new one.
pub(super) const MAX_DRAIN_AGE: Duration = Duration::from_millis(1);
/// Maximum number of batches in one drain, so that a flood does not stop sending.
const MAX_BATCHES_PER_DRAIN: usize = 64;
/// Consecutive errors of a socket that end a drain.
const MAX_FAILURES_IN_A_ROW: u32 = 8;
/// Time for which drops are kept: requests are kept for two minutes at most.
const DROP_HISTORY: Duration = Duration::from_secs(150);

/// Maximum size of the headers of an error and its quotation: two of IPv4 with all their options, two of ICMP.
const MAX_ERROR_HEADERS: usize = 2 * (60 + wire::HEADER);

/// Buffers and clock for receiving.
pub(super) struct Receiver {
    inbound: Inbound,
    wall: WallClock,
    /// When the sockets were last empty.
    emptied: Timestamp,
}

impl Receiver {
    pub(super) fn new(wall: WallClock) -> Self {
        Self { inbound: Inbound::new(), wall, emptied: Timestamp::EPOCH }
    }

    /// Enlarges the buffers for replies to requests of this size, and for errors that quote them.
    pub(super) fn make_room(&mut self, size: PayloadSize) {
        self.inbound.make_room(usize::from(size.get()) + MAX_ERROR_HEADERS);
    }
}

impl NativeEngine {
    /// Delivers received packets. Returns whether the sockets were emptied.
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
            socket.drops.remove_before(start - DROP_HISTORY);
            emptied &= self.drain_socket(socket, &mut receiver);
        }
        if emptied {
            receiver.emptied = start;
            // A packet gets its stamp shortly before it can be read.
            self.complete_until.set(start - DELIVERY);
        }
        emptied
    }

    fn drain_socket(&self, socket: &IcmpSocket, receiver: &mut Receiver) -> bool {
        self.drain_queue(socket, receiver, true);
        self.drain_queue(socket, receiver, false)
    }

    /// Reads a socket's error queue; a pending error would fail the next request, also to another target.
    pub(super) fn drain_errors(&self, socket: &IcmpSocket) {
        self.drain_queue(socket, &mut self.receiver.borrow_mut(), true);
    }

    fn drain_queue(&self, socket: &IcmpSocket, receiver: &mut Receiver, errors: bool) -> bool {
        let mut failures = 0;
        for _ in 0..MAX_BATCHES_PER_DRAIN {
            match receiver.inbound.receive(socket, errors) {
                // A short batch is not the end: a pending error ends a batch early.
                Ok(0) => return true,
                Ok(_) => {
                    failures = 0;
                    self.take_batch(socket, receiver, errors);
                }
                Err(error) => {
                    // An ICMP error is also reported here, once; its target is in the error queue. Packets behind it
                    // are not read yet.
                    debug!(%error, family = ?socket.family, "receiving");
                    failures += 1;
                    if failures == MAX_FAILURES_IN_A_ROW {
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
            let handle = if errors { Self::handle_queued_error } else { Self::handle_packet };
            if let Err(reason) = handle(self, socket, &packet, at) {
                debug!(source = ?packet.source, reason = reason.as_str(), "foreign packet");
                self.count_foreign(reason);
            }
        }
    }

    fn handle_packet(
        &self,
        socket: &IcmpSocket,
        packet: &Received<'_>,
        received: Timestamp,
    ) -> Result<(), RejectReason> {
        let source = packet.source.ok_or(RejectReason::Malformed)?;
        if packet.truncated {
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

    /// Handles an entry of the error queue. Ignored for a raw socket, which gets the same error as a packet; errors of
    /// the local kernel are reported at sending.
    fn handle_queued_error(
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
        if !targets.was_used(index) {
            return Err(RejectReason::Forged);
        }
        let (target_id, target) = targets.at(index).ok_or(RejectReason::Stale)?;
        let own = target.is_from(source);
        let number =
            reply.verify(&self.key, target.ip(), target_id, target.size()).map_err(
                |reason| match reason {
                    // Without a token of ours it answers another program, which chose the same identifier.
                    RejectReason::Forged | RejectReason::Malformed if !own => RejectReason::NotOurs,
                    reason => reason,
                },
            )?;
        target.listener.on_event(Event::Reply { number, received, ttl })?;
        self.answerers.borrow_mut().note(target_id, (!own).then_some(source));
        Ok(())
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
        let target = targets.quoted(quote, scope).ok_or(RejectReason::Stale)?;
        let Quote { sequence, class, code, .. } = *quote;
        target.listener.on_event(Event::Error { sequence, received, class, code, router })
    }
}

/// Converts an entry of the error queue: the ICMP header of our request, and type and code of the error.
fn queued_quote(
    family: Family,
    ours: &[u8],
    destination: IpAddr,
    error: &sys::ExtendedError,
) -> Option<Quote> {
    Quote::new(destination, ours, wire::classify(family, error.kind, error.code)?, error.code)
}
