//! Passes each request to its command, and limits the time until its reply.

use super::backend::Backend;
use super::commands::{CommandError, Commands, Response};
use crate::protocol::{Request, StatusReply};
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
    /// Limits the number of requests that are carried out at once; the others wait.
    turns: Arc<Semaphore>,
}

impl Dispatcher {
    pub(super) fn new(backend: Backend) -> Self {
        Self { commands: Commands::new(backend), turns: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)) }
    }

    /// Carries out a request. Returns within `limit`.
    pub(super) async fn execute(&self, request: Request, peer: SocketAddr, limit: Duration) -> Response {
        let saved_by = Instant::now() + SAVE_TIMEOUT;
        let response = timeout(limit, self.carry_out(request, peer, saved_by)).await;
        response.unwrap_or(Err(CommandError::Late(limit))).unwrap_or_else(|error| {
            info!(%peer, error = %error, "command refused");
            StatusReply::error(error.to_string()).into()
        })
    }

    async fn carry_out(
        &self,
        request: Request,
        peer: SocketAddr,
        saved_by: Instant,
    ) -> Result<Response, CommandError> {
        let _turn = match request {
            Request::Noop(_) => None,
            // The semaphore is never closed.
            _ => self.turns.acquire().await.ok(),
        };
        match request {
            Request::Noop(_) => Ok(StatusReply::OK.into()),
            Request::List(list) => self.commands.list(list, peer).await,
            Request::Add(add) => self.commands.add(add, peer, saved_by).await,
            Request::Remove(remove) => self.commands.remove(remove, peer, saved_by).await,
            Request::Reset(reset) => self.commands.reset(reset, peer).await,
            Request::Reload(_) => self.commands.reload(peer).await,
            Request::Names(names) => self.commands.names(names).await,
            Request::Entries(entries) => self.commands.entries(entries).await,
            Request::Histogram(histogram) => self.commands.histogram(histogram).await,
            Request::History(history) => self.commands.history(history).await,
        }
    }
}

/// Maximum number of requests that are carried out at once.
pub(super) const MAX_CONCURRENT_REQUESTS: usize = 1_024;

/// Time limit for writing a change to disk; after it the reply says that the change is not saved.
const SAVE_TIMEOUT: Duration = Duration::from_millis(300);
