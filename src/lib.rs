#![doc = include_str!("../docs/architecture.md")]
// Modules are pure unless this list allows more; tests/architecture.rs lists the pure places within the others.
#![deny(clippy::disallowed_methods)]
#![warn(unreachable_pub)]

/// Actors that own the running state.
#[allow(clippy::disallowed_methods, reason = "actors read clocks and run tasks")]
pub mod actors;
/// Version and revision of the build.
pub mod build_info;
/// Command line, configuration file and target files.
#[allow(clippy::disallowed_methods, reason = "reads files and the environment")]
pub mod config;
/// Edge: the UDP control socket.
#[allow(clippy::disallowed_methods, reason = "serves the control socket")]
pub mod control;
/// Edge: the program `meshpingctl`.
#[allow(clippy::disallowed_methods, reason = "is a program")]
pub mod ctl;
/// Start, reload and end of the daemon.
#[allow(clippy::disallowed_methods, reason = "starts the program")]
pub mod daemon;
#[allow(clippy::disallowed_methods, reason = "looks at files")]
mod file_change;
/// How values are written for people.
pub mod format;
/// What is measured, and how.
pub mod measure;
/// Port to the network: engines that ping.
#[allow(clippy::disallowed_methods, reason = "pings")]
pub mod probe;
/// Requests and replies of the control socket.
pub mod protocol;
/// Port to DNS.
#[allow(clippy::disallowed_methods, reason = "looks names up")]
pub mod resolve;
/// Drawing on a terminal.
#[allow(clippy::disallowed_methods, reason = "writes to a terminal")]
pub mod screen;
#[allow(clippy::disallowed_methods, reason = "opens sockets")]
mod socket;
/// Edge: the databases.
#[allow(clippy::disallowed_methods, reason = "reads and writes databases")]
pub mod state;
/// What can be pinged, and with which options.
pub mod target;
/// Edge: the live table and the log.
#[allow(clippy::disallowed_methods, reason = "writes to a terminal")]
pub mod terminal;
/// Edge: HTTP.
#[allow(clippy::disallowed_methods, reason = "serves HTTP")]
pub mod web;
