//! Label pairs of the Prometheus text format, with their values escaped.

use crate::actors::supervisor::TargetRef;
use crate::format::escape::{EscapingWriter, Medium};
use std::fmt::{Display, Write};

/// Pairs of label and value, separated by commas.
#[derive(Debug, Clone)]
pub struct LabelPairs(String);

impl LabelPairs {
    /// Bytes that the pairs of most targets fit in without a second allocation.
    const ROOM: usize = 96;

    /// The pairs as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends a pair. `label` must be a valid label name; the value is escaped.
    #[must_use]
    pub fn with(mut self, label: &str, value: impl Display) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(label);
        self.0.push_str("=\"");
        // Writing to a string does not fail.
        let _ = write!(EscapingWriter(Medium::PrometheusLabel, &mut self.0), "{value}");
        self.0.push('"');
        self
    }

    /// Appends the label `variant` if the target has one.
    #[must_use]
    pub fn with_variant(self, target: &TargetRef) -> Self {
        match target.key.variant() {
            "" => self,
            variant => self.with(VARIANT, variant),
        }
    }

    /// Appends the variant and the target's own labels, sorted by name, without those in `taken`, which the dialect has
    /// set already: Prometheus rejects a whole scrape in which one series has a label twice.
    #[must_use]
    pub fn with_own(self, target: &TargetRef, taken: &[&str]) -> Self {
        let has_variant = !target.key.variant().is_empty();
        let is_taken = |label: &str| taken.contains(&label) || (has_variant && label == VARIANT);
        let own = target.overrides.iter().flat_map(|overrides| overrides.labels.iter());
        own.filter(|(label, _)| !is_taken(label))
            .fold(self.with_variant(target), |pairs, (label, value)| pairs.with(label, value))
    }
}

/// Name of the label that distinguishes the targets of one host.
const VARIANT: &str = "variant";

impl Default for LabelPairs {
    fn default() -> Self {
        Self(String::with_capacity(Self::ROOM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::pinger::{PingActor, Seed};
    use crate::actors::shard::ShardHandle;
    use crate::probe::scripted::ScriptedNetwork;
    use crate::target::{Interval, Labels, OptionOverrides, Timeout};
    use actix::Actor;

    #[actix::test]
    async fn a_variant_is_a_label_and_replaces_one_of_the_target() {
        let labels = |key: &str| {
            let overrides = Labels::new([("variant", "own"), ("site", "b")]).expect("labels");
            let pinger = PingActor::new(
                key.parse().expect("a key"),
                Interval::DEFAULT,
                Timeout::DEFAULT,
                Seed { phase: 0, first_number: 0 },
                ScriptedNetwork::new().engine(),
            );
            let target = TargetRef {
                key: key.parse().expect("a key"),
                name: "n".into(),
                names: Vec::new(),
                interval: Interval::DEFAULT,
                overrides: Some(OptionOverrides { labels: overrides, ..OptionOverrides::default() }.into()),
                pinger: pinger.start().downgrade(),
                shard: ShardHandle::current(),
            };
            LabelPairs::default().with_own(&target, &["site"]).as_str().to_owned()
        };
        assert_eq!(labels("::1"), r#"variant="own""#);
        assert_eq!(labels("::1#wan2"), r#"variant="wan2""#);
    }

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
