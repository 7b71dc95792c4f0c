//! The wire format: echo requests with keyed tokens out, ICMP and ICMPv6 packets in. Bytes and values only.
//!
//! Sources: RFC 792 and RFC 1122 §3.2.2 (ICMP), RFC 4443 (ICMPv6), RFC 8200 §4 (extension headers).

mod errors;

use super::{RejectReason, TargetId};
use crate::target::Family;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::net::IpAddr;

pub use errors::{Quote, classify};

/// Length of an ICMP header.
pub const HEADER: usize = 8;
/// Default length of the payload of requests, as in ping(8).
pub const PAYLOAD: usize = 56;

/// Target and number of a request; with the key of this process they determine its token.
///
/// Payload, after the 8 bytes of ICMP header: target index (4), full number of the request (4), token (8), and a
/// pattern derived from the token up to the end. Numbers are in network byte order. The token depends on the length: a
/// reply of another length is rejected, also after the size of requests has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestToken {
    /// The target.
    pub target: TargetId,
    /// Number of the request; its low 16 bits are the sequence number of the ICMP header.
    pub number: u32,
}

/// The random key of the tokens of a process. A reply can only be forged after reading a request.
#[derive(Clone, Copy)]
pub struct TokenKey([u8; 16]);

impl TokenKey {
    /// A key of random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    fn token(&self, address: IpAddr, request: RequestToken, payload: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        match address {
            IpAddr::V4(v4) => hasher.write_u32(v4.to_bits()),
            IpAddr::V6(v6) => hasher.write(&v6.octets()),
        }
        hasher.write_u32(request.target.index);
        hasher.write_u32(request.target.generation);
        hasher.write_u32(request.number);
        hasher.write_usize(payload.len());
        hasher.finish()
    }
}

