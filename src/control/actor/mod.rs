//! The actor of the control socket: every request that is read gets exactly one reply, in time.

use super::acl::ControlAcl;
use super::backend::Backend;
use super::commands::Response;
use super::dispatch::Dispatcher;
use crate::actors::control_stats::IgnoreReason;
use crate::actors::control_stats::{ControlStats, GetControlStats};
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

/// Asks to read no more requests; answered when those that have been read are.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopReading;

/// Takes datagrams from the control socket and answers them.
pub struct ControlActor {
    shared: Rc<ControlShared>,
    listening: Option<SpawnHandle>,
}

/// What the actor's tasks share: one reads, one for each request answers.
struct ControlShared {
    socket: UdpSocket,
    gate: RefCell<ControlAcl>,
    executor: Dispatcher,
    stats: Cell<ControlStats>,
    /// Requests that may have been read and not answered; while there are none left, datagrams wait in the socket.
    slots: Arc<Semaphore>,
}

/// A socket bound to `address`, to be handed to [`start`].
///
/// # Errors
/// What the system says: address in use, no such address, no permission.
pub fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let bound = socket::bind(address, Type::DGRAM, |socket| {
        // With a smaller buffer clients repeat more requests; that is no reason to fail.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        Ok(())
    });
    bound.map(Into::into)
}

/// Starts the actor on a thread of its own, so that it answers in time whatever the others are doing.
///
/// # Errors
/// What the system says when it can't watch the socket, or the thread did not start.
pub async fn start(
    socket: std::net::UdpSocket,
    allow: Vec<IpNet>,
    backend: Backend,
) -> io::Result<Addr<ControlActor>> {
    let (tell, told) = oneshot::channel();
    Arbiter::new().spawn_fn(move || {
        let actor = ControlActor::new(socket, allow, backend).map(Actor::start);
        drop(tell.send(actor));
    });
    told.await.unwrap_or_else(|_| Err(io::Error::other("the thread of the control socket did not start")))
}

impl ControlActor {
    /// Answers on `socket`, which is bound (see [`bind`]), whoever is in `allow`; only loopback if it
    /// is empty. Starts where it was made: the socket belongs to that thread.
    ///
    /// # Errors
    /// What the system says when it can't watch the socket.
    pub fn new(socket: std::net::UdpSocket, allow: Vec<IpNet>, backend: Backend) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket)?;
        let gate = ControlAcl::new(allow, socket.local_addr().ok());
        let (executor, slots) = (Dispatcher::new(backend), Arc::new(Semaphore::new(UNANSWERED as usize)));
        let shared =
            Rc::new(ControlShared { socket, gate: gate.into(), executor, stats: Cell::default(), slots });
        Ok(Self { shared, listening: None })
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
        self.shared.gate.borrow_mut().set_allowed(allow);
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
        Box::pin(async move { drop(slots.acquire_many_owned(UNANSWERED).await) })
    }
}

impl ControlShared {
    /// Reads for ever: no error of the socket is final.
    async fn listen(self: Rc<Self>) {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        // The semaphore is never closed.
        while let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            match self.socket.recv_from(&mut buffer).await {
                Ok((length, peer)) => self.receive(&buffer[..length], peer, slot),
                Err(error) => {
                    // An earlier reply found nobody; or we are short of memory, and must not spin.
                    debug!(error = %error, "control socket not readable");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    fn receive(self: &Rc<Self>, datagram: &[u8], peer: SocketAddr, slot: OwnedSemaphorePermit) {
        if let Err(silence) = self.gate.borrow().admit(peer) {
            return self.ignore(peer, silence);
        }
        let (shared, datagram) = (Rc::clone(self), datagram.to_vec());
        // In a task of its own even a mistake in our own code ends one request and not the control socket.
        actix_rt::spawn(async move {
            match shared.outcome(datagram, peer).await {
                Some(outcome) => shared.deliver(outcome, peer).await,
                None => shared.ignore(peer, IgnoreReason::Reply),
            }
            drop(slot);
        });
    }

    async fn outcome(&self, datagram: Vec<u8>, peer: SocketAddr) -> Option<Response> {
        let parsed = Request::parse(&datagram);
        // It may be large, and there may be many that wait.
        drop(datagram);
        match parsed {
            Ok(request) => Some(self.executor.execute(request, peer, DEADLINE).await),
            Err(refusal) => {
                debug!(%peer, error = %refusal, "request refused");
                refusal.reply().map(Response::from)
            }
        }
    }

    async fn deliver(&self, outcome: Response, peer: SocketAddr) {
        let Response { reply, taken } = outcome;
        let mut sent = self.socket.send_to(&reply, peer).await;
        if sent.is_err() {
            // The error may be an earlier reply's, which the system reports at the next chance.
            sent = self.socket.send_to(&reply, peer).await;
        }
        match sent {
            Ok(_) => {
                if let Some(taken) = taken {
                    taken.delivered();
                }
                self.count(|stats| stats.answered += 1);
            }
            Err(error) => {
                warn!(%peer, error = %error, bytes = reply.len(), "reply not sent");
                self.count(|stats| stats.unsent += 1);
            }
        }
    }

    fn ignore(&self, peer: SocketAddr, silence: IgnoreReason) {
        debug!(%peer, reason = silence.as_str(), "datagram not answered");
        self.count(|stats| stats.ignored[silence as usize] += 1);
    }

    fn count(&self, change: impl FnOnce(&mut ControlStats)) {
        let mut stats = self.stats.get();
        change(&mut stats);
        self.stats.set(stats);
    }
}

/// As many bytes of requests may wait as the system allows, up to this: a burst of commands is not lost.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The contract promises an answer within 400 ms.
const DEADLINE: Duration = Duration::from_millis(350);
/// Far more than are carried out at once: whoever comes in a flood is told in time that we are busy, and the
/// socket's buffer is soon empty again.
const UNANSWERED: u32 = 16_384;
const LARGEST_DATAGRAM: usize = 65_535;
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
