//! `add`: has a host measured.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::AddTarget;
use crate::protocol::{AddRequest, status};
use crate::target::Interval;
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn add(
        &self,
        add: AddRequest,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<Response, CommandError> {
        let AddRequest { name, host, terms } = add.clone();
        self.backend.add(AddTarget { name: add.name, host: add.host, options: add.terms }, until).await?;
        let itv = terms.interval.map(Interval::seconds);
        info!(%peer, name = ?name, host = ?host.to_string(), itv, "host added");
        Ok(status::ok().into())
    }
}
