//! `reset`: starts the statistics of targets again.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::GetTargets;
use crate::control::backend::filter;
use crate::protocol::{Selector, status};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::info;

impl Commands {
    pub(in crate::control) async fn reset(
        &self,
        selection: Selector,
        peer: SocketAddr,
    ) -> Result<Response, CommandError> {
        let soon = Instant::now() + RESET_PATIENCE;
        if let Some(filter) = filter(selection) {
            let roster = self.backend.roster(GetTargets { filter, ..GetTargets::default() }).await?;
            let targets = roster.targets.len();
            let done = self.turnstile.discard(roster.targets).await;
            // Nothing stops it any more, and nobody gets to see what was before.
            let _ = timeout_at(soon, done).await;
            self.backend.note_reset();
            info!(%peer, targets, "statistics reset");
        }
        Ok(status::ok().into())
    }
}

/// So long a reset may take until it is said to be done, although some targets are still at it.
const RESET_PATIENCE: Duration = Duration::from_millis(250);
