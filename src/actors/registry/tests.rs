use super::subscription::MAX_SUBSCRIPTIONS;
use super::*;

const LIMITS: RegistryLimits = RegistryLimits { targets: 5, names: 2 };

/// A registry whose handles are the numbers of starts, and what happened to them.
pub(super) struct TestRegistry {
    pub registry: Registry<u32>,
    started: u32,
    pub log: Vec<String>,
}

impl TestRegistry {
    pub(crate) fn new() -> Self {
        Self { registry: Registry::new(LIMITS, Defaults::default()), started: 0, log: Vec::new() }
    }

    pub(crate) fn apply(&mut self, changes: Vec<Change<u32>>) {
        for change in changes {
            self.log.push(match change {
                Change::Start(address) => {
                    self.started += 1;
                    self.registry.set_handle(&address, self.started);
                    format!("start {address}")
                }
                Change::Adjust(handle, ping_settings) => {
                    format!("{handle} every {} s", ping_settings.interval.seconds())
                }
                Change::Retire(_, handle) => format!("retire {handle}"),
                Change::Unfollow(name) => format!("unfollow {}", name.as_str()),
            });
        }
    }

    pub(crate) fn add(&mut self, name: &str, address: &str, interval: Option<&str>) -> Result<(), AddError> {
        let options = TargetOptions::every(interval.map(|text| text.parse().unwrap()));
        self.add_with(name, address, options)?;
        Ok(())
    }

    pub(crate) fn add_with(
        &mut self,
        name: &str,
        host: &str,
        options: TargetOptions,
    ) -> Result<Option<NameSubscribed>, AddError> {
        let HostVariant { host, variant } = host.parse().unwrap();
        let spec = TargetSpec { name: name.into(), host, variant, options };
        let (subscribed, changes) = self.registry.add(&spec)?;
        self.apply(changes);
        Ok(subscribed)
    }

    pub(crate) fn subscribe_name(&mut self, name: &str, host: &str) -> Result<NameSubscribed, AddError> {
        Ok(self.add_with(name, host, TargetOptions::default())?.expect("a DNS name"))
    }

    pub(crate) fn resolve(&mut self, host: &str, addresses: &[&str]) -> Option<AddError> {
        let addresses = addresses.iter().map(|text| ip(text)).collect();
        let (changes, rejected) = self.registry.resolved(&host.parse().unwrap(), addresses, true);
        self.apply(changes);
        rejected
    }

    pub(crate) fn remove(&mut self, name: Option<&str>, host: Option<&str>) {
        let host = host.map(|text| text.parse().unwrap());
        let changes = self.registry.remove(name.map(Into::into).as_ref(), host.as_ref());
        self.apply(changes);
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.select(&Filter::default())
    }

    fn select(&self, filter: &Filter) -> Vec<String> {
        let (chosen, total) = self.registry.select(filter, None, usize::MAX);
        assert_eq!(chosen.len(), total);
        chosen.iter().map(|(address, entry)| format!("{}={address}", entry.name())).collect()
    }