/// Writes an echo request into all of `message`, which has room for a header and 16 bytes at least. The checksum is
/// filled in for IPv4; the kernel does it for IPv6.
pub fn write_request(key: &TokenKey, address: IpAddr, ident: u16, request: RequestToken, message: &mut [u8]) {
    let (header, payload) = message.split_at_mut(HEADER);
    let token = key.token(address, request, payload);
    header[0] = if address.is_ipv4() { ECHO_REQUEST_V4 } else { ECHO_REQUEST_V6 };
    header[1..4].fill(0);
    header[4..6].copy_from_slice(&ident.to_be_bytes());
    header[6..8].copy_from_slice(&sequence(request.number).to_be_bytes());
    payload[0..4].copy_from_slice(&request.target.index.to_be_bytes());
    payload[4..8].copy_from_slice(&request.number.to_be_bytes());
    payload[8..16].copy_from_slice(&token.to_be_bytes());
    let (mut words, mut pattern) = (payload[16..].chunks_exact_mut(8), pattern(token));
    for (word, pattern) in words.by_ref().zip(&mut pattern) {
        word.copy_from_slice(&pattern);
    }
    for (byte, pattern) in words.into_remainder().iter_mut().zip(pattern.flatten()) {
        *byte = pattern;
    }
    if address.is_ipv4() {
        let sum = checksum(message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

/// A parsed packet, not verified yet.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// An echo reply.
    Reply(Reply<'a>),
    /// An error that quotes an echo request.
    Error(Quote),
    /// A message without a meaning here: a redirect, a source quench, another type.
    Other,
}

/// An echo reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Identifier of the ICMP header.
    pub ident: u16,
    /// Sequence number of the ICMP header.
    pub sequence: u16,
    payload: &'a [u8],
}

impl Reply<'_> {
    /// Index of the target in the payload, needed to find the target before [`Self::verify`].
    pub fn index(&self) -> Option<u32> {
        let bytes = self.payload.get(0..4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    /// Checks that this is the reply to one of our requests to `address`; returns the request's number. `size` is the
    /// current length of the target's payload.
    ///
    /// # Errors
    /// The [`RejectReason`].
    pub fn verify(
        &self,
        key: &TokenKey,
        address: IpAddr,
        target: TargetId,
        size: usize,
    ) -> Result<u32, RejectReason> {
        let (head, rest) = self.payload.split_first_chunk::<16>().ok_or(RejectReason::Malformed)?;
        let (numbers, token) = head.split_at(8);
        let number = numbers[4..].try_into().map_or(0, u32::from_be_bytes);
        let token = token.try_into().map_or(0, u64::from_be_bytes);
        if token != key.token(address, RequestToken { target, number }, self.payload) {
            // A reply of another size with a right token answers a request of before a change, so only the token
            // counts.
            return Err(if self.payload.len() == size {
                RejectReason::Forged
            } else {
                RejectReason::Malformed
            });
        }
        if sequence(number) != self.sequence {
            return Err(RejectReason::Forged);
        }
        let (mut words, mut pattern) = (rest.chunks_exact(8), pattern(token));
        let whole = words.by_ref().zip(&mut pattern).all(|(word, pattern)| word == pattern);
        let end = words.remainder().iter().zip(pattern.flatten()).all(|(&byte, pattern)| byte == pattern);
        if whole && end { Ok(number) } else { Err(RejectReason::Corrupt) }
    }
}

/// Parses an IPv4 packet with its header, as a raw socket delivers it. Also returns its TTL.
///
/// # Errors
/// [`RejectReason::Malformed`] or [`RejectReason::Corrupt`]: the kernel does not verify ICMP checksums for raw sockets.
pub fn read_ipv4(packet: &[u8]) -> Result<(Packet<'_>, u8), RejectReason> {
    let (header, rest) = errors::split_ipv4(packet).ok_or(RejectReason::Malformed)?;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let length = total.checked_sub(header.len()).ok_or(RejectReason::Malformed)?;
    let message = rest.get(..length).ok_or(RejectReason::Malformed)?;
    if message.len() < HEADER {
        return Err(RejectReason::Malformed);
    }
    if checksum(message) != 0 {
        return Err(RejectReason::Corrupt);
    }
    Ok((read_message(Family::V4, message)?, header[8]))
}

/// Parses an ICMP or ICMPv6 message whose checksum the kernel has verified.
///
/// # Errors
/// [`RejectReason::Malformed`] if it is too short, [`RejectReason::NotOurs`] for an error that quotes no echo request.
pub fn read_message(family: Family, message: &[u8]) -> Result<Packet<'_>, RejectReason> {
    let (header, payload) = message.split_at_checked(HEADER).ok_or(RejectReason::Malformed)?;
    let reply = match family {
        Family::V4 => ECHO_REPLY_V4,
        Family::V6 => ECHO_REPLY_V6,
    };
    if header[0] == reply {
        let ident = u16::from_be_bytes([header[4], header[5]]);
        let sequence = u16::from_be_bytes([header[6], header[7]]);
        return Ok(Packet::Reply(Reply { ident, sequence, payload }));
    }
    match classify(family, header[0], header[1]) {
        None => Ok(Packet::Other),
        Some(class) => errors::read_quote(family, payload, class, header[1]).map(Packet::Error),
    }
}

/// The low 16 bits of a request's number.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are intended")]
pub const fn sequence(number: u32) -> u16 {
    number as u16
}

/// The Internet checksum (RFC 1071): 0 over a message that holds its own.
pub fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let odd = words.remainder().first().map_or(0, |&byte| u32::from(byte) << 8);
    let sum = words.fold(odd, |sum, word| sum + u32::from(u16::from_be_bytes([word[0], word[1]])));
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits")]
    let sum = folded as u16;
    !sum
}

/// An endless sequence of words derived from a token (splitmix64), which reveals corrupted replies.
fn pattern(token: u64) -> impl Iterator<Item = [u8; 8]> {
    (1_u64..).map(move |step| {
        let mixed = token.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).to_be_bytes()
    })
}

const ECHO_REPLY_V4: u8 = 0;
const ECHO_REQUEST_V4: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;

#[cfg(test)]
mod tests;
