//! A pinger and the engine, nothing else, on loopback.

use crate::sim::in_namespace;
use crate::sim::network::take_down;
use actix::prelude::*;
use meshping::actors::pinger::{LifetimeReport, PingActor, Query, Seed, StopPinger};
use meshping::measure::{ErrorClass, PeriodStats};
use meshping::probe::Engine;
use meshping::probe::portable::PortableEngine;
use meshping::target::{Interval, Timeout};
use std::rc::Rc;
use std::time::{Duration, Instant};

const HALF_A_SECOND: &str = "0.5";

fn open() -> Rc<PortableEngine> {
    PortableEngine::new(HALF_A_SECOND.parse().expect("a timeout")).expect("raw sockets are allowed here")
}

fn start(engine: &Rc<PortableEngine>, host: &str, first_number: u32) -> Addr<PingActor> {
    let interval: Interval = "0.05".parse().expect("an interval");
    let timeout: Timeout = HALF_A_SECOND.parse().expect("a timeout");
    let engine: Rc<dyn Engine> = Rc::clone(engine) as _;
    let seed = Seed { phase: 1 << 31, first_number };
    PingActor::new(host.parse().expect("an address"), interval, timeout, seed, engine).start()
}

/// Waits until so many requests are settled.
async fn settled(pinger: &Addr<PingActor>, count: u64) -> PeriodStats {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let summary = pinger.send(Query::<PeriodStats>::new()).await.expect("it runs");
        assert_eq!(summary.sent(), summary.settled() + summary.in_flight);
        if summary.settled() >= count {
            return summary;
        }
        assert!(Instant::now() < deadline, "not settled: {summary:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn hosts_of_both_families_answer_over_a_wrap_around_of_the_sequence() {
    in_namespace(|_| {
        System::new().block_on(async {
            let engine = open();
            let stats = engine.stats();
            assert_eq!((stats.engine, stats.socket), ("portable", "raw"));
            let hosts = ["127.0.0.1", "127.0.0.2", "::1"];
            let pingers = hosts.map(|host| start(&engine, host, 0x0001_fffa));
            for (host, pinger) in hosts.iter().zip(&pingers) {
                let summary = settled(pinger, 20).await;
                assert_eq!(
                    (summary.replies, summary.lost, summary.errors),
                    (summary.settled(), 0, 0),
                    "{host}"
                );
                assert!(summary.rtt.min >= 1 && summary.rtt.min < 50_000, "{host}: {summary:?}");
                let LifetimeReport { totals, .. } =
                    pinger.send(Query::<LifetimeReport>::new()).await.expect("it runs");
                assert_eq!(totals.reply_ttl, (*host != "::1").then_some(64), "{host}");
            }
        });
    });
}

#[test]
fn what_has_no_route_is_an_error_of_class_send() {
    in_namespace(|_| {
        take_down();
        System::new().block_on(async {
            let engine = open();
            for host in ["10.1.5.1", "fd77::1:5:1", "fe80::1%nowhere0"] {
                let pinger = start(&engine, host, 7);
                let summary = settled(&pinger, 5).await;
                assert_eq!(
                    (summary.errors, summary.replies, summary.lost),
                    (summary.settled(), 0, 0),
                    "{host}"
                );
                let LifetimeReport { totals, .. } =
                    pinger.send(Query::<LifetimeReport>::new()).await.expect("it runs");
                assert!(totals.errors[ErrorClass::Send as usize] >= 5, "{host}");
                pinger.send(StopPinger).await.expect("it runs");
            }
        });
    });
}

#[test]
fn an_engine_ends_with_its_last_pinger_and_leaves_nothing() {
    in_namespace(|_| {
        System::new().block_on(async {
            let engine = open();
            let pingers = ["127.0.0.1", "10.0.9.9"].map(|host| start(&engine, host, 7));
            // The second never answers, and its requests are waited for.
            settled(&pingers[1], 3).await;
            for pinger in &pingers {
                pinger.send(StopPinger).await.expect("it runs");
            }
            let deadline = Instant::now() + Duration::from_secs(5);
            while Rc::strong_count(&engine) > 1 {
                assert!(Instant::now() < deadline, "somebody still holds the engine");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let gone = Rc::downgrade(&engine);
            drop(engine);
            assert!(gone.upgrade().is_none());
        });
    });
}
