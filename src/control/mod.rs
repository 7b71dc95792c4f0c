//! The edge of the control socket: datagrams in, messages to the actors, datagrams out.
//!
//! What the bytes mean is decided in [`crate::protocol`], what is measured in [`crate::actors`].

pub mod actor;
pub mod backend;
pub mod client;
#[cfg(test)]
mod detail_tests;
mod executor;
mod gate;
mod period;
mod socket;
#[cfg(test)]
mod testbed;

pub use actor::{ControlActor, ControlStats, Finish, GetControlStats, SetAllowed, start};
pub use backend::Backend;
pub use gate::Silence;
pub use socket::bind;
