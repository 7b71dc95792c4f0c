//! The users of the web config file.

use bcrypt::HashParts;
use serde::Deserialize;
use std::collections::BTreeMap;

from_text!(Bcrypt, UserName);

/// The users and the hashes of their passwords.
pub struct Users {
    pub(super) hashes: BTreeMap<String, String>,
    /// Checked for unknown users, so that they take as long as a wrong password.
    pub(super) decoy: String,
}

impl Users {
    /// These users; `None` if there are none: then requests need no user.
    pub fn new(users: BTreeMap<UserName, Bcrypt>) -> Option<Self> {
        let cost = users.values().map(|hash| hash.cost).max()?;
        let hashes = users.into_iter().map(|(user, hash)| (user.0, hash.text)).collect();
        Some(Self { hashes, decoy: format!("$2b${cost:02}${}", ".".repeat(53)) })
    }
}

/// The name of a user, without a colon, which would end it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(pub String);

impl UserName {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains(':') {
            return Err(format!("{text:?} is not a user name: it must not be empty or contain a colon"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The bcrypt hash of a password. Errors do not contain it.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Bcrypt {
    /// The hash as in the file.
    pub text: String,
    /// Binary logarithm of the number of rounds.
    pub cost: u32,
}

impl Bcrypt {
    /// Allowed costs; 2^18 rounds take seconds.
    const COSTS: std::ops::RangeInclusive<u32> = 4..=18;

    fn parse(text: &str) -> Result<Self, String> {
        let parts: Result<HashParts, _> = text.parse();
        let cost = parts.map_err(
            |_| "write a password as its bcrypt hash, which `htpasswd -nBC 10 USER` prints after the colon",
        )?;
        let cost = cost.get_cost();
        if !Self::COSTS.contains(&cost) {
            let (min, max) = (Self::COSTS.start(), Self::COSTS.end());
            return Err(format!("the cost of this bcrypt hash is {cost}; allowed are {min} to {max}"));
        }
        Ok(Self { text: text.to_owned(), cost })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_state_what_is_allowed() {
        let message = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (message(Bcrypt::parse("secret").err()), "htpasswd"),
            (message(Bcrypt::parse(&format!("$2b$31${}", ".".repeat(53))).err()), "4 to 18"),
            (message(UserName::parse("a:b").err()), "colon"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
