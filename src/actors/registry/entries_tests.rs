use super::origin_tests::options;
use super::tests::{TestRegistry, key};
use super::*;
use crate::target::{EntryId, HostSelector, OptionKey};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn all(world: &TestRegistry) -> Vec<Entry> {
    world.registry.entries(&EntryQuery::default())
}

fn ids(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

/// Addresses and names, in and out of order, from both origins.
fn world() -> TestRegistry {
    let mut world = TestRegistry::new();
    world.registry.set_limits(RegistryLimits { targets: 50, names: 50 });
    world.subscribe_name("up", "b.test").unwrap();
    world.subscribe_name("up", "A.test#w").unwrap();
    world.subscribe_name("second", "a.TEST").unwrap();
    world.subscribe_name("first", "a.test").unwrap();
    world.add("y", "10.0.0.2", Some("7")).unwrap();
    world.add("x", "10.0.0.2", Some("5")).unwrap();
    world.put("x", "10.0.0.2", &[(OptionKey::Ttl, "9")]);
    world.add("10.0.0.1", "10.0.0.1", None).unwrap();
    world.add("w", "10.0.0.1#w", None).unwrap();
    world.resolve("a.test", &["10.0.0.1", "10.0.0.3"]);
    world
}

const IN_ORDER: [&str; 8] = [
    "10.0.0.1 10.0.0.1",
    "10.0.0.1#w w",
    "10.0.0.2 y",
    "10.0.0.2 x",
    "A.test second",
    "A.test first",
    "A.test#w up",
    "b.test up",
];

#[test]
fn entries_are_what_was_asked_for() {
    let world = world();
    let entries = all(&world);
    assert_eq!(ids(&entries), IN_ORDER);
    let x = &entries[3];
    assert_eq!(x.origins, [Origin::Runtime, Origin::Config]);
    assert_eq!(
        (x.interval.seconds(), x.options.clone()),
        (5.0, options(&[(OptionKey::Interval, "5"), (OptionKey::Ttl, "9")]))
    );
    assert!(x.decides_interval && !entries[2].decides_interval, "x was added later");
    let targets: Vec<usize> = entries.iter().map(|entry| entry.targets).collect();
    assert_eq!(targets, [1, 1, 1, 1, 2, 2, 2, 0]);
}

#[test]
fn entries_come_in_pages_of_any_size() {
    let world = world();
    for limit in 1..=IN_ORDER.len() {
        let (mut after, mut seen): (Option<EntryId>, Vec<Entry>) = (None, Vec::new());
        loop {
            let page =
                world.registry.entries(&EntryQuery { after, limit: Some(limit), ..EntryQuery::default() });
            assert!(page.len() <= limit);
            seen.extend(page.iter().cloned());
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
        }
        assert_eq!(seen, all(&world), "{limit}");
    }
    // What has gone meanwhile is before the other names of its host.
    for (gone, expected) in [
        ("10.0.0.2 gone", 2),
        ("10.0.0.1#x gone", 2),
        ("a.test#v gone", 6),
        ("b.test gone", 7),
        ("c.test x", 8),
    ] {
        let after = Some(gone.parse().unwrap());
        let left = world.registry.entries(&EntryQuery { after, ..EntryQuery::default() });
        assert_eq!(ids(&left), IN_ORDER[expected..], "{gone}");
    }
}

#[test]
fn names_are_selected_by_name_and_host() {
    let world = world();
    let names = |name: Option<&str>, host: Option<&str>| {
        let host: Option<HostSelector> = host.map(|text| text.parse().unwrap());
        let filter = Filter { name: name.map(Into::into), host };
        ids(&world.registry.entries(&EntryQuery { filter, ..EntryQuery::names() }))
    };
    assert_eq!(names(None, None), IN_ORDER[4..]);
    assert_eq!(names(Some("up"), None), ["A.test#w up", "b.test up"]);
    assert_eq!(names(None, Some("a.test")), IN_ORDER[4..7]);
    assert_eq!(names(None, Some("a.test#w")), ["A.test#w up"]);
    assert_eq!(names(Some("first"), Some("b.test")), ["A.test first", "b.test up"]);
    assert_eq!(names(Some("y"), Some("10.0.0.2")), [""; 0]);
}

#[test]
fn an_entry_is_added_without_some_addresses() {
    let mut world = TestRegistry::new();
    let spec = |name: &str| {
        let HostVariant { host, variant } = "a.test".parse().unwrap();
        TargetSpec { name: name.into(), host, variant, options: TargetOptions::default() }
    };
    let excluded: Vec<Address> = vec!["10.0.0.2".parse().unwrap()];
    world.registry.add_excluding(&spec("x"), &excluded).unwrap();
    world.resolve("a.test", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.targets(), ["x=10.0.0.1"]);
    let changes: Vec<String> =
        world.registry.drain_changes().iter().map(|change| format!("{change:?}")).collect();
    assert!(
        changes.len() == 2 && changes[0].starts_with("Add") && changes[1].starts_with("ExcludeAddress"),
        "{changes:?}"
    );
    // The same again changes nothing, another exclusion replaces the first, and none includes all.
    let (_, changes) = world.registry.add_excluding(&spec("x"), &excluded).unwrap();
    assert_eq!(changes, []);
    let (_, changes) = world.registry.add_excluding(&spec("x"), &["10.0.0.1".parse().unwrap()]).unwrap();
    world.apply(changes);
    assert_eq!(world.targets(), ["x=10.0.0.2"]);
    let (_, changes) = world.registry.add(&spec("x")).unwrap();
    world.apply(changes);
    assert_eq!(world.targets(), ["x=10.0.0.1", "x=10.0.0.2"]);
    // It holds for this entry alone.
    let (_, changes) = world.registry.add_excluding(&spec("y"), &excluded).unwrap();
    world.apply(changes);
    world.remove(Some("x"), None);
    assert_eq!(world.targets(), ["y=10.0.0.1"]);
}

/// A change of the registry.
#[derive(Debug, Clone)]
enum Step {
    Add(&'static str, &'static str, Option<u8>, bool),
    Put(&'static str, &'static str, Option<u8>),
    RemoveName(&'static str),
    RemoveHost(&'static str),
    Resolve(&'static str, Vec<&'static str>),
}

const HOSTS: [&str; 6] = ["10.0.0.1", "10.0.0.1#w", "10.0.0.2", "a.test", "b.test", "b.test#w"];
const NAMES: [&str; 3] = ["x", "y", "z"];
const ADDRESSES: [&str; 3] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

fn step() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(&NAMES[..]);
    let host = || prop::sample::select(&HOSTS[..]);
    let interval = || prop::option::of(1..9_u8);
    let addresses = prop::sample::subsequence(&ADDRESSES[..], 0..=3);
    prop_oneof![
        4 => (name(), host(), interval(), any::<bool>()).prop_map(|(name, host, itv, ttl)| Step::Add(name, host, itv, ttl)),
        2 => (name(), host(), interval()).prop_map(|(name, host, itv)| Step::Put(name, host, itv)),
        1 => name().prop_map(Step::RemoveName),
        2 => host().prop_map(Step::RemoveHost),
        3 => (prop::sample::select(&["a.test", "b.test"][..]), addresses).prop_map(|(host, to)| Step::Resolve(host, to)),
    ]
}

fn make(world: &mut TestRegistry, step: &Step) {
    let interval = |itv: &Option<u8>| itv.map(|itv| (OptionKey::Interval, itv.to_string()));
    match step {
        Step::Add(name, host, itv, ttl) => {
            let mut given = options(&[]);
            for (key, text) in interval(itv).into_iter().chain(ttl.then(|| (OptionKey::Ttl, "7".to_owned())))
            {
                given.set(key, &text).unwrap();
            }
            world.add_with(name, host, given).unwrap();
        }
        Step::Put(name, host, itv) => {
            let given = interval(itv);
            let given: Vec<(OptionKey, &str)> =
                given.iter().map(|(key, text)| (*key, text.as_str())).collect();
            world.put(name, host, &given);
        }
        Step::RemoveName(name) => world.remove(Some(name), None),
        Step::RemoveHost(host) => world.remove(None, Some(host)),
        Step::Resolve(host, to) => {
            world.resolve(host, to);
        }
    }
}

/// What `meshpingctl export` makes of entries, carried out on an empty registry.
fn copied(entries: &[Entry]) -> TestRegistry {
    let mut copy = TestRegistry::new();
    copy.registry.set_limits(RegistryLimits { targets: 50, names: 50 });
    let deciding = entries.iter().filter(|entry| entry.decides_interval);
    for entry in entries.iter().chain(deciding) {
        let HostVariant { host, variant } = entry.id.host.clone();
        let options = TargetOptions { interval: Some(entry.interval), ..entry.options.clone() };
        let spec = TargetSpec { name: entry.id.name.clone(), host, variant, options };
        let (_, changes) = copy.registry.add_excluding(&spec, &entry.excluded).unwrap();
        copy.apply(changes);
    }
    copy
}

proptest! {
    #[test]
    fn entries_make_the_same_entries_on_an_empty_registry(steps in prop::collection::vec(step(), 0..30)) {
        let mut world = TestRegistry::new();
        world.registry.set_limits(RegistryLimits { targets: 50, names: 50 });
        for step in &steps {
            make(&mut world, step);
        }
        let entries = all(&world);
        let mut copy = copied(&entries);
        for host in ["a.test", "b.test"] {
            let addresses: Vec<String> =
                world.registry.addresses_of(&host.parse().unwrap()).iter().map(ToString::to_string).collect();
            copy.resolve(host, &addresses.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let made = all(&copy);
        prop_assert_eq!(ids(&made), ids(&entries));
        for (made, entry) in made.iter().zip(&entries) {
            let expected = TargetOptions { interval: Some(entry.interval), ..entry.options.clone() };
            prop_assert_eq!(&made.options, &expected);
            prop_assert_eq!((&made.excluded, made.targets), (&entry.excluded, entry.targets), "{}", entry.id);
        }
        let keys = |world: &TestRegistry| world.registry.targets.keys().cloned().collect::<BTreeSet<_>>();
        prop_assert_eq!(keys(&copy), keys(&world));
        for (key, target) in &world.registry.targets {
            if target.subscriptions().all(|it| it.dns_name.is_none()) {
                let copy = copy.registry.get(key).expect("the same target");
                let settings = |world: &TestRegistry, target| world.registry.ping_settings(target);
                prop_assert_eq!(settings(&world, target).interval, settings(&world, copy).interval, "{}", key);
                prop_assert_eq!(target.name(), copy.name());
            }
        }
    }
}

#[test]
fn a_target_has_all_its_names() {
    let world = world();
    let names = |text: &str| {
        let names = world.registry.get(&key(text)).unwrap().several_names();
        names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names("10.0.0.1"), ["10.0.0.1", "second", "first"]);
    assert_eq!(names("10.0.0.2"), ["y", "x"]);
    assert_eq!(names("10.0.0.1#w"), ["w", "up"]);
    assert_eq!(names("10.0.0.3#w"), [""; 0], "one name is no list");
}
