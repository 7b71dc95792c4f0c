//! Who may ask: the users of the web config file.

use bcrypt::HashParts;
use serde::Deserialize;
use std::collections::BTreeMap;

from_text!(Bcrypt, UserName);

/// Who may ask.
pub struct Users {
    pub(super) hashes: BTreeMap<String, String>,
    /// Checked for users that there are not, so that they take as long.
    pub(super) decoy: String,
}

impl Users {
    /// These users; `None` if there are none, which means that everybody may ask.
    pub fn new(users: BTreeMap<UserName, Bcrypt>) -> Option<Self> {
        let cost = users.values().map(|hash| hash.cost).max()?;
        let hashes = users.into_iter().map(|(user, hash)| (user.0, hash.text)).collect();
        Some(Self { hashes, decoy: format!("$2b${cost:02}${}", ".".repeat(53)) })
    }
}

/// The name of a user. A colon would end it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(pub String);

impl UserName {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains(':') {
            return Err(format!("{text:?} is no name of a user: it is empty, or has a colon"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A password's hash. Its text is kept out of errors.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Bcrypt {
    /// As it stands in the file.
    pub text: String,
    /// Each further one takes twice as long.
    pub cost: u32,
}

impl Bcrypt {
    /// 2 to the 18th rounds take seconds.
    const COSTS: std::ops::RangeInclusive<u32> = 4..=18;

    fn parse(text: &str) -> Result<Self, String> {
        let parts: Result<HashParts, _> = text.parse();
        let cost = parts.map_err(|_| {
            "a password is given as its bcrypt hash, as `htpasswd -nBC 10 USER` prints it behind the colon"
        })?;
        let cost = cost.get_cost();
        if !Self::COSTS.contains(&cost) {
            let (least, most) = (Self::COSTS.start(), Self::COSTS.end());
            return Err(format!("the cost of a bcrypt hash is {least} to {most}, not {cost}"));
        }
        Ok(Self { text: text.to_owned(), cost })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_stand_there_is_told_with_what_can() {
        let told = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (told(Bcrypt::parse("secret").err()), "htpasswd"),
            (told(Bcrypt::parse(&format!("$2b$31${}", ".".repeat(53))).err()), "4 to 18"),
            (told(UserName::parse("a:b").err()), "colon"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
