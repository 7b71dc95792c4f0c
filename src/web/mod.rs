//! The edge to browsers and Prometheus: a page for people, metrics, probes of health. Nothing can be changed here, but
//! that the configuration is read again.
//!
//! On its way to an answer a connection passes `stream` (TLS), each of its requests `admission` (rate, bodies,
//! users) and, to write, `access`. What is demanded stands in the file that `protection` watches.

mod access;
mod admission;
mod auth;
pub mod bind;
mod choice;
pub mod daemon;
pub mod dialect;
pub mod exposition;
mod families;
mod keeping;
pub mod labels;
mod lateness;
mod packed;
mod page;
mod protection;
mod rate;
mod refusals;
mod reload;
mod routes;
mod samples;
mod scrape;
mod server;
pub mod snapshot;
mod stream;

pub use bind::{BindError, bind};
pub use protection::{ConfigError, FileState, Protection};
pub use refusals::Refused;
pub use server::Server;

use crate::actors::keeping::{GetKeepingStats, Seen};
use crate::actors::reload::Reload;
use crate::actors::supervisor::{GetRoster, GetStatus};
use crate::control::GetControlStats;
use actix::prelude::*;
use actix_web::web;
use auth::Checker;
use prometheus::Registry;
use rate::Bucket;
use refusals::Refusals;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Who is asked for what is shown.
#[derive(Clone)]
pub struct Sources {
    /// Tells which targets there are.
    pub roster: Recipient<GetRoster>,
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
    pub stats: Recipient<GetKeepingStats>,
    /// Is told that somebody has seen the statistics of the targets.
    pub seen: Recipient<Seen>,
}

impl<A> From<Addr<A>> for StateSources
where
    A: Actor<Context = Context<A>> + Handler<GetKeepingStats> + Handler<Seen>,
{
    fn from(keeper: Addr<A>) -> Self {
        Self { stats: keeper.clone().recipient(), seen: keeper.recipient() }
    }
}

/// How much is done for one client, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
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

impl Default for Limits {
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
struct State {
    sources: Sources,
    limits: Limits,
    slots: Arc<Semaphore>,
    process: Registry,
    protection: Protection,
    checker: Checker,
    bucket: Bucket,
    refusals: Refusals,
}

impl State {
    fn stats(&self) -> WebStats {
        WebStats { file: self.protection.state(), refused: self.refusals.counts() }
    }
}

/// How well the server is protected.
#[derive(Debug, Clone, Copy)]
pub struct WebStats {
    /// How the web config file is doing, if there is one.
    pub file: Option<FileState>,
    /// So often each was refused, in the order of [`Refused::ALL`].
    pub refused: [u64; Refused::ALL.len()],
}

/// Serves on listeners that are bound already (see [`bind()`]), on a thread of its own.
///
/// # Errors
/// What the system says when it has no thread or no random numbers to give, or can't watch a listener.
pub async fn serve(
    listeners: Vec<TcpListener>,
    sources: Sources,
    protection: Protection,
    limits: Limits,
) -> io::Result<Server> {
    let state = State {
        sources,
        limits,
        slots: Arc::new(Semaphore::new(limits.scrapes)),
        process: daemon::process(),
        protection,
        checker: Checker::new()?,
        bucket: Bucket::default(),
        refusals: Refusals::default(),
    };
    server::start(listeners, web::Data::new(state)).await
}
