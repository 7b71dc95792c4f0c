use super::origin_tests::options;
use super::tests::{TestRegistry, key};
use super::*;
use crate::target::{Labels, OptionKey};

#[test]
fn name_labels_and_interval_come_from_the_first_entry() {
    let mut labels = [TargetOptions::default(), TargetOptions::default()];
    for (options, site) in labels.iter_mut().zip(["x", "y"]) {
        options.set_labels(Labels::new([("site", site)]).unwrap());
    }
    let [mut x, mut y] = labels;
    x.set(OptionKey::Interval, "5").unwrap();
    y.set(OptionKey::Interval, "7").unwrap();
    y.set(OptionKey::Ttl, "3").unwrap();
    let mut world = TestRegistry::new();
    world.add_with("x", "10.0.0.1", x.clone()).unwrap();
    assert_eq!(world.registry.drain_conflicts(), []);
    world.add_with("y", "10.0.0.1", y.clone()).unwrap();
    let target = world.registry.get(&key("10.0.0.1")).unwrap();
    assert_eq!((&**target.name(), target.options()), ("x", &x));
    let conflicts: Vec<String> = world.registry.drain_conflicts().iter().map(ToString::to_string).collect();
    let text = "10.0.0.1 is pinged once, with the options of \"x\": interval 7, ttl 3, label site=\"y\" of \"y\" \
                has no effect; to ping it both ways, give one entry a variant";
    assert_eq!(conflicts, [text]);
    world.add_with("y", "10.0.0.1", TargetOptions::default()).unwrap();
    assert_eq!(world.registry.drain_conflicts(), [], "nothing new");
    world.remove(Some("x"), None);
    let target = world.registry.get(&key("10.0.0.1")).unwrap();
    assert_eq!((&**target.name(), target.options()), ("y", &y));
}

#[test]
fn an_option_given_later_under_another_name_does_not_bring_back_an_older_interval() {
    let mut world = TestRegistry::new();
    world.add("a", "10.0.0.1", Some("5")).unwrap();
    world.add("b", "10.0.0.1", Some("7")).unwrap();
    assert_eq!(world.interval("10.0.0.1"), 7);
    world.remove(Some("b"), None);
    assert_eq!(world.interval("10.0.0.1"), 5, "what is left counts");
    world.put("c", "10.0.0.1", &[(OptionKey::Interval, "9")]);
    assert_eq!(world.interval("10.0.0.1"), 5, "another entry of the configuration does not count");
    assert_eq!(world.registry.drain_conflicts().len(), 1);
    world.add_with("a", "10.0.0.1", options(&[(OptionKey::Ttl, "3")])).unwrap();
    world.add("b", "10.0.0.1", Some("8")).unwrap();
    assert_eq!(world.interval("10.0.0.1"), 5, "the first entry has other options");
    assert_eq!(world.registry.drain_conflicts().len(), 1);
}

#[test]
fn names_that_share_an_address_conflict_when_they_are_resolved() {
    let mut world = TestRegistry::new();
    world.put("x", "one.example", &[(OptionKey::Interval, "5")]);
    world.put("y", "two.example", &[(OptionKey::Interval, "7")]);
    world.resolve("two.example", &["10.0.0.1"]);
    assert_eq!(world.registry.drain_conflicts(), []);
    world.resolve("one.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!((world.targets().remove(0), world.interval("10.0.0.1")), ("y=10.0.0.1".into(), 7));
    let conflicts = world.registry.drain_conflicts();
    assert_eq!(conflicts.len(), 1);
    assert!(
        conflicts[0].to_string().contains("with the options of \"y\": interval 5 of \"x\""),
        "{}",
        conflicts[0]
    );
    world.resolve("one.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.registry.drain_conflicts(), [], "once is enough");
}

#[test]
fn variants_of_a_host_are_targets_of_their_own() {
    let mut world = TestRegistry::new();
    world.put("a", "10.0.0.1", &[(OptionKey::Size, "64")]);
    world.put("a", "10.0.0.1#large", &[(OptionKey::Size, "1400")]);
    world.add("b", "10.0.0.1#wan2", Some("5")).unwrap();
    assert_eq!(world.registry.drain_conflicts(), []);
    assert_eq!(world.targets(), ["a=10.0.0.1", "a=10.0.0.1#large", "b=10.0.0.1#wan2"]);
    assert_eq!(world.take_log(), ["start 10.0.0.1", "start 10.0.0.1#large", "start 10.0.0.1#wan2"]);
    world.remove(None, Some("10.0.0.1#large"));
    assert_eq!(world.targets(), ["a=10.0.0.1", "b=10.0.0.1#wan2"]);
    world.put("a", "10.0.0.1#large", &[]);
    assert_eq!(world.targets().len(), 2, "it stays removed");
    world.remove(None, Some("10.0.0.1"));
    assert_eq!(world.targets(), Vec::<String>::new(), "a bare address means all variants");
    world.add("a", "10.0.0.1#large", None).unwrap();
    assert_eq!(world.targets(), ["a=10.0.0.1#large"]);
}

#[test]
fn a_name_is_followed_once_for_all_its_variants() {
    let mut world = TestRegistry::new();
    world.subscribe_name("n", "host.example").unwrap();
    world.subscribe_name("n", "host.example#v").unwrap();
    assert_eq!(world.registry.names(), 1);
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    let all = ["n=10.0.0.1", "n=10.0.0.1#v", "n=10.0.0.2", "n=10.0.0.2#v"];
    assert_eq!(world.targets(), all);
    world.remove(None, Some("10.0.0.1#v"));
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.targets(), ["n=10.0.0.1", "n=10.0.0.2", "n=10.0.0.2#v"], "it stays away");
    let mut next = TestRegistry::restarted(&[], &world.registry.runtime_state());
    next.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(next.targets(), world.targets());
    world.subscribe_name("n", "host.example#v").unwrap();
    assert_eq!(world.targets(), all);
    world.resolve("host.example", &["10.0.0.2"]);
    assert_eq!(world.targets(), ["n=10.0.0.2", "n=10.0.0.2#v"]);
    world.remove(None, Some("host.example#v"));
    assert_eq!((world.targets(), world.registry.names()), (vec!["n=10.0.0.2".to_owned()], 1));
    world.remove(Some("n"), None);
    assert_eq!((world.targets().len(), world.registry.names()), (0, 0));
    assert!(world.registry.by_name.is_empty() && world.registry.hosts_of_label.is_empty());
}
