//! From the queue to the sockets: batches, with a clock around each.

use super::socket::IcmpSocket;
use super::targets::{NativeTarget, Route};
use super::{NativeEngine, sys};
use crate::measure::{ErrorClass, SendError, Timestamp};
use crate::probe::send_failures::send_error;
use crate::probe::wire::{self, RequestToken};
use crate::probe::{Engine, Event, TargetId};
use crate::target::Family;
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Time stamps within a batch are interpolated, and what holds up one of its requests puts off the others' stamps:
/// so many requests at most for each that has left since the wake-up. The first ones take longest, caches being cold.
const GROWTH: usize = 4;
/// Requests in the largest batch.
const LARGEST: usize = 8;

/// A request on its way out.
type Queued = (TargetId, u32);

impl NativeEngine {
    /// Number of requests that wait to be sent.
    pub(super) fn queued(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Sends what is queued.
    pub(super) fn flush(&self) {
        let queue = std::mem::take(&mut *self.queue.borrow_mut());
        if queue.is_empty() {
            return;
        }
        for family in [Family::V4, Family::V6] {
            let mut rest = self.of_family(&queue, family).peekable();
            let (mut sent, mut drained) = (0, 0);
            while rest.peek().is_some() {
                let size = (sent / GROWTH).clamp(1, LARGEST);
                self.send_batch(family, rest.by_ref().take(size));
                sent += size;
                if sent - drained >= sys::BATCH {
                    // Replies to a large volley do not fit into a small receive buffer.
                    self.drain();
                    drained = sent;
                }
            }
        }
        self.recycle(queue);
    }

    fn of_family<'a>(&'a self, queue: &'a [Queued], family: Family) -> impl Iterator<Item = Queued> + 'a {
        let is =
            move |id| self.targets.borrow().get(id).is_some_and(|target| Family::of(target.ip()) == family);
        queue.iter().copied().filter(move |&(id, _)| is(id))
    }

    /// Keeps the queue's memory.
    fn recycle(&self, mut queue: Vec<Queued>) {
        queue.clear();
        let mut current = self.queue.borrow_mut();
        if current.is_empty() {
            *current = queue;
        }
    }

    fn send_batch(&self, family: Family, requests: impl Iterator<Item = Queued>) {
        let sockets = self.sockets.borrow();
        let Some(socket) = sockets.iter().find(|socket| socket.family == family) else {
            return requests.for_each(|request| {
                let reason = Some(SendError::NoSocket);
                self.refuse(request, &"there is no socket of this family", reason);
            });
        };
        let mut outbound = self.transmitter.borrow_mut();
        outbound.clear();
        let mut batch = [(TargetId { index: 0, generation: 0 }, 0); LARGEST];
        for request in requests {
            let Some(way) = self.way(socket, request) else { continue };
            if way.fragments != socket.fragments() {
                // An option of the socket, not of a packet: what is in the batch goes before it is changed.
                self.transmit(socket, &batch, &mut outbound);
                outbound.clear();
                if let Err(error) = socket.set_fragments(way.fragments) {
                    self.refuse(request, &error, send_error(&error));
                    continue;
                }
            }
            if let Some(place) = batch.get_mut(outbound.len()) {
                *place = request;
                self.write(socket, request, &way, &mut outbound);
            }
        }
        self.transmit(socket, &batch, &mut outbound);
    }

    /// How a request gets to its target; `None` if it can't.
    fn way(&self, socket: &IcmpSocket, request: Queued) -> Option<Route> {
        let way = self.targets.borrow_mut().way(request.0)?;
        let way = way.map_err(|error| self.refuse(request, &error, Some(SendError::NoInterface))).ok()?;
        if let Some(reason) = way.marks.and_then(|marks| socket.inability(marks)) {
            self.refuse(request, &reason, None);
            return None;
        }
        Some(way)
    }

    /// Puts a request into the batch.
    fn write(&self, socket: &IcmpSocket, (port, number): Queued, way: &Route, outbound: &mut sys::Outbound) {
        let message = outbound.push(way.to, wire::HEADER + way.size, way.marks);
        wire::write_request(&self.key, way.to.ip(), socket.ident, RequestToken { port, number }, message);
    }

    fn transmit(&self, socket: &IcmpSocket, batch: &[Queued], outbound: &mut sys::Outbound) {
        let mut first = 0;
        let mut tried_again = false;
        while first < outbound.len() {
            let start = self.now();
            match outbound.send(socket, first) {
                Ok(count) => {
                    let end = self.now();
                    self.note_sent(&batch[first..first + count], start, end);
                    first += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // It may be the error of an earlier request, of another target: only its queue tells.
                Err(_) if !tried_again => {
                    tried_again = true;
                    self.drain_errors(socket);
                    continue;
                }
                Err(error) => {
                    self.note_failure(batch[first], &error);
                    first += 1;
                }
            }
            tried_again = false;
        }
    }

    /// Each request has an equal share of the time that the batch took, and left at the beginning of its share.
    fn note_sent(&self, batch: &[Queued], start: Timestamp, end: Timestamp) {
        let share = end.since(start) / u32::try_from(batch.len()).unwrap_or(1).max(1);
        let mut at = start;
        let (targets, mut refusals) = (self.targets.borrow(), self.refusals.borrow_mut());
        for &(id, number) in batch {
            if let Some(target) = targets.get(id) {
                refusals.sent(target.address);
                self.tell(target, Event::Sent { number, at });
            }
            at = at + share;
        }
    }

    fn note_failure(&self, request: Queued, error: &io::Error) {
        let (id, number) = request;
        match error.raw_os_error() {
            // Our own overload is not the target's fault; a missing route is an answer of a kind.
            Some(libc::ENOBUFS | libc::EAGAIN | libc::ENOMEM) => {
                if let Some(target) = self.targets.borrow().get(id) {
                    self.tell(target, Event::NotSent { number });
                }
            }
            Some(libc::EMSGSIZE) => self.note_too_large(request, error),
            _ => {
                let source = self.targets.borrow().get(id).and_then(NativeTarget::source);
                match source {
                    Some(source) => self.refuse(
                        request,
                        &format_args!("{error}; is {source}, its source, an address of this machine?"),
                        send_error(error),
                    ),
                    None => self.refuse(request, error, send_error(error)),
                }
            }
        }
    }

    /// It must not be fragmented and does not fit: our own system says what else a router would have said.
    fn note_too_large(&self, (id, number): Queued, error: &io::Error) {
        let at = self.now();
        let targets = self.targets.borrow();
        let Some(target) = targets.get(id) else { return };
        self.refusals.borrow_mut().refused(target.address, error, at);
        self.tell(target, Event::Sent { number, at });
        let (code, router): (u8, IpAddr) = match target.address.family() {
            Family::V4 => (4, Ipv4Addr::UNSPECIFIED.into()),
            Family::V6 => (0, Ipv6Addr::UNSPECIFIED.into()),
        };
        let (sequence, class) = (wire::sequence(number), ErrorClass::FragNeeded);
        self.tell(target, Event::Error { sequence, received: at, class, code, router });
    }

    fn refuse(&self, (id, number): Queued, message: &dyn Display, reason: Option<SendError>) {
        let at = self.now();
        let mut targets = self.targets.borrow_mut();
        targets.forget_interfaces(id);
        if let Some(target) = targets.get(id) {
            self.refusals.borrow_mut().refused(target.address, message, at);
            self.tell(target, Event::Refused { number, at, reason });
        }
    }
}
