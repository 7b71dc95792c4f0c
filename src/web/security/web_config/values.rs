//! Values of `http_server_config`. Each is parsed during deserialization, so that an error has line and column.

use actix_web::http::header::HeaderValue;
use serde::Deserialize;

from_text!(ContentTypeOptions, FrameOptions, HeaderText);

/// HTTP/2, which must be off: the server speaks HTTP/1.1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "bool")]
pub struct Http2;

impl TryFrom<bool> for Http2 {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Self, Self::Error> {
        if on { Err("meshping speaks HTTP/1.1 only; remove http2, or set it to false") } else { Ok(Self) }
    }
}

/// The value of a header; an empty one is not sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct HeaderText(pub HeaderValue);

impl HeaderText {
    fn parse(text: &str) -> Result<Self, String> {
        let value = HeaderValue::try_from(text);
        value.map(Self).map_err(|_| format!("{text:?} contains characters that are not allowed in a header"))
    }
}

/// The value of X-Frame-Options.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct FrameOptions(pub HeaderValue);

impl FrameOptions {
    fn parse(text: &str) -> Result<Self, String> {
        one_of(text, &["deny", "sameorigin"]).map(Self)
    }
}

/// The value of X-Content-Type-Options.
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
    value.ok_or_else(|| format!("{text:?} is not allowed here; allowed are {}", allowed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_state_what_is_allowed() {
        let message = |error: Option<String>| error.unwrap_or_default();
        let cases = [
            (message(FrameOptions::parse("allow").err()), "deny, sameorigin"),
            (message(HeaderText::parse("a\nb").err()), "header"),
        ];
        for (error, expected) in cases {
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
