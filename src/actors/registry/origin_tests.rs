use super::tests::{TestRegistry, ip, key};
use super::*;
use crate::target::{Family, OptionKey};

pub(super) fn options(pairs: &[(OptionKey, &str)]) -> TargetOptions {
    let mut options = TargetOptions::default();
    for &(key, text) in pairs {
        options.set(key, text).unwrap();
    }
    options
}

fn configured(name: &str, host: &str, pairs: &[(OptionKey, &str)]) -> TargetSpec {
    let HostVariant { host, variant } = host.parse().unwrap();
    TargetSpec { name: name.into(), host, variant, options: options(pairs) }
}

impl TestRegistry {
    pub(super) fn put(&mut self, name: &str, host: &str, pairs: &[(OptionKey, &str)]) {
        self.apply_change(ConfigChange::Put(configured(name, host, pairs)));
    }

    fn drop(&mut self, name: &str, host: &str) {
        self.apply_change(ConfigChange::Drop { name: name.into(), host: host.parse().unwrap() });
    }

    fn apply_change(&mut self, change: ConfigChange) {
        let mut changes = Vec::new();
        self.registry.apply_change(change, &mut changes).unwrap();
        self.apply(changes);
    }

    fn restore(&mut self, runtime_changes: Vec<RuntimeChange>) {
        for change in runtime_changes {
            let mut changes = Vec::new();
            self.registry.restore(change, &mut changes).unwrap();
            self.apply(changes);
        }
    }

    /// A registry after a restart, with a configuration and runtime changes.
    pub(super) fn restarted(configuration: &[(&str, &str)], runtime_changes: &[RuntimeChange]) -> Self {
        let is_suppression = |change: &&RuntimeChange| matches!(change, RuntimeChange::Suppress { .. });
        let mut next = Self::new();
        next.restore(runtime_changes.iter().filter(is_suppression).cloned().collect());
        for (name, host) in configuration {
            next.put(name, host, &[]);
        }
        next.restore(runtime_changes.iter().filter(|change| !is_suppression(change)).cloned().collect());
        next
    }

    pub(super) fn interval(&self, address: &str) -> u64 {
        let entry = self.registry.get(&key(address)).unwrap();
        self.registry.ping_settings(entry).interval.get().as_secs()
    }
}

fn addition(name: &str, host: &str, pairs: &[(OptionKey, &str)]) -> RuntimeChange {
    RuntimeChange::Add(configured(name, host, pairs))
}

#[test]
fn a_target_of_both_origins_goes_with_its_last_subscription() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Interval, "5")]);
    world.add("a", "10.0.0.1", None).unwrap();
    assert_eq!(world.interval("10.0.0.1"), 5);
    world.drop("a", "10.0.0.1");
    assert_eq!(world.targets(), ["a=10.0.0.1"], "one subscription is left");
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
        configured("a", "10.0.0.1", &[(OptionKey::Ttl, "9")]),
        configured("n", "host.example", &[(OptionKey::Interval, "5")]),
    ];
    for one in &configuration {
        world.apply_change(ConfigChange::Put(one.clone()));
    }
    world.resolve("host.example", &["10.0.0.2"]);
    world.take_log();
    assert_eq!(world.registry.configured(), configuration);
    for one in &configuration {
        world.apply_change(ConfigChange::Put(one.clone()));
    }
    assert_eq!(
        (world.take_log(), world.registry.configured()),
        (Vec::<String>::new(), configuration.to_vec())
    );
    assert_eq!(world.registry.drain_changes(), [], "nothing changed at runtime");
}

