//! What holds for every input of a parser, however it was made.
//!
//! Each check takes bytes and panics when a property is violated. `fuzz/` calls the checks from libFuzzer;
//! `tests/properties/fuzzed.rs` calls them with the seeds, with changed seeds and with random bytes.

pub mod config;
pub mod input;
pub mod packet;
pub mod reply;
pub mod request;
pub mod statistics;
pub mod web_config;

/// One fuzz target.
pub struct Target {
    /// Its file in `fuzz/fuzz_targets` and its folder in `fuzz/seeds`.
    pub name: &'static str,
    /// Panics if the input violates a property.
    pub check: fn(&[u8]),
}

/// Every fuzz target.
pub const TARGETS: [Target; 8] = [
    Target { name: "config_file", check: config::check_config_file },
    Target { name: "packet", check: packet::check },
    Target { name: "reply", check: reply::check },
    Target { name: "request", check: request::check },
    Target { name: "statistics", check: statistics::check },
    Target { name: "target_file", check: config::check_target_file },
    Target { name: "targets_file", check: config::check_targets_file },
    Target { name: "web_config", check: web_config::check },
];
