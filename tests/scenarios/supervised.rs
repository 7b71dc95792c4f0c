//! The supervisor with its pingers: names and addresses, removal, replacement.

use super::{millis, seconds, timeout, until};
use actix::prelude::*;
use meshping::actors::pinger::{PingActor, Query};
use meshping::actors::registry::RegistryLimits;
use meshping::actors::shard::{Seeds, Shard};
use meshping::actors::supervisor::{
    AddError, AddTarget, Filter, GetStatus, GetTargets, RemoveTargets, Settings, Status, SupervisorActor,
    WaitUntilReady,
};
use meshping::measure::PeriodStats;
use meshping::probe::scripted::{ScriptedNetwork, ScriptedOutcome, panic_at_send, reply};
use meshping::resolve::FamilyAnswer;
use meshping::resolve::scripted::{LookupScript, ScriptedNames, addresses};
use meshping::target::{
    Address, Defaults, HostName, Interval, NewEntry, OptionKey, TargetOptions, TargetSpec, Variant,
};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// A supervisor on a network where everybody answers after 5 ms. Time is to be paused before.
struct Fixture {
    network: ScriptedNetwork,
    names: Rc<ScriptedNames>,
    supervisor: Addr<SupervisorActor>,
    began: Instant,
}

impl Fixture {
    fn new() -> Self {
        let network = ScriptedNetwork::new().elsewhere(reply(5));
        let names = Rc::new(ScriptedNames::new());
        let limits = RegistryLimits { targets: 20_000, names: 100 };
        let settings = Settings { limits, defaults: Defaults::default() };
        let shard = Shard::Local(network.engine());
        let resolve = Rc::clone(&names);
        let supervisor = SupervisorActor::new(settings, vec![shard], Seeds::new([7; 16]), resolve).start();
        Self { network, names, supervisor, began: Instant::now() }
    }

    fn host(self, host: &str, outcomes: impl IntoIterator<Item = ScriptedOutcome>) -> Self {
        Self { network: self.network.clone().host(address(host), outcomes), ..self }
    }

    fn name(self, name: &str, scripts: impl IntoIterator<Item = LookupScript>) -> Self {
        self.names.set(&host_name(name), scripts);
        self
    }

    async fn add(&self, name: &str, host: &str) -> Result<(), AddError> {
        self.supervisor.send(add(name, host, None)).await.expect("the supervisor runs").result
    }

    async fn remove(&self, name: Option<&str>, host: Option<&str>) {
        let host = host.map(|host| host.parse().expect("a host"));
        self.supervisor
            .send(RemoveTargets { name: name.map(Into::into), host })
            .await
            .expect("the supervisor runs");
    }

    /// Address, first name and interval of those whom the filter means.
    async fn roster(&self, filter: Filter) -> Vec<(String, String, Interval)> {
        let asked = GetTargets { filter, ..GetTargets::default() };
        let roster = self.supervisor.send(asked).await.expect("the supervisor runs");
        let tell = |member: &meshping::actors::supervisor::TargetRef| {
            (member.key.to_string(), member.name.to_string(), member.interval)
        };
        roster.targets.iter().map(tell).collect()
    }

    async fn addresses(&self) -> Vec<String> {
        self.roster(Filter::default()).await.into_iter().map(|(address, ..)| address).collect()
    }

    async fn called(&self, name: &str) -> Vec<String> {
        let filter = Filter { name: Some(name.into()), host: None };
        self.roster(filter).await.into_iter().map(|(address, ..)| address).collect()
    }

    async fn pinger(&self, host: &str) -> Addr<PingActor> {
        let filter = Filter { name: None, host: Some(host.parse().expect("a host")) };
        let asked = GetTargets { filter, ..GetTargets::default() };
        let roster = self.supervisor.send(asked).await.expect("the supervisor runs");
        roster.targets[0].pinger.upgrade().expect("it runs")
    }

    async fn status(&self) -> Status {
        self.supervisor.send(GetStatus).await.expect("the supervisor runs")
    }

