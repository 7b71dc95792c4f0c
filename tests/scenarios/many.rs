//! Many targets, and what is left of them when they go.

use super::{Fixture, host, seconds, seed, timeout, until};
use actix::prelude::*;
use meshping::actors::pinger::{DeathNotice, LifetimeReport, PingActor, PingerDied, Query, Seed, StopPinger};
use meshping::measure::PeriodStats;
use meshping::probe::scripted::{ScriptedNetwork, panic_at_send, reply, silence};
use meshping::target::Address;
use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// The `index`-th address of 10.0.0.0/8.
fn address(index: u32) -> Address {
    let ip = Ipv4Addr::from(0x0a00_0001 + index);
    std::net::IpAddr::from(ip).try_into().expect("a host")
}

#[actix::test]
async fn an_hour_of_a_thousand_targets_is_counted_to_the_last_request() {
    tokio::time::pause();
    let mut network = ScriptedNetwork::new().elsewhere(reply(12));
    for index in 0..10 {
        network = network.host(address(index), [reply(7), silence(), reply(6_000), reply(9).and(reply(10))]);
    }
    let began = Instant::now();
    let start = |index: u32| {
        // On 64 points of the interval: targets that share a wake-up make the test faster.
        let seed = Seed { phase: (index % 64) << 26, first_number: index };
        PingActor::new(address(index).into(), seconds("10"), timeout("5"), seed, network.engine()).start()
    };
    let pingers: Vec<_> = (0..1_000).map(start).collect();
    // Just before the first ones begin the next hour.
    until(began, 3_599_990).await;
    for (index, pinger) in (0..1_000).zip(pingers) {
        let LifetimeReport { totals, .. } =
            pinger.send(Query::<LifetimeReport>::new()).await.expect("it runs");
        // The first request may come off the grid, one more than there are points.
        let sent = totals.requests();
        assert!((360..=361).contains(&sent), "{index}: {sent}");
        assert_eq!((totals.skipped, totals.void), (0, 0), "{index}");
        if index >= 10 {
            assert_eq!((totals.replies + totals.pending, totals.lost), (sent, 0), "{index}");
            assert_eq!(totals.rtt.sum, totals.replies * 12_000, "{index}");
            continue;
        }
        let rounds = sent / 4;
        assert_eq!(sent % 4, 0, "{index}: the expectation below is for whole rounds");
        assert_eq!((totals.replies, totals.lost, totals.pending), (rounds * 2, rounds * 2, 0), "{index}");
        assert_eq!((totals.late, totals.duplicates, totals.out_of_date), (rounds, rounds, 0), "{index}");
        assert_eq!(totals.rtt.sum, rounds * 16_000, "{index}");
        assert_eq!(totals.histogram.count(), totals.replies, "{index}");
    }
}

#[actix::test]
async fn a_retired_pinger_leaves_nothing() {
    tokio::time::pause();
    let fixture = Fixture::new("1", "5", [silence()]);
    fixture.until(3_600).await;
    assert_eq!(fixture.network.targets(), 1);
    fixture.pinger.send(StopPinger).await.expect("it runs");
    fixture.until(3_601).await;
    assert_eq!((fixture.network.targets(), fixture.network.scheduled()), (0, 0));
    assert!(!fixture.pinger.connected());
    fixture.until(60_000).await;
    assert_eq!(fixture.sent_at().len(), 4);
}

/// Writes down who died.
struct Heir(Rc<RefCell<Vec<PingerDied>>>);

impl Actor for Heir {
    type Context = Context<Self>;
}

impl Handler<PingerDied> for Heir {
    type Result = ();

    fn handle(&mut self, died: PingerDied, _: &mut Self::Context) {
        self.0.borrow_mut().push(died);
    }
}

#[actix::test]
async fn a_pinger_that_panics_tells_its_heir_and_the_others_go_on() {
    tokio::time::pause();
    let network = ScriptedNetwork::new().host(host(), [reply(1), panic_at_send()]).elsewhere(reply(5));
    let deaths = Rc::new(RefCell::new(Vec::new()));
    let parent = Heir(Rc::clone(&deaths)).start();
    let began = Instant::now();
    let start = |address: Address, generation| {
        let will = DeathNotice { parent: Arc::new(parent.clone().recipient()), generation };
        let pinger = PingActor::new(address.into(), seconds("1"), timeout("5"), seed(), network.engine());
        pinger.with_death_notice(will).start()
    };
    let (doomed, retired, other) = (start(host(), 7), start(address(1), 8), start(address(2), 9));
    until(began, 1_400).await;
    retired.send(StopPinger).await.expect("it runs");
    until(began, 5_000).await;
    let dead: Vec<_> = deaths.borrow().iter().map(|died| (died.key.address(), died.generation)).collect();
    assert_eq!(dead, [(host(), 7)], "who was told to end is not mourned");
    assert!(!doomed.connected());
    assert_eq!(network.targets(), 1);
    assert_eq!(other.send(Query::<PeriodStats>::new()).await.expect("it runs").replies, 5);
}
