//! IP packets with ICMP in them: takes echo requests apart, puts replies and errors together.

use meshping::target::Family;
use std::net::IpAddr;

/// An echo request as it came out of the TUN device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The ICMP identifier.
    pub ident: u16,
    /// The ICMP sequence number.
    pub sequence: u16,
    /// The ICMP message, from its type on.
    pub icmp: Vec<u8>,
    /// The whole IP packet.
    pub datagram: Vec<u8>,
}

/// What the IP header of a request says, beside whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Where it comes from.
    pub source: IpAddr,
    /// Type of service, or traffic class.
    pub traffic_class: u8,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Whether routers must not fragment it; never may they for IPv6.
    pub dont_fragment: bool,
    /// Bytes after the ICMP header.
    pub size: usize,
}

/// What a packet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// An echo request without a fault.
    Request(Request),
    /// An echo request whose checksum is wrong.
    Corrupt,
    /// Nothing to do with us: neighbour discovery and the like.
    Other,
}

/// Looks at a packet.
pub fn parse(datagram: &[u8]) -> Packet {
    let Some((source, destination, header)) = addresses(datagram) else { return Packet::Other };
    let icmp = &datagram[header..];
    if icmp.len() < 8 || icmp[0] != echo_request(family(destination)) {
        return Packet::Other;
    }
    if checksum(icmp, source, destination) != 0 {
        return Packet::Corrupt;
    }
    Packet::Request(Request {
        source,
        destination,
        ident: u16::from_be_bytes([icmp[4], icmp[5]]),
        sequence: u16::from_be_bytes([icmp[6], icmp[7]]),
        icmp: icmp.to_vec(),
        datagram: datagram.to_vec(),
    })
}

/// Source, destination and length of the header of a packet that carries ICMP.
fn addresses(datagram: &[u8]) -> Option<(IpAddr, IpAddr, usize)> {
    match datagram.first()? >> 4 {
        4 if datagram.len() >= 20 && datagram[9] == ICMP => {
            let [source, destination] = [12, 16].map(|at| array::<4>(datagram, at));
            Some((source.into(), destination.into(), v4_header_length(datagram)))
        }
        6 if datagram.len() >= 40 && datagram[6] == ICMPV6 => {
            let [source, destination] = [8, 24].map(|at| array::<16>(datagram, at));
            Some((source.into(), destination.into(), 40))
        }
        _ => None,
    }
}

/// Whom a fragment of an ICMP message is for; `None` for what is whole.
pub fn fragment_for(datagram: &[u8]) -> Option<IpAddr> {
    match datagram.first()? >> 4 {
        4 if datagram.len() >= 20 && (datagram[6] & 0x3f, datagram[7]) != (0, 0) => {
            Some(array::<4>(datagram, 16).into())
        }
        6 if datagram.len() >= 48 && datagram[6] == FRAGMENT => Some(array::<16>(datagram, 24).into()),
        _ => None,
    }
}

impl Request {
    /// What its IP header says.
    pub fn look(&self) -> Look {
        let (source, size) = (self.source, self.icmp.len() - 8);
        let header = &self.datagram;
        match self.family() {
            Family::V4 => {
                let dont_fragment = array::<2>(header, 6) == DONT_FRAGMENT;
                Look { source, traffic_class: header[1], ttl: header[8], dont_fragment, size }
            }
            Family::V6 => {
                let traffic_class = header[0] << 4 | header[1] >> 4;
                Look { source, traffic_class, ttl: header[7], dont_fragment: true, size }
            }
        }
    }

    /// Its address family.
    pub fn family(&self) -> Family {
        family(self.destination)
    }

    /// The ICMP message of the echo reply; its checksum is still to be set.
    pub fn reply(&self) -> Vec<u8> {
        let mut icmp = self.icmp.clone();
        icmp[0] = echo_reply(self.family());
        icmp
    }

    /// The ICMP message of an error that quotes this request; its checksum is still to be set.
    pub fn error(&self, kind: u8, code: u8, quote: Quote) -> Vec<u8> {
        let mut icmp = vec![kind, code, 0, 0, 0, 0, 0, 0];
        icmp.extend(match quote {
            Quote::Whole => self.datagram.clone(),
            Quote::Eight => self.datagram[..self.header_length() + 8].to_vec(),
            Quote::OptionOverrides => self.with_options(),
            Quote::Flipped(byte) => self.flipped(byte),
        });
        icmp
    }

    fn header_length(&self) -> usize {
        self.datagram.len() - self.icmp.len()
    }

    fn flipped(&self, byte: u8) -> Vec<u8> {
        let mut datagram = self.datagram.clone();
        datagram[self.header_length() + usize::from(byte)] ^= 0x10;
        datagram
    }

