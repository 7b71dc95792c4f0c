//! Accepts connections, on a thread of its own. What serves them keeps a clock that ticks twice a second, so it is
//! there only as long as there are connections.

use super::connection::{Connection, Handshakes};
use crate::web::context::{HttpLimits, WebState};
use crate::web::security::rejections::HttpRejection;
use crate::web::{guard, routes};
use actix::prelude::*;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_service::boxed::{RcService, rc_service};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::rt::net::{TcpListener, TcpStream};
use actix_web::{App, web};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// A server that runs until it is told to stop, or the system ends; to drop this ends nothing.
#[derive(Debug)]
pub struct HttpServer(Arbiter);

impl HttpServer {
    /// Ends the server and all of its connections.
    pub fn stop(&self) {
        self.0.stop();
    }
}

/// Starts a server on listeners that are bound.
///
/// # Errors
/// What the system says when it has no thread to give, or can't watch a listener.
pub(in crate::web) async fn start(
    listeners: Vec<std::net::TcpListener>,
    state: web::Data<WebState>,
) -> io::Result<HttpServer> {
    let arbiter = Arbiter::try_new()?;
    let (tell, told) = oneshot::channel();
    arbiter.spawn_fn(move || {
        let watched: io::Result<Vec<_>> = listeners.into_iter().map(TcpListener::from_std).collect();
        drop(tell.send(watched.map(|listeners| drop(actix_rt::spawn(run(listeners, state))))));
    });
    told.await.unwrap_or_else(|_| Err(io::Error::other("the thread of the HTTP server did not start")))?;
    Ok(HttpServer(arbiter))
}

/// Accepts connections for ever; should that end by a defect, it is told.
async fn run(listeners: Vec<TcpListener>, state: web::Data<WebState>) {
    let accepting = actix_rt::spawn(accept(listeners, state));
    if accepting.await.is_err_and(|error| error.is_panic()) {
        tracing::error!("HTTP is not served any more: what accepts connections ended by a defect");
    }
}

async fn accept(mut listeners: Vec<TcpListener>, state: web::Data<WebState>) {
    let places = Arc::new(Semaphore::new(state.limits.connections));
    let (mut current, mut handshakes) = (PresentService::default(), Handshakes::default());
    // Never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let accepted = match next(&mut listeners).await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "no connection accepted");
                if !is_the_clients(error.kind()) {
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
                continue;
            }
        };
        give_up_on_stalled(&accepted.0, state.limits.client);
        let Some(service) = current.get(&state).await else { continue };
        let opening = Opening::begin(accepted, &state, &mut handshakes);
        let state = state.clone();
        actix_rt::spawn(async move {
            if let Some(connection) = opening.done(&state).await
                && let Err(error) = serve(&*service, connection).await
            {
                tracing::debug!(%error, "connection ended");
            }
            drop((service, place));
        });
    }
}

/// The next connection, from whichever listener; each of them gets its turn.
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

/// A connection that is there at once, or after a handshake.
enum Opening {
    Plain(Connection),
    Handshake(actix_rt::task::JoinHandle<io::Result<Connection>>),
}

impl Opening {
    fn begin(accepted: (TcpStream, SocketAddr), state: &WebState, handshakes: &mut Handshakes) -> Self {
        let HttpLimits { client, handshakes: most, .. } = state.limits;
        let rules = state.protection.current();
        match rules.tls.clone() {
            None => Self::Plain(Connection::plain(accepted, rules)),
            Some(tls) => Self::Handshake(handshakes.begin(accepted, (tls, rules), client, most)),
        }
    }

    async fn done(self, state: &WebState) -> Option<Connection> {
        let error = match self {
            Self::Plain(connection) => return Some(connection),
            Self::Handshake(handshake) => match handshake.await {
                Ok(Ok(connection)) => return Some(connection),
                Ok(Err(error)) => error,
                Err(_) => io::Error::other("given up for others"),
            },
        };
        state.refusals.count(HttpRejection::Connection);
        tracing::debug!(%error, "no TLS handshake");
        None
    }
}

/// Whether a connection was not accepted because its client was gone already: others need not wait for that.
fn is_the_clients(error: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error, ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What a service for connections takes.
type Accepted = (Connection, Protocol, Option<SocketAddr>);
type Connections = dyn Service<Accepted, Response = (), Error = DispatchError, Future = Serving>;
type Serving = actix_service::boxed::BoxFuture<Result<(), DispatchError>>;

async fn serve(service: &Connections, connection: Connection) -> Result<(), DispatchError> {
    poll_fn(|task| service.poll_ready(task)).await?;
    let address = connection.peer.address;
    service.call((connection, Protocol::Http1, Some(address))).await
}

/// What serves the present connections, if there are any.
#[derive(Default)]
struct PresentService(Option<Weak<Connections>>);

impl PresentService {
    async fn get(&mut self, state: &web::Data<WebState>) -> Option<Rc<Connections>> {
        if let Some(service) = self.0.as_ref().and_then(Weak::upgrade) {
            return Some(service);
        }
        let service = service(state.clone()).await;
        self.0 = service.as_ref().map(Rc::downgrade);
        service
    }
}

/// What serves connections; `None` if it did not start, which it has told then.
async fn service(state: web::Data<WebState>) -> Option<RcService<Accepted, (), DispatchError>> {
    let HttpLimits { client, .. } = state.limits;
    let app = App::new().app_data(state).configure(routes::add);
    let app = app.wrap(routes::compression()).wrap(from_fn(guard::admit)).wrap(routes::headers());
    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    let http = HttpService::build().client_request_timeout(client).client_disconnect_timeout(client);
    let http = http.on_connect_ext(|connection: &Connection, data| {
        data.insert(connection.peer);
        data.insert(Arc::clone(&connection.rules));
    });
    let factory = http.finish(map_config(app, |()| AppConfig::default()));
    factory.new_service(()).await.ok().map(rc_service)
}

/// After an error that is not the client's: too many open files, and the like.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Has the kernel end a connection whose other end has stopped to take what is sent to it.
fn give_up_on_stalled(stream: &TcpStream, patience: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(patience)) {
        tracing::debug!(%error, "no timeout for a connection");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, patience);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_after_errors_of_our_own_is_there_a_pause() {
        let cases = [
            (libc::ECONNABORTED, true),
            (libc::ECONNRESET, true),
            (libc::EMFILE, false),
            (libc::ENFILE, false),
        ];
        for (code, expected) in cases {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(is_the_clients(error.kind()), expected, "{error}");
        }
    }
}
