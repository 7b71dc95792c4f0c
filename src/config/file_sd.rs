//! Target files: JSON or YAML in Prometheus's format of `file_sd`, a list of `{"targets": [...], "labels": {...}}`.
//!
//! As in Prometheus, the extension `.yml` or `.yaml` means YAML. Programs in Go write null for an empty value.
//!
//! Labels that begin with `__meshping_` are a target's name and options. Others that begin with `__` are left out, as in
//! Prometheus; all others are labels of the target.

use super::file::spec;
use crate::target::{Host, HostVariant, Label, Labels, OptionKey, TargetOptions, TargetSpec, Variant};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// The content of a target file.
#[derive(Debug, Default)]
pub(super) struct TargetFile {
    /// The targets of its good groups.
    pub targets: Vec<TargetSpec>,
    /// Groups, and single hosts of groups, that cannot be used.
    pub refused: Vec<RefusedEntry>,
}

/// A group of a target file, or one of its hosts, that cannot be used.
#[derive(Debug)]
pub(super) struct RefusedEntry {
    /// The number of the group, and what is wrong.
    pub text: String,
    /// The hosts that are meant, as written.
    pub hosts: Vec<String>,
}

/// Reads a target file; its path decides about the format. A group that cannot be used does not cost the others.
///
/// # Errors
/// Why nothing of the file can be used.
pub(super) fn parse(path: &Path, text: &str) -> Result<TargetFile, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    let groups = if is_yaml { yaml(text)? } else { json(text)? };
    let mut file = TargetFile::default();
    for (index, group) in groups.into_iter().enumerate() {
        let before = file.refused.len();
        file.add(group);
        for refused in &mut file.refused[before..] {
            refused.text.insert_str(0, &format!("group {}: ", index + 1));
        }
    }
    Ok(file)
}

impl TargetFile {
    /// Adds the targets that an earlier content of the file had for the hosts of refused entries. Returns whether there
    /// were some for each of them.
    pub(super) fn keep(&mut self, earlier: &[TargetSpec]) -> bool {
        let mut by_host: HashMap<&Host, Vec<&TargetSpec>> = HashMap::new();
        for target in earlier {
            by_host.entry(&target.host).or_default().push(target);
        }
        let entry = |target: &TargetSpec| (target.name.clone(), target.host_variant());
        let mut known: HashSet<(Label, HostVariant)> = self.targets.iter().map(entry).collect();
        let mut complete = self.refused.iter().all(|refused| !refused.hosts.is_empty());
        for host in self.refused.iter().flat_map(|refused| &refused.hosts) {
            let host = host.parse::<TargetSpec>().map(|target| target.host);
            let found = host.ok().and_then(|host| by_host.get(&host));
            complete &= found.is_some();
            let found = found.into_iter().flatten().filter(|target| known.insert(entry(target)));
            self.targets.extend(found.map(|target| TargetSpec::clone(target)));
        }
        complete
    }

    fn add(&mut self, group: Result<TargetGroup, RefusedEntry>) {
        let TargetGroup { targets: hosts, labels } = match group {
            Ok(group) => group,
            Err(refused) => return self.refused.push(refused),
        };
        let GroupOptions { name, variant, options } = match options(&labels) {
            Ok(options) => options,
            Err(text) => return self.refused.push(RefusedEntry { text, hosts }),
        };
        for host in hosts {
            match spec(&host, name, variant.clone(), &options) {
                Ok(target) => self.targets.push(target),
                Err(text) => self.refused.push(RefusedEntry { text, hosts: vec![host] }),
            }
        }
    }
}

/// A group in JSON, or what is wrong with it.
#[derive(Deserialize)]
#[serde(from = "serde_json::Value")]
struct JsonGroup(Result<TargetGroup, RefusedEntry>);

impl From<serde_json::Value> for JsonGroup {
    fn from(value: serde_json::Value) -> Self {
        Self(TargetGroup::deserialize(&value).map_err(|error| {
            let hosts = value.get("targets").and_then(|hosts| hosts.as_array()).into_iter().flatten();
            let hosts = hosts.filter_map(|host| host.as_str().map(str::to_owned)).collect();
            RefusedEntry { text: error.to_string(), hosts }
        }))
    }
}

/// What the labels of a group set for its targets.
#[derive(Default)]
struct GroupOptions<'a> {
    name: Option<&'a str>,
    variant: Variant,
    options: TargetOptions,
}

type Groups = Vec<Result<TargetGroup, RefusedEntry>>;

fn json(text: &str) -> Result<Groups, String> {
    let groups = serde_json::from_str::<Option<Vec<JsonGroup>>>(text).map_err(|error| {
        format!("{error}; write [{{\"targets\": [\"192.0.2.1\"], \"labels\": {{\"site\": \"berlin\"}}}}]")
    })?;
    Ok(groups.unwrap_or_default().into_iter().map(|JsonGroup(group)| group).collect())
}

