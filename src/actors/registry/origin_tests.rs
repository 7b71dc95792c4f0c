use super::tests::{TestRegistry, ip};
use super::*;
use crate::target::{Family, OptionKey};

fn terms(pairs: &[(OptionKey, &str)]) -> TargetOptions {
    let mut terms = TargetOptions::default();
    for &(key, text) in pairs {
        terms.set(key, text).unwrap();
    }
    terms
}

fn declared(name: &str, host: &str, pairs: &[(OptionKey, &str)]) -> TargetSpec {
    TargetSpec { name: name.into(), host: host.parse().unwrap(), options: terms(pairs) }
}

impl TestRegistry {
    fn put(&mut self, name: &str, host: &str, pairs: &[(OptionKey, &str)]) {
        self.amend(ConfigChange::Put(declared(name, host, pairs)));
    }

    fn drop(&mut self, name: &str, host: &str) {
        self.amend(ConfigChange::Drop { name: name.into(), host: host.parse().unwrap() });
    }

    fn amend(&mut self, amendment: ConfigChange) {
        let mut changes = Vec::new();
        self.registry.amend(amendment, &mut changes).unwrap();
        self.apply(changes);
    }

    fn restore(&mut self, wishes: Vec<RuntimeChange>) {
        for wish in wishes {
            let mut changes = Vec::new();
            self.registry.restore(wish, &mut changes).unwrap();
            self.apply(changes);
        }
    }

    /// What a registry that begins anew makes of a configuration and of wishes.
    fn restarted(configuration: &[(&str, &str)], wishes: &[RuntimeChange]) -> Self {
        let is_ban = |wish: &&RuntimeChange| matches!(wish, RuntimeChange::Suppress { .. });
        let mut next = Self::new();
        next.restore(wishes.iter().filter(is_ban).cloned().collect());
        for (name, host) in configuration {
            next.put(name, host, &[]);
        }
        next.restore(wishes.iter().filter(|wish| !is_ban(wish)).cloned().collect());
        next
    }

    fn interval(&self, address: &str) -> u64 {
        let entry = self.registry.get(&ip(address)).unwrap();
        self.registry.ping_settings(entry).interval.get().as_secs()
    }
}

fn want(name: &str, host: &str, pairs: &[(OptionKey, &str)]) -> RuntimeChange {
    RuntimeChange::Add(declared(name, host, pairs))
}

#[test]
fn what_the_configuration_and_somebody_live_want_goes_with_the_last_of_them() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Interval, "5")]);
    world.add("a", "10.0.0.1", None).unwrap();
    assert_eq!(world.interval("10.0.0.1"), 5);
    world.drop("a", "10.0.0.1");
    assert_eq!(world.targets(), ["a=10.0.0.1"], "somebody wants it live");
    world.put("a", "10.0.0.1", &[]);
    world.drop("b", "10.0.0.1");
    assert_eq!(world.targets(), ["a=10.0.0.1"]);
    world.remove(Some("a"), None);
    assert_eq!(world.targets(), Vec::<String>::new());
    assert_eq!(world.take_log(), ["start 10.0.0.1", "1 every 1 s", "retire 1"]);
}

#[test]
fn a_step_of_the_configuration_that_changes_nothing_does_nothing() {
    let mut world = TestRegistry::new();
    let configuration = [
        declared("a", "10.0.0.1", &[(OptionKey::Ttl, "9")]),
        declared("n", "host.example", &[(OptionKey::Interval, "5")]),
    ];
    for one in &configuration {
        world.amend(ConfigChange::Put(one.clone()));
    }
    world.resolve("host.example", &["10.0.0.2"]);
    world.take_log();
    assert_eq!(world.registry.declared(), configuration);
    for one in &configuration {
        world.amend(ConfigChange::Put(one.clone()));
    }
    assert_eq!((world.take_log(), world.registry.declared()), (Vec::<String>::new(), configuration.to_vec()));
    assert_eq!(world.registry.drain_changes(), [], "nobody wished anything live");
}

#[test]
fn the_terms_of_the_configuration_replace_its_earlier_ones_and_those_given_live_are_merged() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Interval, "5"), (OptionKey::Ttl, "9")]);
    world.put("a", "10.0.0.1", &[(OptionKey::Ttl, "9")]);
    assert_eq!(world.interval("10.0.0.1"), 1, "no interval of its own any more");
    for pairs in [&[(OptionKey::Interval, "7")][..], &[(OptionKey::Ttl, "3")]] {
        world.registry.add_address(&"a".into(), ip("10.0.0.1"), &terms(pairs)).unwrap();
    }
    let all = terms(&[(OptionKey::Interval, "7"), (OptionKey::Ttl, "3")]);
    assert_eq!(*world.registry.get(&ip("10.0.0.1")).unwrap().terms(), all);
    let wishes = [
        want("a", "10.0.0.1", &[(OptionKey::Interval, "7")]),
        want("a", "10.0.0.1", &[(OptionKey::Interval, "7"), (OptionKey::Ttl, "3")]),
    ];
    assert_eq!(world.registry.drain_changes(), wishes);
    world.put("a", "10.0.0.1", &[(OptionKey::Interval, "20")]);
    assert_eq!(world.interval("10.0.0.1"), 20, "the last given wins");
}

