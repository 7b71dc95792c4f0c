//! The engine for every platform, based on the crate surge-ping, without system calls of its own.
//!
//! Its limits, compared with the native engine:
//!
//! | not available | reason | effect |
//! |---|---|---|
//! | the kernel's time of receipt | no kernel time stamps | the time at which surge-ping read the packet: local load adds to the RTT, and a local stall longer than the timeout causes losses |
//! | duplicates | surge-ping stops at the first packet of a request | not counted |
//! | a reply after an error | the same | not counted as late |
//! | a reply after a redirect or source quench | the same | the request is void unless it was answered before |
//! | verification of a reply | surge-ping returns no payload and no checksum | only address, identifier, sequence and length are compared; a reply of another length is malformed, and its request void |
//! | foreign packets | not returned | not counted |
//! | a reply from another address | surge-ping finds the request by the source of the reply | lost |
//! | packets that the receive buffer dropped | not reported | lost |
//! | errors on datagram sockets | not returned | lost |
//! | TTL of replies in IPv6, or on datagram sockets of Linux | not returned | unknown |
//! | every packet option but `size`, and the `interface` of a link-local address | surge-ping has them for whole sockets, if at all | requests of a target with one of them are refused as errors of the class `send`, and the log has the reason |
//! | a size above 1980 bytes | surge-ping reads no more of a reply | the same |
//! | the time of a suspend | `std`'s clock may stop | not counted |
//!
//! Requests wait for late replies while fewer than `MAX_LATE_WAITERS` are in flight, otherwise until their timeout.

mod request;
mod targets;

use super::{Engine, EngineHandle, EngineStats, Event, Listener, TargetId};
use crate::measure::Timestamp;
use crate::target::{Address, Family, PacketOptions, Timeout};
use request::{PortableRequest, RequestTotals};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant, SystemTime};
use surge_ping::{Client, Config, ICMP};
use targets::{PortableTarget, PortableTargets, Unsendable};
use tokio::sync::Notify;

/// The portable engine of one thread.
pub struct PortableEngine {
    clock: PortableClock,
    timeout: Timeout,
    /// For each lane the clients of IPv4 and IPv6; `None` for a family that the system lacks.
    clients: RefCell<Vec<Clients>>,
    targets: RefCell<PortableTargets>,
    totals: Rc<RequestTotals>,
    /// Packets received before this have been delivered.
    complete_until: Cell<Timestamp>,
    /// When a target was last called.
    last_due_call: Cell<Timestamp>,
    /// When the driver's sleep ends; the epoch while it is awake.
    asleep_until: Cell<Timestamp>,
    changed: Rc<Notify>,
}

/// Why there is no portable engine; shown to the operator unchanged.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// Neither raw nor datagram sockets are permitted.
    #[error(
        "no permission to send ICMP: run as root; or, on Linux, give the binary the capability \
         (setcap cap_net_raw+p meshping), or allow datagram sockets \
         (sysctl net.ipv4.ping_group_range=\"0 2147483647\")"
    )]
    NotPermitted,
    /// Another error, for both families.
    #[error("can't open an ICMP socket: {0}")]
    Socket(io::Error),
    /// No source of randomness.
    #[error("can't get random numbers: {0}")]
    Random(String),
}

/// The clients of surge-ping for IPv4 and IPv6.
type Clients = [Option<Client>; 2];

/// An event to be reported at once.
type ListenerCall = (Rc<dyn Listener>, Event);

impl PortableEngine {
    /// Opens the sockets and starts the engine's task; within a `LocalSet`, as every actix arbiter has one.
    ///
    /// # Errors
    /// [`PortableError`] if there is no way to send ICMP of either family.
    pub fn new(timeout: Timeout) -> Result<Rc<Self>, PortableError> {
        let clients = open_clients()?;
        let mut ident = [0; 2];
        getrandom::fill(&mut ident).map_err(|error| PortableError::Random(error.to_string()))?;
        let clock = PortableClock::start();
        let changed = Rc::new(Notify::new());
        let engine = Rc::new(Self {
            clock,
            timeout,
            clients: RefCell::new(vec![clients]),
            targets: RefCell::new(PortableTargets::new(u16::from_ne_bytes(ident))),
            totals: Rc::default(),
            complete_until: Cell::new(clock.now()),
            last_due_call: Cell::new(clock.now()),
            asleep_until: Cell::new(Timestamp::EPOCH),
            changed: Rc::clone(&changed),
        });
        tokio::task::spawn_local(drive(Rc::downgrade(&engine), changed));
        Ok(engine)
    }

