//! Merges the entries of all sources of a configuration, and finds those that contradict each other.

use crate::target::{Defaults, EntryConflict, HostVariant, Label, Labels, OptionOverrides, TargetSpec};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The entries of a configuration, each name and host once.
pub(super) struct MergedTargets {
    /// The entries, in the order of their first occurrence.
    pub targets: Vec<TargetSpec>,
    /// Number of entries that occur more than once.
    pub repeated: usize,
    /// Entries of one name and host whose options differ, before they were merged.
    overridden: Vec<EntryConflict>,
}

impl MergedTargets {
    /// Merges entries with the same name, host and variant; later options override earlier ones.
    pub(super) fn new(targets: Vec<TargetSpec>) -> Self {
        let all = targets.len();
        let mut places: HashMap<(Label, HostVariant), usize> = HashMap::with_capacity(all);
        let mut merged: Vec<TargetSpec> = Vec::with_capacity(all);
        let mut overridden = Vec::new();
        for target in targets {
            match places.entry((target.name.clone(), target.host_variant())) {
                Entry::Vacant(place) => {
                    place.insert(merged.len());
                    merged.push(target);
                }
                Entry::Occupied(place) => {
                    let earlier = &mut merged[*place.get()];
                    let options = target.options.merged_over(&earlier.options);
                    let [name, host] = [&target.name, &earlier.name];
                    overridden.extend(EntryConflict::between(
                        target.host_variant(),
                        (name, &options),
                        (host, &earlier.options),
                        &Defaults::default(),
                    ));
                    earlier.options = options;
                }
            }
        }
        share_options(&mut merged);
        let repeated = all - merged.len();
        Self { targets: merged, repeated, overridden }
    }

    /// Options that have no effect, because another entry for the same target has other ones.
    pub(super) fn conflicts(&self, defaults: &Defaults) -> Vec<EntryConflict> {
        let mut conflicts = self.overridden.clone();
        let mut first_entries: HashMap<HostVariant, &TargetSpec> = HashMap::with_capacity(self.targets.len());
        for target in &self.targets {
            let first = *first_entries.entry(target.host_variant()).or_insert(target);
            if first.name != target.name {
                conflicts.extend(EntryConflict::between(
                    target.host_variant(),
                    (&first.name, &first.options),
                    (&target.name, &target.options),
                    defaults,
                ));
            }
        }
        conflicts
    }

    /// A text for each label that meshping's own metrics leave out.
    pub(super) fn reserved_labels(&self) -> Vec<String> {
        let text = |reserved| reserved_label(reserved, &self.targets);
        Labels::RESERVED.into_iter().filter_map(text).collect()
    }
}

/// The text about the targets with a label of this name; `None` without any.
fn reserved_label(reserved: &str, targets: &[TargetSpec]) -> Option<String> {
    let has = |target: &&TargetSpec| target.options.labels().any(|(label, _)| label == reserved);
    let mut with = targets.iter().filter(has);
    let first = with.next()?;
    let more = match with.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let name = &*first.name;
    Some(format!(
        "the label {reserved} of {name:?}{more} is left out of meshping's own metrics, which use that name"
    ))
}

/// Makes targets with equal options share them: often all targets of a file have the same.
fn share_options(targets: &mut [TargetSpec]) {
    let mut known: HashSet<Arc<OptionOverrides>> = HashSet::new();
    for overrides in targets.iter_mut().filter_map(|target| target.options.overrides.as_mut()) {
        match known.get(overrides) {
            Some(same) => *overrides = Arc::clone(same),
            None => drop(known.insert(Arc::clone(overrides))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::target::{OptionKey, TargetOptions};

    fn entry(name: &str, host: &str, options: &[(OptionKey, &str)]) -> TargetSpec {
        let HostVariant { host, variant } = host.parse().unwrap();
        let mut spec = TargetSpec { name: name.into(), host, variant, options: TargetOptions::default() };
        for &(key, text) in options {
            spec.options.set(key, text).unwrap();
        }
        spec
    }

    #[test]
    fn conflicts_name_both_entries_and_targets_are_counted_once() {
        let (small, large) = ([(OptionKey::Size, "64")], [(OptionKey::Size, "1400")]);
        let cases = [
            (
                "two names",
                vec![entry("a", "10.0.0.1", &small), entry("b", "10.0.0.1", &large)],
                1,
                vec!["10.0.0.1 is pinged once, with the options of \"a\": size 1400 of \"b\" has no effect"],
            ),
            (
                "two variants",
                vec![entry("a", "10.0.0.1", &small), entry("a", "10.0.0.1#l", &large)],
                2,
                vec![],
            ),
            (
                "equal options",
                vec![entry("a", "10.0.0.1", &small), entry("b", "10.0.0.1", &small)],
                1,
                vec![],
            ),
            (
                "nothing of its own",
                vec![entry("a", "10.0.0.1", &small), entry("b", "10.0.0.1", &[])],
                1,
                vec![],
            ),
            (
                "one name twice",
                vec![entry("a", "n.example", &small), entry("a", "N.example", &large)],
                1,
                vec![
                    "n.example occurs more than once as \"a\": the last value of each option applies, size 64",
                ],
            ),
            (
                "the default",
                vec![entry("a", "10.0.0.1", &[]), entry("b", "10.0.0.1", &[(OptionKey::Interval, "1")])],
                1,
                vec![],
            ),
        ];
        for (case, entries, targets, expected) in cases {
            let merged = MergedTargets::new(entries);
            let conflicts = merged.conflicts(&Defaults::default());
            let config = Config { targets: merged.targets, ..Config::default() };
            assert_eq!(config.target_count(), targets, "{case}");
            let texts: Vec<String> = conflicts.iter().map(|it| it.to_string().to_lowercase()).collect();
            assert_eq!(texts.len(), expected.len(), "{case}: {texts:?}");
            for (text, beginning) in texts.iter().zip(expected) {
                assert!(text.starts_with(beginning), "{case}: {text}");
            }
        }
    }
}
