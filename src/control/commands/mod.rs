//! What each command does: asks the actors, and makes their answers into a reply. One file a command.

mod add;
mod histogram;
mod history;
mod list;
mod remove;
mod reset;

use super::backend::{Backend, BackendError};
use super::resets::{ResetQueue, UndeliveredPeriods};
use crate::protocol::TooLarge;
use std::time::Duration;

/// Whom the commands ask.
#[derive(Clone)]
pub(super) struct Commands {
    backend: Backend,
    turnstile: ResetQueue,
}

impl Commands {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend, turnstile: ResetQueue::default() }
    }
}

/// A reply, and what is given back if it can't be delivered.
pub(super) struct Response {
    pub(super) reply: Vec<u8>,
    pub(super) taken: Option<UndeliveredPeriods>,
}

impl From<Vec<u8>> for Response {
    fn from(reply: Vec<u8>) -> Self {
        Self { reply, taken: None }
    }
}

/// Why a request could not be carried out; the operator sees this text as it stands.
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
}

/// A list or histogram of nothing.
const EMPTY: &[u8] = b"{}";
