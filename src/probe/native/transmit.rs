//! Sending: queued requests go to the sockets in batches, and each gets a time stamp.

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

/// The size of a batch is the number of requests sent since the wake-up divided by this. Time stamps within a batch are
/// interpolated, so a delay of one request shifts those of the others; the first requests take longest, with cold
/// caches.
const SENT_PER_BATCHED_REQUEST: usize = 4;
/// Maximum number of requests in a batch.
const MAX_BATCH: usize = 8;

/// A request to be sent.
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
                let size = (sent / SENT_PER_BATCHED_REQUEST).clamp(1, MAX_BATCH);
                self.send_batch(family, rest.by_ref().take(size));
                sent += size;
                if sent - drained >= sys::BATCH {
                    // Replies to a large volley would overflow a small receive buffer.
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

    /// Reuses the memory of the queue.
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
        let mut batch = [(TargetId { index: 0, generation: 0 }, 0); MAX_BATCH];
        for request in requests {
            let Some(route) = self.route(socket, request) else { continue };
            if route.fragments != socket.fragments() {
                // An option of the socket, not of a packet: the batch is sent before it changes.
                self.transmit(socket, &batch, &mut outbound);
                outbound.clear();
                if let Err(error) = socket.set_fragments(route.fragments) {
                    self.refuse(request, &error, send_error(&error));
                    continue;
                }
            }
            if let Some(position) = batch.get_mut(outbound.len()) {
                *position = request;
                self.write(socket, request, &route, &mut outbound);
            }
        }
        self.transmit(socket, &batch, &mut outbound);
    }

    /// The route of a request; `None` if it was refused.
    fn route(&self, socket: &IcmpSocket, request: Queued) -> Option<Route> {
        let route = self.targets.borrow_mut().route(request.0, || self.now())?;
        let route = route.map_err(|error| self.refuse(request, &error, Some(SendError::NoInterface))).ok()?;
        if let Some(reason) = route.marks.and_then(|marks| socket.unsupported(marks)) {
            self.refuse(request, &reason, None);
            return None;
        }
        Some(route)
    }

    /// Adds a request to the batch.
    fn write(
        &self,
        socket: &IcmpSocket,
        (target, number): Queued,
        route: &Route,
        outbound: &mut sys::Outbound,
    ) {
        let message = outbound.push(route.to, wire::HEADER + route.size, route.marks);
        wire::write_request(&self.key, route.to.ip(), socket.ident, RequestToken { target, number }, message);
    }

    fn transmit(&self, socket: &IcmpSocket, batch: &[Queued], outbound: &mut sys::Outbound) {
        let mut first = 0;
        let mut retried = false;
        while first < outbound.len() {
            let start = self.now();
            match outbound.send(socket, first) {
                Ok(count) => {
                    let end = self.now();
                    self.note_sent(&batch[first..first + count], start, end);
                    first += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // It may be the error of an earlier request to another target; the error queue has the details.
                Err(_) if !retried => {
                    retried = true;
                    self.drain_errors(socket);
                    continue;
                }
                Err(error) => {
                    self.note_failure(batch[first], &error);
                    first += 1;
                }
            }
            retried = false;
        }
    }

    /// Divides the time of the batch equally among its requests; each was sent at the beginning of its part.
    fn note_sent(&self, batch: &[Queued], start: Timestamp, end: Timestamp) {
        let share = end.since(start) / u32::try_from(batch.len()).unwrap_or(1).max(1);
        let mut at = start;
        let (targets, mut send_failures) = (self.targets.borrow(), self.send_failures.borrow_mut());
        for &(id, number) in batch {
            if let Some(target) = targets.get(id) {
                send_failures.sent((id, target.address));
                self.report(target, Event::Sent { number, at });
            }
            at = at + share;
        }
    }

    fn note_failure(&self, request: Queued, error: &io::Error) {
        let (id, number) = request;
        match error.raw_os_error() {
            // Local overload is not an error of the target; a missing route is.
            Some(libc::ENOBUFS | libc::EAGAIN | libc::ENOMEM) => {
                if let Some(target) = self.targets.borrow().get(id) {
                    self.report(target, Event::NotSent { number });
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

    /// The request is too large for the local link and must not be fragmented: reported as an error of a router would
    /// be.
    fn note_too_large(&self, (id, number): Queued, error: &io::Error) {
        let at = self.now();
        let targets = self.targets.borrow();
        let Some(target) = targets.get(id) else { return };
        self.send_failures.borrow_mut().refused((id, target.address), error, at);
        self.report(target, Event::Sent { number, at });
        let (code, router): (u8, IpAddr) = match target.address.family() {
            Family::V4 => (4, Ipv4Addr::UNSPECIFIED.into()),
            Family::V6 => (0, Ipv6Addr::UNSPECIFIED.into()),
        };
        let (sequence, class) = (wire::sequence(number), ErrorClass::FragNeeded);
        self.report(target, Event::Error { sequence, received: at, class, code, router });
    }

    fn refuse(&self, (id, number): Queued, message: &dyn Display, reason: Option<SendError>) {
        let at = self.now();
        let mut targets = self.targets.borrow_mut();
        targets.forget_interfaces(id);
        if let Some(target) = targets.get(id) {
            self.send_failures.borrow_mut().refused((id, target.address), message, at);
            self.report(target, Event::Refused { number, at, reason });
        }
    }
}
