//! The running state. Each actor owns its numbers; others get snapshots.

pub mod ask_all;
pub mod control_stats;
pub mod persistence;
pub mod pinger;
#[deny(clippy::disallowed_methods)]
pub mod registry;
pub mod reload;
pub mod resolver;
pub mod shard;
pub mod supervisor;
