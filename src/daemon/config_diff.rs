//! What another configuration changes: which targets it adds, changes, removes.

use crate::actors::supervisor::{ConfigChange, Configured};
use crate::target::{Host, Label, TargetSpec};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The difference between what is wanted at present and what is to be.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ConfigDiff {
    added: Vec<TargetSpec>,
    changed: Vec<TargetSpec>,
    removed: Vec<(Label, Host)>,
    unchanged: usize,
    /// Wanted, and removed live: they stay away.
    kept_away: usize,
    /// Removed live, and not wanted any more: nothing is to be kept away.
    lifted: Vec<(Label, Host)>,
}

impl ConfigDiff {
    /// What `wanted` changes. If it is `incomplete`, what was removed live stays away, be it wanted or not.
    pub(super) fn between(present: Configured, wanted: Vec<TargetSpec>, incomplete: bool) -> Self {
        let mut before: HashMap<(Label, Host), _> =
            present.declared.into_iter().map(|it| ((it.name, it.host), it.options)).collect();
        let mut banned: HashSet<(Label, Host)> = present.banned.into_iter().collect();
        let mut difference = Self::default();
        for TargetSpec { name, host, options } in wanted {
            let key = (name, host);
            if banned.remove(&key) {
                difference.kept_away += 1;
                continue;
            }
            let known = before.remove(&key);
            let declared = TargetSpec { name: key.0, host: key.1, options };
            match known {
                None => difference.added.push(declared),
                Some(options) if options == declared.options => difference.unchanged += 1,
                Some(_) => difference.changed.push(declared),
            }
        }
        difference.removed = before.into_keys().collect();
        difference.removed.sort_by(|(a, _), (b, _)| a.cmp(b));
        difference.lifted = banned.into_iter().filter(|_| !incomplete).collect();
        difference
    }

    /// The steps that lead there. A host that only gets another name is not without one in between, and what goes
    /// makes room for what comes.
    pub(super) fn steps(&self) -> Vec<ConfigChange> {
        let going: HashSet<&Host> = self.removed.iter().map(|(_, host)| host).collect();
        let (renamed, new): (Vec<&TargetSpec>, Vec<&TargetSpec>) =
            self.added.iter().partition(|declared| going.contains(&declared.host));
        let first = renamed.into_iter().chain(&self.changed).cloned().map(ConfigChange::Put);
        let drop =
            |(name, host): &(Label, Host)| ConfigChange::Drop { name: name.clone(), host: host.clone() };
        let gone = self.removed.iter().chain(&self.lifted).map(drop);
        first.chain(gone).chain(new.into_iter().cloned().map(ConfigChange::Put)).collect()
    }
}

/// So many are told by their names.
const TOLD: usize = 20;

impl fmt::Display for ConfigDiff {
    /// Numbers, and behind them names: what was added, changed, removed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (added, changed, removed) = (self.added.len(), self.changed.len(), self.removed.len());
        write!(
            f,
            "targets: {added} added, {changed} changed, {removed} removed, {} unchanged",
            self.unchanged
        )?;
        if self.kept_away > 0 {
            write!(f, ", {} kept away because they were removed live", self.kept_away)?;
        }
        let names = |declared: &[TargetSpec]| declared.iter().map(|it| it.name.clone()).take(TOLD).collect();
        tell(f, "added", added, names(&self.added))?;
        tell(f, "changed", changed, names(&self.changed))?;
        tell(f, "removed", removed, self.removed.iter().map(|(name, _)| name.clone()).take(TOLD).collect())
    }
}

fn tell(f: &mut fmt::Formatter<'_>, what: &str, number: usize, names: Vec<Label>) -> fmt::Result {
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

    fn key(text: &str, name: &str) -> (Label, Host) {
        (name.into(), text.parse().unwrap())
    }

    #[test]
    fn only_what_differs_is_done_and_told() {
        let present = Configured {
            declared: ["10.0.0.1", "10.0.0.2/5", "10.0.0.3", "host.example"]
                .map(|host| spec(host, "a"))
                .to_vec(),
            banned: vec![key("10.0.0.8", "a"), key("10.0.0.9", "a")],
        };
        let wanted = [
            ("10.0.0.1", "a"),
            ("10.0.0.2/7", "a"),
            ("10.0.0.3", "b\n"),
            ("10.0.0.4", "c"),
            ("10.0.0.8", "a"),
            ("HOST.example", "a"),
        ];
        let difference =
            ConfigDiff::between(present, wanted.map(|(host, name)| spec(host, name)).to_vec(), false);
        let told = "targets: 2 added, 1 changed, 1 removed, 2 unchanged, 1 kept away because they were removed live; \
                    added: b\\n, c; changed: a; removed: a";
        assert_eq!(difference.to_string(), told);
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
    fn what_is_the_same_takes_no_step() {
        let present = Configured { declared: vec![spec("10.0.0.1/5", "a")], banned: Vec::new() };
        let difference = ConfigDiff::between(present, vec![spec("10.0.0.1/5", "a")], false);
        assert_eq!((difference.steps(), difference.unchanged), (Vec::new(), 1));
    }

    #[test]
    fn many_names_are_cut() {
        let wanted = (0..25).map(|number| spec("10.0.0.1", &format!("n{number}"))).collect();
        let told = ConfigDiff::between(Configured::default(), wanted, false).to_string();
        assert!(told.ends_with("n18, n19 and 5 more"), "{told}");
    }
}
