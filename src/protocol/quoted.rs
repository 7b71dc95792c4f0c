//! Strangers' text, made fit to be repeated in a message.

use std::fmt;

/// A text of a request: cut to [`Quoted::MAX`] characters, control characters and the like escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// So many characters of the text are repeated.
    pub const MAX: usize = 64;

    /// Text, shown in double quotes.
    pub fn text(text: &str) -> Self {
        let (head, more) = cut(text);
        Self(format!("{head:?}{more}"))
    }

    /// JSON that is no string, shown as it was written.
    pub fn json(json: &str) -> Self {
        let (head, more) = cut(json);
        let shown: String = head.chars().map(|c| if is_plain(c) { c } else { '?' }).collect();
        Self(shown + more)
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

fn cut(text: &str) -> (&str, &'static str) {
    match text.char_indices().nth(Quoted::MAX) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    }
}

/// Outside of strings JSON is ASCII; what is nested in an array or object may hold anything.
fn is_plain(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_short_and_harmless() {
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
