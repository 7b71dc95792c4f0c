//! The running state. Each actor owns its numbers; others get snapshots.

/// One question to many pingers.
pub mod ask_all;
/// Counters of the control socket.
pub mod control_stats;
/// Port to storage.
pub mod persistence;
/// One actor for each target.
pub mod pinger;
/// Targets, DNS names and subscriptions.
#[deny(clippy::disallowed_methods)]
pub mod registry;
/// Messages of a reload.
pub mod reload;
/// One actor for each DNS name.
pub mod resolver;
/// Threads that ping.
pub mod shard;
/// The actor that owns the registry.
pub mod supervisor;