    /// Asserts that no target is pinged any more, and that nothing is kept for any.
    async fn assert_empty(&self) {
        assert_eq!(self.addresses().await, Vec::<String>::new());
        // Who is told to retire does so in a turn of its own.
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!((self.network.targets(), self.network.scheduled()), (0, 0));
        let status = self.status().await;
        assert_eq!((status.targets, status.names, status.replaced), (0, 0, 0));
    }
}

fn add(name: &str, host: &str, interval: Option<&str>) -> AddTarget {
    AddTarget(NewEntry::from(TargetSpec {
        name: name.into(),
        host: host.parse().expect("a host"),
        variant: Variant::default(),
        options: TargetOptions::every(interval.map(seconds)),
    }))
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn host_name(text: &str) -> HostName {
    text.parse().expect("a name")
}

fn with_ttl(v4: &[&str], v6: &[&str]) -> LookupScript {
    let answer = |texts: &[&str]| match texts {
        [] => FamilyAnswer::NoData(Duration::from_secs(60)),
        texts => addresses(60, texts),
    };
    LookupScript::new(answer(v4), answer(v6))
}

#[actix::test]
async fn an_address_with_two_names_is_pinged_once_and_goes_with_the_last_of_them() {
    tokio::time::pause();
    let fixture = Fixture::new().host("192.0.2.1", [reply(5)]);
    fixture.add("first", "192.0.2.1").await.expect("there is room");
    fixture.add("second", "192.0.2.1").await.expect("there is room");
    until(fixture.began, 10_000).await;
    assert_eq!(fixture.network.requests(), 10);
    let row = ("192.0.2.1".to_owned(), "first".to_owned(), Interval::DEFAULT);
    assert_eq!(fixture.roster(Filter::default()).await, [row]);
    assert_eq!(fixture.called("second").await, ["192.0.2.1"]);

    fixture.remove(Some("first"), None).await;
    let row = ("192.0.2.1".to_owned(), "second".to_owned(), Interval::DEFAULT);
    assert_eq!(fixture.roster(Filter::default()).await, [row]);
    assert_eq!(fixture.called("first").await, Vec::<String>::new());
    let summary = fixture.pinger("192.0.2.1").await.send(Query::<PeriodStats>::new()).await.expect("it runs");
    assert_eq!(summary.replies, 10, "its statistics go on");

    fixture.remove(Some("second"), None).await;
    fixture.assert_empty().await;
}

#[actix::test]
async fn the_interval_given_last_wins_and_none_given_changes_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new().host("192.0.2.1", [reply(5)]);
    for (interval, expected) in [(Some("60"), "60"), (None, "60"), (Some("0.5"), "0.5"), (None, "0.5")] {
        let added = fixture.supervisor.send(add("name", "192.0.2.1", interval)).await.expect("it runs");
        assert_eq!(added.result, Ok(()));
        assert_eq!(fixture.roster(Filter::default()).await[0].2, seconds(expected));
    }
    until(fixture.began, 1_000).await;
    let before = fixture.network.requests();
    until(fixture.began, 11_000).await;
    assert_eq!(fixture.network.requests() - before, 20);
}

#[actix::test]
async fn a_name_is_pinged_at_each_of_its_addresses() {
    tokio::time::pause();
    let all = with_ttl(&["192.0.2.7", "192.0.2.6"], &["2001:db8::7"]);
    let fixture = Fixture::new().name("host.example", [all]);
    assert_eq!(fixture.add("my host", "host.example").await, Ok(()));
    let expected = ["192.0.2.6", "192.0.2.7", "2001:db8::7"];
    assert_eq!(fixture.addresses().await, expected, "shown by the first list after the answer");
    assert_eq!(fixture.called("my host").await, expected);
    until(fixture.began, 5_000).await;
    for host in expected {
        let summary = fixture.pinger(host).await.send(Query::<PeriodStats>::new()).await.expect("it runs");
        assert!(summary.replies >= 4 && summary.lost == 0, "{host}: {summary:?}");
    }
    fixture.remove(Some("my host"), None).await;
    fixture.assert_empty().await;
}

