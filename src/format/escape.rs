//! Escapes text from outside (names from DHCP, DNS and requests) for the medium that shows it. Pure.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// What a text is written to. Each medium has its own characters that are not text there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A terminal or a log. Escapes what a terminal acts on: control characters (C0, DEL, C1), line and paragraph
    /// separators, and marks that change the direction of writing.
    Terminal,
    /// HTML, between tags or in a quoted attribute. Escapes markup, and what a terminal acts on.
    Html,
    /// The value of a label in the Prometheus text format. Escapes backslash, quote and line break. Prometheus' parser
    /// ends the exposition at a NUL, so U+FFFD replaces it.
    PrometheusLabel,
    /// Between double quotes in an error message: as Rust's `{:?}`.
    Quotes,
    /// JSON other than a string, in an error message. Outside of its strings JSON is ASCII, so `?` replaces the rest.
    Json,
}

impl Medium {
    /// What the medium shows instead of a character; `None` if it shows the character itself.
    #[inline]
    fn replacement(self, character: char) -> Option<Replacement> {
        match self {
            Self::Terminal => acts_on_terminal(character).then(|| Replacement::code_point(character)),
            Self::Html => match character {
                '&' => Some(Replacement::Text("&amp;")),
                '<' => Some(Replacement::Text("&lt;")),
                '>' => Some(Replacement::Text("&gt;")),
                '"' => Some(Replacement::Text("&quot;")),
                '\'' => Some(Replacement::Text("&#39;")),
                other => acts_on_terminal(other).then(|| Replacement::code_point(other)),
            },
            Self::PrometheusLabel => match character {
                '\\' => Some(Replacement::Text("\\\\")),
                '"' => Some(Replacement::Text("\\\"")),
                '\n' => Some(Replacement::Text("\\n")),
                '\0' => Some(Replacement::Text("\u{fffd}")),
                _ => None,
            },
            Self::Quotes => {
                let escaped = character.escape_debug();
                (escaped.len() > 1 && character != '\'').then_some(Replacement::Debug(escaped))
            }
            Self::Json => {
                let is_plain = character == ' ' || character.is_ascii_graphic();
                (!is_plain).then_some(Replacement::Text("?"))
            }
        }
    }
}

enum Replacement {
    Text(&'static str),
    /// `\n`, `\u{1b}`.
    CodePoint(std::char::EscapeDefault),
    /// As `CodePoint`, and `\0`, `\"`.
    Debug(std::char::EscapeDebug),
}

impl Replacement {
    fn code_point(character: char) -> Self {
        Self::CodePoint(character.escape_default())
    }
}

impl Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::CodePoint(escaped) => escaped.fmt(f),
            Self::Debug(escaped) => escaped.fmt(f),
        }
    }
}

fn acts_on_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Displays a text escaped for a medium.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub Medium, pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, self.1)
    }
}

/// Passes text on to a writer, escaped for a medium. Allocates nothing of its own.
#[derive(Debug)]
pub struct EscapingWriter<'a, W>(pub Medium, pub &'a mut W);

impl<W: Write> Write for EscapingWriter<'_, W> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(self.1, self.0, text)
    }
}

/// What lies between two escaped characters is written in one piece.
#[inline]
fn write_escaped(out: &mut impl Write, medium: Medium, text: &str) -> fmt::Result {
    let mut written = 0;
    for (at, character) in text.char_indices() {
        if let Some(replacement) = medium.replacement(character) {
            out.write_str(&text[written..at])?;
            write!(out, "{replacement}")?;
            written = at + character.len_utf8();
        }
    }
    out.write_str(&text[written..])
}

/// The text escaped for a terminal or a log.
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.contains(acts_on_terminal) {
        Cow::Owned(Escaped(Medium::Terminal, text).to_string())
    } else {
        Cow::Borrowed(text)
    }
}

/// The first `max` characters of a text, and `…` if there are more.
pub fn cut(text: &str, max: usize) -> (&str, &'static str) {
    match text.char_indices().nth(max) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Medium::{Html, Json, PrometheusLabel, Quotes, Terminal};

    #[test]
    fn each_medium_escapes_its_own_characters() {
        let cases = [
            ("plain-日本", [(Terminal, "plain-日本"), (PrometheusLabel, "plain-日本"), (Json, "plain-??")]),
            (r#""it's" \"#, [(Terminal, r#""it's" \"#), (Quotes, r#"\"it's\" \\"#), (Json, r#""it's" \"#)]),
            (
                r#""it's" \"#,
                [
                    (Html, "&quot;it&#39;s&quot; \\"),
                    (PrometheusLabel, r#"\"it's\" \\"#),
                    (Json, r#""it's" \"#),
                ],
            ),
            (
                "two\n\r\t",
                [(Terminal, "two\\n\\r\\t"), (Html, "two\\n\\r\\t"), (PrometheusLabel, "two\\n\r\t")],
            ),
            ("two\n\r\t", [(Quotes, "two\\n\\r\\t"), (Json, "two???"), (Terminal, "two\\n\\r\\t")]),
            (
                "\u{1b}[31m",
                [(Terminal, "\\u{1b}[31m"), (Html, "\\u{1b}[31m"), (PrometheusLabel, "\u{1b}[31m")],
            ),
            ("\u{1b}[31m", [(Quotes, "\\u{1b}[31m"), (Json, "?[31m"), (Terminal, "\\u{1b}[31m")]),
            (
                "\0\u{7f}",
                [(Terminal, "\\u{0}\\u{7f}"), (PrometheusLabel, "\u{fffd}\u{7f}"), (Quotes, "\\0\\u{7f}")],
            ),
            ("\u{9b}2J", [(Terminal, "\\u{9b}2J"), (Html, "\\u{9b}2J"), (Quotes, "\\u{9b}2J")]),
            ("a\u{202e}b", [(Terminal, "a\\u{202e}b"), (Html, "a\\u{202e}b"), (Json, "a?b")]),
            ("<b>&lt;", [(Terminal, "<b>&lt;"), (Html, "&lt;b&gt;&amp;lt;"), (Quotes, "<b>&lt;")]),
        ];
        for (text, expected) in cases {
            for (medium, expected) in expected {
                assert_eq!(Escaped(medium, text).to_string(), expected, "{medium:?} {text:?}");
                let mut written = String::new();
                write!(EscapingWriter(medium, &mut written), "{text}").unwrap();
                assert_eq!(written, expected, "{medium:?} {text:?}");
            }
        }
    }

    #[test]
    fn quotes_escape_as_debug_output_does() {
        for character in (0..0x3100).filter_map(char::from_u32) {
            let text = format!("a{character}");
            assert_eq!(format!("\"{}\"", Escaped(Quotes, &text)), format!("{text:?}"));
        }
    }

    #[test]
    fn text_without_special_characters_is_not_copied() {
        assert!(matches!(shown("plain, \"quoted\", C:\\"), Cow::Borrowed(_)));
        assert_eq!(shown("two\nlines"), "two\\nlines");
    }

    #[test]
    fn a_cut_text_ends_between_characters_and_is_marked() {
        assert_eq!(cut("über", 4), ("über", ""));
        assert_eq!(cut("über", 1), ("ü", "…"));
        assert_eq!(cut("", 0), ("", ""));
    }
}
