//! An engine that should ping and does not, says so: the watchdog is not fed then.

use crate::sim::in_namespace;
use actix::prelude::*;
use meshping::actors::pinger::{PingActor, Seed};
use meshping::probe::Engine;
use meshping::probe::native::{Idents, NativeEngine, boot_time, drive};
use meshping::target::Timeout;
use std::rc::Rc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_millis(500);

fn start(engine: &Rc<NativeEngine>) -> Addr<PingActor> {
    let interval = "0.05".parse().expect("an interval");
    let seed = Seed { phase: 0, first_number: 77 };
    let engine: Rc<dyn Engine> = Rc::<NativeEngine>::clone(engine);
    PingActor::new("127.0.0.1".parse().expect("a host"), interval, Timeout::DEFAULT, seed, engine).start()
}

async fn wait_until(what: &str, engine: &Rc<NativeEngine>, holds: impl Fn(Duration) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds(engine.stats().stalled) {
        assert!(Instant::now() < deadline, "{what}: {:?}", engine.stats());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn an_engine_whose_task_does_not_run_is_stalled_and_one_whose_task_runs_is_not() {
    in_namespace(|_| {
        System::new().block_on(async {
            let engine = NativeEngine::open(boot_time(), Idents::new(7, 1)).expect("CAP_NET_RAW");
            tokio::time::sleep(LONG / 2).await;
            assert_eq!(engine.stats().stalled, Duration::ZERO, "without targets");
            let _pinger = start(&engine);
            wait_until("before its task", &engine, |stalled| stalled > LONG).await;
            let task = actix_rt::spawn(drive(Rc::clone(&engine)));
            wait_until("with its task", &engine, |stalled| stalled < LONG / 4).await;
            task.abort();
            wait_until("after its task", &engine, |stalled| stalled > LONG).await;
        });
    });
}
