//! The actor of the control socket: every request that is read gets exactly one reply within the time limit.

use super::acl::ControlAcl;
use super::backend::Backend;
use super::commands::Response;
use super::dispatch::Dispatcher;
use crate::actors::control_stats::{ControlStats, GetControlStats, IgnoreReason};
use crate::protocol::Request;
use crate::socket;
use actix::prelude::*;
use ipnet::IpNet;
use socket2::Type;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{debug, info, warn};

/// Changes who may use the control socket.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SetAllowed(pub Vec<IpNet>);

/// Stops reading requests; the answer comes when all requests that were read have a reply.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopReading;

/// Reads requests from the control socket and replies to them.
pub struct ControlActor {
    shared: Rc<ControlShared>,
    listening: Option<SpawnHandle>,
}

/// The state that the actor's tasks share: one task reads, and one for each request replies.
struct ControlShared {
    socket: UdpSocket,
    acl: RefCell<ControlAcl>,
    dispatcher: Dispatcher,
    stats: Cell<ControlStats>,
    /// One permit for each request that has no reply yet; without a free one, datagrams wait in the socket.
    slots: Arc<Semaphore>,
}

/// Returns a socket bound to `address`, for [`start`].
///
/// # Errors
/// The error of the system: address in use, no such address, no permission.
pub fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let bound = socket::bind(address, Type::DGRAM, |socket| {
        // With a smaller buffer clients repeat more requests; that is no reason to fail.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        Ok(())
    });
    bound.map(Into::into)
}

/// Starts the actor on a thread of its own, so that no other work delays its replies.
///
/// # Errors
/// The error of the system when it cannot watch the socket or start the thread.
pub async fn start(
    socket: std::net::UdpSocket,
    allow: Vec<IpNet>,
    backend: Backend,
) -> io::Result<Addr<ControlActor>> {
    let (sender, started) = oneshot::channel();
    Arbiter::new().spawn_fn(move || {
        let actor = ControlActor::new(socket, allow, backend).map(Actor::start);
        drop(sender.send(actor));
    });
    started.await.unwrap_or_else(|_| Err(io::Error::other("the thread of the control socket did not start")))
}

impl ControlActor {
    /// Replies on `socket`, which is bound (see [`bind`]), to clients in `allow`, or on loopback if that is empty. The
    /// actor must start on the thread that calls this, because the socket belongs to that thread.
    ///
    /// # Errors
    /// The error of the system when it cannot watch the socket.
    pub fn new(socket: std::net::UdpSocket, allow: Vec<IpNet>, backend: Backend) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket)?;
        let acl = ControlAcl::new(allow, socket.local_addr().ok()).into();
        let dispatcher = Dispatcher::new(backend);
        let slots = Arc::new(Semaphore::new(MAX_UNANSWERED as usize));
        let shared = ControlShared { socket, acl, dispatcher, stats: Cell::default(), slots };
        Ok(Self { shared: Rc::new(shared), listening: None })
    }
}

impl Actor for ControlActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Ok(addr) = self.shared.socket.local_addr() {
            info!(%addr, "control socket listening");
        }
        self.listening = Some(ctx.spawn(Rc::clone(&self.shared).listen().into_actor(self)));
    }
}

impl Handler<SetAllowed> for ControlActor {
    type Result = ();

    fn handle(&mut self, SetAllowed(allow): SetAllowed, _: &mut Self::Context) {
        self.shared.acl.borrow_mut().set_allowed(allow);
    }
}

impl Handler<GetControlStats> for ControlActor {
    type Result = MessageResult<GetControlStats>;

    fn handle(&mut self, _: GetControlStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.shared.stats.get())
    }
}

impl Handler<StopReading> for ControlActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopReading, ctx: &mut Self::Context) -> Self::Result {
        if let Some(listening) = self.listening.take() {
            ctx.cancel_future(listening);
        }
        let slots = Arc::clone(&self.shared.slots);
        Box::pin(async move { drop(slots.acquire_many_owned(MAX_UNANSWERED).await) })
    }
}

impl ControlShared {
    /// Reads requests without end, because no error of the socket is final.
    async fn listen(self: Rc<Self>) {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        // The semaphore is never closed.
        while let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            match self.socket.recv_from(&mut buffer).await {
                Ok((length, peer)) => self.receive(&buffer[..length], peer, slot),
                Err(error) => {
                    // The client of an earlier reply is gone, or memory is short; the pause prevents a busy loop.
                    debug!(error = %error, "control socket not readable");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    fn receive(self: &Rc<Self>, datagram: &[u8], peer: SocketAddr, slot: OwnedSemaphorePermit) {
        if let Err(reason) = self.acl.borrow().check(peer) {
            return self.ignore(peer, reason);
        }
        let (shared, datagram) = (Rc::clone(self), datagram.to_vec());
        // In a task of its own, because a panic then ends one request and not the control socket.
        actix_rt::spawn(async move {
            match shared.respond(datagram, peer).await {
                Some(response) => shared.deliver(response, peer).await,
                None => shared.ignore(peer, IgnoreReason::Reply),
            }
            drop(slot);
        });
    }

    async fn respond(&self, datagram: Vec<u8>, peer: SocketAddr) -> Option<Response> {
        let parsed = Request::parse(&datagram);
        // It can be large, and many requests can wait at once.
        drop(datagram);
        match parsed {
            Ok(request) => Some(self.dispatcher.execute(request, peer, REPLY_TIMEOUT).await),
            Err(error) => {
                debug!(%peer, %error, "request refused");
                error.reply().map(Response::from)
            }
        }
    }

    async fn deliver(&self, response: Response, peer: SocketAddr) {
        let Response { json, periods } = response;
        let mut sent = self.socket.send_to(&json, peer).await;
        if sent.is_err() {
            // The error can belong to an earlier reply: the system reports it at the next call.
            sent = self.socket.send_to(&json, peer).await;
        }
        match sent {
            Ok(_) => {
                if let Some(periods) = periods {
                    periods.delivered();
                }
                self.count(|stats| stats.answered += 1);
            }
            Err(error) => {
                warn!(%peer, error = %error, bytes = json.len(), "reply not sent");
                self.count(|stats| stats.unsent += 1);
            }
        }
    }

    fn ignore(&self, peer: SocketAddr, reason: IgnoreReason) {
        debug!(%peer, reason = reason.as_str(), "datagram not answered");
        self.count(|stats| stats.ignored[reason as usize] += 1);
    }

    fn count(&self, change: impl FnOnce(&mut ControlStats)) {
        let mut stats = self.stats.get();
        change(&mut stats);
        self.stats.set(stats);
    }
}

/// Size of the receive buffer in bytes, as far as the system allows: a burst of requests is not lost.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Time limit for carrying out a request; the protocol promises a reply within 400 ms.
const REPLY_TIMEOUT: Duration = Duration::from_millis(350);
/// Maximum number of requests that wait for their reply. It is far more than are carried out at once: in a flood every
/// client gets a reply in time, which says that the daemon is busy, and the socket's buffer is soon empty again.
const MAX_UNANSWERED: u32 = 16_384;
const LARGEST_DATAGRAM: usize = 65_535;
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