#[test]
fn an_option_given_later_under_another_name_does_not_bring_back_an_older_interval() {
    let mut world = TestRegistry::new();
    world.add("a", "10.0.0.1", Some("5")).unwrap();
    world.add("b", "10.0.0.1", Some("7")).unwrap();
    world.registry.add_address(&"a".into(), ip("10.0.0.1"), &terms(&[(OptionKey::Ttl, "3")])).unwrap();
    assert_eq!(world.interval("10.0.0.1"), 7);
    world.remove(Some("b"), None);
    assert_eq!(world.interval("10.0.0.1"), 5, "what is left counts");
}

#[test]
fn a_family_or_a_source_chooses_among_the_addresses_of_a_name() {
    let mut world = TestRegistry::new();
    world.put("n", "host.example", &[(OptionKey::Family, "ipv6")]);
    world.resolve("host.example", &["10.0.0.1", "2001:db8::1"]);
    assert_eq!(world.targets(), ["n=2001:db8::1"]);
    world.put("n", "host.example", &[(OptionKey::Source, "192.0.2.1")]);
    assert_eq!(world.targets(), ["n=10.0.0.1"]);
    world.put("n", "host.example", &[]);
    assert_eq!(world.targets(), ["n=10.0.0.1", "n=2001:db8::1"]);
    assert!(world.registry.targets.keys().any(|address| address.family() == Family::V6));
}

#[test]
fn new_defaults_concern_those_who_say_nothing_themselves() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[]);
    world.put("b", "10.0.0.2", &[(OptionKey::Interval, "1")]);
    world.take_log();
    let defaults = Defaults { interval: "9".parse().unwrap(), ..Defaults::default() };
    let changes = world.registry.set_defaults(defaults);
    world.apply(changes);
    assert_eq!(world.take_log(), ["1 every 9 s"]);
}

#[test]
fn what_was_wished_live_comes_back_after_a_restart() {
    let configuration = [("web", "10.0.0.1"), ("web", "10.0.0.2"), ("n", "host.example")];
    let mut world = TestRegistry::new();
    for (name, host) in configuration {
        world.put(name, host, &[]);
    }
    world.claim("m", "host.example").unwrap();
    world.add("live", "10.0.0.9", Some("3")).unwrap();
    world.add("gone", "10.0.0.8", None).unwrap();
    world.remove(Some("gone"), None);
    world.remove(None, Some("10.0.0.2"));
    world.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    world.remove(None, Some("10.0.1.1"));
    let before = world.targets();
    assert_eq!(before, ["web=10.0.0.1", "live=10.0.0.9", "n=10.0.1.2"]);

    let wishes = world.registry.drain_changes();
    let gone = |wish: &RuntimeChange| matches!(wish, RuntimeChange::Add(TargetSpec { name, .. }) | RuntimeChange::Remove { name, .. } if &**name == "gone");
    assert_eq!(wishes.iter().filter(|wish| gone(wish)).count(), 2);
    let kept: Vec<RuntimeChange> = wishes.into_iter().filter(|wish| !gone(wish)).collect();
    let mut next = TestRegistry::restarted(&configuration, &kept);
    next.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    assert_eq!(next.targets(), before);
    assert_eq!(next.interval("10.0.0.9"), 3);
    assert_eq!(next.registry.drain_changes(), [], "what comes from the store need not go there");
    next.remove(Some("n"), None);
    assert_eq!(next.targets(), ["web=10.0.0.1", "live=10.0.0.9", "m=10.0.1.2"]);
}

#[test]
fn what_is_added_after_it_was_removed_is_configured_again_and_can_be_removed_again() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Ttl, "9")]);
    world.put("n", "host.example", &[(OptionKey::Interval, "5")]);
    for _ in 0..2 {
        world.remove(Some("a"), None);
        world.remove(Some("n"), None);
        assert_eq!((world.targets().len(), world.registry.names()), (0, 0));
        world.put("a", "10.0.0.1", &[(OptionKey::Ttl, "8")]);
        assert_eq!(world.targets().len(), 0, "it stays away");
        world.add("a", "10.0.0.1", None).unwrap();
        assert_eq!(*world.registry.get(&ip("10.0.0.1")).unwrap().terms(), terms(&[(OptionKey::Ttl, "8")]));
        let claimed = world.claim("n", "host.example").unwrap();
        assert_eq!(claimed.name, NameState::New, "somebody has to follow it");
        world.resolve("host.example", &["10.0.0.2"]);
        assert_eq!(world.interval("10.0.0.2"), 5);
    }
}

