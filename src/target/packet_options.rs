//! How the requests to a target look on the wire, where they are not like those to the others.

use super::Zone;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZero;
use std::str::FromStr;

/// What an echo request looks like; what is `None` is as the system and the engine have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PacketOptions {
    /// Bytes after the ICMP header.
    pub size: Option<PayloadSize>,
    /// Differentiated services codepoint.
    pub dscp: Option<Dscp>,
    /// Time to live, or hop limit: 1 to 255.
    pub ttl: Option<NonZero<u8>>,
    /// The address of ours that it comes from.
    pub source: Option<IpAddr>,
    /// The interface that it leaves by.
    pub interface: Option<Zone>,
    /// Whether no router, nor we ourselves, may fragment it.
    pub dont_fragment: Option<bool>,
}

impl PacketOptions {
    /// This one, less what another one says.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            size: self.size.filter(|_| other.size.is_none()),
            dscp: self.dscp.filter(|_| other.dscp.is_none()),
            ttl: self.ttl.filter(|_| other.ttl.is_none()),
            source: self.source.filter(|_| other.source.is_none()),
            interface: self.interface.filter(|_| other.interface.is_none()),
            dont_fragment: self.dont_fragment.filter(|_| other.dont_fragment.is_none()),
        }
    }

    /// This one, and where it says nothing, an earlier one.
    #[must_use]
    pub fn merged_over(self, earlier: Self) -> Self {
        Self {
            size: self.size.or(earlier.size),
            dscp: self.dscp.or(earlier.dscp),
            ttl: self.ttl.or(earlier.ttl),
            source: self.source.or(earlier.source),
            interface: self.interface.or(earlier.interface),
            dont_fragment: self.dont_fragment.or(earlier.dont_fragment),
        }
    }
}

/// Number of bytes after the ICMP header, as `ping -s` counts them.
///
/// At least what tells our requests apart; at most what an IPv4 packet holds (RFC 791 §3.1: 65535 with 28 of headers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadSize(NonZero<u16>);

impl PayloadSize {
    /// Fewest and most bytes.
    pub const LIMITS: (u16, u16) = (16, 65_507);

    /// That many bytes; `None` outside of [`Self::LIMITS`].
    pub fn new(bytes: u16) -> Option<Self> {
        let within = (Self::LIMITS.0..=Self::LIMITS.1).contains(&bytes);
        NonZero::new(bytes).filter(|_| within).map(Self)
    }

    /// Number of bytes.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// A differentiated services codepoint, 0 to 63 (RFC 2474); its text is the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dscp(u8);

impl Dscp {
    /// The codepoint.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The byte of the IP header that it makes: the old type of service, or traffic class, without congestion bits.
    pub const fn traffic_class(self) -> u8 {
        self.0 << 2
    }
}

/// Names of codepoints: RFC 2474 (class selectors, besides), RFC 2597, RFC 3246, RFC 5865, RFC 8622.
const NAMED: [(&str, u8); 15] = [
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
    type Err = NotDscp;

    /// Parses `46`, `EF`, `AF41`, `CS5`.
    fn from_str(text: &str) -> Result<Self, NotDscp> {
        let lower = text.to_ascii_lowercase();
        let named = NAMED.iter().find(|(name, _)| *name == lower).map(|&(_, codepoint)| codepoint);
        let class =
            || lower.strip_prefix("cs")?.parse::<u8>().ok().filter(|class| *class < 8).map(|class| class * 8);
        let number = || text.parse::<u8>().ok().filter(|codepoint| *codepoint < 64);
        named.or_else(class).or_else(number).map(Self).ok_or(NotDscp)
    }
}

impl fmt::Display for Dscp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text is neither a codepoint nor the name of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a codepoint is a number from 0 to 63, or a name: EF, VA, LE, CS0 to CS7, AF11 to AF43")]
pub struct NotDscp;

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
            assert_eq!(text.parse::<Dscp>(), Err(NotDscp), "{text}");
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
