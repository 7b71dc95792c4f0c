//! Tells the service manager how we are (sd_notify(3)); says nothing where there is none.

use crate::actors::supervisor::{GetStatus, SupervisorActor};
use actix::prelude::*;
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// Every target's actor runs.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// We are about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog for as long as the supervisor and every engine answer.
pub async fn feed_watchdog(supervisor: Addr<SupervisorActor>) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    loop {
        match timeout(patience / 4, supervisor.send(GetStatus)).await {
            Ok(Ok(status)) => {
                let status = format!("pinging {} targets, following {} names", status.targets, status.names);
                tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
            }
            Ok(Err(_)) => return,
            Err(_) => warn!("the actors are slow to answer, the watchdog is not fed"),
        }
        sleep((patience / 4).max(Duration::from_millis(100))).await;
    }
}

fn tell(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "the service manager does not listen");
    }
}
