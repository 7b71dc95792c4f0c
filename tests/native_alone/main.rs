//! The native engine where time matters: these tests run one after the other, and not beside those of `native`.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]
#![allow(dead_code, reason = "shared with another test target, which uses more")]

mod churn;
#[path = "../native/daemon.rs"]
mod daemon;
mod floods;
mod idle;
mod load;
#[path = "../native/metrics.rs"]
mod metrics;
mod overload;
mod precision;
#[path = "../native/run.rs"]
mod run;
#[path = "../sim/mod.rs"]
mod sim;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by the one test that runs.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often any thread of a process was switched to, or away from, so far.
pub fn switches(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let of_thread = |status: String| -> u64 {
        let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
        lines.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
    };
    // A thread may end meanwhile.
    let statuses = threads.flatten().filter_map(|it| std::fs::read_to_string(it.path().join("status")).ok());
    statuses.map(of_thread).sum()
}
