//! Passes each request to its command, and sees to it that every answer comes in time.

use super::backend::Backend;
use super::commands::{CommandError, Commands, Response};
use crate::protocol::{Request, status};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::info;

/// Carries out requests.
#[derive(Clone)]
pub(super) struct Dispatcher {
    commands: Commands,
    /// Requests that may be under way at once; the others wait for their turn.
    turns: Arc<Semaphore>,
}

impl Dispatcher {
    pub(super) fn new(backend: Backend) -> Self {
        Self { commands: Commands::new(backend), turns: Arc::new(Semaphore::new(UNDER_WAY)) }
    }

    /// Carries out a request. Always ends within `patience`.
    pub(super) async fn execute(&self, request: Request, peer: SocketAddr, patience: Duration) -> Response {
        let until = Instant::now() + KEEPING_PATIENCE;
        let answer = timeout(patience, self.answer(request, peer, until)).await;
        answer.unwrap_or(Err(CommandError::Late(patience))).unwrap_or_else(|error| {
            info!(%peer, error = %error, "command refused");
            Response::from(status::error(&error.to_string()))
        })
    }

    async fn answer(
        &self,
        request: Request,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<Response, CommandError> {
        let _turn = match request {
            Request::Noop => None,
            // Never closed.
            _ => self.turns.acquire().await.ok(),
        };
        match request {
            Request::Noop => Ok(status::ok().into()),
            Request::ListRequest(list) => self.commands.list(list, peer).await,
            Request::Add(add) => self.commands.add(add, peer, until).await,
            Request::Remove(selection) => self.commands.remove(selection, peer, until).await,
            Request::Reset(selection) => self.commands.reset(selection, peer).await,
            Request::Histogram(asked) => self.commands.histogram(asked).await,
            Request::HistoryRequest(asked) => self.commands.history(asked).await,
        }
    }
}

/// So many requests are carried out at once.
pub(super) const UNDER_WAY: usize = 1_024;

/// So long a change may take until it is on disk; after that the answer is that it is not.
const KEEPING_PATIENCE: Duration = Duration::from_millis(300);
