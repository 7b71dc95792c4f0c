//! One echo request, from sending to its first packet.

use super::PortableClock;
use crate::measure::Timestamp;
use crate::probe::send_failures::{SendFailureLog, send_error};
use crate::probe::wire::{HEADER, classify};
use crate::probe::{Event, Listener, RejectReason, TargetId};
use crate::target::{Address, Family};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use surge_ping::{Client, IcmpPacket, PingIdentifier, PingSequence, SurgeError};
use tracing::debug;

/// A request to be sent.
pub(super) struct PortableRequest {
    pub client: Client,
    pub target: TargetId,
    pub address: Address,
    pub destination: SocketAddr,
    pub ident: u16,
    pub number: u32,
    /// Bytes of payload.
    pub size: usize,
    /// Time limit for its first packet.
    pub wait: Duration,
    pub clock: PortableClock,
    pub listener: Rc<dyn Listener>,
    pub unanswerable: Rc<RefCell<VecDeque<Timestamp>>>,
    pub totals: Rc<RequestTotals>,
}

/// Counters of all requests of an engine.
#[derive(Default)]
pub(super) struct RequestTotals {
    in_flight: Cell<usize>,
    finished: Cell<u64>,
    foreign: [Cell<u64>; RejectReason::ALL.len()],
    pub send_failures: RefCell<SendFailureLog>,
}

/// Meaning of a packet that was received for a request.
enum ReplyMeaning {
    Reply {
        ttl: Option<u8>,
    },
    Error {
        class: crate::measure::ErrorClass,
        code: u8,
        router: IpAddr,
    },
    /// A reply of another length than the request.
    Malformed,
    /// A redirect or source quench: no answer, but surge-ping reports nothing more of this request.
    NoAnswer,
}

type SurgeOutcome = Result<(IcmpPacket, Duration), SurgeError>;

impl PortableRequest {
    /// Sends the request and reports its events.
    pub(super) async fn run(self) {
        let _counted = RunningTask::new(&self.totals);
        let ident = PingIdentifier(self.ident);
        let mut pinger = self.client.pinger(self.destination.ip(), ident).await;
        pinger.timeout(self.wait);
        if let SocketAddr::V6(v6) = self.destination {
            pinger.scope_id(v6.scope_id());
        }
        let mut ping = pin!(pinger.ping(PingSequence(low_half(self.number)), &PATTERN[..self.size]));
        // The request is sent at the first poll of the future, unless the socket's buffer is full.
        let first = poll_fn(|cx| Poll::Ready(ping.as_mut().poll(cx))).await;
        // surge-ping measures the RTT from after sending, too; and it reads nothing before this task yields.
        let at = self.clock.now();
        let outcome = match first {
            Poll::Ready(Err(error)) => return self.fail(&error, at),
            Poll::Ready(outcome) => {
                self.report_sent(at);
                outcome
            }
            Poll::Pending => {
                self.report_sent(at);
                ping.await
            }
        };
        self.totals.finished.set(self.totals.finished.get() + 1);
        self.finish(outcome, at);
    }

    fn report(&self, event: Event) {
        self.totals.report(&*self.listener, event);
    }

    fn report_sent(&self, at: Timestamp) {
        self.totals.send_failures.borrow_mut().sent((self.target, self.address));
        self.report(Event::Sent { number: self.number, at });
    }

    fn report_refused(&self, error: &io::Error, at: Timestamp) {
        self.totals.send_failures.borrow_mut().refused((self.target, self.address), error, at);
        self.report(Event::Refused { number: self.number, at, reason: send_error(error) });
    }

    /// The request was not sent.
    fn fail(&self, error: &SurgeError, at: Timestamp) {
        match error {
            SurgeError::IOError(error) if !is_overload(error) => self.report_refused(error, at),
            _ => {
                debug!(addr = %self.address, %error, "request not sent");
                self.report(Event::NotSent { number: self.number });
            }
        }
    }