    pub(crate) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

pub(super) fn key(text: &str) -> TargetKey {
    text.parse().unwrap()
}

pub(super) fn ip(text: &str) -> Address {
    text.parse().unwrap()
}

#[test]
fn an_address_goes_with_its_last_name() {
    let mut world = TestRegistry::new();
    world.add("first", "10.0.0.1", None).unwrap();
    world.add("second", "10.0.0.1", None).unwrap();
    world.add("first", "10.0.0.1", None).unwrap();
    assert_eq!(world.take_log(), ["start 10.0.0.1"]);
    assert_eq!(world.select(&Filter { name: Some("second".into()), host: None }), ["first=10.0.0.1"]);
    world.remove(Some("first"), None);
    assert_eq!((world.take_log(), world.targets()), (vec![], vec!["second=10.0.0.1".to_owned()]));
    world.remove(Some("second"), None);
    assert_eq!(world.take_log(), ["retire 1"]);
    assert!(world.registry.by_name.is_empty());
}

#[test]
fn a_name_that_is_an_address_finds_that_one_and_the_others_called_so() {
    let mut world = TestRegistry::new();
    let called = |name: &str| Filter { name: Some(name.into()), host: None };
    world.add("10.0.0.7", "10.0.0.7", None).unwrap();
    assert!(world.registry.by_name.is_empty(), "it needs no index");
    world.add("10.0.0.7", "10.0.0.1", None).unwrap();
    world.add("::ffff:10.0.0.7", "10.0.0.7", None).unwrap();
    assert_eq!(world.select(&called("10.0.0.7")), ["10.0.0.7=10.0.0.1", "10.0.0.7=10.0.0.7"]);
    assert_eq!(world.select(&called("10.0.0.1")), Vec::<String>::new());
    world.remove(Some("10.0.0.7"), None);
    assert_eq!(world.targets(), ["::ffff:10.0.0.7=10.0.0.7"]);
    world.remove(Some("::ffff:10.0.0.7"), None);
    assert_eq!((world.targets().len(), world.registry.by_name.len()), (0, 0));
}

#[test]
fn a_removed_address_goes_with_all_its_names() {
    let mut world = TestRegistry::new();
    world.add("a", "10.0.0.1", None).unwrap();
    world.add("b", "10.0.0.1", None).unwrap();
    world.remove(None, Some("10.0.0.1"));
    assert_eq!(world.take_log(), ["start 10.0.0.1", "retire 1"]);
    assert!(world.registry.by_name.is_empty());
}

#[test]
fn the_interval_that_was_given_last_wins() {
    let mut world = TestRegistry::new();
    world.add("a", "10.0.0.1", Some("5")).unwrap();
    world.add("a", "10.0.0.1", None).unwrap();
    world.add("b", "10.0.0.1", Some("5")).unwrap();
    world.add("a", "10.0.0.1", Some("7")).unwrap();
    assert_eq!(world.take_log(), ["start 10.0.0.1", "1 every 7 s"]);
    world.add("b", "10.0.0.1", Some("9")).unwrap();
    assert_eq!((world.take_log(), world.targets()), (vec!["1 every 9 s".into()], vec!["a=10.0.0.1".into()]));
    assert_eq!(world.registry.drain_conflicts(), [], "all that was given applies");
}

#[test]
fn a_name_fans_out_and_follows_its_addresses() {
    let mut world = TestRegistry::new();
    assert_eq!(
        world.subscribe_name("N", "host.example"),
        Ok(NameSubscribed { is_new: true, name: NameState::New })
    );
    assert_eq!(
        world.subscribe_name("N", "HOST.example"),
        Ok(NameSubscribed { is_new: false, name: NameState::Unanswered })
    );
    world.resolve("host.example", &["10.0.0.2", "10.0.0.1", "2001:db8::1"]);
    assert_eq!(world.targets(), ["N=10.0.0.1", "N=10.0.0.2", "N=2001:db8::1"]);
    world.resolve("host.example", &["10.0.0.1", "10.0.0.3"]);
    assert_eq!(world.targets(), ["N=10.0.0.1", "N=10.0.0.3"]);
    world.remove(Some("N"), None);
    assert_eq!(world.take_log().last().map(String::as_str), Some("unfollow host.example"));
    assert!(
        world.targets().is_empty()
            && world.registry.by_name.is_empty()
            && world.registry.hosts_of_label.is_empty()
    );
}

#[test]
fn a_removed_address_stays_away_until_its_name_is_added_again() {
    let mut world = TestRegistry::new();
    world.subscribe_name("N", "host.example").unwrap();
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    world.remove(None, Some("10.0.0.1"));
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.targets(), ["N=10.0.0.2"]);
    world.resolve("host.example", &["10.0.0.2"]);
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.targets(), ["N=10.0.0.2"]);
    let again = world.subscribe_name("N", "host.example");
    assert_eq!(again, Ok(NameSubscribed { is_new: false, name: NameState::Resolved }));
    assert_eq!(world.targets(), ["N=10.0.0.1", "N=10.0.0.2"]);
}

#[test]
fn an_address_removed_while_the_first_answer_is_awaited_stays_away() {
    let mut world = TestRegistry::new();
    world.subscribe_name("N", "host.example").unwrap();
    world.remove(None, Some("10.0.0.1"));
    world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.targets(), ["N=10.0.0.2"]);
}

