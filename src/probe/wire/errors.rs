//! ICMP errors: their classes, and the header of our request that they quote.

use super::{ECHO_REQUEST_V4, ECHO_REQUEST_V6, RejectReason};
use crate::measure::ErrorClass;
use crate::target::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The echo request that an error quotes, and the error's class and code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Destination of the request.
    pub destination: IpAddr,
    /// Its identifier.
    pub ident: u16,
    /// Its sequence number.
    pub sequence: u16,
    /// Index of the target in its payload, if that much of it is quoted.
    pub index: Option<u32>,
    /// Class of the error.
    pub class: ErrorClass,
    /// The code of the ICMP or ICMPv6 header.
    pub code: u8,
}

/// The class of an error; `None` for messages that are no error about a request: echo, redirect, source
/// quench (deprecated by RFC 6633), and everything unknown to ICMP for IPv4.
pub const fn classify(family: Family, kind: u8, code: u8) -> Option<ErrorClass> {
    match family {
        Family::V4 => classify_v4(kind, code),
        Family::V6 => classify_v6(kind, code),
    }
}

/// RFC 792; RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1 for the codes from 6 on.
const fn classify_v4(kind: u8, code: u8) -> Option<ErrorClass> {
    Some(match (kind, code) {
        (3, 0 | 6 | 11) => ErrorClass::NetUnreachable,
        (3, 1 | 7 | 8 | 12) => ErrorClass::HostUnreachable,
        (3, 2) => ErrorClass::ProtocolUnreachable,
        (3, 3) => ErrorClass::PortUnreachable,
        (3, 4) => ErrorClass::FragNeeded,
        (3, 5) => ErrorClass::SourceRouteFailed,
        (3, 9 | 10 | 13 | 14 | 15) => ErrorClass::AdminProhibited,
        (11, 0) => ErrorClass::TtlExceeded,
        (11, 1) => ErrorClass::ReassemblyTimeout,
        (12, _) => ErrorClass::ParameterProblem,
        (3 | 11, _) => ErrorClass::Other,
        _ => return None,
    })
}

/// RFC 4443 §3; types below 128 are errors, known or not (§2.1).
const fn classify_v6(kind: u8, code: u8) -> Option<ErrorClass> {
    Some(match (kind, code) {
        (1, 0) => ErrorClass::NetUnreachable,
        (1, 1 | 5 | 6) => ErrorClass::AdminProhibited,
        (1, 2) => ErrorClass::BeyondScope,
        (1, 3) => ErrorClass::HostUnreachable,
        (1, 4) => ErrorClass::PortUnreachable,
        (1, 7) => ErrorClass::SourceRouteFailed,
        (2, _) => ErrorClass::FragNeeded,
        (3, 0) => ErrorClass::TtlExceeded,
        (3, 1) => ErrorClass::ReassemblyTimeout,
        (4, _) => ErrorClass::ParameterProblem,
        (..128, _) => ErrorClass::Other,
        _ => return None,
    })
}

/// Reads the packet that an error quotes; its first 8 bytes beyond the IP header suffice.
pub(super) fn read_quote(
    family: Family,
    quoted: &[u8],
    class: ErrorClass,
    code: u8,
) -> Result<Quote, RejectReason> {
    let (destination, icmp) = match family {
        Family::V4 => quoted_ipv4(quoted)?,
        Family::V6 => quoted_ipv6(quoted)?,
    };
    let request = if family == Family::V4 { ECHO_REQUEST_V4 } else { ECHO_REQUEST_V6 };
    if *icmp.first().ok_or(RejectReason::Malformed)? != request {
        return Err(RejectReason::NotOurs);
    }
    Quote::new(destination, icmp, class, code).ok_or(RejectReason::Malformed)
}

impl Quote {
    /// The quotation of an echo request to `destination`, of which `icmp` is the beginning; `None` if it has less than
    /// the ICMP header.
    pub fn new(destination: IpAddr, icmp: &[u8], class: ErrorClass, code: u8) -> Option<Self> {
        let (header, payload) = icmp.split_first_chunk::<8>()?;
        let sequence = u16::from_be_bytes([header[6], header[7]]);
        let index = payload.first_chunk::<8>().and_then(|&[a, b, c, d, .., low1, low2]| {
            (u16::from_be_bytes([low1, low2]) == sequence).then_some(u32::from_be_bytes([a, b, c, d]))
        });
        let ident = u16::from_be_bytes([header[4], header[5]]);
        Some(Self { destination, ident, sequence, index, class, code })
    }
}

/// Header, with its options, and the rest of an IPv4 packet.
pub(super) fn split_ipv4(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && length >= 20).then(|| packet.split_at_checked(length)).flatten()
}

fn quoted_ipv4(quoted: &[u8]) -> Result<(IpAddr, &[u8]), RejectReason> {
    let (header, icmp) = split_ipv4(quoted).ok_or(RejectReason::Malformed)?;
    let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    if header[9] != PROTOCOL_ICMP || fragment_offset != 0 {
        return Err(RejectReason::NotOurs);
    }
    Ok((Ipv4Addr::new(header[16], header[17], header[18], header[19]).into(), icmp))
}

fn quoted_ipv6(quoted: &[u8]) -> Result<(IpAddr, &[u8]), RejectReason> {
    let (header, rest) = quoted.split_first_chunk::<40>().ok_or(RejectReason::Malformed)?;
    if header[0] >> 4 != 6 {
        return Err(RejectReason::Malformed);
    }
    let (_, destination) = header.split_last_chunk::<16>().ok_or(RejectReason::Malformed)?;
    Ok((Ipv6Addr::from(*destination).into(), skip_extensions(header[6], rest)?))
}

/// Walks the chain of extension headers to the ICMPv6 message (RFC 8200 §4.1, RFC 4302 §2.2).
fn skip_extensions(mut next: u8, mut rest: &[u8]) -> Result<&[u8], RejectReason> {
    while next != PROTOCOL_ICMPV6 {
        let head: &[u8] = rest.get(..8).ok_or(RejectReason::Malformed)?;
        let length = match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => (usize::from(head[1]) + 1) * 8,
            AUTHENTICATION => (usize::from(head[1]) + 2) * 4,
            FRAGMENT if u16::from_be_bytes([head[2], head[3]]) >> 3 == 0 => 8,
            _ => return Err(RejectReason::NotOurs),
        };
        next = head[0];
        rest = rest.get(length..).ok_or(RejectReason::Malformed)?;
    }
    Ok(rest)
}

const PROTOCOL_ICMP: u8 = 1;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const PROTOCOL_ICMPV6: u8 = 58;
const DESTINATION_OPTIONS: u8 = 60;