#[test]
fn the_last_word_on_an_option_counts_after_a_restart_too() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Ttl, "5")]);
    world.put("n", "host.example", &[]);
    let live = terms(&[(OptionKey::Ttl, "9"), (OptionKey::Interval, "3")]);
    world.registry.add_address(&"a".into(), ip("10.0.0.1"), &live).unwrap();
    world.registry.claim(&"n".into(), &"host.example".parse().unwrap(), &live).unwrap();
    world.resolve("host.example", &["10.0.0.2", "10.0.0.3"]);
    world.remove(None, Some("10.0.0.3"));
    world.registry.drain_changes();
    for (name, host) in [("a", "10.0.0.1"), ("n", "host.example")] {
        world.put(name, host, &[(OptionKey::Ttl, "8")]);
        assert_eq!(world.registry.drain_changes(), [want(name, host, &[(OptionKey::Interval, "3")])]);
        world.put(name, host, &[(OptionKey::Ttl, "8")]);
        assert_eq!(world.registry.drain_changes(), [], "nothing new was said");
    }
    for address in ["10.0.0.1", "10.0.0.2"] {
        let all = terms(&[(OptionKey::Ttl, "8"), (OptionKey::Interval, "3")]);
        assert_eq!(*world.registry.get(&ip(address)).unwrap().terms(), all, "{address}");
    }
    assert_eq!(world.targets(), ["a=10.0.0.1", "n=10.0.0.2"], "what was excluded stays away");
}

#[test]
fn what_was_removed_live_stays_away_until_it_is_added_live_or_leaves_the_configuration() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[]);
    world.put("n", "host.example", &[]);
    world.remove(Some("a"), None);
    world.remove(Some("n"), None);
    let ban =
        |name: &str, host: &str| RuntimeChange::Suppress { name: name.into(), host: host.parse().unwrap() };
    assert_eq!(world.registry.drain_changes(), [ban("a", "10.0.0.1"), ban("n", "host.example")]);
    world.put("a", "10.0.0.1", &[]);
    world.put("n", "host.example", &[]);
    assert_eq!((world.targets().len(), world.registry.names()), (0, 0));

    world.add("a", "10.0.0.1", None).unwrap();
    let unban =
        |name: &str, host: &str| RuntimeChange::Unsuppress { name: name.into(), host: host.parse().unwrap() };
    assert_eq!(world.registry.drain_changes(), [unban("a", "10.0.0.1"), want("a", "10.0.0.1", &[])]);
    world.drop("n", "host.example");
    assert_eq!(world.registry.drain_changes(), [unban("n", "host.example")]);
    world.put("n", "host.example", &[]);
    assert_eq!(world.registry.names(), 1);
}

#[test]
fn excluded_addresses_are_wished_away_and_back() {
    let mut world = TestRegistry::new();
    world.claim("n", "host.example").unwrap();
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    world.registry.drain_changes();
    world.remove(None, Some("10.0.0.1"));
    let host: HostName = "host.example".parse().unwrap();
    let excluded =
        RuntimeChange::ExcludeAddress { name: "n".into(), host: host.clone(), address: ip("10.0.0.1") };
    assert_eq!(world.registry.drain_changes(), [excluded]);
    world.claim("n", "host.example").unwrap();
    let included = RuntimeChange::IncludeAddresses { name: "n".into(), host };
    assert_eq!(world.registry.drain_changes(), [included, want("n", "host.example", &[])]);
    assert_eq!(world.targets(), ["n=10.0.0.1", "n=10.0.0.2"]);
}

#[test]
fn a_claim_that_turns_out_to_be_none_is_forgotten() {
    let mut world = TestRegistry::new();
    world.claim("n", "host.example").unwrap();
    let host: HostName = "host.example".parse().unwrap();
    let changes = world.registry.unclaim(&"n".into(), &host);
    world.apply(changes);
    let forgotten = RuntimeChange::Remove { name: "n".into(), host: Host::Name(host) };
    assert_eq!(world.registry.drain_changes(), [want("n", "host.example", &[]), forgotten]);
}

#[test]
fn everything_that_is_wished_live_makes_a_registry_as_it_was() {
    let mut world = TestRegistry::new();
    let configuration = [("a", "10.0.0.1"), ("gone", "10.0.0.2")];
    for (name, host) in configuration {
        world.put(name, host, &[]);
    }
    world.remove(Some("gone"), None);
    world.add("first", "10.0.0.9", Some("5")).unwrap();
    world.add("second", "10.0.0.9", Some("7")).unwrap();
    world.add("first", "10.0.0.9", Some("9")).unwrap();
    world.claim("n", "host.example").unwrap();
    world.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    world.remove(None, Some("10.0.1.2"));
    let wished = world.registry.wished();
    let mut next = TestRegistry::restarted(&configuration, &wished);
    next.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    assert_eq!(next.targets(), world.targets());
    assert_eq!(next.targets(), ["a=10.0.0.1", "first=10.0.0.9", "n=10.0.1.1"]);
    assert_eq!((next.interval("10.0.0.9"), world.interval("10.0.0.9")), (9, 9));
    assert_eq!(next.registry.wished(), wished);
}
