//! A pinger that is as plain as can be, to try the simulated network without meshping.

use super::packet::{checksum, echo_request, family};
use meshping::target::Family;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// A raw ICMP socket and an identifier.
#[derive(Debug)]
pub struct Pinger {
    /// A raw one: `std` has no type for those, and reads and writes them all the same.
    socket: UdpSocket,
    family: Family,
    ident: u16,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub from: IpAddr,
    /// Time to live; of IPv4 only.
    pub ttl: Option<u8>,
    /// The ICMP message.
    pub icmp: Vec<u8>,
    /// When we read it.
    pub at: Instant,
}

impl Pinger {
    /// Opens the socket.
    pub fn new(family: Family, ident: u16) -> Self {
        let (domain, protocol) = match family {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW, Some(protocol)).expect("raw sockets are allowed here");
        Self { socket: socket.into(), family, ident }
    }

    /// The ICMP message of a request: 56 bytes of payload, each with its index as value.
    pub fn request(&self, to: IpAddr, sequence: u16) -> Vec<u8> {
        let mut icmp = vec![echo_request(family(to)), 0, 0, 0];
        icmp.extend(self.ident.to_be_bytes());
        icmp.extend(sequence.to_be_bytes());
        icmp.extend(0..56);
        if self.family == Family::V4 {
            let sum = checksum(&icmp, to, to);
            icmp[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        icmp
    }

    /// Sends an echo request; returns when.
    pub fn send(&self, to: IpAddr, sequence: u16) -> Instant {
        let before = Instant::now();
        let icmp = self.request(to, sequence);
        self.socket.send_to(&icmp, SocketAddr::new(to, 0)).expect("there is a route");
        before
    }

    /// What comes back next, if anything does within `at_most`.
    pub fn receive(&self, at_most: Duration) -> Option<Received> {
        self.socket.set_read_timeout(Some(at_most)).expect("a timeout that is not 0");
        let mut buffer = [0; 2048];
        loop {
            let (length, from) = match self.socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => panic!("receiving: {error}"),
            };
            let received = understand(&buffer[..length], from.ip());
            // Neighbour discovery and the like: not what the simulation sent.
            if !matches!(received.icmp.first(), Some(130..=136 | 143)) {
                return Some(received);
            }
        }
    }
}

fn understand(packet: &[u8], from: IpAddr) -> Received {
    let at = Instant::now();
    let (ttl, header) = match from {
        // Raw sockets of IPv4 show the IP header, those of IPv6 do not.
        IpAddr::V4(_) => (Some(packet[8]), usize::from(packet[0] & 15) * 4),
        IpAddr::V6(_) => (None, 0),
    };
    Received { from, ttl, icmp: packet[header..].to_vec(), at }
}
