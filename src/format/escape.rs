//! Strangers' text on its way to a terminal: what could act there is shown instead of sent.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that could act on a terminal written out, as `\n`, `\u{1b}` and the like.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        // Writing to a string does not fail.
        let _ = if acts(character) {
            write!(shown, "{}", character.escape_default())
        } else {
            shown.write_char(character)
        };
    }
    Cow::Owned(shown)
}

/// Whether a terminal would do something else with it than print it: control characters (C0, DEL, C1), line and
/// paragraph separators, and the marks that turn the direction of writing.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_shown_and_the_rest_left_alone() {
        let cases = [
            ("plain, \"quoted\", C:\\", "plain, \"quoted\", C:\\"),
            ("Gerät-日本", "Gerät-日本"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("two\nlines\r\tend\u{7f}", "two\\nlines\\r\\tend\\u{7f}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{0}", "\\u{0}"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