    /// The request to be sent; or the event to report if it can't be sent.
    fn request(&self, id: TargetId, number: u32) -> Option<Result<PortableRequest, ListenerCall>> {
        let mut targets = self.targets.borrow_mut();
        let target = targets.get_mut(id)?;
        let listener = Rc::clone(&target.listener);
        let in_flight = self.totals.in_flight();
        if in_flight >= MAX_IN_FLIGHT {
            return Some(Err((listener, Event::NotSent { number })));
        }
        let address = target.address;
        let client = self.client(target.lane, family_index(address)).ok_or(Unsendable::NoSocket);
        let route = client.and_then(|client| Ok((client, target.size()?, target.destination()?)));
        let (client, size, destination) = match route {
            Ok(route) => route,
            Err(error) => {
                let (at, reason) = (self.clock.now(), error.reason());
                self.totals.send_failures.borrow_mut().refused((id, address), &error, at);
                return Some(Err((listener, Event::Refused { number, at, reason })));
            }
        };
        let timeout = target.timeout;
        let wait = if in_flight < MAX_LATE_WAITERS { timeout.memory() } else { timeout.get() };
        let unanswerable = Rc::clone(&target.unanswerable);
        let (ident, clock, totals) = (target.ident, self.clock, Rc::clone(&self.totals));
        Some(Ok(PortableRequest {
            client,
            target: id,
            address,
            destination,
            ident,
            number,
            size,
            wait,
            clock,
            listener,
            unanswerable,
            totals,
        }))
    }

    /// The client of a lane, with sockets of its own; `None` without a socket of that family. One raw socket serves all
    /// lanes, because it sends each target's identifier; the daemon may no longer have the privilege to open another.
    fn client(&self, lane: usize, family: usize) -> Option<Client> {
        let mut clients = self.clients.borrow_mut();
        if let Some(first) = clients[0][family].clone().filter(|first| lane == 0 || is_raw(first)) {
            return Some(first);
        }
        while clients.len() <= lane {
            clients.push(open_clients().ok()?);
        }
        clients[lane][family].clone()
    }

    /// Wakes the driver if an alarm is before the end of its sleep.
    fn wake_driver_if_due(&self) {
        if self.targets.borrow().next_alarm() < self.asleep_until.get() {
            self.asleep_until.set(Timestamp::EPOCH);
            self.changed.notify_one();
        }
    }

    fn call_due(&self, now: Timestamp) {
        self.last_due_call.set(now);
        loop {
            let Some((listener, id)) = self.targets.borrow_mut().pop_due(now) else { return };
            listener.on_due(EngineHandle::new(self, id));
        }
    }
}

impl Engine for PortableEngine {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn attach(&self, address: Address, listener: Rc<dyn Listener>) -> TargetId {
        self.targets.borrow_mut().attach(address, listener, self.timeout)
    }

    fn detach(&self, id: TargetId) {
        // Dropped after the borrow has ended, because that ends its requests.
        let target = self.targets.borrow_mut().detach(id);
        if target.is_some() {
            self.totals.send_failures.borrow_mut().remove(id);
        }
    }

    fn set_packet_options(&self, id: TargetId, packet: PacketOptions) {
        if let Some(target) = self.targets.borrow_mut().get_mut(id) {
            target.set_packet_options(packet);
        }
    }

    fn set_timeout(&self, id: TargetId, timeout: Timeout) {
        if let Some(target) = self.targets.borrow_mut().get_mut(id) {
            target.timeout = timeout;
        }
    }

    fn send(&self, id: TargetId, number: u32) {
        match self.request(id, number) {
            Some(Ok(request)) => {
                if let Some(target) = self.targets.borrow_mut().get_mut(id) {
                    target.start(request);
                }
            }
            Some(Err((listener, event))) => self.totals.report(&*listener, event),
            None => {}
        }
    }

    fn wake_at(&self, id: TargetId, at: Timestamp, _: Duration) {
        // An alarm in the past is due in the next round, not again and again in the current one.
        self.targets.borrow_mut().set_alarm(id, at.max(self.now()));
        self.wake_driver_if_due();
    }

    fn collect(&self) -> Timestamp {
        // Only surge-ping's own task reads the sockets, so this can't read more.
        self.complete_until.get()
    }

    fn complete_until(&self) -> Timestamp {
        self.complete_until.get()
    }

