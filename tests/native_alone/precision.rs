//! Round-trip times: what the list says is what the responder held, and hardly more.

use crate::daemon::Daemon;
use crate::run::Outcome;
use crate::sim::behaviour::of_both_families;
use crate::sim::log::median;
use crate::sim::{code, in_namespace};
use std::time::Duration;

#[test]
fn round_trip_times_exceed_what_was_held_by_a_millisecond_at_most() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let daemon = Daemon::start(&[]);
        let delays = [0, 1, 5, 20, 50, 100, 250];
        let hosts: Vec<_> =
            delays.iter().flat_map(|&ms| [1, 2, 3].map(|number| (code::DELAY_MS, ms, number))).collect();
        let outcomes = daemon.measure(network, &of_both_families(&hosts), 0.2, 30);
        let mut excesses = Vec::new();
        for Outcome { host, row, log } in &outcomes {
            let held: Duration = log.held().iter().sum();
            assert_eq!((row.recv, row.sent), (log.held().len() as u64, log.requests.len() as u64), "{host}");
            let excess = (row.sum - held.as_secs_f64()) / row.recv as f64;
            // The clock that stamps requests may be read a little after they are out.
            assert!(excess > -200e-6, "{host}: {excess} s less than was held: {row:?}");
            excesses.push(micros(excess));
            let shortest = log.held().iter().min().expect("it was answered").as_secs_f64();
            assert!(row.min > shortest - 500e-6, "{host}: {row:?}, held {shortest}");
        }
        let excess = median(excesses);
        println!("the median host's average is {excess} µs above what was held");
        assert!(excess <= 1_000, "{excess} µs");
    });
}

#[expect(clippy::cast_possible_truncation, reason = "microseconds of seconds")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6) as i64
}
