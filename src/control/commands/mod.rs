//! The commands: each asks the actors, and makes their answers into a reply. One file a command.

mod add;
mod entries;
mod histogram;
mod history;
mod list;
mod names;
mod reload;
mod remove;
mod reset;

use super::backend::{Backend, BackendError};
use super::resets::{ResetQueue, UndeliveredPeriods};
use crate::protocol::{StatusReply, TooLarge};
use reload::ReloadQueue;
use std::time::Duration;

/// The actors that the commands ask, and the resets and reloads under way.
#[derive(Clone)]
pub(super) struct Commands {
    backend: Backend,
    resets: ResetQueue,
    reloads: ReloadQueue,
}

impl Commands {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend, resets: ResetQueue::default(), reloads: ReloadQueue::default() }
    }
}

/// A reply, and the periods that continue if it cannot be delivered.
pub(super) struct Response {
    pub(super) json: Vec<u8>,
    pub(super) periods: Option<UndeliveredPeriods>,
}

impl From<Vec<u8>> for Response {
    fn from(json: Vec<u8>) -> Self {
        Self { json, periods: None }
    }
}

impl From<StatusReply<'_>> for Response {
    fn from(reply: StatusReply<'_>) -> Self {
        reply.to_json().into()
    }
}

/// Why a request could not be carried out; the text goes into the reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("no result within {0:?}, the daemon is busy; the command may still take effect")]
    Late(Duration),
    #[error("the daemon is shutting down")]
    Stopping,
    #[error("there is no configuration to read again")]
    NoReload,
    #[error("{0}")]
    Reload(String),
}
