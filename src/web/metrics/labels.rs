//! LabelPairs as the text format has them, escaped.

use crate::actors::supervisor::TargetRef;
use std::fmt::{self, Display, Write};

/// Pairs of label and value, with commas between them.
#[derive(Debug, Clone)]
pub struct LabelPairs(String);

impl LabelPairs {
    /// What most targets need; a scrape asks for no memory twice then.
    const ROOM: usize = 96;

    /// The pairs as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends a pair. The label's name is taken as it is, the value is escaped.
    #[must_use]
    pub fn with(mut self, label: &str, value: impl Display) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(label);
        self.0.push_str("=\"");
        // Writing to a string does not fail.
        let _ = write!(EscapedLabel(&mut self.0), "{value}");
        self.0.push('"');
        self
    }

    /// Appends a target's own labels, by name, but for those that the dialect itself has given a value: a series
    /// with the same label twice would cost the whole scrape.
    #[must_use]
    pub fn with_own(self, member: &TargetRef, taken: &[&str]) -> Self {
        let own = member.overrides.iter().flat_map(|overrides| overrides.labels.iter());
        own.filter(|(label, _)| !taken.contains(label))
            .fold(self, |pairs, (label, value)| pairs.with(label, value))
    }
}

impl Default for LabelPairs {
    fn default() -> Self {
        Self(String::with_capacity(Self::ROOM))
    }
}

/// A label's value: backslash, quote and line break are escaped. A NUL would end the whole exposition for
/// Prometheus' parser, so it becomes the character that stands for what can't be shown.
struct EscapedLabel<'a>(&'a mut String);

impl Write for EscapedLabel<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                '\0' => self.0.push(char::REPLACEMENT_CHARACTER),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_names_are_escaped_by_the_rules_of_labels() {
        let cases = [
            ("plain", r#"name="plain",target="::1""#),
            ("a\"b\\c\nd", r#"name="a\"b\\c\nd",target="::1""#),
            ("\u{1b}[31m\t", "name=\"\u{1b}[31m\t\",target=\"::1\""),
            ("\",target=\"", r#"name="\",target=\"",target="::1""#),
            ("nul\0", "name=\"nul\u{fffd}\",target=\"::1\""),
        ];
        for (name, expected) in cases {
            let labels = LabelPairs::default().with("name", name).with("target", "::1");
            assert_eq!(labels.as_str(), expected, "{name:?}");
        }
    }
}
