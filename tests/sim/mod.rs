//! A simulated network: a namespace of the test's own, a TUN device in it, and behind that a responder that
//! answers echo requests as their destination says.
//!
//! Which address behaves how is written in [`behaviour`]; what the responder saw and did is in its [`log`].
#![allow(dead_code, reason = "every test target uses another part")]
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]

pub mod answer;
pub mod behaviour;
pub mod log;
pub mod namespace;
pub mod network;
pub mod packet;
pub mod ping;
pub mod responder;
pub mod sys;

pub use behaviour::{at, code};
pub use namespace::in_namespace;
pub use network::Network;

/// Both families, for tests that hold for each.
pub const FAMILIES: [meshping::target::Family; 2] =
    [meshping::target::Family::V4, meshping::target::Family::V6];
