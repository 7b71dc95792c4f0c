//! The native engine where time matters: these tests run one after the other, and not beside those of `native`.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]
#![allow(dead_code, reason = "shared with another test target, which uses more")]

#[path = "../native/daemon.rs"]
mod daemon;
mod load;
#[path = "../native/metrics.rs"]
mod metrics;
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