#[test]
fn two_names_of_one_host_are_two_subscriptions() {
    let mut world = TestRegistry::new();
    world.subscribe_name("A", "host.example").unwrap();
    world.resolve("host.example", &["10.0.0.1"]);
    assert_eq!(
        world.subscribe_name("B", "host.example"),
        Ok(NameSubscribed { is_new: true, name: NameState::Resolved })
    );
    world.remove(Some("A"), None);
    assert_eq!(world.targets(), ["B=10.0.0.1"]);
    world.remove(None, Some("host.example"));
    assert!(world.targets().is_empty());
    assert_eq!(world.registry.names(), 0);
}

#[test]
fn one_name_with_two_hosts_means_both() {
    let mut world = TestRegistry::new();
    world.subscribe_name("N", "one.example").unwrap();
    world.subscribe_name("N", "two.example").unwrap();
    world.add("N", "10.0.0.3", None).unwrap();
    world.resolve("one.example", &["10.0.0.1", "10.0.0.3"]);
    world.resolve("two.example", &["10.0.0.1", "10.0.0.2"]);
    assert_eq!(world.targets(), ["N=10.0.0.1", "N=10.0.0.2", "N=10.0.0.3"]);
    world.remove(None, Some("one.example"));
    assert_eq!(world.targets(), ["N=10.0.0.1", "N=10.0.0.2", "N=10.0.0.3"]);
    assert_eq!(
        world.select(&Filter { name: None, host: Some("two.example".parse().unwrap()) }),
        ["N=10.0.0.1", "N=10.0.0.2"]
    );
    world.remove(Some("N"), None);
    assert!(world.targets().is_empty());
}

#[test]
fn beyond_a_limit_nothing_is_added() {
    let mut world = TestRegistry::new();
    for last in 1..=4 {
        world.add("a", &format!("10.0.0.{last}"), None).unwrap();
    }
    world.subscribe_name("N", "host.example").unwrap();
    assert_eq!(world.resolve("host.example", &["10.0.1.1", "10.0.1.2"]), Some(AddError::TooManyTargets(5)));
    assert_eq!(world.registry.len(), 5);
    assert_eq!(world.add("b", "10.0.0.9", None), Err(AddError::TooManyTargets(5)));
    assert_eq!(world.add("b", "10.0.0.1", None), Ok(()), "no further target");
    world.subscribe_name("M", "other.example").unwrap();
    assert_eq!(world.subscribe_name("O", "third.example"), Err(AddError::TooManyNames(2)));
}

#[test]
fn pages_go_on_after_an_address_that_need_not_exist() {
    let mut world = TestRegistry::new();
    for last in [9, 10, 1] {
        world.add("a", &format!("10.0.0.{last}"), None).unwrap();
    }
    let page = |after: &str, limit| -> Vec<String> {
        let (chosen, total) = world.registry.select(&Filter::default(), Some(&key(after)), limit);
        assert_eq!(total, 3);
        chosen.iter().map(|(address, _)| address.to_string()).collect()
    };
    assert_eq!(page("10.0.0.1", 1), ["10.0.0.9"]);
    assert_eq!(page("10.0.0.5", 9), ["10.0.0.9", "10.0.0.10"]);
    assert!(page("::1", 9).is_empty());
}

#[test]
fn a_host_can_have_many_names_but_not_without_end() {
    let mut world = TestRegistry::new();
    world.subscribe_name("first", "host.example").unwrap();
    for number in 0..MAX_SUBSCRIPTIONS {
        assert_eq!(world.add(&format!("name {number}"), "10.0.0.1", None), Ok(()));
        assert!(world.subscribe_name(&format!("name {number}"), "other.example").is_ok());
    }
    let rejected = AddError::TooManyLabels(MAX_SUBSCRIPTIONS);
    assert_eq!(world.add("one more", "10.0.0.1", Some("5")), Err(rejected.clone()));
    assert_eq!(world.subscribe_name("one more", "other.example"), Err(rejected.clone()));
    assert_eq!(world.resolve("host.example", &["10.0.0.1", "10.0.0.2"]), Some(rejected));
    assert_eq!(world.add("name 0", "10.0.0.1", None), Ok(()), "it has that name already");
    assert_eq!(world.log, ["start 10.0.0.1", "start 10.0.0.2"]);
    world.remove(Some("name 0"), None);
    assert_eq!(world.add("one more", "10.0.0.1", None), Ok(()), "there is room again");
}
