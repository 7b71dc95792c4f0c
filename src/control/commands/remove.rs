//! `remove`: ends the measuring of targets.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::{Filter, RemoveTargets};
use crate::control::backend::filter;
use crate::protocol::{RemoveRequest, StatusReply};
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn remove(
        &self,
        request: RemoveRequest,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<Response, CommandError> {
        if let Some(Filter { name, host }) = filter(request.selector) {
            self.backend.remove(RemoveTargets { name: name.clone(), host: host.clone() }, deadline).await?;
            let host = host.map(|host| host.to_string());
            info!(%peer, name = ?name, host = ?host, "host removed");
        }
        Ok(StatusReply::OK.into())
    }
}
