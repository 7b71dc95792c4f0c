//! Text of a request, shortened and escaped for an error message.

use crate::format::escape::{Escaped, Medium, cut};
use std::fmt;

/// A text of a request: cut to [`Quoted::MAX`] characters, control characters and the like escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// Maximum number of characters of the text; `…` follows where there are more.
    pub const MAX: usize = 64;

    /// Text, shown in double quotes.
    pub fn text(text: &str) -> Self {
        let (head, more) = cut(text, Self::MAX);
        Self(format!("\"{}\"{more}", Escaped(Medium::Quotes, head)))
    }

    /// JSON other than a string, shown as in the request.
    pub fn json(json: &str) -> Self {
        let (head, more) = cut(json, Self::MAX);
        Self(format!("{}{more}", Escaped(Medium::Json, head)))
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Quoted> for String {
    fn from(quoted: Quoted) -> Self {
        quoted.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_short_and_harmless() {
        let cases = [
            (Quoted::text("web"), r#""web""#),
            (Quoted::text("a\u{1b}[31m\n\"é\u{202e}"), r#""a\u{1b}[31m\n\"é\u{202e}""#),
            (Quoted::json("[1, 2]"), "[1, 2]"),
            (Quoted::json("[\n\"\u{9b}\"]"), "[?\"?\"]"),
        ];
        for (quoted, expected) in cases {
            assert_eq!(quoted.to_string(), expected);
        }
        let long = Quoted::text(&"ü".repeat(65)).to_string();
        assert_eq!(long, format!("\"{}\"…", "ü".repeat(64)));
    }
}