/// Reads YAML, in which a group of the wrong form makes the whole file unusable: the texts of its scalars depend on the
/// types that are wanted.
fn yaml(text: &str) -> Result<Groups, String> {
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
    Ok(groups.unwrap_or_default().into_iter().map(Ok).collect())
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
        let file = parse(Path::new("a.json"), text).unwrap();
        assert!(file.refused.is_empty(), "{:?}", file.refused);
        let targets: Vec<String> = file.targets.iter().map(written).collect();
        let expected = [
            "192.0.2.1 192.0.2.1 ttl=9 site=B",
            "host.example host.example interval=5 ttl=9 site=B",
            "six 2001:db8::1#v interval=0.5 ",
        ];
        assert_eq!(targets, expected);
    }

    #[test]
    fn a_text_of_another_format_is_an_error() {
        let cases = [("", "EOF while parsing"), ("[", "line 1 column 1"), (r#"{"targets": []}"#, "write [{")];
        for (text, reason) in cases {
            let error = parse(Path::new("a.json"), text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_wrong_entry_costs_no_other_one_and_names_its_group() {
        let cases = [
            ("5", "expected a group of targets"),
            (r#"{"target": ["x"]}"#, "unknown field `target`"),
            (r#"{"labels": {}}"#, "missing field `targets`"),
            (r#"{"targets": [5]}"#, "expected a string"),
            (r#"{"targets": ["bad"], "labels": {"port": 7}}"#, "expected a string"),
            (r#"{"targets": ["0.0.0.0"]}"#, "\"0.0.0.0\": 0.0.0.0 is the unspecified"),
            (r#"{"targets": ["bad"], "labels": {"si-te": "x"}}"#, "\"si-te\" can't be a label"),
            (r#"{"targets": ["bad"], "labels": {"__meshping_tos": "x"}}"#, "the options are __meshping_name"),
            (
                r#"{"targets": ["bad"], "labels": {"__meshping_variant": "a b"}}"#,
                "\"a b\" is not usable: a variant is",
            ),
            (r#"{"targets": ["bad"], "labels": {"__meshping_ttl": "0"}}"#, "from 1 to 255"),
            (r#"{"targets": ["::1"], "labels": {"__meshping_family": "ipv4"}}"#, "::1 is no IPv4 address"),
        ];
        let good = r#"{"targets": ["good.example"], "labels": {"name": "n", "le": "x"}}"#;
        for (entry, reason) in cases {
            for (text, group) in
                [(format!("[{good}, {entry}]"), 2), (format!("[{entry}, {good}, {good}]"), 1)]
            {
                let file = parse(Path::new("a.json"), &text).unwrap();
                assert_eq!(file.targets.len(), text.matches("good.example").count(), "{text}");
                let [refused] = &file.refused[..] else { panic!("{text}: {:?}", file.refused) };
                let place = format!("group {group}: ");
                assert!(
                    refused.text.starts_with(&place) && refused.text.contains(reason),
                    "{}",
                    refused.text
                );
            }
        }
    }

    #[test]
    fn a_wrong_host_costs_no_other_one_of_its_group() {
        for (path, text) in [
            ("a.json", r#"[{"targets": ["a", "0.0.0.0", "::1", "b b"], "labels": {"target": "x"}}]"#),
            ("a.yml", "- targets: [a, 0.0.0.0, '::1', b b]\n  labels: {target: x}\n"),
        ] {
            let file = parse(Path::new(path), text).unwrap();
            assert_eq!(file.targets.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["a", "::1"], "{path}");
            assert_eq!(file.refused.len(), 2, "{path}");
        }
    }

    #[test]
    fn the_hosts_of_a_refused_entry_keep_their_earlier_targets() {
        let file = |groups: &str| parse(Path::new("a.json"), &format!("[{groups}]")).unwrap();
        let good = r#"{"targets": ["::1", "n"], "labels": {"__meshping_ttl": "7"}}"#;
        let other = r#"{"targets": ["A.example/5", "b"], "labels": {"__meshping_name": "x"}}"#;
        let bad = r#"{"targets": ["a.example", "c", "n"], "labels": {"__meshping_ttl": "0"}}"#;
        let earlier = file(&format!("{good}, {other}")).targets;
        let mut now = file(&format!("{good}, {bad}"));
        assert!(!now.keep(&earlier), "c has none");
        let kept: Vec<String> = now.targets.iter().map(|it| format!("{} {}", it.name, it.host)).collect();
        assert_eq!(kept, ["::1 ::1", "n n", "x A.example"]);
        assert!(file(&bad.replace(r#""c", "#, "")).keep(&earlier));
        assert!(file(good).keep(&[]), "nothing is refused");
        assert!(!file(r#"{"target": ["::1"]}"#).keep(&earlier), "nobody knows what is meant");
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
            let file = parse(Path::new(path), text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(file.refused.is_empty(), "{text}: {:?}", file.refused);
            assert_eq!(file.targets.iter().map(written).collect::<Vec<_>>().join(", "), expected, "{text}");
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
        assert_eq!(parse(Path::new("a.yml"), &text).unwrap().targets.len(), 100_000);
    }
}
