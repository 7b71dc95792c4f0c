//! What outlasts a restart, a kill and a broken disk, as the users of the daemon see it.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]
#![allow(dead_code, reason = "the support files are shared with other test targets, which use more")]

mod backups;
mod counters;
mod crashes;
#[path = "../support/daemon.rs"]
mod daemon;
mod disks;
mod fixture;
mod history;
#[path = "../own_network/mod.rs"]
mod own_network;
mod replaced;
mod restarts;
mod scrape;
