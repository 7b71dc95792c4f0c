//! What a host makes of an echo request: packets, and how long each is held.

use super::behaviour::{Behaviour, code, elsewhere, router, router_of};
use super::packet::{Quote, Request, datagram, spoil_checksum};
use meshping::target::Family;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A host, and what it remembers between requests.
#[derive(Debug)]
pub struct Host {
    behaviour: Behaviour,
    requests: u64,
    /// A reply that waits for the next request.
    withheld: Option<Planned>,
}

/// A packet to be sent.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Whose packet it is, whatever it has as its source.
    pub host: IpAddr,
    /// Sequence number of the request that it answers.
    pub sequence: u16,
    /// When that request was read.
    pub requested: Instant,
    /// When to send it.
    pub due: Instant,
    /// What it is.
    pub kind: Kind,
    /// The IP packet.
    pub datagram: Vec<u8>,
}

/// What a packet of the responder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A good echo reply.
    Reply,
    /// An ICMP error, or another message from a router.
    Router,
    /// A reply with something wrong.
    Spoiled,
}

impl Host {
    /// The host at that address.
    pub fn new(address: IpAddr) -> Self {
        Self { behaviour: Behaviour::of(address), requests: 0, withheld: None }
    }

    /// Takes in a request that was read at `now`.
    pub fn answer(&mut self, request: &Request, now: Instant) -> Vec<Planned> {
        let count = self.requests;
        self.requests += 1;
        let behaviour = self.behaviour.with_request(count);
        let with = Answering { request, now, count, parameter: behaviour.parameter };
        if behaviour.code == code::REORDERED {
            return self.reorder(with.reply(Duration::ZERO));
        }
        if behaviour.loses(count) { Vec::new() } else { with.packets(behaviour) }
    }

    /// Withholds every other reply until the one after it is out.
    fn reorder(&mut self, reply: Planned) -> Vec<Planned> {
        let due = reply.due;
        let Some(earlier) = self.withheld.take() else {
            self.withheld = Some(reply);
            return Vec::new();
        };
        vec![reply, Planned { due, ..earlier }]
    }
}

#[derive(Clone, Copy)]
struct Answering<'a> {
    request: &'a Request,
    now: Instant,
    /// How many requests the host got before.
    count: u64,
    parameter: u8,
}

