//! Options of an entry that have no effect, because another entry for the same target has other ones.

use super::{Defaults, HostVariant, Label, OptionKey, TargetOptions};
use std::fmt;

/// Two entries for one target have different options. A target is pinged once, with the options of one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryConflict {
    /// What both entries ping.
    pub host: HostVariant,
    /// Name in the entry whose options apply.
    pub applied: Label,
    /// Name in the other entry.
    pub ignored: Label,
    /// Options and labels of the other entry that have no effect, as texts.
    pub options: Vec<String>,
}

impl EntryConflict {
    /// The conflict of an entry with the applied options of its target; `None` without a difference.
    pub fn between(
        host: impl Into<HostVariant>,
        (applied, effective): (&Label, &TargetOptions),
        (ignored, options): (&Label, &TargetOptions),
        defaults: &Defaults,
    ) -> Option<Self> {
        let options = without_effect(options, effective, defaults);
        (!options.is_empty()).then(|| Self {
            host: host.into(),
            applied: applied.clone(),
            ignored: ignored.clone(),
            options,
        })
    }
}

impl fmt::Display for EntryConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, applied, ignored, options } = self;
        let (applied, ignored, options) = (quoted(applied), quoted(ignored), options.join(", "));
        if applied == ignored {
            write!(
                f,
                "{host} occurs more than once as {applied}: the last value of each option applies, {options} of an earlier entry has no effect"
            )?;
        } else {
            write!(
                f,
                "{host} is pinged once, with the options of {applied}: {options} of {ignored} has no effect"
            )?;
        }
        f.write_str("; to ping it both ways, give one entry a variant")
    }
}

/// The options and labels of an entry that differ from the effective ones of its target. The family is no property of
/// a target: it selects addresses.
fn without_effect(entry: &TargetOptions, effective: &TargetOptions, defaults: &Defaults) -> Vec<String> {
    let default = |key: OptionKey| match key {
        OptionKey::Interval => Some(defaults.interval.to_string()),
        OptionKey::Timeout => Some(defaults.timeout.to_string()),
        _ => None,
    };
    let applied = |key: OptionKey| {
        effective.iter().find(|(other, _)| *other == key).map(|(_, text)| text).or_else(|| default(key))
    };
    let options = entry
        .iter()
        .filter(|(key, text)| *key != OptionKey::Family && applied(*key).as_ref() != Some(text))
        .map(|(key, text)| format!("{key} {text}"));
    let labels = entry
        .labels()
        .filter(|label| effective.labels().all(|other| other != *label))
        .map(|(name, value)| format!("label {name}={}", quoted(value)));
    options.chain(labels).collect()
}

/// A text in quotes, with control characters escaped, at most [`MAX_QUOTED`] characters of it.
fn quoted(text: &str) -> String {
    let start: String = text.chars().take(MAX_QUOTED).collect();
    if start.len() < text.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

const MAX_QUOTED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Labels;

    fn options(pairs: &[(OptionKey, &str)], labels: &[(&str, &str)]) -> TargetOptions {
        let mut options = TargetOptions::default();
        for &(key, text) in pairs {
            options.set(key, text).unwrap();
        }
        options.set_labels(Labels::new(labels.iter().copied()).unwrap());
        options
    }

    #[test]
    fn values_that_differ_from_the_applied_ones_have_no_effect() {
        let applied = options(&[(OptionKey::Interval, "5"), (OptionKey::Ttl, "9")], &[("site", "a")]);
        let cases = [
            (options(&[], &[]), ""),
            (options(&[(OptionKey::Interval, "5.0"), (OptionKey::Timeout, "5")], &[("site", "a")]), ""),
            (options(&[(OptionKey::Interval, "1")], &[]), "interval 1"),
            (options(&[(OptionKey::Size, "64"), (OptionKey::Ttl, "8")], &[]), "size 64, ttl 8"),
            (options(&[], &[("site", "b\n"), ("rack", "7")]), "label rack=\"7\", label site=\"b\\n\""),
            (options(&[(OptionKey::Family, "ipv6")], &[]), ""),
        ];
        for (entry, expected) in cases {
            assert_eq!(without_effect(&entry, &applied, &Defaults::default()).join(", "), expected);
        }
    }

    #[test]
    fn a_conflict_states_both_names_and_which_one_applies() {
        let conflict = |applied: &str, ignored: &str| EntryConflict {
            host: "10.0.0.1#a".parse().unwrap(),
            applied: applied.into(),
            ignored: ignored.into(),
            options: vec!["size 64".into()],
        };
        assert_eq!(
            conflict("x", "y\u{1b}").to_string(),
            "10.0.0.1#a is pinged once, with the options of \"x\": size 64 of \"y\\u{1b}\" has no effect; \
             to ping it both ways, give one entry a variant"
        );
        assert!(
            conflict("x", "x")
                .to_string()
                .starts_with("10.0.0.1#a occurs more than once as \"x\": the last value")
        );
        assert!(conflict(&"ä".repeat(200), "y").to_string().len() < 400);
    }
}
