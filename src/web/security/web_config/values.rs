//! The other values in the file of `--web.config.file`, each parsed where it stands, so that an error has a line.

use actix_web::http::header::HeaderValue;
use serde::Deserialize;

from_text!(ContentTypeOptions, FrameOptions, HeaderText);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_stand_there_is_told_with_what_can() {
        let told = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (told(FrameOptions::parse("allow").err()), "deny, sameorigin"),
            (told(HeaderText::parse("a\nb").err()), "header"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
