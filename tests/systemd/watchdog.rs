//! The watchdog replaces a daemon that does not ping, and only that.

use super::{ONE_TARGET, booted, received};

const HOLD: &str = include_str!("hold.py");

#[test]
fn a_daemon_that_hangs_is_replaced_and_one_that_works_is_not() {
    let lab = booted(ONE_TARGET, "[Service]\nWatchdogSec=2s\n");
    let first = lab.property("MainPID");
    lab.wait_for("replies over three periods of the watchdog", || received(&lab) >= 60);
    assert_eq!((lab.property("MainPID"), lab.property("NRestarts")), (first.clone(), "0".into()));
    lab.run(&["kill", "-STOP", &first]);
    lab.wait_for("a restart", || lab.property("NRestarts") != "0" && lab.property("ActiveState") == "active");
    assert_ne!(lab.property("MainPID"), first);
}

#[test]
fn a_daemon_of_which_one_thread_hangs_is_replaced() {
    let lab = booted(ONE_TARGET, "[Service]\nWatchdogSec=2s\n");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
    let first = lab.property("MainPID");
    let tracer = lab.spawn(&["python3", "-c", HOLD, &first, "shard-0"]);
    lab.wait_for("a restart", || lab.property("NRestarts") != "0" && lab.property("ActiveState") == "active");
    assert_ne!(lab.property("MainPID"), first);
    assert_eq!(tracer.finish().trim(), "held");
    lab.wait_for("the reason in its log", || lab.journal().contains("the watchdog is not reset"));
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
}

/// As after a suspend: everything is overdue when it goes on.
#[test]
fn a_daemon_that_was_stopped_for_a_while_goes_on() {
    let lab = booted(ONE_TARGET, "[Service]\nWatchdogSec=12s\n");
    let first = lab.property("MainPID");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
    // More than the half of the period that a thread may stall.
    lab.run(&["sh", "-c", "kill -STOP $0 && sleep 7 && kill -CONT $0", &first]);
    let before = received(&lab);
    lab.wait_for("replies over more than a period of the watchdog", || received(&lab) >= before + 130);
    assert_eq!((lab.property("MainPID"), lab.property("NRestarts")), (first, "0".into()));
}
