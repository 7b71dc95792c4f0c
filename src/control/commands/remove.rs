//! `remove`: ends the measuring of hosts.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::{Filter, RemoveTargets};
use crate::control::backend::filter;
use crate::protocol::{Selector, status};
use std::net::SocketAddr;
use tokio::time::Instant;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn remove(
        &self,
        selection: Selector,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<Response, CommandError> {
        if let Some(Filter { name, host }) = filter(selection) {
            self.backend.remove(RemoveTargets { name: name.clone(), host: host.clone() }, until).await?;
            let host = host.map(|host| host.to_string());
            info!(%peer, name = ?name, host = ?host, "host removed");
        }
        Ok(status::ok().into())
    }
}
