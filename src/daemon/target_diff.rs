//! The difference of two configurations: targets that are added, changed, removed.

use crate::actors::supervisor::{ConfigChange, Configured};
use crate::target::{HostVariant, Label, TargetSpec};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The difference between the present targets and those of another configuration.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TargetDiff {
    added: Vec<TargetSpec>,
    changed: Vec<TargetSpec>,
    removed: Vec<(Label, HostVariant)>,
    unchanged: usize,
    /// Number of configured targets that stay removed.
    suppressed: usize,
    /// Removed at runtime and no longer configured, so that the suppression ends.
    unsuppressed: Vec<(Label, HostVariant)>,
}

impl TargetDiff {
    /// The difference to `targets`. If they are `incomplete`, no suppression ends.
    pub(super) fn between(present: Configured, targets: Vec<TargetSpec>, incomplete: bool) -> Self {
        let key = |spec: &TargetSpec| (spec.name.clone(), spec.host_variant());
        let mut before: HashMap<(Label, HostVariant), _> =
            present.targets.into_iter().map(|spec| (key(&spec), spec.options)).collect();
        let mut suppressed: HashSet<(Label, HostVariant)> = present.suppressed.into_iter().collect();
        let mut difference = Self::default();
        for target in targets {
            let key = key(&target);
            if suppressed.remove(&key) {
                difference.suppressed += 1;
                continue;
            }
            match before.remove(&key) {
                None => difference.added.push(target),
                Some(options) if options == target.options => difference.unchanged += 1,
                Some(_) => difference.changed.push(target),
            }
        }
        difference.removed = before.into_keys().collect();
        difference.removed.sort_by(|(a, _), (b, _)| a.cmp(b));
        difference.unsuppressed = suppressed.into_iter().filter(|_| !incomplete).collect();
        difference
    }

    /// The changes in an order that is safe: a host that gets another name is pinged without a break, and targets are
    /// removed before others take their places.
    pub(super) fn steps(&self) -> Vec<ConfigChange> {
        let going: HashSet<&HostVariant> = self.removed.iter().map(|(_, host)| host).collect();
        let (renamed, new): (Vec<&TargetSpec>, Vec<&TargetSpec>) =
            self.added.iter().partition(|target| going.contains(&target.host_variant()));
        let first = renamed.into_iter().chain(&self.changed).cloned().map(ConfigChange::Put);
        let drop = |(name, host): &(Label, HostVariant)| ConfigChange::Drop {
            name: name.clone(),
            host: host.clone(),
        };
        let gone = self.removed.iter().chain(&self.unsuppressed).map(drop);
        first.chain(gone).chain(new.into_iter().cloned().map(ConfigChange::Put)).collect()
    }
}

/// Maximum number of names in each list of the report.
const MAX_NAMES: usize = 20;

impl fmt::Display for TargetDiff {
    /// Numbers of targets, then names of those that are added, changed, removed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (added, changed, removed) = (self.added.len(), self.changed.len(), self.removed.len());
        write!(
            f,
            "targets: {added} added, {changed} changed, {removed} removed, {} unchanged",
            self.unchanged
        )?;
        if self.suppressed > 0 {
            write!(f, ", {} stay removed because they were removed at runtime", self.suppressed)?;
        }
        let names =
            |targets: &[TargetSpec]| targets.iter().map(|it| it.name.clone()).take(MAX_NAMES).collect();
        write_names(f, "added", added, names(&self.added))?;
        write_names(f, "changed", changed, names(&self.changed))?;
        write_names(
            f,
            "removed",
            removed,
            self.removed.iter().map(|(name, _)| name.clone()).take(MAX_NAMES).collect(),
        )
    }
}

fn write_names(f: &mut fmt::Formatter<'_>, what: &str, number: usize, names: Vec<Label>) -> fmt::Result {
    if number == 0 {
        return Ok(());
    }
    write!(f, "; {what}: ")?;
    let more = number - names.len();
    for (index, name) in names.into_iter().enumerate() {
        write!(f, "{}{}", if index > 0 { ", " } else { "" }, name.escape_debug())?;
    }
    if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str, name: &str) -> TargetSpec {
        text.parse::<TargetSpec>().unwrap().with_name(name).unwrap()
    }

    fn key(text: &str, name: &str) -> (Label, HostVariant) {
        (name.into(), text.parse().unwrap())
    }

    #[test]
    fn the_report_and_the_steps_hold_only_differences() {
        let present = Configured {
            targets: ["10.0.0.1", "10.0.0.2/5", "10.0.0.3", "host.example"]
                .map(|host| spec(host, "a"))
                .to_vec(),
            suppressed: vec![key("10.0.0.8", "a"), key("10.0.0.9", "a")],
        };
        let targets = [
            ("10.0.0.1", "a"),
            ("10.0.0.2/7", "a"),
            ("10.0.0.3", "b\n"),
            ("10.0.0.4", "c"),
            ("10.0.0.8", "a"),
            ("HOST.example", "a"),
        ];
        let difference =
            TargetDiff::between(present, targets.map(|(host, name)| spec(host, name)).to_vec(), false);
        let report = "targets: 2 added, 1 changed, 1 removed, 2 unchanged, 1 stay removed because they were removed at runtime; \
                    added: b\\n, c; changed: a; removed: a";
        assert_eq!(difference.to_string(), report);
        let drop = |(name, host)| ConfigChange::Drop { name, host };
        let steps = [
            ConfigChange::Put(spec("10.0.0.3", "b\n")),
            ConfigChange::Put(spec("10.0.0.2/7", "a")),
            drop(key("10.0.0.3", "a")),
            drop(key("10.0.0.9", "a")),
            ConfigChange::Put(spec("10.0.0.4", "c")),
        ];
        assert_eq!(difference.steps(), steps);
    }

    #[test]
    fn equal_targets_take_no_step() {
        let present = Configured { targets: vec![spec("10.0.0.1/5", "a")], suppressed: Vec::new() };
        let difference = TargetDiff::between(present, vec![spec("10.0.0.1/5", "a")], false);
        assert_eq!((difference.steps(), difference.unchanged), (Vec::new(), 1));
    }

    #[test]
    fn many_names_are_cut() {
        let targets = (0..25).map(|number| spec("10.0.0.1", &format!("n{number}"))).collect();
        let report = TargetDiff::between(Configured::default(), targets, false).to_string();
        assert!(report.ends_with("n18, n19 and 5 more"), "{report}");
    }
}
