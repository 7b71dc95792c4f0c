//! Target files: JSON in Prometheus's format of `file_sd`, a list of `{"targets": [...], "labels": {...}}`.
//!
//! Labels that begin with `__meshping_` are a target's name and options, others that begin with `__` are left out,
//! as Prometheus does; all others are the target's own.

use super::file::spec;
use crate::target::{Labels, OptionKey, TargetOptions, TargetSpec};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetGroup {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// What sets a target's name or an option.
const OPTION: &str = "__meshping_";

/// Reads a target file.
///
/// # Errors
/// What is wrong first, and where.
pub(super) fn parse(text: &str) -> Result<Vec<TargetSpec>, String> {
    let groups: Vec<TargetGroup> = serde_json::from_str(text).map_err(|error| {
        format!("{error}; write [{{\"targets\": [\"192.0.2.1\"], \"labels\": {{\"site\": \"berlin\"}}}}]")
    })?;
    let mut targets = Vec::new();
    for (index, TargetGroup { targets: hosts, labels }) in groups.iter().enumerate() {
        let place = |text: String| format!("group {}: {text}", index + 1);
        let (name, terms) = terms(labels).map_err(place)?;
        for host in hosts {
            targets.push(spec(host, name, &terms).map_err(place)?);
        }
    }
    Ok(targets)
}

/// Name and terms that the labels of a group stand for.
fn terms(labels: &BTreeMap<String, String>) -> Result<(Option<&str>, TargetOptions), String> {
    let (mut name, mut terms) = (None, TargetOptions::default());
    for (label, value) in labels {
        match label.strip_prefix(OPTION) {
            Some("name") => name = Some(value.as_str()),
            Some(option) => {
                let key: OptionKey = option.parse().map_err(|_| unknown(label))?;
                terms.set(key, value).map_err(|error| error.to_string())?;
            }
            None => {}
        }
    }
    let own = labels.iter().filter(|(label, _)| !label.starts_with("__"));
    let own = own.map(|(label, value)| (label.as_str(), value.as_str()));
    terms.set_labels(Labels::new(own).map_err(|error| error.to_string())?);
    Ok((name, terms))
}

fn unknown(label: &str) -> String {
    let keys = OptionKey::ALL.map(|key| format!("{OPTION}{key}")).join(", ");
    format!("unknown label {label:?}; there are {OPTION}name, {keys}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_targets_with_labels_and_options() {
        let text = r#"[
            {"targets": ["192.0.2.1", "host.example/5"], "labels": {"site": "B", "__meta_x": "1", "__meshping_dscp": "EF"}},
            {"targets": ["[2001:db8::1]"], "labels": {"__meshping_name": "six", "__meshping_interval": "0.5"}},
            {"targets": []}
        ]"#;
        let told = |spec: &TargetSpec| {
            let options: Vec<String> =
                spec.options.iter().map(|(key, text)| format!("{key}={text}")).collect();
            let labels: Vec<String> =
                spec.options.labels().map(|(name, text)| format!("{name}={text}")).collect();
            format!("{} {} {} {}", spec.name, spec.host, options.join(" "), labels.join(" "))
        };
        let targets: Vec<String> = parse(text).unwrap().iter().map(told).collect();
        let expected = [
            "192.0.2.1 192.0.2.1 dscp=46 site=B",
            "host.example host.example interval=5 dscp=46 site=B",
            "six 2001:db8::1 interval=0.5 ",
        ];
        assert_eq!(targets, expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            ("", "EOF while parsing"),
            ("[", "line 1 column 1"),
            (r#"{"targets": []}"#, "write [{"),
            (r#"[{"target": []}]"#, "unknown field `target`"),
            (r#"[{"labels": {}}]"#, "missing field `targets`"),
            (r#"[{"targets": [5]}]"#, "expected a string"),
            (
                r#"[{"targets": []}, {"targets": ["0.0.0.0"]}]"#,
                "group 2: \"0.0.0.0\": 0.0.0.0 is the unspecified",
            ),
            (r#"[{"targets": ["a"], "labels": {"name": "x"}}]"#, "the label name is meshping's own"),
            (r#"[{"targets": ["a"], "labels": {"__meshping_tos": "x"}}]"#, "there are __meshping_name"),
            (r#"[{"targets": ["a"], "labels": {"__meshping_ttl": "0"}}]"#, "from 1 to 255"),
            (r#"[{"targets": ["::1"], "labels": {"__meshping_family": "ipv4"}}]"#, "::1 is no IPv4 address"),
        ];
        for (text, reason) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
