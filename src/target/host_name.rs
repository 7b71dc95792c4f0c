//! DNS names, and hosts: an address or a DNS name.

use super::NotAHost;
use super::address::{Address, AddressError};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a target: the user's text, byte for byte, at most [`MAX_NAME`] bytes.
///
/// It may hold any UTF-8 (quotes, newlines, escape sequences); every output escapes it.
pub type Label = Arc<str>;

/// Maximum length of a target's name and of a DNS name, in bytes (RFC 1035 §3.1).
pub const MAX_NAME: usize = 253;

/// A DNS name: 1 to 253 bytes without its root dot, labels of 1 to 63 bytes (RFC 1035 §2.3.4).
///
/// Holds the text as written; comparisons ignore ASCII case (RFC 4343). A trailing dot is part of the name: the
/// search list does not apply to it.
#[derive(Debug, Clone)]
pub struct HostName(Arc<str>);

impl HostName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HostName {}

impl PartialOrd for HostName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HostName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let [one, other] = [self, other].map(|name| name.0.bytes().map(|byte| byte.to_ascii_lowercase()));
        one.cmp(other)
    }
}

impl std::hash::Hash for HostName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        if bare.len() > MAX_NAME {
            return Err(HostNameError::TooLong(bare.len()));
        }
        for label in bare.split('.') {
            match label.len() {
                0 => return Err(HostNameError::EmptyLabel),
                1..=63 => {}
                length => return Err(HostNameError::LongLabel(length)),
            }
        }
        if let Some(strange) =
            bare.chars().find(|&c| c.is_control() || c.is_whitespace() || "/\\%[]#".contains(c))
        {
            return Err(HostNameError::Character(strange));
        }
        Ok(Self(text.into()))
    }
}

/// Why a text is not a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// More than 253 bytes.
    #[error("a name has at most 253 bytes, this one has {0}")]
    TooLong(usize),
    /// Empty, or two dots in a row.
    #[error("a host name needs a text before, after and between its dots")]
    EmptyLabel,
    /// A part between two dots that is too long for DNS.
    #[error("a part of a host name has at most 63 bytes, this one has {0}")]
    LongLabel(usize),
    /// A character that can't be in a host name.
    #[error("the character {0:?} can't be in a host name")]
    Character(char),
}

/// What to ping: one address, or every address that a DNS name has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A literal address.
    Address(Address),
    /// A DNS name; its addresses are followed.
    Name(HostName),
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        match text.parse::<Address>() {
            Ok(address) => Ok(Self::Address(address)),
            Err(AddressError::NotAnAddress) => {
                // A text that is meant as something else has its own message.
                NotAHost::find(text).map_or(Ok(()), Err)?;
                // `%`, `[` and `:` occur in address literals only, so the message about the address is the better one.
                if text.contains(['%', '[', ':']) {
                    return Err(AddressError::NotAnAddress.into());
                }
                Ok(Self::Name(text.parse()?))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.as_str().fmt(f),
        }
    }
}

/// Why a text is neither an address nor a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It looks like an address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It looks like a name.
    #[error(transparent)]
    Name(#[from] HostNameError),
    /// It is meant as something else.
    #[error(transparent)]
    NotAHost(#[from] NotAHost),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_follow_the_limits_of_dns() {
        for good in ["localhost", "a.b.", "xn--bcher-kva.example", "under_score.example", "-dash"] {
            assert!(matches!(good.parse::<Host>(), Ok(Host::Name(_))), "{good}");
        }
        let long = format!("{}.{}", "a".repeat(63), "b".repeat(190));
        for bad in ["", ".", "a..b", "two words", "line\nbreak", &"a".repeat(64), &long] {
            assert!(bad.parse::<Host>().is_err(), "{bad:?}");
        }
    }
}
