//! Who has nothing to do sleeps.

use crate::daemon::Daemon;
use crate::sim::in_namespace;
use crate::switches;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// Waits until what the last question left behind has gone to sleep: nothing is switched to for a second. The
/// switches so far.
fn at_rest(pid: u32) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut before = switches(pid);
    loop {
        thread::sleep(Duration::from_secs(1));
        let now = switches(pid);
        if now == before {
            return now;
        }
        assert!(Instant::now() < deadline, "never at rest: {} context switches in a second", now - before);
        before = now;
    }
}

#[test]
fn without_targets_the_state_wakes_nobody() {
    let _alone = crate::alone();
    in_namespace(|_| {
        let state = tempfile::tempdir().expect("a directory");
        let daemon = Daemon::start(&["--state-dir", state.path().to_str().expect("UTF-8")]);
        daemon.add("127.0.0.2".parse().expect("an address"), 60.0);
        daemon.metrics();
        daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.2"}));
        // The next round, within eight seconds, forgets its statistics.
        thread::sleep(Duration::from_secs(9));
        let before = at_rest(daemon.pid());
        thread::sleep(Duration::from_secs(9));
        let switches = switches(daemon.pid()) - before;
        assert!(switches <= 2, "{switches} context switches in 9 s");
    });
}

#[test]
fn without_targets_or_with_one_a_minute_next_to_nothing_wakes() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let daemon = Daemon::start(&[]);
        // What serves HTTP is not to stay awake.
        daemon.metrics();
        for (case, most) in [("no targets", 2), ("one target", 6)] {
            let before = at_rest(daemon.pid());
            thread::sleep(Duration::from_secs(6));
            let switches = switches(daemon.pid()) - before;
            println!("{case}: {switches} context switches in 6 s");
            assert!(switches <= most, "{case}: {switches} context switches in 6 s");
            daemon.add("127.0.0.2".parse().expect("an address"), 60.0);
            network.wait_until("its first reply", Duration::from_secs(5), |_| {
                daemon.list().values().all(|row| row.recv == 1)
            });
        }
        assert_eq!(daemon.ask(&json!({"cmd": "noop"})), json!({"status": "ok"}));
    });
}
