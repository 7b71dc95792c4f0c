//! Accepts connections, on a thread of its own.

use super::connection::{Connection, Handshakes};
use super::http1::{self, Application};
#[cfg(target_os = "linux")]
use crate::web::client::reader_pace::MAX_UNSENT;
use crate::web::context::{HttpLimits, WebState};
use crate::web::security::rejections::HttpRejection;
use crate::web::{guard, routes};
use actix::prelude::*;
use actix_service::boxed::rc_service;
use actix_service::{IntoServiceFactory, ServiceExt, ServiceFactory, map_config};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::{TcpListener, TcpStream};
use actix_web::{App, web};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};

/// A server that runs until [`HttpServer::stop`] or the end of the actor system; dropping this does not end it.
#[derive(Debug)]
pub struct HttpServer(Arbiter);

impl HttpServer {
    /// Ends the server and all of its connections.
    pub fn stop(&self) {
        self.0.stop();
    }
}

/// Starts a server on bound listeners.
///
/// # Errors
/// The system's error when it cannot create a thread or watch a listener.
pub(in crate::web) async fn start(
    listeners: Vec<std::net::TcpListener>,
    state: web::Data<WebState>,
) -> io::Result<HttpServer> {
    let arbiter = Arbiter::try_new()?;
    let (sender, started) = oneshot::channel();
    arbiter.spawn_fn(move || {
        let watched: io::Result<Vec<_>> = listeners.into_iter().map(TcpListener::from_std).collect();
        drop(sender.send(watched.map(|listeners| drop(actix_rt::spawn(run(listeners, state))))));
    });
    started.await.unwrap_or_else(|_| Err(io::Error::other("the thread of the HTTP server did not start")))?;
    Ok(HttpServer(arbiter))
}

/// Accepts connections without end; logs a panic that ends it.
async fn run(listeners: Vec<TcpListener>, state: web::Data<WebState>) {
    let accepting = actix_rt::spawn(accept(listeners, state));
    if accepting.await.is_err_and(|error| error.is_panic()) {
        tracing::error!(
            "the HTTP server has stopped: a defect ended the task that accepts connections; restart meshping"
        );
    }
}

async fn accept(mut listeners: Vec<TcpListener>, state: web::Data<WebState>) {
    let Some(application) = application(state.clone()).await else { return };
    let permits = Arc::new(Semaphore::new(state.limits.max_connections));
    let crowded = watch::Sender::new(false);
    let mut handshakes = Handshakes::default();
    loop {
        crowded.send_replace(permits.available_permits() == 0);
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        crowded.send_replace(false);
        let accepted = match next(&mut listeners).await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "no connection accepted");
                if !is_client_error(error.kind()) {
                    tokio::time::sleep(ACCEPT_ERROR_PAUSE).await;
                }
                continue;
            }
        };
        set_options(&accepted.0, state.limits.client_timeout);
        let opening = Opening::begin(accepted, &state, &mut handshakes);
        let (state, application, crowded) = (state.clone(), Rc::clone(&application), crowded.subscribe());
        actix_rt::spawn(async move {
            if let Some(connection) = opening.done(&state).await {
                http1::serve(connection, application, &state.limits, crowded).await;
            }
            drop(permit);
        });
    }
}

/// The next connection of any listener; the listeners take turns.
async fn next(listeners: &mut [TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    let ready = |task: &mut std::task::Context<'_>| {
        let accepted = listeners.iter().enumerate().find_map(|(index, listener)| {
            if let Poll::Ready(accepted) = listener.poll_accept(task) {
                Some((index, accepted))
            } else {
                None
            }
        });
        accepted.map_or(Poll::Pending, Poll::Ready)
    };
    let (index, accepted) = poll_fn(ready).await;
    listeners.rotate_left(index + 1);
    accepted
}

/// A connection that is ready, or whose handshake is in progress.
enum Opening {
    Plain(Connection),
    Handshake(actix_rt::task::JoinHandle<io::Result<Connection>>),
}

impl Opening {
    fn begin(accepted: (TcpStream, SocketAddr), state: &WebState, handshakes: &mut Handshakes) -> Self {
        let HttpLimits { client_timeout, max_handshakes, .. } = state.limits;
        let policy = state.protection.current();
        match policy.tls.clone() {
            None => Self::Plain(Connection::plain(accepted, policy)),
            Some(tls) => {
                Self::Handshake(handshakes.begin(accepted, (tls, policy), client_timeout, max_handshakes))
            }
        }
    }

    async fn done(self, state: &WebState) -> Option<Connection> {
        let error = match self {
            Self::Plain(connection) => return Some(connection),
            Self::Handshake(handshake) => match handshake.await {
                Ok(Ok(connection)) => return Some(connection),
                Ok(Err(error)) => error,
                Err(_) => io::Error::other("aborted in favour of newer handshakes"),
            },
        };
        state.rejections.count(HttpRejection::Connection);
        tracing::debug!(%error, "TLS handshake failed");
        None
    }
}

/// Whether the client closed the connection before it was accepted: then the next can be accepted at once.
fn is_client_error(error: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error, ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The application of all connections; `None` if it did not start, which it has logged.
async fn application(state: web::Data<WebState>) -> Option<Application> {
    let app = App::new().app_data(state).configure(routes::add);
    let app = app.wrap(routes::compression()).wrap(from_fn(guard::admit)).wrap(routes::headers());
    let factory = map_config(app.into_factory(), |()| AppConfig::default());
    let service = factory.new_service(()).await.ok()?;
    Some(rc_service(service.map(ServiceResponse::map_into_boxed_body)))
}

/// Pause after an error of our own, for example too many open files.
const ACCEPT_ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Lets the kernel end a connection whose client does not acknowledge sent data within the time limit.
fn set_options(stream: &TcpStream, time_limit: Duration) {
    let socket = socket2::SockRef::from(stream);
    let results = [
        socket.set_tcp_nodelay(true),
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(time_limit)),
        #[cfg(target_os = "linux")]
        socket.set_tcp_notsent_lowat(MAX_UNSENT),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "cannot set an option of a connection");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = time_limit;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_clients_cause_no_pause() {
        let cases = [
            (libc::ECONNABORTED, true),
            (libc::ECONNRESET, true),
            (libc::EMFILE, false),
            (libc::ENFILE, false),
        ];
        for (code, expected) in cases {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(is_client_error(error.kind()), expected, "{error}");
        }
    }
}
