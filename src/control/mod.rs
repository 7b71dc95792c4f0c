//! The control socket: datagrams in, messages to the actors, datagrams out.
//!
//! [`crate::protocol`] decides what the bytes mean, [`crate::actors`] what is measured.

mod acl;
mod actor;
pub mod backend;
mod commands;
#[cfg(test)]
mod detail_tests;
mod dispatch;
mod resets;
mod target_stats;
#[cfg(test)]
mod test_support;

pub use actor::{ControlActor, SetAllowed, StopReading, bind, start};
pub use backend::Backend;
