//! Identity of an entry: what it pings, and what it calls it.

use super::{HostVariant, HostVariantError, Label};
use std::fmt;
use std::str::FromStr;

/// Identity of an entry. The text form is `example.net#wan2 NAME`: hosts and variants contain no space.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryId {
    /// What it pings.
    pub host: HostVariant,
    /// The name of its targets.
    pub name: Label,
}

impl FromStr for EntryId {
    type Err = EntryIdError;

    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        let (host, name) = text.split_once(' ').ok_or(EntryIdError::NoName)?;
        Ok(Self { host: host.parse()?, name: name.into() })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.host, self.name)
    }
}

/// Why a text is not the identity of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryIdError {
    /// There is no space between host and name.
    #[error("there is no name behind the host")]
    NoName,
    /// The part before the space.
    #[error(transparent)]
    Host(#[from] HostVariantError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_read_back() {
        for (host, name) in
            [("a.test", "a.test"), ("A.test.#w", "two  words\n"), ("fe80::1%eth0#w", ""), ("::1", " ")]
        {
            let id = EntryId { host: host.parse().expect("a host"), name: name.into() };
            assert_eq!(id.to_string(), format!("{host} {name}"));
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "a.test", "a..b x", "a.test#% x"] {
            assert!(bad.parse::<EntryId>().is_err(), "{bad:?}");
        }
    }
}
