//! What all requests share: whom to ask, within which limits, and what protects the server.

use super::security::auth::PasswordChecker;
use super::security::rate_limit::TokenBucket;
use super::security::rejections::{HttpRejection, HttpRejections};
use super::security::web_config::{FileState, Protection};
use crate::actors::control_stats::GetControlStats;
use crate::actors::persistence::{FlushSoon, GetStoreStats};
use crate::actors::reload::Reload;
use crate::actors::supervisor::{GetStatus, GetTargets};
use actix::prelude::*;
use prometheus::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Who is asked for what is shown.
#[derive(Clone)]
pub struct WebSources {
    /// Tells which targets there are.
    pub roster: Recipient<GetTargets>,
    /// Tells how the daemon is doing.
    pub status: Recipient<GetStatus>,
    /// Tells what the control socket has seen, if there is one.
    pub control: Option<Recipient<GetControlStats>>,
    /// Reads the configuration again, if there is one.
    pub reload: Option<Recipient<Reload>>,
    /// Knows how the keeping of state is going, if any is kept.
    pub state: Option<StateSources>,
}

/// Who keeps the state.
#[derive(Clone)]
pub struct StateSources {
    /// Tells how that is going.
    pub stats: Recipient<GetStoreStats>,
    /// Is told that somebody has seen the statistics of the targets.
    pub seen: Recipient<FlushSoon>,
}

impl<A> From<Addr<A>> for StateSources
where
    A: Actor<Context = Context<A>> + Handler<GetStoreStats> + Handler<FlushSoon>,
{
    fn from(keeper: Addr<A>) -> Self {
        Self { stats: keeper.clone().recipient(), seen: keeper.recipient() }
    }
}

/// How much is done for one client, and how long.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// So many scrapes at once; a further one is told to come back.
    pub scrapes: usize,
    /// After this a scrape is given up whose targets are not all asked; and once more, if it is not read to its end.
    pub scrape: Duration,
    /// After this a question that the daemon has not answered is given up; a scrape asks one for each page of targets.
    pub answer: Duration,
    /// After this a reload that is not done is not waited for any more.
    pub reload: Duration,
    /// So long a client may take for a handshake, for the head of its request, and for taking what it was sent.
    pub client: Duration,
    /// So many connections at once.
    pub connections: usize,
    /// So many TLS handshakes at once; for a further one the eldest is given up.
    pub handshakes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            scrapes: 2,
            scrape: Duration::from_secs(60),
            answer: Duration::from_secs(10),
            reload: Duration::from_secs(60),
            client: Duration::from_secs(10),
            connections: 256,
            handshakes: 64,
        }
    }
}

/// What all requests share.
pub(super) struct WebState {
    pub(super) sources: WebSources,
    pub(super) limits: HttpLimits,
    pub(super) slots: Arc<Semaphore>,
    pub(super) process: Registry,
    pub(super) protection: Protection,
    pub(super) checker: PasswordChecker,
    pub(super) bucket: TokenBucket,
    pub(super) refusals: HttpRejections,
}

impl WebState {
    pub(super) fn stats(&self) -> WebStats {
        WebStats { file: self.protection.state(), refused: self.refusals.counts() }
    }
}

/// How well the server is protected.
#[derive(Debug, Clone, Copy)]
pub struct WebStats {
    /// How the web config file is doing, if there is one.
    pub file: Option<FileState>,
    /// So often each was refused, in the order of [`HttpRejection::ALL`].
    pub refused: [u64; HttpRejection::ALL.len()],
}
