//! `add`: starts measuring a host.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::AddTarget;
use crate::protocol::StatusReply;
use crate::target::{Interval, NewEntry};
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn add(
        &self,
        entry: NewEntry,
        peer: SocketAddr,
        deadline: Instant,
    ) -> Result<Response, CommandError> {
        let target = &entry.spec;
        let (name, host) = (target.name.clone(), target.host_variant().to_string());
        let itv = target.options.interval.map(Interval::seconds);
        let conflict = self.backend.add(AddTarget(entry), deadline).await?;
        info!(%peer, name = ?name, host = ?host, itv, "host added");
        Ok(match conflict {
            None => StatusReply::OK.into(),
            Some(conflict) => StatusReply::ok_with(conflict.to_string()).into(),
        })
    }
}
