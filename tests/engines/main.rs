//! What holds on every engine and on both kinds of sockets: options, zones, and changes of the network.
#![allow(dead_code, reason = "what the tests of the native engine are made of serves here too")]
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]

#[path = "../native/daemon.rs"]
mod daemon;
mod kind;
#[path = "../native/metrics.rs"]
mod metrics;
mod neighbour;
mod network_changes;
mod option_table;
#[path = "../native/peer.rs"]
mod peer;
#[path = "../sim/mod.rs"]
mod sim;
mod zones;
