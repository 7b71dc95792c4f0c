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
pub mod snapshot;

pub use bind::{BindError, bind};

use crate::actors::supervisor::{GetRoster, GetStatus};
use crate::control::GetControlStats;
use actix::prelude::*;
use actix_web::dev::{Extensions, Server};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use prometheus::Registry;
use std::any::Any;
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
    /// After this a scrape that is not read to its end is given up.
    pub scrape: Duration,
    /// After this a question that the daemon has not answered is given up.
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

/// Serves on a listener that is bound already (see [`bind()`]), on a thread of its own, until the server that is
/// returned is stopped. It has to be spawned or awaited.
///
/// # Errors
/// When the system refuses the listener or the thread.
pub fn serve(listener: TcpListener, sources: Sources, limits: Limits) -> io::Result<Server> {
    let slots = Arc::new(Semaphore::new(limits.scrapes));
    let state = web::Data::new(State { sources, limits, slots, process: daemon::process() });
    let app = move || {
        let app = App::new().app_data(state.clone()).configure(routes::add);
        app.wrap(routes::compression()).wrap(routes::headers())
    };
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(limits.connections)
        .client_request_timeout(limits.client)
        .client_disconnect_timeout(limits.client)
        .on_connect(move |connection, _: &mut Extensions| give_up_on_stalled(connection, limits.client))
        .disable_signals()
        .shutdown_timeout(1);
    Ok(server.listen(listener)?.run())
}

/// Has the kernel end a connection whose other end has stopped to take what is sent to it.
fn give_up_on_stalled(connection: &dyn Any, patience: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        let socket = socket2::SockRef::from(stream);
        if let Err(error) = socket.set_tcp_user_timeout(Some(patience)) {
            tracing::debug!(%error, "no timeout for a connection");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, patience);
}
