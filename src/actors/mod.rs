//! The running state. Each actor owns its numbers; others get snapshots.

pub mod pinger;
pub mod resolver;
pub mod supervisor;
pub mod survey;