    fn finish(&self, outcome: SurgeOutcome, at: Timestamp) {
        let (number, sequence) = (self.number, low_half(self.number));
        let (packet, rtt) = match outcome {
            Ok(received) => received,
            Err(SurgeError::Timeout { .. }) => return,
            // The socket's buffer was full at the first poll.
            Err(SurgeError::IOError(error)) if !is_overload(&error) => {
                return self.report_refused(&error, at);
            }
            Err(_) => return self.note_unanswerable(),
        };
        let received = at + rtt;
        match meaning(&packet, HEADER + self.size) {
            ReplyMeaning::Reply { ttl } => self.report(Event::Reply { number, received, ttl }),
            ReplyMeaning::Error { class, code, router } => {
                self.report(Event::Error { sequence, received, class, code, router });
            }
            ReplyMeaning::Malformed => {
                self.totals.count_foreign(RejectReason::Malformed);
                self.note_unanswerable();
            }
            ReplyMeaning::NoAnswer => self.note_unanswerable(),
        }
    }

    /// Records that replies to this request will be missed.
    fn note_unanswerable(&self) {
        let now = self.clock.now();
        let mut unanswerable = self.unanswerable.borrow_mut();
        while unanswerable.front().is_some_and(|&at| at + self.wait < now) {
            unanswerable.pop_front();
        }
        unanswerable.push_back(now);
    }
}

impl RequestTotals {
    /// Number of requests that wait for their first packet.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.get()
    }

    /// Number of requests that have received a packet or stopped waiting.
    pub(super) fn finished(&self) -> u64 {
        self.finished.get()
    }

    pub(super) fn count_foreign(&self, reason: RejectReason) {
        let count = &self.foreign[reason as usize];
        count.set(count.get() + 1);
    }

    /// Reports an event to a listener, and counts a rejected packet.
    pub(super) fn report(&self, listener: &dyn Listener, event: Event) {
        if let Err(reason) = listener.on_event(event) {
            self.count_foreign(reason);
        }
    }

    pub(super) fn foreign(&self) -> [u64; RejectReason::ALL.len()] {
        self.foreign.each_ref().map(Cell::get)
    }
}

/// Counts a request while its task exists.
struct RunningTask(Rc<RequestTotals>);

impl RunningTask {
    fn new(totals: &Rc<RequestTotals>) -> Self {
        totals.in_flight.set(totals.in_flight.get() + 1);
        Self(Rc::clone(totals))
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
    }
}

/// The meaning of a packet, for a request with `message` bytes.
fn meaning(packet: &IcmpPacket, message: usize) -> ReplyMeaning {
    let (family, kind, code, router, size, ttl) = match packet {
        IcmpPacket::V4(v4) => {
            let (kind, code) = (v4.get_icmp_type().0, v4.get_icmp_code().0);
            (Family::V4, kind, code, IpAddr::from(v4.get_source()), v4.get_size(), v4.get_ttl())
        }
        IcmpPacket::V6(v6) => {
            let (kind, code) = (v6.get_icmpv6_type().0, v6.get_icmpv6_code().0);
            (Family::V6, kind, code, IpAddr::from(v6.get_source()), v6.get_size(), None)
        }
    };
    let echo_reply = if family == Family::V4 { ECHO_REPLY_V4 } else { ECHO_REPLY_V6 };
    match classify(family, kind, code) {
        // Some systems change the length in the header that they deliver.
        _ if kind == echo_reply && size != message && cfg!(target_os = "linux") => ReplyMeaning::Malformed,
        _ if kind == echo_reply => ReplyMeaning::Reply { ttl },
        Some(class) => ReplyMeaning::Error { class, code, router },
        None => ReplyMeaning::NoAnswer,
    }
}

/// Whether a request was not sent for lack of local resources.
fn is_overload(error: &io::Error) -> bool {
    let kind = error.kind();
    let no_buffers = error.raw_os_error() == Some(libc::ENOBUFS);
    no_buffers || matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
}

#[expect(clippy::cast_possible_truncation, reason = "the ICMP header has room for the low 16 bits")]
const fn low_half(number: u32) -> u16 {
    number as u16
}

const ECHO_REPLY_V4: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;

/// Payloads are the beginning of this; they are not verified, so they need not differ.
const PATTERN: [u8; MAX_PAYLOAD] = [0x6d; MAX_PAYLOAD];

/// Maximum payload: surge-ping reads at most 2048 bytes of a packet, and an IPv4 header may have 60.
pub(super) const MAX_PAYLOAD: usize = 2_048 - 60 - HEADER;
