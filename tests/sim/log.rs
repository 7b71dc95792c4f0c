//! What the responder saw and did, for tests to compare with what they were told.

use super::answer::{Kind, Planned};
use super::packet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Everything, by address.
#[derive(Debug, Default)]
pub struct Log {
    /// The hosts that got requests.
    pub hosts: HashMap<IpAddr, HostLog>,
    /// Echo requests with a wrong checksum.
    pub corrupt: u64,
    /// Packets that were no echo requests.
    pub others: u64,
    /// Packets that the TUN device did not take.
    pub refused: u64,
}

/// What one host saw and did, in the order of time.
#[derive(Debug, Clone, Default)]
pub struct HostLog {
    /// The requests that it got.
    pub requests: Vec<Request>,
    /// The packets that it, or a router on its behalf, sent.
    pub packets: Vec<Packet>,
    /// How many fragments of packets it got. It does not put them together.
    pub fragments: usize,
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Its ICMP identifier.
    pub ident: u16,
    /// Its ICMP sequence number.
    pub sequence: u16,
    /// What its IP header said.
    pub look: packet::Look,
    /// When it was read.
    pub at: Instant,
}

/// A packet that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// What it was.
    pub kind: Kind,
    /// Sequence number of the request that it answers.
    pub sequence: u16,
    /// From the reading of the request to the writing of this.
    pub held: Duration,
    /// When it was written.
    pub at: Instant,
}

impl Log {
    pub(super) fn request(&mut self, request: &packet::Request, at: Instant) {
        let packet::Request { destination, ident, sequence, .. } = *request;
        let look = request.look();
        self.hosts.entry(destination).or_default().requests.push(Request { ident, sequence, look, at });
    }

    pub(super) fn fragment(&mut self, host: IpAddr) {
        self.hosts.entry(host).or_default().fragments += 1;
    }

    pub(super) fn sent(&mut self, planned: &Planned, at: Instant) {
        let Planned { host, sequence, requested, kind, .. } = *planned;
        let packet = Packet { kind, sequence, held: at - requested, at };
        self.hosts.entry(host).or_default().packets.push(packet);
    }
}

impl HostLog {
    /// How many packets of that kind it sent.
    pub fn count(&self, kind: Kind) -> usize {
        self.packets.iter().filter(|packet| packet.kind == kind).count()
    }

    /// How long each good reply was held, in the order of sending.
    pub fn held(&self) -> Vec<Duration> {
        let replies = self.packets.iter().filter(|packet| packet.kind == Kind::Reply);
        replies.map(|packet| packet.held).collect()
    }
}

/// The middle one of the values; the lower one of two.
///
/// # Panics
/// When there are none.
pub fn median<T: Ord>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    let middle = (values.len() - 1) / 2;
    values.swap_remove(middle)
}
