//! The portable engine: on loopback with a pinger of our own, and in the daemon on the simulated network, as far as
//! surge-ping can tell.
#![allow(dead_code, reason = "what the tests of the native engine are made of serves here too")]
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]

mod conformance;
#[path = "../native/daemon.rs"]
mod daemon;
mod loopback;
#[path = "../native/metrics.rs"]
mod metrics;
#[path = "../native/run.rs"]
mod run;
#[path = "../native/side_by_side.rs"]
mod side_by_side;
#[path = "../sim/mod.rs"]
mod sim;