impl Answering<'_> {
    fn packets(self, behaviour: Behaviour) -> Vec<Planned> {
        let p = self.parameter;
        let (at_once, soon) = (Duration::ZERO, Duration::from_millis(p.into()));
        let reply = |after| self.reply(after);
        match behaviour.code {
            code::DELAY_MS | code::DELAY_10_MS | code::DELAY_100_MS => vec![reply(behaviour.delay())],
            code::LOSS_PERCENT | code::LOSS_EVERY | code::FLAPPING => vec![reply(at_once)],
            code::COPIES => vec![reply(at_once); usize::from(p) + 1],
            code::TTL => vec![self.message(at_once, Kind::Reply, self.request.destination, p, |_| {})],
            code::UNREACHABLE..=code::TOO_BIG => vec![self.error_of(behaviour.code)],
            code::REDIRECT => vec![self.redirect(), reply(soon)],
            code::SOURCE_QUENCH => self.source_quench().into_iter().chain([reply(soon)]).collect(),
            code::QUOTES_EIGHT => vec![self.host_unreachable(at_once, Quote::Eight)],
            code::QUOTES_OPTIONS => vec![self.host_unreachable(at_once, Quote::OptionOverrides)],
            code::ERROR_THEN_REPLY => vec![self.host_unreachable(at_once, Quote::Whole), reply(soon)],
            code::REPLY_THEN_ERROR => vec![reply(at_once), self.host_unreachable(soon, Quote::Whole)],
            code::ERROR_LATE => vec![self.host_unreachable(behaviour.delay(), Quote::Whole)],
            code::ERROR_FLIPPED => vec![self.host_unreachable(at_once, Quote::Flipped(p))],
            code::FAR_ROUTER => vec![self.far_router()],
            code::FLIPPED => vec![self.flipped()],
            code::FLIPPED_THEN_RIGHT => vec![self.flipped(), reply(Duration::from_millis(5))],
            code::BAD_CHECKSUM => vec![self.bad_checksum()],
            code::CUT => vec![self.spoiled(|icmp| icmp.truncate(p.into()))],
            code::LONGER => vec![self.spoiled(|icmp| icmp.resize(icmp.len() + usize::from(p), 0))],
            code::FROM_ELSEWHERE => vec![self.strange_reply(Kind::Reply, |_| {})],
            code::ELSEWHERE_FIRST if self.count < u64::from(p) => {
                vec![self.strange_reply(Kind::Reply, |_| {})]
            }
            code::ELSEWHERE_FIRST => vec![reply(at_once)],
            code::FLIPPED_ELSEWHERE => {
                vec![self.strange_reply(Kind::Spoiled, |icmp| icmp[usize::from(p)] ^= 0x10)]
            }
            _ => Vec::new(),
        }
    }

    fn reply(self, after: Duration) -> Planned {
        self.message(after, Kind::Reply, self.request.destination, TTL, |_| {})
    }

    fn spoiled(self, spoil: impl FnOnce(&mut Vec<u8>)) -> Planned {
        self.message(Duration::ZERO, Kind::Spoiled, self.request.destination, TTL, spoil)
    }

    fn strange_reply(self, kind: Kind, spoil: impl FnOnce(&mut Vec<u8>)) -> Planned {
        let elsewhere = elsewhere(self.request.family());
        self.message(Duration::ZERO, kind, elsewhere, TTL, spoil)
    }

    fn flipped(self) -> Planned {
        self.spoiled(|icmp| icmp[usize::from(self.parameter)] ^= 0x10)
    }

    fn bad_checksum(self) -> Planned {
        let mut planned = self.spoiled(|_| {});
        spoil_checksum(&mut planned.datagram);
        planned
    }

    fn message(
        self,
        after: Duration,
        kind: Kind,
        from: IpAddr,
        ttl: u8,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Planned {
        let mut icmp = self.request.reply();
        change(&mut icmp);
        self.plan(after, kind, datagram(from, self.request.source, ttl, icmp))
    }

    /// The error that a code from `UNREACHABLE` to `TOO_BIG` stands for.
    fn error_of(self, code: u8) -> Planned {
        let v4 = self.request.family() == Family::V4;
        let p = self.parameter;
        let (kind, code) = match code {
            code::UNREACHABLE => (if v4 { 3 } else { 1 }, p),
            code::TIME_EXCEEDED => (if v4 { 11 } else { 3 }, p),
            code::PARAMETER_PROBLEM => (if v4 { 12 } else { 4 }, p),
            _ if v4 => (3, 4),
            _ => (2, 0),
        };
        self.router_says(Duration::ZERO, kind, code, Quote::Whole)
    }

    fn host_unreachable(self, after: Duration, quote: Quote) -> Planned {
        let (kind, code) = if self.request.family() == Family::V4 { (3, 1) } else { (1, 3) };
        self.router_says(after, kind, code, quote)
    }

    fn far_router(self) -> Planned {
        let (kind, code) = if self.request.family() == Family::V4 { (3, 1) } else { (1, 3) };
        let icmp =
            self.request.error(kind, code, if self.parameter == 1 { Quote::Eight } else { Quote::Whole });
        let router = router(self.request.family());
        self.plan(Duration::ZERO, Kind::Router, datagram(router, self.request.source, TTL, icmp))
    }

    fn redirect(self) -> Planned {
        let (kind, code) = if self.request.family() == Family::V4 { (5, 1) } else { (137, 0) };
        self.router_says(Duration::ZERO, kind, code, Quote::Whole)
    }

    fn source_quench(self) -> Option<Planned> {
        let v4 = self.request.family() == Family::V4;
        v4.then(|| self.router_says(Duration::ZERO, 4, 0, Quote::Whole))
    }

    fn router_says(self, after: Duration, kind: u8, code: u8, quote: Quote) -> Planned {
        let icmp = self.request.error(kind, code, quote);
        let router = router_of(self.request.destination);
        self.plan(after, Kind::Router, datagram(router, self.request.source, TTL, icmp))
    }

    fn plan(self, after: Duration, kind: Kind, datagram: Vec<u8>) -> Planned {
        let Request { destination: host, sequence, .. } = *self.request;
        Planned { host, sequence, requested: self.now, due: self.now + after, kind, datagram }
    }
}

/// Time to live, or hop limit, of everything that no behaviour says otherwise about.
const TTL: u8 = 61;
