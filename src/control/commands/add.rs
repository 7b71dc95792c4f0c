//! `add`: starts measuring a host.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::AddTarget;
use crate::protocol::StatusReply;
use crate::target::{Interval, TargetSpec};
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn add(
        &self,
        target: TargetSpec,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<Response, CommandError> {
        let TargetSpec { name, host, options } = target.clone();
        self.backend.add(AddTarget(target), deadline).await?;
        let itv = options.interval.map(Interval::seconds);
        info!(%peer, name = ?name, host = ?host.to_string(), itv, "host added");
        Ok(StatusReply::OK.into())
    }
}
