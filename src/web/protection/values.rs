//! The other values in the file of `--web.config.file`, each parsed where it stands, so that an error has a line.

use actix_web::http::header::HeaderValue;
use bcrypt::HashParts;
use serde::Deserialize;

from_text!(Bcrypt, ContentTypeOptions, FrameOptions, HeaderText, UserName);

/// HTTP/2, turned off: we speak HTTP/1.1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "bool")]
pub struct Http2;

impl TryFrom<bool> for Http2 {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Self, Self::Error> {
        if on { Err("meshping speaks HTTP/1.1 only: leave http2 out, or say false") } else { Ok(Self) }
    }
}

/// A header's text; not set if blank.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct HeaderText(pub HeaderValue);

impl HeaderText {
    fn parse(text: &str) -> Result<Self, String> {
        let value = HeaderValue::try_from(text);
        value.map(Self).map_err(|_| format!("{text:?} can't stand in a header"))
    }
}

/// The text of X-Frame-Options.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct FrameOptions(pub HeaderValue);

impl FrameOptions {
    fn parse(text: &str) -> Result<Self, String> {
        one_of(text, &["deny", "sameorigin"]).map(Self)
    }
}

/// The text of X-Content-Type-Options.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ContentTypeOptions(pub HeaderValue);

impl ContentTypeOptions {
    fn parse(text: &str) -> Result<Self, String> {
        one_of(text, &["nosniff"]).map(Self)
    }
}

fn one_of(text: &str, allowed: &'static [&'static str]) -> Result<HeaderValue, String> {
    let known = allowed.iter().chain(&[""]).find(|known| **known == text);
    let value = known.map(|known| HeaderValue::from_static(known));
    value.ok_or_else(|| format!("{text:?} is not allowed here, only {}", allowed.join(", ")))
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
            (told(FrameOptions::parse("allow").err()), "deny, sameorigin"),
            (told(HeaderText::parse("a\nb").err()), "header"),
            (told(Bcrypt::parse("secret").err()), "htpasswd"),
            (told(Bcrypt::parse(&format!("$2b$31${}", ".".repeat(53))).err()), "4 to 18"),
            (told(UserName::parse("a:b").err()), "colon"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
