//! The outside of the programs, frozen in golden files: help, control replies, meshpingctl, checks of configurations,
//! HTTP, the state of earlier versions. Everything here drives the binaries and knows nothing of the library.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]
#![allow(dead_code, reason = "the support files are shared with other test targets, which use more")]

mod config_check;
mod control;
mod ctl;
#[path = "../support/daemon.rs"]
mod daemon;
#[path = "../support/golden.rs"]
mod golden;
mod help;
mod http;
mod network;
#[path = "../own_network/mod.rs"]
mod own_network;
mod starts;
mod state;
mod transcript;
mod unused;
