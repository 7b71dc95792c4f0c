//! Target files: JSON in Prometheus's format of `file_sd`, a list of `{"targets": [...], "labels": {...}}`.
//!
//! Labels that begin with `__meshping_` are a target's name and options. Others that begin with `__` are left out, as in
//! Prometheus; all others are labels of the target.

use super::file::spec;
use crate::target::{Labels, OptionKey, TargetOptions, TargetSpec, Variant};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a group of targets")]
struct TargetGroup {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Prefix of labels that are the name or an option.
const OPTION_PREFIX: &str = "__meshping_";

/// Reads a target file.
///
/// # Errors
/// The first problem, with its group.
pub(super) fn parse(text: &str) -> Result<Vec<TargetSpec>, String> {
    let groups: Vec<TargetGroup> = serde_json::from_str(text).map_err(|error| {
        format!("{error}; write [{{\"targets\": [\"192.0.2.1\"], \"labels\": {{\"site\": \"berlin\"}}}}]")
    })?;
    let mut targets = Vec::new();
    for (index, TargetGroup { targets: hosts, labels }) in groups.iter().enumerate() {
        let place = |text: String| format!("group {}: {text}", index + 1);
        let GroupOptions { name, variant, options } = options(labels).map_err(place)?;
        for host in hosts {
            targets.push(spec(host, name, variant.clone(), &options).map_err(place)?);
        }
    }
    Ok(targets)
}

/// What the labels of a group set for its targets.
#[derive(Default)]
struct GroupOptions<'a> {
    name: Option<&'a str>,
    variant: Variant,
    options: TargetOptions,
}

/// Name, variant and options in the labels of a group.
fn options(labels: &BTreeMap<String, String>) -> Result<GroupOptions<'_>, String> {
    let GroupOptions { mut name, mut variant, mut options } = GroupOptions::default();
    for (label, value) in labels {
        match label.strip_prefix(OPTION_PREFIX) {
            Some("name") => name = Some(value.as_str()),
            Some("variant") if value.is_empty() => {}
            Some("variant") => {
                variant =
                    value.parse().map_err(|error| format!("{label} {value:?} is not usable: {error}"))?;
            }
            Some(option) => {
                let key: OptionKey = option.parse().map_err(|_| unknown(label))?;
                options.set(key, value).map_err(|error| error.to_string())?;
            }
            None => {}
        }
    }
    let own = labels.iter().filter(|(label, _)| !label.starts_with("__"));
    let own = own.map(|(label, value)| (label.as_str(), value.as_str()));
    options.set_labels(Labels::new(own).map_err(|error| error.to_string())?);
    Ok(GroupOptions { name, variant, options })
}

fn unknown(label: &str) -> String {
    let keys = OptionKey::ALL.map(|key| format!("{OPTION_PREFIX}{key}")).join(", ");
    format!("unknown label {label:?}; the options are {OPTION_PREFIX}name, {OPTION_PREFIX}variant, {keys}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_targets_with_labels_and_options() {
        let text = r#"[
            {"targets": ["192.0.2.1", "host.example/5"], "labels": {"site": "B", "__meta_x": "1", "__meshping_ttl": "9"}},
            {"targets": ["[2001:db8::1]"], "labels": {"__meshping_name": "six", "__meshping_variant": "v", "__meshping_interval": "0.5"}},
            {"targets": []}
        ]"#;
        let written = |spec: &TargetSpec| {
            let options: Vec<String> =
                spec.options.iter().map(|(key, text)| format!("{key}={text}")).collect();
            let labels: Vec<String> =
                spec.options.labels().map(|(name, text)| format!("{name}={text}")).collect();
            format!("{} {} {} {}", spec.name, spec.host_variant(), options.join(" "), labels.join(" "))
        };
        let targets: Vec<String> = parse(text).unwrap().iter().map(written).collect();
        let expected = [
            "192.0.2.1 192.0.2.1 ttl=9 site=B",
            "host.example host.example interval=5 ttl=9 site=B",
            "six 2001:db8::1#v interval=0.5 ",
        ];
        assert_eq!(targets, expected);
    }

    #[test]
    fn an_error_names_its_group() {
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
            (r#"[{"targets": ["a"], "labels": {"__meshping_tos": "x"}}]"#, "the options are __meshping_name"),
            (
                r#"[{"targets": ["a"], "labels": {"__meshping_variant": "a b"}}]"#,
                "\"a b\" is not usable: a variant is",
            ),
            (r#"[{"targets": ["a"], "labels": {"__meshping_ttl": "0"}}]"#, "from 1 to 255"),
            (r#"[{"targets": ["::1"], "labels": {"__meshping_family": "ipv4"}}]"#, "::1 is no IPv4 address"),
        ];
        for (text, reason) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
