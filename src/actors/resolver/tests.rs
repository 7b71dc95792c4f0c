//! A resolver and its parent, in virtual time.

use super::*;
use crate::resolve::scripted::{LookupScript, ScriptedNames, addresses};
use futures_util::stream::{self, LocalBoxStream, StreamExt};
use std::cell::RefCell;

const TTL: Duration = Duration::from_secs(60);

/// What a parent heard, and when.
#[derive(Default, Clone)]
struct Heard {
    news: Rc<RefCell<Vec<(Instant, LookupResult)>>>,
    deaths: Rc<RefCell<Vec<ResolverDied>>>,
}

struct TestParent(Heard);

impl Actor for TestParent {
    type Context = Context<Self>;
}

impl Handler<LookupResult> for TestParent {
    type Result = ();

    fn handle(&mut self, news: LookupResult, _: &mut Self::Context) {
        self.0.news.borrow_mut().push((Instant::now(), news));
    }
}

impl Handler<ResolverDied> for TestParent {
    type Result = ();

    fn handle(&mut self, death: ResolverDied, _: &mut Self::Context) {
        self.0.deaths.borrow_mut().push(death);
    }
}

struct Fixture {
    name: HostName,
    names: Rc<ScriptedNames>,
    heard: Heard,
    resolver: Addr<ResolverActor>,
    began: Instant,
}

impl Fixture {
    fn set(scripts: impl IntoIterator<Item = LookupScript>) -> Self {
        tokio::time::pause();
        let names = Rc::new(ScriptedNames::new());
        let name: HostName = "host.example".parse().unwrap();
        names.set(&name, scripts);
        let (heard, resolver) = start(&name, names.clone());
        Self { name, names, heard, resolver, began: Instant::now() }
    }

    /// Milliseconds since the beginning at which news came, their addresses and verdict.
    fn news(&self) -> Vec<(u128, Vec<String>, LookupVerdict)> {
        let news = self.heard.news.borrow();
        let tell = |(when, news): &(Instant, LookupResult)| {
            assert_eq!((&news.name, news.generation), (&self.name, 7));
            let texts = news.addresses.iter().map(ToString::to_string).collect();
            (when.duration_since(self.began).as_millis(), texts, news.verdict)
        };
        news.iter().map(tell).collect()
    }

    fn last(&self) -> (Vec<String>, LookupVerdict) {
        self.news().pop().map(|(_, addresses, verdict)| (addresses, verdict)).expect("there are news")
    }
}

fn start(name: &HostName, resolve: Rc<dyn Resolve>) -> (Heard, Addr<ResolverActor>) {
    let heard = Heard::default();
    let listener = TestParent(heard.clone()).start();
    let parent = Parent { lookups: listener.clone().recipient(), deaths: listener.recipient() };
    (heard, ResolverActor::new(name.clone(), 7, resolve, parent).start())
}