#[test]
fn configured_options_replace_earlier_ones_and_runtime_options_are_merged() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Interval, "5"), (OptionKey::Ttl, "9")]);
    world.put("a", "10.0.0.1", &[(OptionKey::Ttl, "9")]);
    assert_eq!(world.interval("10.0.0.1"), 1, "the default again");
    for pairs in [&[(OptionKey::Interval, "7")][..], &[(OptionKey::Ttl, "3")]] {
        world.add_with("a", "10.0.0.1", options(pairs)).unwrap();
    }
    let all = options(&[(OptionKey::Interval, "7"), (OptionKey::Ttl, "3")]);
    assert_eq!(*world.registry.get(&key("10.0.0.1")).unwrap().options(), all);
    let runtime_changes = [
        addition("a", "10.0.0.1", &[(OptionKey::Interval, "7")]),
        addition("a", "10.0.0.1", &[(OptionKey::Interval, "7"), (OptionKey::Ttl, "3")]),
    ];
    assert_eq!(world.registry.drain_changes(), runtime_changes);
    world.put("a", "10.0.0.1", &[(OptionKey::Interval, "20")]);
    assert_eq!(world.interval("10.0.0.1"), 20, "the last given wins");
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
fn runtime_changes_survive_a_restart() {
    let configuration = [("web", "10.0.0.1"), ("web", "10.0.0.2"), ("n", "host.example")];
    let mut world = TestRegistry::new();
    for (name, host) in configuration {
        world.put(name, host, &[]);
    }
    world.subscribe_name("m", "host.example").unwrap();
    world.add("live", "10.0.0.9", Some("3")).unwrap();
    world.add("gone", "10.0.0.8", None).unwrap();
    world.remove(Some("gone"), None);
    world.remove(None, Some("10.0.0.2"));
    world.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    world.remove(None, Some("10.0.1.1"));
    let before = world.targets();
    assert_eq!(before, ["web=10.0.0.1", "live=10.0.0.9", "n=10.0.1.2"]);

    let runtime_changes = world.registry.drain_changes();
    let gone = |change: &RuntimeChange| matches!(change, RuntimeChange::Add(TargetSpec { name, .. }) | RuntimeChange::Remove { name, .. } if &**name == "gone");
    assert_eq!(runtime_changes.iter().filter(|change| gone(change)).count(), 2);
    let left: Vec<RuntimeChange> = runtime_changes.into_iter().filter(|change| !gone(change)).collect();
    let mut next = TestRegistry::restarted(&configuration, &left);
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
        assert_eq!(
            *world.registry.get(&key("10.0.0.1")).unwrap().options(),
            options(&[(OptionKey::Ttl, "8")])
        );
        let subscribed = world.subscribe_name("n", "host.example").unwrap();
        assert_eq!(subscribed.name, NameState::New, "it has to be followed");
        world.resolve("host.example", &["10.0.0.2"]);
        assert_eq!(world.interval("10.0.0.2"), 5);
    }
}

#[test]
fn the_last_word_on_an_option_counts_after_a_restart_too() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Ttl, "5")]);
    world.put("n", "host.example", &[]);
    let live = options(&[(OptionKey::Ttl, "9"), (OptionKey::Interval, "3")]);
    world.add_with("a", "10.0.0.1", live.clone()).unwrap();
    world.add_with("n", "host.example", live).unwrap();
    world.resolve("host.example", &["10.0.0.2", "10.0.0.3"]);
    world.remove(None, Some("10.0.0.3"));
    world.registry.drain_changes();
    for (name, host) in [("a", "10.0.0.1"), ("n", "host.example")] {
        world.put(name, host, &[(OptionKey::Ttl, "8")]);
        assert_eq!(world.registry.drain_changes(), [addition(name, host, &[(OptionKey::Interval, "3")])]);
        world.put(name, host, &[(OptionKey::Ttl, "8")]);
        assert_eq!(world.registry.drain_changes(), [], "nothing new was said");
    }
    for address in ["10.0.0.1", "10.0.0.2"] {
        let all = options(&[(OptionKey::Ttl, "8"), (OptionKey::Interval, "3")]);
        assert_eq!(*world.registry.get(&key(address)).unwrap().options(), all, "{address}");
    }
    assert_eq!(world.targets(), ["a=10.0.0.1", "n=10.0.0.2"], "what was excluded stays away");
}