    /// This request as if it had been sent with a recorded route, or with three extension headers.
    fn with_options(&self) -> Vec<u8> {
        let (header, payload) = self.datagram.split_at(self.header_length());
        let mut datagram = header.to_vec();
        match self.family() {
            Family::V4 => {
                datagram.extend([7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // record route with two slots, end of options
                datagram[0] += 3;
                datagram.extend(payload);
                finish_v4(&mut datagram);
            }
            Family::V6 => {
                datagram[6] = 0;
                datagram.extend([60, 0, 1, 4, 0, 0, 0, 0]); // hop-by-hop options, padding only
                datagram.extend([44, 0, 1, 4, 0, 0, 0, 0]); // destination options, padding only
                datagram.extend([ICMPV6, 0, 0, 0, 1, 2, 3, 4]); // an atomic fragment
                datagram.extend(payload);
                finish_v6(&mut datagram);
            }
        }
        datagram
    }
}

/// How much of a request an error quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// All of it.
    Whole,
    /// The IP header and 8 bytes, as RFC 792 asks at least.
    Eight,
    /// All of it, with options in its IP header.
    OptionOverrides,
    /// All of it, with one bit flipped in that byte of the ICMP message.
    Flipped(u8),
}

/// Puts an ICMP message into an IP packet, setting the checksums.
pub fn datagram(from: IpAddr, to: IpAddr, ttl: u8, mut icmp: Vec<u8>) -> Vec<u8> {
    if icmp.len() >= 4 {
        icmp[2..4].fill(0);
        let sum = checksum(&icmp, from, to);
        icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    let mut datagram = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let start = [0x45, 0, 0, 0, 0, 0, 0, 0, ttl, ICMP, 0, 0];
            [&start[..], &from.octets(), &to.octets(), &icmp].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let start = [0x60, 0, 0, 0, 0, 0, ICMPV6, ttl];
            [&start[..], &from.octets(), &to.octets(), &icmp].concat()
        }
        _ => panic!("{from} and {to} are of two families"),
    };
    match family(to) {
        Family::V4 => finish_v4(&mut datagram),
        Family::V6 => finish_v6(&mut datagram),
    }
    datagram
}

/// Makes the checksum of the ICMP message in a packet of ours wrong.
pub fn spoil_checksum(datagram: &mut [u8]) {
    let header = if datagram[0] >> 4 == 4 { v4_header_length(datagram) } else { 40 };
    datagram[header + 2] ^= 0x55;
}

/// The family of an address.
pub fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// The ICMP type of an echo request.
pub fn echo_request(family: Family) -> u8 {
    if family == Family::V4 { 8 } else { 128 }
}

/// The ICMP type of an echo reply.
pub fn echo_reply(family: Family) -> u8 {
    if family == Family::V4 { 0 } else { 129 }
}

/// The checksum of an ICMP message: what to put into its field while that is 0, 0 when the field is right.
pub fn checksum(icmp: &[u8], from: IpAddr, to: IpAddr) -> u16 {
    let pseudo_header = match (from, to) {
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u32::try_from(icmp.len()).expect("a packet").to_be_bytes();
            [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, ICMPV6]].concat()
        }
        _ => Vec::new(),
    };
    !fold(sum(&pseudo_header) + sum(icmp))
}

fn finish_v4(datagram: &mut [u8]) {
    let length = u16::try_from(datagram.len()).expect("a packet");
    datagram[2..4].copy_from_slice(&length.to_be_bytes());
    datagram[10..12].fill(0);
    let header = v4_header_length(datagram);
    let sum = !fold(sum(&datagram[..header]));
    datagram[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn finish_v6(datagram: &mut [u8]) {
    let length = u16::try_from(datagram.len() - 40).expect("a packet");
    datagram[4..6].copy_from_slice(&length.to_be_bytes());
}

fn v4_header_length(datagram: &[u8]) -> usize {
    usize::from(datagram[0] & 15) * 4
}

fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
    words.map(u32::from).sum()
}

fn fold(sum: u32) -> u16 {
    let once = (sum >> 16) + (sum & 0xffff);
    u16::try_from((once >> 16) + (once & 0xffff)).expect("folded twice")
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the length was checked")
}

/// Flags and fragment offset of an IPv4 packet that is whole and must not be fragmented.
const DONT_FRAGMENT: [u8; 2] = [0x40, 0];
/// IP's number of the fragment header.
const FRAGMENT: u8 = 44;
/// IP's number of ICMP.
const ICMP: u8 = 1;
/// IP's number of ICMPv6.
const ICMPV6: u8 = 58;