#[actix::test]
async fn a_name_that_does_not_exist_adds_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new();
    assert_eq!(fixture.add("nobody", "nobody.example").await, Err(AddError::NoName));
    fixture.assert_empty().await;
}

#[actix::test]
async fn a_name_without_an_answer_is_ok_after_300_ms_and_keeps_being_tried() {
    tokio::time::pause();
    let silent = LookupScript::new(FamilyAnswer::Silent, FamilyAnswer::Silent)
        .after(Duration::from_secs(4), meshping::target::Family::V4);
    let fixture = Fixture::new().name("slow.example", [silent, with_ttl(&["192.0.2.9"], &[])]);
    assert_eq!(fixture.add("slow", "slow.example").await, Ok(()));
    assert_eq!(fixture.began.elapsed().as_millis() / 10, 30);
    assert_eq!(fixture.addresses().await, Vec::<String>::new());
    assert_eq!(fixture.status().await.names, 1);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(fixture.addresses().await, ["192.0.2.9"]);
}

#[actix::test]
async fn removing_a_name_ends_it_even_while_its_first_answer_is_awaited() {
    tokio::time::pause();
    let late = with_ttl(&["192.0.2.9"], &[]).after(Duration::from_secs(2), meshping::target::Family::V4);
    let late = late.after(Duration::from_secs(2), meshping::target::Family::V6);
    let fixture = Fixture::new().name("slow.example", [late]);
    assert_eq!(fixture.add("slow", "slow.example").await, Ok(()));
    fixture.remove(Some("slow"), None).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    fixture.assert_empty().await;
}

#[actix::test]
async fn an_address_that_was_removed_stays_away_until_its_name_is_added_again() {
    tokio::time::pause();
    let both = with_ttl(&["192.0.2.1", "192.0.2.2"], &[]);
    let fixture = Fixture::new().name("host.example", [both]).host("192.0.2.1", [reply(5)]);
    fixture.add("name", "host.example").await.expect("it exists");
    fixture.remove(None, Some("192.0.2.1")).await;
    assert_eq!(fixture.addresses().await, ["192.0.2.2"]);
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert!(fixture.names.asked(&host_name("host.example")).len() > 10, "the name is still followed");
    assert_eq!(fixture.addresses().await, ["192.0.2.2"]);
    fixture.add("name", "host.example").await.expect("it exists");
    assert_eq!(fixture.addresses().await, ["192.0.2.1", "192.0.2.2"]);
}

#[actix::test]
async fn an_address_that_vanishes_from_dns_is_retired_after_a_grace_period_and_a_new_one_is_added() {
    tokio::time::pause();
    let (before, after) = (with_ttl(&["192.0.2.1"], &[]), with_ttl(&["192.0.2.2"], &[]));
    let fixture = Fixture::new().name("moving.example", [before, after]);
    fixture.add("name", "moving.example").await.expect("it exists");
    assert_eq!(fixture.addresses().await, ["192.0.2.1"]);
    until(fixture.began, 90_000).await;
    assert_eq!(fixture.addresses().await, ["192.0.2.1", "192.0.2.2"]);
    until(fixture.began, 600_000).await;
    assert_eq!(fixture.addresses().await, ["192.0.2.2"]);
    assert_eq!(fixture.network.targets(), 1);
}

