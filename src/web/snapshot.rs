//! What one scrape knows of a target: taken once, so that all its families agree.

use crate::actors::supervisor::Member;
use crate::measure::{Histogram, Totals, Wall};
use std::fmt::Write;

/// One target at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `name="…",target="…"`, escaped.
    pub labels: Box<str>,
    /// In microseconds.
    pub interval: u64,
    /// The books; the histogram has been moved to `buckets`.
    pub totals: Totals,
    /// Replies within 2^k seconds, for each k of [`Histogram::OCTAVES`].
    pub buckets: [u64; Histogram::BUCKETS],
    /// The wall-clock time of the moments in the books, and when they were asked for.
    pub wall: Wall,
}

impl Snapshot {
    /// The books of a target, as of the present of `wall`.
    pub fn new(member: &Member, mut totals: Totals, wall: Wall) -> Self {
        let histogram = std::mem::take(&mut totals.histogram);
        let interval = u64::try_from(member.interval.get().as_micros()).unwrap_or(u64::MAX);
        let labels = labels(&member.name, &member.address.to_string());
        Self { labels, interval, totals, buckets: histogram.buckets(), wall }
    }
}

fn labels(name: &str, address: &str) -> Box<str> {
    let mut labels = String::with_capacity(name.len() + address.len() + 20);
    labels.push_str("name=\"");
    escape(name, &mut labels);
    // Writing to a string does not fail.
    let _ = write!(labels, "\",target=\"{address}\"");
    labels.into_boxed_str()
}

/// Escapes a label's value: backslash, quote and line break. A NUL would end the whole exposition for
/// Prometheus' parser, so it becomes the character that stands for what can't be shown.
fn escape(value: &str, into: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => into.push_str("\\\\"),
            '"' => into.push_str("\\\""),
            '\n' => into.push_str("\\n"),
            '\0' => into.push(char::REPLACEMENT_CHARACTER),
            other => into.push(other),
        }
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
            assert_eq!(&*labels(name, "::1"), expected, "{name:?}");
        }
    }
}