    /// Whether replies to a request of that target may have been missed. Drops of the buffer are unknown.
    fn dropped_between(&self, id: TargetId, from: Timestamp, to: Timestamp) -> bool {
        let mut targets = self.targets.borrow_mut();
        let unanswerable = |target: &mut PortableTarget| {
            target.unanswerable.borrow().iter().any(|at| (from..=to).contains(at))
        };
        targets.get_mut(id).is_some_and(unanswerable)
    }

    fn stats(&self) -> EngineStats {
        let socket =
            if self.clients.borrow().iter().flatten().flatten().all(is_raw) { "raw" } else { "dgram" };
        let due = self.targets.borrow().next_alarm();
        let stalled = self.clock.now().since(due.max(self.last_due_call.get()));
        let foreign = self.totals.foreign();
        EngineStats { engine: "portable", socket, foreign, stalled, ..EngineStats::default() }
    }
}

impl Drop for PortableEngine {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// The clock of an engine: `std`'s, which never steps back, counted from 1970 so that a target's grid is the same
/// after a restart; modulo a period, because request trackers store moments of at most nine years.
#[derive(Debug, Clone, Copy)]
struct PortableClock {
    epoch: Timestamp,
    started: Instant,
}

impl PortableClock {
    fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(since_1970.as_nanos()).unwrap_or(0) % CLOCK_PERIOD_NANOS;
        Self { epoch: Timestamp::from_nanos(nanos), started: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.epoch + self.started.elapsed()
    }
}

/// The engine's task: calls targets when they are due. Ends with the engine.
async fn drive(engine: Weak<PortableEngine>, changed: Rc<Notify>) {
    loop {
        let Some(strong) = engine.upgrade() else { return };
        let next = strong.targets.borrow().next_alarm();
        strong.asleep_until.set(next);
        let now = strong.clock.now();
        let totals = Rc::clone(&strong.totals);
        drop(strong);
        if next > now {
            tokio::select! {
                () = tokio::time::sleep(next.since(now).min(MAX_SLEEP)) => {}
                () = changed.notified() => {}
            }
        }
        let Some(strong) = engine.upgrade() else { return };
        let woken_at = strong.clock.now();
        if strong.targets.borrow().next_alarm() <= woken_at {
            drop(strong);
            collect_replies(&totals).await;
            let Some(strong) = engine.upgrade() else { return };
            strong.complete_until.set(woken_at);
            strong.call_due(woken_at);
        }
    }
}

/// Lets surge-ping read packets and its requests finish, until no more packets come.
///
/// The runtime polls the sockets before it wakes a sleeping task; a few runs of the other tasks then take the packets
/// to their requests.
async fn collect_replies(totals: &RequestTotals) {
    for _ in 0..MAX_ROUNDS {
        let before = totals.finished();
        for _ in 0..YIELDS_PER_ROUND {
            tokio::task::yield_now().await;
        }
        if totals.finished() == before {
            return;
        }
    }
}

/// Opens raw sockets if permitted, otherwise datagram sockets: surge-ping tries one after the other.
fn open_clients() -> Result<Clients, PortableError> {
    let open = |kind| Client::new(&Config::builder().kind(kind).sock_type_hint(socket2::Type::RAW).build());
    match (open(ICMP::V4), open(ICMP::V6)) {
        (Err(error), Err(_)) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(PortableError::NotPermitted)
        }
        (Err(error), Err(_)) => Err(PortableError::Socket(error)),
        (v4, v6) => Ok([v4.ok(), v6.ok()]),
    }
}

fn is_raw(client: &Client) -> bool {
    client.get_socket().get_type() == socket2::Type::RAW
}

fn family_index(address: Address) -> usize {
    usize::from(address.family() == Family::V6)
}

/// Period of the clock, about four and a half years.
const CLOCK_PERIOD_NANOS: u64 = 1 << 57;
/// Maximum number of requests in flight, each a task of about 2 KB; beyond it requests are not sent.
const MAX_IN_FLIGHT: usize = 16_384;
/// Number of requests in flight below which each waits for a late reply; otherwise they wait until their timeout.
pub const MAX_LATE_WAITERS: usize = 8_192;
/// Maximum duration of one sleep, because tokio's timers are limited.
const MAX_SLEEP: Duration = Duration::from_secs(86_400);
/// Yields after which a packet has passed from the socket through surge-ping's task to the request's task.
const YIELDS_PER_ROUND: u32 = 3;
/// Maximum number of rounds of replies before the due targets are called.
const MAX_ROUNDS: u32 = 64;
