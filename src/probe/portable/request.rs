//! One echo request, from sending to its first packet.

use super::PortableClock;
use crate::measure::Timestamp;
use crate::probe::send_failures::{SendFailureLog, send_error};
use crate::probe::wire::{HEADER, classify};
use crate::probe::{Event, Listener, RejectReason};
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

/// A request that is about to be sent.
pub(super) struct PortableRequest {
    pub client: Client,
    pub address: Address,
    pub destination: SocketAddr,
    pub ident: u16,
    pub number: u32,
    /// Bytes of payload.
    pub size: usize,
    /// How long to wait for its first packet.
    pub wait: Duration,
    pub clock: PortableClock,
    pub listener: Rc<dyn Listener>,
    pub blind: Rc<RefCell<VecDeque<Timestamp>>>,
    pub tally: Rc<RequestTotals>,
}

/// What the requests of an engine have in common.
#[derive(Default)]
pub(super) struct RequestTotals {
    under_way: Cell<usize>,
    concluded: Cell<u64>,
    foreign: [Cell<u64>; RejectReason::ALL.len()],
    pub refusals: RefCell<SendFailureLog>,
}

/// What a packet that came for a request is.
enum ReplyMeaning {
    Reply {
        ttl: Option<u8>,
    },
    Error {
        class: crate::measure::ErrorClass,
        code: u8,
        router: IpAddr,
    },
    /// A reply that is shorter or longer than what was sent.
    Malformed,
    /// A redirect, a source quench: no answer, but the last that we hear of this request.
    Distraction,
}

type SurgeOutcome = Result<(IcmpPacket, Duration), SurgeError>;

impl PortableRequest {
    /// Sends the request and reports what comes of it.
    pub(super) async fn run(self) {
        let _counted = RunningTask::new(&self.tally);
        let ident = PingIdentifier(self.ident);
        let mut pinger = self.client.pinger(self.destination.ip(), ident).await;
        pinger.timeout(self.wait);
        if let SocketAddr::V6(v6) = self.destination {
            pinger.scope_id(v6.scope_id());
        }
        let mut ping = pin!(pinger.ping(PingSequence(low_half(self.number)), &PATTERN[..self.size]));
        // Unless the socket's buffer is full, the request leaves when the future is polled for the first time.
        let first = poll_fn(|cx| Poll::Ready(ping.as_mut().poll(cx))).await;
        // surge-ping's own clock for the RTT starts after sending, too; and nothing is read before we yield.
        let at = self.clock.now();
        let outcome = match first {
            Poll::Ready(Err(error)) => return self.fail(&error, at),
            Poll::Ready(outcome) => {
                self.tell_sent(at);
                outcome
            }
            Poll::Pending => {
                self.tell_sent(at);
                ping.await
            }
        };
        self.tally.concluded.set(self.tally.concluded.get() + 1);
        self.conclude(outcome, at);
    }

    fn tell(&self, event: Event) {
        self.tally.tell(&*self.listener, event);
    }

    fn tell_sent(&self, at: Timestamp) {
        self.tally.refusals.borrow_mut().sent(self.address);
        self.tell(Event::Sent { number: self.number, at });
    }

    fn tell_refused(&self, error: &io::Error, at: Timestamp) {
        self.tally.refusals.borrow_mut().refused(self.address, error, at);
        self.tell(Event::Refused { number: self.number, at, reason: send_error(error) });
    }

    /// The request did not leave.
    fn fail(&self, error: &SurgeError, at: Timestamp) {
        match error {
            SurgeError::IOError(error) if !is_overload(error) => self.tell_refused(error, at),
            _ => {
                debug!(addr = %self.address, %error, "request not sent");
                self.tell(Event::NotSent { number: self.number });
            }
        }
    }

    fn conclude(&self, outcome: SurgeOutcome, at: Timestamp) {
        let (number, sequence) = (self.number, low_half(self.number));
        let (packet, rtt) = match outcome {
            Ok(heard) => heard,
            Err(SurgeError::Timeout { .. }) => return,
            // The socket's buffer was full at first.
            Err(SurgeError::IOError(error)) if !is_overload(&error) => return self.tell_refused(&error, at),
            Err(_) => return self.go_blind(),
        };
        let received = at + rtt;
        match meaning(&packet, HEADER + self.size) {
            ReplyMeaning::Reply { ttl } => self.tell(Event::Reply { number, received, ttl }),
            ReplyMeaning::Error { class, code, router } => {
                self.tell(Event::Error { sequence, received, class, code, router });
            }
            ReplyMeaning::Malformed => {
                self.tally.count_foreign(RejectReason::Malformed);
                self.go_blind();
            }
            ReplyMeaning::Distraction => self.go_blind(),
        }
    }

    /// Nothing more will be heard of this request, whatever comes.
    fn go_blind(&self) {
        let now = self.clock.now();
        let mut blind = self.blind.borrow_mut();
        while blind.front().is_some_and(|&at| at + self.wait < now) {
            blind.pop_front();
        }
        blind.push_back(now);
    }
}

impl RequestTotals {
    /// Number of requests that wait for their first packet.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.get()
    }

    /// How many requests have heard something, or have ceased to wait.
    pub(super) fn concluded(&self) -> u64 {
        self.concluded.get()
    }

    pub(super) fn count_foreign(&self, reason: RejectReason) {
        let count = &self.foreign[reason as usize];
        count.set(count.get() + 1);
    }

    /// Tells a listener, and counts what it does not know.
    pub(super) fn tell(&self, listener: &dyn Listener, event: Event) {
        if let Err(reason) = listener.on_event(event) {
            self.count_foreign(reason);
        }
    }

    pub(super) fn foreign(&self) -> [u64; RejectReason::ALL.len()] {
        RejectReason::ALL.map(|reason| self.foreign[reason as usize].get())
    }
}

/// Counts a request as long as its task lives, however that ends.
struct RunningTask(Rc<RequestTotals>);

impl RunningTask {
    fn new(tally: &Rc<RequestTotals>) -> Self {
        tally.under_way.set(tally.under_way.get() + 1);
        Self(Rc::clone(tally))
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
    }
}

/// What a packet is, in answer to a message of that length.
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
        // Some systems change the length in the header that they show us.
        _ if kind == echo_reply && size != message && cfg!(target_os = "linux") => ReplyMeaning::Malformed,
        _ if kind == echo_reply => ReplyMeaning::Reply { ttl },
        Some(class) => ReplyMeaning::Error { class, code, router },
        None => ReplyMeaning::Distraction,
    }
}

/// Whether it was for want of our own resources that a request was not sent.
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

/// Payloads are the beginning of this. They are not compared, so they need not differ.
const PATTERN: [u8; LARGEST] = [0x6d; LARGEST];

/// surge-ping reads no more than 2048 bytes of a packet, and an IPv4 header may have 60.
pub(super) const LARGEST: usize = 2_048 - 60 - HEADER;
