//! The language of the control socket: requests and replies as bytes, for the daemon and its clients.
//!
//! One file a command. Clients write a request with `Command::to_json`; the daemon reads it with `Request::parse`,
//! which is more lenient. Replies are written and read with the same types. Who may ask, and how long a reply may take,
//! is decided in [`crate::control`].

mod add;
mod command;
pub mod counters;
mod entries;
mod error;
mod histogram;
mod history;
mod json;
mod list;
mod members;
mod names;
mod noop;
mod quoted;
mod reload;
mod remove;
mod request;
mod reset;
mod rows;
mod selector;
mod status;

pub use add::AddRequest;
pub use command::Command;
pub use counters::WireCounters;
pub use entries::{EntriesPage, EntriesReply, EntriesRequest, EntryRow, ListedEntry};
pub use error::RequestError;
pub use histogram::{HistogramReply, HistogramRequest};
pub use history::{HistoryPage, HistoryReply, HistoryRequest, HistoryRow, RowPosition};
pub use json::{Decimal, MAX_REPLY};
pub use list::{
    ListReply, ListRequest, ListedTarget, OutageMembers, PageRequest, TargetDetail, TargetRow, TooLarge,
};
pub use names::{EntryPageRequest, NameRow, NamesPage, NamesReply, NamesRequest};
pub use noop::NoopRequest;
pub use quoted::Quoted;
pub use reload::{ReloadReply, ReloadRequest};
pub use remove::RemoveRequest;
pub use request::Request;
pub use reset::ResetRequest;
pub use selector::Selector;
pub use status::StatusReply;
