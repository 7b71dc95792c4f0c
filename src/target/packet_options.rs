//! Size and header fields of the requests to a target.

use super::Zone;
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

/// A differentiated services codepoint, 0 to 63 (RFC 2474); its text form is the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dscp(u8);

impl Dscp {
    /// The codepoint.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The byte of the IP header: the former type of service, or traffic class, without congestion bits.
    pub const fn traffic_class(self) -> u8 {
        self.0 << 2
    }
}

/// Names of codepoints except the class selectors of RFC 2474: RFC 2597, RFC 3246, RFC 5865, RFC 8622.
const CODEPOINT_NAMES: [(&str, u8); 15] = [
    ("ef", 46),
    ("va", 44),
    ("le", 1),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
];

impl FromStr for Dscp {
    type Err = BadDscp;

    /// Parses `46`, `EF`, `AF41`, `CS5`.
    fn from_str(text: &str) -> Result<Self, BadDscp> {
        let lower = text.to_ascii_lowercase();
        let named = CODEPOINT_NAMES.iter().find(|(name, _)| *name == lower).map(|&(_, codepoint)| codepoint);
        let class =
            || lower.strip_prefix("cs")?.parse::<u8>().ok().filter(|class| *class < 8).map(|class| class * 8);
        let number = || text.parse::<u8>().ok().filter(|codepoint| *codepoint < 64);
        named.or_else(class).or_else(number).map(Self).ok_or(BadDscp)
    }
}

impl fmt::Display for Dscp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The texts that are a codepoint, for messages and help.
pub(super) const DSCP_VALUES: &str = "a number from 0 to 63 or a name: EF, VA, LE, CS0 to CS7, AF11 to AF43";

/// A text is neither a codepoint nor the name of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a codepoint is {DSCP_VALUES}")]
pub struct BadDscp;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codepoints_have_numbers_and_names() {
        for (text, codepoint) in
            [("0", 0), ("63", 63), ("EF", 46), ("af41", 34), ("CS0", 0), ("cs7", 56), ("Le", 1)]
        {
            assert_eq!(text.parse::<Dscp>().map(Dscp::get), Ok(codepoint), "{text}");
        }
        for text in ["64", "-1", "", "cs8", "af44", "voice", "0x2e"] {
            assert_eq!(text.parse::<Dscp>(), Err(BadDscp), "{text}");
        }
        assert_eq!("ef".parse::<Dscp>().unwrap().traffic_class(), 184);
    }

    #[test]
    fn payloads_have_limits() {
        let sizes =
            [0, 15, 16, 56, 65_507, 65_508].map(|bytes| PayloadSize::new(bytes).map(PayloadSize::get));
        assert_eq!(sizes, [None, None, Some(16), Some(56), Some(65_507), None]);
    }
}
