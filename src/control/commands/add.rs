//! `add`: starts measuring a host.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::AddTarget;
use crate::protocol::{AddRequest, StatusReply};
use crate::target::Interval;
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn add(
        &self,
        request: AddRequest,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<Response, CommandError> {
        let AddRequest { name, host, terms } = request.clone();
        let add = AddTarget { name: request.name, host: request.host, options: request.terms };
        self.backend.add(add, deadline).await?;
        let itv = terms.interval.map(Interval::seconds);
        info!(%peer, name = ?name, host = ?host.to_string(), itv, "host added");
        Ok(StatusReply::OK.into())
    }
}
