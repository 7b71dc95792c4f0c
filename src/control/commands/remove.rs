//! `remove`: ends the measuring of targets.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::{Filter, RemoveTargets, Removed};
use crate::control::backend::{BackendError, filter};
use crate::protocol::{RemoveRequest, StatusReply};
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::{debug, info};

impl Commands {
    pub(in crate::control) async fn remove(
        &self,
        request: RemoveRequest,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<Response, CommandError> {
        if let Some(Filter { name, host }) = filter(request.selector) {
            let remove = RemoveTargets { name: name.clone(), host: host.clone() };
            let Removed { matched, targets, names, receipt } = self.backend.remove(remove).await?;
            let host = host.map(|host| host.to_string());
            if matched {
                info!(%peer, name = ?name, host = ?host, targets, names, "host removed");
            } else {
                debug!(%peer, name = ?name, host = ?host, "nothing to remove");
            }
            receipt.saved(deadline).await.map_err(BackendError::from)?;
        }
        Ok(StatusReply::OK.into())
    }
}
