#![doc = include_str!("../docs/architecture.md")]
// Modules are pure unless this list allows more; tests/architecture.rs lists the pure places within the others.
#![deny(clippy::disallowed_methods)]
#![warn(unreachable_pub)]

#[allow(clippy::disallowed_methods, reason = "actors read clocks and run tasks")]
pub mod actors;
pub mod build_info;
#[allow(clippy::disallowed_methods, reason = "reads files and the environment")]
pub mod config;
#[allow(clippy::disallowed_methods, reason = "serves the control socket")]
pub mod control;
#[allow(clippy::disallowed_methods, reason = "is a program")]
pub mod ctl;
#[allow(clippy::disallowed_methods, reason = "starts the program")]
pub mod daemon;
#[allow(clippy::disallowed_methods, reason = "looks at files")]
mod file_change;
pub mod format;
pub mod measure;
#[allow(clippy::disallowed_methods, reason = "pings")]
pub mod probe;
pub mod protocol;
#[allow(clippy::disallowed_methods, reason = "looks names up")]
pub mod resolve;
#[allow(clippy::disallowed_methods, reason = "writes to a terminal")]
pub mod screen;
#[allow(clippy::disallowed_methods, reason = "opens sockets")]
mod socket;
#[allow(clippy::disallowed_methods, reason = "reads and writes databases")]
pub mod state;
pub mod target;
#[allow(clippy::disallowed_methods, reason = "writes to a terminal")]
pub mod terminal;
#[allow(clippy::disallowed_methods, reason = "serves HTTP")]
pub mod web;
