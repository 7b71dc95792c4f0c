//! The native engine, as the daemon's users see it, on the simulated network: every figure against the
//! responder's own log.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]

mod another_address;
mod daemon;
mod errors;
mod faults;
mod figures;
mod foreign;
mod metrics;
mod peer;
mod privilege;
mod resets;
mod run;
mod shapes;
mod shards;
mod side_by_side;
#[path = "../sim/mod.rs"]
mod sim;
mod stalled;
mod variants;
