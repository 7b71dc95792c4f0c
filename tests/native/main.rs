//! The native engine, as the daemon's users see it, on the simulated network: every figure against the
//! responder's own log.

mod daemon;
mod errors;
mod faults;
mod figures;
mod foreign;
mod load;
mod metrics;
mod privilege;
mod resets;
mod run;
#[path = "../sim/mod.rs"]
mod sim;
