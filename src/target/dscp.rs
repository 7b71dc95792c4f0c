//! Differentiated services codepoints: their numbers and names.

use std::fmt;
use std::str::FromStr;

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
}
