//! The edge to browsers and Prometheus: a page for people, metrics, probes of health. Read only.

pub mod bind;
mod choice;
pub mod daemon;
pub mod exposition;
mod families;
mod lateness;
mod packed;
mod page;
mod routes;
mod samples;
mod scrape;
mod server;
pub mod snapshot;

pub use bind::{BindError, bind};
pub use server::Server;

use crate::actors::supervisor::{GetRoster, GetStatus};
use crate::control::GetControlStats;
use actix::prelude::*;
use actix_web::web;
use prometheus::Registry;
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
    /// So long a client may take for the head of its request, and for taking what it was sent.
    pub client: Duration,
    /// So many connections at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            scrapes: 2,
            scrape: Duration::from_secs(60),
            answer: Duration::from_secs(10),
            client: Duration::from_secs(10),
            connections: 256,
        }
    }
}

/// What all requests share.
struct State {
    sources: Sources,
    limits: Limits,
    slots: Arc<Semaphore>,
    process: Registry,
}

/// Serves on a listener that is bound already (see [`bind()`]), on a thread of its own.
///
/// # Errors
/// What the system says when it has no thread to give, or can't watch the listener.
pub async fn serve(listener: TcpListener, sources: Sources, limits: Limits) -> io::Result<Server> {
    let slots = Arc::new(Semaphore::new(limits.scrapes));
    let state = State { sources, limits, slots, process: daemon::process() };
    server::start(listener, web::Data::new(state)).await
}