#[test]
fn a_configured_target_stays_removed_until_it_is_added_or_leaves_the_configuration() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[]);
    world.put("n", "host.example", &[]);
    world.remove(Some("a"), None);
    world.remove(Some("n"), None);
    let suppressed =
        |name: &str, host: &str| RuntimeChange::Suppress { name: name.into(), host: host.parse().unwrap() };
    assert_eq!(
        world.registry.drain_changes(),
        [suppressed("a", "10.0.0.1"), suppressed("n", "host.example")]
    );
    world.put("a", "10.0.0.1", &[]);
    world.put("n", "host.example", &[]);
    assert_eq!((world.targets().len(), world.registry.names()), (0, 0));

    world.add("a", "10.0.0.1", None).unwrap();
    let unsuppressed =
        |name: &str, host: &str| RuntimeChange::Unsuppress { name: name.into(), host: host.parse().unwrap() };
    assert_eq!(
        world.registry.drain_changes(),
        [unsuppressed("a", "10.0.0.1"), addition("a", "10.0.0.1", &[])]
    );
    world.drop("n", "host.example");
    assert_eq!(world.registry.drain_changes(), [unsuppressed("n", "host.example")]);
    world.put("n", "host.example", &[]);
    assert_eq!(world.registry.names(), 1);
}

#[test]
fn excluded_addresses_are_recorded_and_so_is_their_inclusion() {
    let mut world = TestRegistry::new();
    world.subscribe_name("n", "host.example").unwrap();
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    world.registry.drain_changes();
    world.remove(None, Some("10.0.0.1"));
    let host: NameVariant = "host.example".parse().unwrap();
    let excluded =
        RuntimeChange::ExcludeAddress { name: "n".into(), host: host.clone(), address: ip("10.0.0.1") };
    assert_eq!(world.registry.drain_changes(), [excluded]);
    world.subscribe_name("n", "host.example").unwrap();
    let included = RuntimeChange::IncludeAddresses { name: "n".into(), host };
    assert_eq!(world.registry.drain_changes(), [included, addition("n", "host.example", &[])]);
    assert_eq!(world.targets(), ["n=10.0.0.1", "n=10.0.0.2"]);
}

#[test]
fn a_subscription_to_a_name_that_does_not_exist_is_undone() {
    let mut world = TestRegistry::new();
    world.subscribe_name("n", "host.example").unwrap();
    let host: NameVariant = "host.example".parse().unwrap();
    let changes = world.registry.unsubscribe_name(&"n".into(), &host);
    world.apply(changes);
    let forgotten = RuntimeChange::Remove { name: "n".into(), host: host.into() };
    assert_eq!(world.registry.drain_changes(), [addition("n", "host.example", &[]), forgotten]);
}

#[test]
fn the_runtime_state_restores_a_registry() {
    let mut world = TestRegistry::new();
    let configuration = [("a", "10.0.0.1"), ("gone", "10.0.0.2")];
    for (name, host) in configuration {
        world.put(name, host, &[]);
    }
    world.remove(Some("gone"), None);
    world.add("first", "10.0.0.9", Some("5")).unwrap();
    world.add("second", "10.0.0.9", Some("7")).unwrap();
    world.add("first", "10.0.0.9", Some("9")).unwrap();
    world.subscribe_name("n", "host.example").unwrap();
    world.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    world.remove(None, Some("10.0.1.2"));
    let runtime_state = world.registry.runtime_state();
    let mut next = TestRegistry::restarted(&configuration, &runtime_state);
    next.resolve("host.example", &["10.0.1.1", "10.0.1.2"]);
    assert_eq!(next.targets(), world.targets());
    assert_eq!(next.targets(), ["a=10.0.0.1", "first=10.0.0.9", "n=10.0.1.1"]);
    assert_eq!((next.interval("10.0.0.9"), world.interval("10.0.0.9")), (9, 9));
    assert_eq!(next.registry.runtime_state(), runtime_state);
}