#[actix::test]
async fn a_pinger_that_panics_is_replaced_and_the_others_do_not_notice() {
    tokio::time::pause();
    let outcomes = [reply(5), reply(5), panic_at_send(), reply(9)];
    let fixture = Fixture::new().host("192.0.2.1", outcomes).host("192.0.2.2", [reply(5)]);
    for host in ["192.0.2.1", "192.0.2.2"] {
        fixture.add(host, host).await.expect("there is room");
    }
    until(fixture.began, 4_500).await;
    assert_eq!(fixture.status().await.replaced, 1);
    assert_eq!(fixture.addresses().await, ["192.0.2.1", "192.0.2.2"]);
    let replaced =
        fixture.pinger("192.0.2.1").await.send(Query::<PeriodStats>::new()).await.expect("it runs");
    assert!((2..=3).contains(&replaced.replies) && replaced.lost == 0, "started again: {replaced:?}");
    let other = fixture.pinger("192.0.2.2").await.send(Query::<PeriodStats>::new()).await.expect("it runs");
    assert!(other.replies >= 4 && other.lost == 0, "{other:?}");
    let moments = fixture.network.sightings(address("192.0.2.1"));
    let sent: Vec<u64> = moments.iter().map(|sighting| millis(sighting.at)).collect();
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 500), "the grid is kept: {sent:?}");
    fixture.remove(Some("192.0.2.1"), None).await;
    fixture.remove(Some("192.0.2.2"), None).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((fixture.network.targets(), fixture.network.scheduled()), (0, 0));
}

#[actix::test]
async fn ten_thousand_targets_come_and_go_and_leave_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new();
    let hosts: Vec<String> =
        (0..10_000).map(|index| format!("10.1.{}.{}", index / 250, index % 250 + 1)).collect();
    for _ in 0..2 {
        for host in &hosts {
            let added = fixture.supervisor.send(add(host, host, Some("10"))).await.expect("it runs");
            assert_eq!(added.result, Ok(()));
        }
        fixture.supervisor.send(WaitUntilReady).await.expect("it runs");
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!((fixture.network.targets(), fixture.status().await.targets), (10_000, 10_000));
        for host in &hosts {
            fixture.remove(Some(host), None).await;
        }
        fixture.assert_empty().await;
    }
    assert!(fixture.network.requests() >= 20_000);
}

#[actix::test]
async fn the_timeout_is_that_of_the_settings() {
    tokio::time::pause();
    let fixture = Fixture::new().host("192.0.2.1", [reply(5_001)]);
    fixture.add("slow", "192.0.2.1").await.expect("there is room");
    until(fixture.began, 60_000).await;
    let summary = fixture.pinger("192.0.2.1").await.send(Query::<PeriodStats>::new()).await.expect("it runs");
    assert_eq!((summary.replies, timeout("5")), (0, Defaults::default().timeout));
    assert!((54..=55).contains(&summary.lost), "{summary:?}");
}

#[actix::test]
async fn options_of_an_add_reach_every_request_to_every_address_of_a_name() {
    tokio::time::pause();
    let hosts = ["192.0.2.1", "2001:db8::1"];
    let fixture = Fixture::new().name("a.example", [with_ttl(&hosts[..1], &hosts[1..])]);
    let fixture = hosts.iter().fold(fixture, |fixture, at| fixture.host(at, [reply(5)]));
    let with = |pairs: &[(OptionKey, &str)]| {
        let mut add = add("web", "a.example", None);
        for (key, text) in pairs {
            add.0.spec.options.set(*key, text).expect("a good value");
        }
        add
    };
    let first = with(&[(OptionKey::Size, "100"), (OptionKey::Dscp, "EF"), (OptionKey::Timeout, "2")]);
    let second = with(&[(OptionKey::Ttl, "7"), (OptionKey::Size, "200")]);
    let both = second.0.spec.options.merged_over(&first.0.spec.options);
    fixture.supervisor.send(first.clone()).await.expect("it runs").result.expect("it is added");
    until(fixture.began, 3_000).await;
    let before = hosts.map(|host| fixture.network.sightings(address(host)).len());
    fixture.supervisor.send(second).await.expect("it runs").result.expect("it is changed");
    until(fixture.began, 6_000).await;
    let packet = |options: &TargetOptions| options.overrides.as_ref().expect("there are some").packet;
    for (host, before) in hosts.into_iter().zip(before) {
        let seen = fixture.network.sightings(address(host));
        let (early, later) = seen.split_at(before);
        assert!(early.len() >= 2 && later.len() >= 2, "{seen:?}");
        assert!(early.iter().all(|sighting| sighting.packet == packet(&first.0.spec.options)), "{early:?}");
        assert!(later.iter().all(|sighting| sighting.packet == packet(&both)), "{later:?}");
    }
}
