//! The running state. Each actor owns its numbers; others get snapshots.

pub mod keeping;
pub mod pinger;
pub mod registry;
pub mod reload;
pub mod resolver;
pub mod shard;
pub mod supervisor;
pub mod survey;
