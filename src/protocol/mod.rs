//! The language of the control socket: bytes become requests, results become bytes.
//!
//! Pure: who may ask, whom to ask and how long to wait is decided in [`crate::control`].

mod detail;
pub mod history;
mod members;
pub mod quoted;
pub mod refusal;
pub mod reply;
pub mod request;

pub use history::{History, Past};
pub use quoted::Quoted;
pub use refusal::Refusal;
pub use reply::{MAX_REPLY, Target, TargetList, TooLarge};
pub use request::{List, Page, Request, Selection};
