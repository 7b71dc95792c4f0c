//! Size and header fields of the requests to a target.

use super::Zone;
use super::dscp::Dscp;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZero;
use std::str::FromStr;

/// Size and header fields of an echo request; `None` is the default of the system and of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PacketOptions {
    /// Number of bytes after the ICMP header.
    pub size: Option<PayloadSize>,
    /// Differentiated services codepoint.
    pub dscp: Option<Dscp>,
    /// Time to live, or hop limit: 1 to 255.
    pub ttl: Option<NonZero<u8>>,
    /// Source address.
    pub source: Option<IpAddr>,
    /// Interface that the request leaves through.
    pub interface: Option<Zone>,
    /// Whether routers and this machine must not fragment the request.
    pub dont_fragment: Option<bool>,
}

impl PacketOptions {
    /// The type of service of IPv4, or the traffic class of IPv6, without congestion bits.
    pub fn traffic_class(&self) -> Option<u8> {
        self.dscp.map(Dscp::traffic_class)
    }
}

/// Number of bytes after the ICMP header, as `ping -s` counts them.
///
/// The minimum identifies a request; the maximum is what an IPv4 packet holds (RFC 791 §3.1: 65535 with 28 of headers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadSize(NonZero<u16>);

impl PayloadSize {
    /// Minimum and maximum, in bytes.
    pub const LIMITS: (u16, u16) = (16, 65_507);

    /// A size in bytes; `None` outside of [`Self::LIMITS`].
    pub fn new(bytes: u16) -> Option<Self> {
        let within = (Self::LIMITS.0..=Self::LIMITS.1).contains(&bytes);
        NonZero::new(bytes).filter(|_| within).map(Self)
    }

    /// Number of bytes.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for PayloadSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PayloadSize {
    type Err = BadPayloadSize;

    fn from_str(text: &str) -> Result<Self, BadPayloadSize> {
        text.parse().ok().and_then(Self::new).ok_or(BadPayloadSize)
    }
}

/// A text is not a number of bytes within [`PayloadSize::LIMITS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payload has {} to {} bytes", PayloadSize::LIMITS.0, PayloadSize::LIMITS.1)]
pub struct BadPayloadSize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_limits() {
        let sizes =
            [0, 15, 16, 56, 65_507, 65_508].map(|bytes| PayloadSize::new(bytes).map(PayloadSize::get));
        assert_eq!(sizes, [None, None, Some(16), Some(56), Some(65_507), None]);
    }
}
