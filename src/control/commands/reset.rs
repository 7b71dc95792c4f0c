//! `reset`: starts a new measurement period of targets.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::GetTargets;
use crate::control::backend::filter;
use crate::protocol::{ResetRequest, StatusReply};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::info;

impl Commands {
    pub(in crate::control) async fn reset(
        &self,
        request: ResetRequest,
        peer: SocketAddr,
    ) -> Result<Response, CommandError> {
        let deadline = Instant::now() + RESET_TIMEOUT;
        if let Some(filter) = filter(request.selector) {
            let page = self.backend.targets(GetTargets { filter, ..GetTargets::default() }).await?;
            let targets = page.targets.len();
            let done = self.resets.discard(page.targets).await;
            // The reset goes on after the deadline, and no reader sees the statistics before it.
            let _ = timeout_at(deadline, done).await;
            self.backend.flush();
            info!(%peer, targets, "statistics reset");
        }
        Ok(StatusReply::OK.into())
    }
}

/// Time limit for a reset; after it the reply is sent although some targets are still being reset.
const RESET_TIMEOUT: Duration = Duration::from_millis(250);
