//! The language of the control socket: bytes become requests, results become bytes.
//!
//! Pure: who may ask, whom to ask and how long to wait is decided in [`crate::control`].

mod add;
pub mod error;
pub mod histogram;
pub mod history;
mod json;
pub mod list;
mod members;
pub mod quoted;
pub mod request;
pub mod selector;
pub mod status;

pub use error::RequestError;
pub use histogram::HistogramRequest;
pub use history::{HistoryReply, HistoryRequest};
pub use json::MAX_REPLY;
pub use list::{ListReply, ListRequest, ListedTarget, PageRequest, TooLarge};
pub use quoted::Quoted;
pub use request::Request;
pub use selector::Selector;
