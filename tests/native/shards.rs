//! Two engines, as two threads of a daemon have them: the kernel sorts their packets by identifier.

use crate::sim::behaviour::byte;
use crate::sim::{FAMILIES, at, code, in_namespace};
use actix::prelude::*;
use meshping::actors::pinger::{LifetimeReport, PingActor, Query, Seed};
use meshping::measure::LifetimeStats;
use meshping::probe::native::{Idents, NativeEngine, boot_time, drive};
use meshping::probe::{Engine, EngineStats};
use meshping::target::{Address, Timeout};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// Hosts that answer, that fail in every way of quoting, and that answer under another identifier.
const PLACES: [(u8, u8); 6] = [
    (code::DELAY_MS, 2),
    (code::UNREACHABLE, 1),
    (code::TIME_EXCEEDED, 0),
    (code::QUOTES_EIGHT, 0),
    (code::QUOTES_OPTIONS, 0),
    (code::FLIPPED, byte::IDENT),
];

const FIRST_AND_SECOND: [u8; 2] = [1, 2];

fn hosts(number: u8) -> Vec<IpAddr> {
    FAMILIES.iter().flat_map(|family| PLACES.map(|(code, p)| at(*family, code, p, number))).collect()
}

fn start(engine: &Rc<NativeEngine>, host: IpAddr) -> Addr<PingActor> {
    let address = Address::try_from(host).expect("one host");
    let interval = "0.1".parse().expect("an interval");
    let seed = Seed { phase: 0, first_number: 77 };
    let engine: Rc<dyn Engine> = Rc::<NativeEngine>::clone(engine);
    PingActor::new(address.into(), interval, Timeout::DEFAULT, seed, engine).start()
}

/// What each engine's hosts came to when each got at least ten requests, and how the engine is doing.
async fn measure() -> Vec<(Vec<LifetimeStats>, EngineStats)> {
    let idents = Idents::new(0xffff, 2);
    let mut started = Vec::new();
    for (thread, number) in FIRST_AND_SECOND.into_iter().enumerate() {
        let thread = u16::try_from(thread).expect("two");
        let engine = NativeEngine::open(boot_time(), idents.of_thread(thread)).expect("CAP_NET_RAW");
        actix_rt::spawn(drive(Rc::clone(&engine)));
        let pingers: Vec<_> = hosts(number).into_iter().map(|host| start(&engine, host)).collect();
        started.push((engine, pingers));
    }
    let mut figures = Vec::new();
    for (engine, pingers) in started {
        let mut totals = Vec::new();
        for pinger in pingers {
            totals.push(enough(&pinger).await);
        }
        figures.push((totals, engine.stats()));
    }
    figures
}

async fn enough(pinger: &Addr<PingActor>) -> LifetimeStats {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let LifetimeReport { totals, .. } =
            pinger.send(Query::<LifetimeReport>::new()).await.expect("it runs");
        if totals.requests() >= 10 {
            return totals;
        }
        assert!(tokio::time::Instant::now() < deadline, "{totals:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn each_of_two_threads_gets_its_own_packets_and_the_first_what_is_nobodys() {
    in_namespace(|_| {
        let figures = System::new().block_on(measure());
        for (totals, _) in &figures {
            for (place, totals) in totals.iter().enumerate() {
                let errors: u64 = totals.errors.iter().sum();
                // All but the youngest request have been answered.
                match PLACES[place % PLACES.len()].0 {
                    code::DELAY_MS => assert!(totals.replies >= 9 && errors == 0, "{totals:?}"),
                    code::FLIPPED => assert!(totals.replies == 0 && errors == 0, "{totals:?}"),
                    _ => assert!(totals.replies == 0 && errors >= 9, "{totals:?}"),
                }
            }
        }
        let (first, second) = (figures[0].1.foreign, figures[1].1.foreign);
        let [not_ours, ..] = first;
        assert!(not_ours >= 4 * 9, "two hosts of each thread answer as somebody else: {first:?}");
        // Errors that quote extension headers are more than the kernel's filter sees through: those of one host.
        let quoting = &figures[0].0[PLACES.len() + 4];
        assert!(second[0] <= quoting.errors.iter().sum::<u64>() + 9, "{second:?}");
        assert_eq!(first[1..], [0; 4]);
        assert_eq!(second[1..], [0; 4]);
    });
}
