//! What all requests share: the actors to ask, the limits, and what protects the server.

use super::scrape_slots::ScrapeSlots;
use super::security::auth::PasswordChecker;
use super::security::rate_limit::TokenBucket;
use super::security::rejections::{HttpRejection, HttpRejections};
use super::security::web_config::{FileState, Protection};
use crate::actors::control_stats::GetControlStats;
use crate::actors::persistence::{FlushSoon, GetStoreStats};
use crate::actors::reload::Reload;
use crate::actors::supervisor::{GetEntries, GetStatus, GetTargets};
use crate::measure::last_rtts::SettledWindow;
use actix::prelude::*;
use prometheus::Registry;
use std::time::Duration;
use strum::EnumCount;

/// The actors that the server asks.
#[derive(Clone)]
pub struct WebSources {
    /// The supervisor: pages of targets.
    pub targets: Recipient<GetTargets>,
    /// The supervisor: status of the daemon.
    pub status: Recipient<GetStatus>,
    /// The supervisor: the entries of the registry.
    pub entries: Recipient<GetEntries>,
    /// The control actor; `None` without a control socket.
    pub control: Option<Recipient<GetControlStats>>,
    /// The reload actor; `None` without a configuration.
    pub reload: Option<Recipient<Reload>>,
    /// The state actor; `None` without a state directory.
    pub state: Option<StateSources>,
}

/// The state actor, by its messages.
#[derive(Clone)]
pub struct StateSources {
    /// Condition of the databases.
    pub stats: Recipient<GetStoreStats>,
    /// Writes statistics early, because a scrape has shown them.
    pub flush: Recipient<FlushSoon>,
}

impl<A> From<Addr<A>> for StateSources
where
    A: Actor<Context = Context<A>> + Handler<GetStoreStats> + Handler<FlushSoon>,
{
    fn from(state: Addr<A>) -> Self {
        Self { stats: state.clone().recipient(), flush: state.recipient() }
    }
}

/// Limits of the HTTP server.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Maximum number of concurrent scrapes.
    pub max_scrapes: usize,
    /// Time for which a further scrape waits before it is answered with 503. While one waits, the connections of slow readers
    /// are reset.
    pub slot_timeout: Duration,
    /// Time limit for taking the snapshots of a scrape, and again for the client to read the body.
    pub scrape_timeout: Duration,
    /// Time limit for one answer of an actor; a scrape asks once for each page of targets.
    pub answer_timeout: Duration,
    /// Time limit for a reload.
    pub reload_timeout: Duration,
    /// Time limit for a client's TLS handshake, for the head and the body of its request, and for accepting sent data.
    pub client_timeout: Duration,
    /// Time after which a connection without a request is closed; longer than usual scrape intervals.
    pub idle_timeout: Duration,
    /// Maximum number of connections.
    pub max_connections: usize,
    /// Maximum number of concurrent TLS handshakes; a further one aborts the oldest.
    pub max_handshakes: usize,
    /// Number of settled requests that values in the dialect of ping_exporter cover, unless the scrape has a number.
    pub ping_exporter_window: SettledWindow,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            max_scrapes: 2,
            slot_timeout: Duration::from_secs(1),
            scrape_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(10),
            reload_timeout: Duration::from_secs(60),
            client_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 256,
            max_handshakes: 64,
            ping_exporter_window: SettledWindow::DEFAULT,
        }
    }
}

/// What all requests share.
pub(super) struct WebState {
    pub(super) sources: WebSources,
    pub(super) limits: HttpLimits,
    pub(super) scrape_slots: ScrapeSlots,
    pub(super) process: Registry,
    pub(super) protection: Protection,
    pub(super) checker: PasswordChecker,
    pub(super) bucket: TokenBucket,
    pub(super) rejections: HttpRejections,
}

impl WebState {
    pub(super) fn stats(&self) -> WebStats {
        WebStats { file: self.protection.state(), rejected: self.rejections.counts() }
    }
}

/// Condition of the protection, for the metrics.
#[derive(Debug, Clone, Copy)]
pub struct WebStats {
    /// Condition of the web config file; `None` without one.
    pub file: Option<FileState>,
    /// Number of rejections for each reason, in the order of `HttpRejection::VARIANTS`.
    pub rejected: [u64; HttpRejection::COUNT],
}
