//! Target files: JSON or YAML in Prometheus's format of `file_sd`, a list of `{"targets": [...], "labels": {...}}`.
//!
//! As in Prometheus, the extension `.yml` or `.yaml` means YAML. Programs in Go write null for an empty value.
//!
//! Labels that begin with `__meshping_` are a target's name and options. Others that begin with `__` are left out, as in
//! Prometheus; all others are labels of the target.

use super::file::spec;
use crate::target::{Labels, OptionKey, TargetOptions, TargetSpec, Variant};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a group of targets")]
struct TargetGroup {
    #[serde(deserialize_with = "null_as_empty")]
    targets: Vec<String>,
    #[serde(default, deserialize_with = "null_as_empty")]
    labels: BTreeMap<String, String>,
}

fn null_as_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Prefix of labels that are the name or an option.
const OPTION_PREFIX: &str = "__meshping_";

/// Reads a target file; its path decides about the format.
///
/// # Errors
/// The first problem, with its group.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<TargetSpec>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    let groups = if is_yaml { yaml(text)? } else { json(text)? };
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

fn json(text: &str) -> Result<Vec<TargetGroup>, String> {
    let groups = serde_json::from_str::<Option<Vec<TargetGroup>>>(text).map_err(|error| {
        format!("{error}; write [{{\"targets\": [\"192.0.2.1\"], \"labels\": {{\"site\": \"berlin\"}}}}]")
    })?;
    Ok(groups.unwrap_or_default())
}

fn yaml(text: &str) -> Result<Vec<TargetGroup>, String> {
    // To YAML an empty file is null; here it is one that is being written.
    if text.trim().is_empty() {
        return Err("the file is empty; write [] for no targets".into());
    }
    // The limits of the library are for smaller files. Aliases stay limited, because they multiply the content.
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_events: MAX_YAML_NODES * 2, max_nodes: MAX_YAML_NODES },
    };
    let groups = serde_saphyr::from_str_with_options::<Option<Vec<TargetGroup>>>(text, options);
    let groups = groups.map_err(|error| {
        format!("{error}; write - targets: [\"192.0.2.1\"] and below it labels: {{site: berlin}}")
    })?;
    Ok(groups.unwrap_or_default())
}

/// Maximum number of texts, lists and mappings in a YAML file; 200 000 groups with three labels have 2 million.
const MAX_YAML_NODES: usize = 5_000_000;

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
    use std::fmt::Write;

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
        let targets: Vec<String> = parse(Path::new("a.json"), text).unwrap().iter().map(written).collect();
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
            let error = parse(Path::new("a.json"), text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn other_programs_write_files_that_mean_the_same() {
        let cases = [
            (
                "a.json",
                "\u{feff}[{\"targets\": [\"::1\", \"::2\"], \"labels\": {\"a\": \"b\"}}]",
                "::1 a=b, ::2 a=b",
            ),
            ("a.json", r#"[{"targets": ["::1"], "labels": null}, {"targets": null}]"#, "::1 "),
            ("a.json", "null", ""),
            ("a.yml", "- targets: ['::1', \"::2\"]\n  labels:\n    a: b\n", "::1 a=b, ::2 a=b"),
            (
                "a.yaml",
                "\u{feff}# of a program\r\n- targets:\r\n  - 192.0.2.1\r\n  labels: ~\r\n- targets:\r\n",
                "192.0.2.1 ",
            ),
            ("a.yml", r#"[{"targets": ["::1"], "labels": {"a": "b"}}]"#, "::1 a=b"),
            ("a.yml", "- &x {targets: ['::1'], labels: {a: b}}\n- *x\n", "::1 a=b, ::1 a=b"),
            (
                "a.yml",
                "- {targets: [host.example], labels: {port: 7, up: true, v: 1.50}}",
                "host.example port=7 up=true v=1.50",
            ),
            ("a.yml", "[]", ""),
            ("a.yml", "null", ""),
        ];
        for (path, text, expected) in cases {
            let written = |spec: &TargetSpec| {
                let labels: Vec<String> =
                    spec.options.labels().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{} {}", spec.host, labels.join(" "))
            };
            let targets = parse(Path::new(path), text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(targets.iter().map(written).collect::<Vec<_>>().join(", "), expected, "{text}");
        }
    }

    #[test]
    fn yaml_has_bounds_and_places() {
        let nested = format!("- targets: {}", "[".repeat(10_000));
        let mut bomb = "- &a0 {targets: ['::1']}\n".to_owned();
        for n in 1..40 {
            writeln!(bomb, "- &a{n} [*a{0}, *a{0}]", n - 1).unwrap();
        }
        let cases = [
            ("", "the file is empty"),
            ("  \n", "the file is empty"),
            ("- targets: [::1\n", "line"),
            ("- target: []\n", "line 1"),
            ("- targets: ['::1']\n  label: x\n", "line 2"),
            ("targets: []", "write - targets"),
            ("- targets: ['0.0.0.0']", "group 1: \"0.0.0.0\""),
            (&nested, ""),
            (&bomb, ""),
        ];
        for (text, reason) in cases {
            let error = parse(Path::new("a.yml"), text).unwrap_err();
            assert!(error.contains(reason) && error.len() < 1_000, "{error}");
        }
    }

    #[test]
    fn a_hundred_thousand_targets_fit_into_yaml() {
        let groups = |n: usize| {
            format!(
                "- targets: ['10.0.{}.{}']\n  labels: {{site: b, rack: '{n}'}}\n",
                n / 250 % 250,
                n % 250 + 1
            )
        };
        let text: String = (0..100_000).map(groups).collect();
        assert_eq!(parse(Path::new("a.yml"), &text).unwrap().len(), 100_000);
    }
}