fn v4_only(answer: FamilyAnswer) -> LookupScript {
    LookupScript::new(answer, FamilyAnswer::NoData(TTL))
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[actix::test]
async fn a_name_is_looked_up_at_once_and_then_as_its_ttl_says() {
    let stage = Fixture::set([LookupScript::new(
        addresses(60, &["192.0.2.2", "192.0.2.1"]),
        addresses(90, &["2001:db8::1"]),
    )]);
    seconds(200).await;
    let news = stage.news();
    assert_eq!(news[0].1, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    assert!(news[0].0 < 5, "{news:?}");
    let asked = stage.names.asked(&stage.name);
    assert_eq!((asked.len(), news.len()), (4, 4));
    for pair in asked.windows(2) {
        let pause = pair[1] - pair[0];
        assert!(TTL <= pause && pause <= TTL.mul_f64(1.11), "{pause:?}");
    }
}

#[actix::test]
async fn addresses_that_vanish_are_reported_until_their_grace_period_ends() {
    let (old, new) = (addresses(10, &["192.0.2.1"]), addresses(10, &["192.0.2.2"]));
    let stage = Fixture::set([v4_only(old), v4_only(new)]);
    seconds(1).await;
    assert_eq!(stage.last().0, ["192.0.2.1"]);
    seconds(22).await;
    assert_eq!(stage.last().0, ["192.0.2.1", "192.0.2.2"]);
    seconds(11).await;
    assert_eq!(stage.last().0, ["192.0.2.2"]);
}

#[actix::test]
async fn a_name_that_fails_is_tried_on_and_comes_up_later() {
    let failing = || LookupScript::new(FamilyAnswer::Failed, FamilyAnswer::Failed);
    let stage = Fixture::set([failing(), failing(), failing(), v4_only(addresses(60, &["192.0.2.1"]))]);
    seconds(1).await;
    assert_eq!(stage.last(), (vec![], LookupVerdict::ServersFail));
    seconds(16).await;
    assert_eq!(stage.last(), (vec!["192.0.2.1".to_owned()], LookupVerdict::Addresses));
}

#[actix::test]
async fn a_family_that_lets_us_wait_does_not_hold_up_the_other() {
    let slow = Duration::from_secs(8);
    let script =
        LookupScript::new(addresses(60, &["192.0.2.1"]), FamilyAnswer::Silent).after(slow, Family::V6);
    let stage = Fixture::set([script]);
    seconds(20).await;
    let (when, addresses, verdict) = stage.news().swap_remove(0);
    assert!((200..250).contains(&when), "reported after {when} ms");
    assert_eq!((addresses.len(), verdict), (1, LookupVerdict::Addresses));
    assert!(stage.news().iter().any(|&(when, ..)| (8_000..8_100).contains(&when)), "{:?}", stage.news());
}

#[actix::test]
async fn a_second_family_that_is_a_little_slower_is_waited_for() {
    let script = LookupScript::new(addresses(60, &["192.0.2.1"]), addresses(60, &["2001:db8::1"]));
    let stage = Fixture::set([script.after(Duration::from_millis(150), Family::V6)]);
    seconds(1).await;
    let news = stage.news();
    assert_eq!((news.len(), news[0].1.len()), (1, 2), "{news:?}");
}

#[actix::test]
async fn looking_up_now_brings_news_and_starts_the_ttl_again() {
    let stage =
        Fixture::set([v4_only(addresses(60, &["192.0.2.1"])), v4_only(addresses(60, &["192.0.2.2"]))]);
    seconds(50).await;
    stage.resolver.send(LookUpNow).await.unwrap();
    seconds(1).await;
    assert_eq!(stage.last().0, ["192.0.2.1", "192.0.2.2"]);
    seconds(58).await;
    assert_eq!(stage.names.asked(&stage.name).len(), 2);
    seconds(10).await;
    assert_eq!(stage.names.asked(&stage.name).len(), 3);
}

#[actix::test]
async fn looking_up_now_while_asking_does_not_ask_twice() {
    let script = v4_only(addresses(60, &["192.0.2.1"]));
    let stage = Fixture::set([script.after(Duration::from_secs(2), Family::V6)]);
    for _ in 0..10 {
        stage.resolver.send(LookUpNow).await.unwrap();
    }
    seconds(3).await;
    assert_eq!(stage.names.asked(&stage.name).len(), 1);
    assert_eq!(stage.last().1, LookupVerdict::Addresses);
}

#[actix::test]
async fn a_retired_resolver_is_not_heard_of_any_more() {
    let stage = Fixture::set([v4_only(addresses(10, &["192.0.2.1"]))]);
    seconds(1).await;
    stage.resolver.send(StopResolver).await.unwrap();
    seconds(100).await;
    assert!(!stage.resolver.connected());
    assert_eq!((stage.news().len(), stage.names.asked(&stage.name).len()), (1, 1));
    assert_eq!(*stage.heard.deaths.borrow(), []);
}

/// Breaks as soon as an answer is waited for.
struct Broken;

impl Resolve for Broken {
    fn lookup(&self, _: &HostName, _: bool) -> LocalBoxStream<'static, (Family, FamilyAnswer)> {
        stream::once(async { panic!("a fault in this test, on purpose") }).boxed_local()
    }
}

#[actix::test]
async fn a_resolver_that_dies_leaves_word() {
    let name: HostName = "host.example".parse().unwrap();
    let (heard, resolver) = start(&name, Rc::new(Broken));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!resolver.connected());
    assert_eq!(*heard.deaths.borrow(), [ResolverDied { name, generation: 7 }]);
}
