//! The engine for every platform, on the crate surge-ping: no system calls of our own.
//!
//! It reports nothing that it does not know. What it can't tell, compared with the native engine:
//!
//! | what | why | what becomes of it |
//! |---|---|---|
//! | when the kernel received a packet | no kernel time stamps | the time at which surge-ping read it: load on our own side adds to the RTT, and a stall of ours that is longer than the timeout makes losses |
//! | duplicates | a request's first packet ends the waiting for it | not counted |
//! | a reply after an error | the same | not counted as late |
//! | a reply after a redirect or source quench | the same | the request is void unless it was answered before |
//! | whether a reply is authentic and whole | payloads and checksums are not shown | address, identifier, sequence and length are compared, no more; a reply of another length is malformed, and its request void |
//! | packets that are not ours | they are not shown | not counted |
//! | packets that our receive buffer dropped | not shown | lost |
//! | errors on datagram sockets | they are not shown there | lost |
//! | TTL of replies in IPv6, or on datagram sockets of Linux | not shown | unknown |
//! | packet options other than size | surge-ping has them for whole sockets, if at all | a target that asks for one is not pinged otherwise: its requests are refused, errors of the class `send`, and the log says why |
//! | a size above 1980 bytes | surge-ping reads no more of a reply | likewise |
//! | time that the machine was suspended | `std`'s clock may stop | not counted |
//!
//! Requests wait for late replies as long as fewer than [`AMPLE`] are under way; above that until their timeout.

mod request;
mod targets;

use super::{Engine, EngineStats, Event, Line, Listener, TargetId};
use crate::measure::Timestamp;
use crate::target::{Address, Family, PacketOptions, Timeout};
use request::{PortableRequest, RequestTotals};
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant, SystemTime};
use surge_ping::{Client, Config, ICMP};
use targets::{PortableTarget, PortableTargets};
use tokio::sync::Notify;

/// The portable engine of one thread.
pub struct PortableEngine {
    clock: PortableClock,
    timeout: Timeout,
    /// For IPv4 and IPv6; a family that the system does not have has none.
    clients: [Option<Client>; 2],
    targets: RefCell<PortableTargets>,
    tally: Rc<RequestTotals>,
    /// Everything that was received before this has been delivered.
    complete_until: Cell<Timestamp>,
    /// When targets were last called on.
    rang: Cell<Timestamp>,
    /// For when the driver has set its alarm clock; the epoch while it is awake.
    asleep_until: Cell<Timestamp>,
    changed: Rc<Notify>,
}

/// Why there is no portable engine; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// Neither raw nor datagram sockets are permitted.
    #[error(
        "no permission to send ICMP: run as root; or, on Linux, give the binary the capability \
         (setcap cap_net_raw+ep meshping), or allow datagram sockets \
         (sysctl net.ipv4.ping_group_range=\"0 2147483647\")"
    )]
    NotPermitted,
    /// Something else is wrong with both families.
    #[error("can't open an ICMP socket: {0}")]
    Socket(io::Error),
    /// No source of randomness.
    #[error("no random numbers to be had: {0}")]
    Random(String),
}

/// What a listener is told at once.
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
            clients,
            targets: RefCell::new(PortableTargets::new(u16::from_ne_bytes(ident))),
            tally: Rc::default(),
            complete_until: Cell::new(clock.now()),
            rang: Cell::new(clock.now()),
            asleep_until: Cell::new(Timestamp::EPOCH),
            changed: Rc::clone(&changed),
        });
        tokio::task::spawn_local(drive(Rc::downgrade(&engine), changed));
        Ok(engine)
    }

    /// The request to be sent; or, without a way to send it, what to tell at once.
    fn request(&self, id: TargetId, number: u32) -> Option<Result<PortableRequest, ListenerCall>> {
        let mut targets = self.targets.borrow_mut();
        let target = targets.get_mut(id)?;
        let listener = Rc::clone(&target.listener);
        let under_way = self.tally.under_way();
        if under_way >= AT_MOST {
            return Some(Err((listener, Event::NotSent { number })));
        }
        let refused = |address, reason: &dyn Display| {
            let at = self.clock.now();
            self.tally.refusals.borrow_mut().refused(address, reason, at);
            Some(Err((Rc::clone(&listener), Event::Refused { number, at })))
        };
        let client = self.clients[family_index(target.address)].clone();
        let (Some(client), Some(destination)) = (client, target.destination()) else {
            let reason = "there is no interface of that name, or no socket of this family";
            return refused(target.address, &reason);
        };
        let size = match target.size() {
            Ok(size) => size,
            Err(unable) => return refused(target.address, &unable),
        };
        let timeout = target.timeout;
        let wait = if under_way < AMPLE { timeout.memory() } else { timeout.get() };
        let blind = Rc::clone(&target.blind);
        let (address, ident, clock, tally) =
            (target.address, target.ident, self.clock, Rc::clone(&self.tally));
        Some(Ok(PortableRequest {
            client,
            address,
            destination,
            ident,
            number,
            size,
            wait,
            clock,
            listener,
            blind,
            tally,
        }))
    }

    /// Wakes the driver if it sleeps for too long.
    fn reconsider(&self) {
        if self.targets.borrow().next_alarm() < self.asleep_until.get() {
            self.asleep_until.set(Timestamp::EPOCH);
            self.changed.notify_one();
        }
    }

    fn ring_due(&self, now: Timestamp) {
        self.rang.set(now);
        loop {
            let Some((listener, id)) = self.targets.borrow_mut().pop_due(now) else { return };
            listener.on_due(Line::new(self, id));
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
        // Dropped after the borrow has ended: what is under way ends with it.
        let target = self.targets.borrow_mut().detach(id);
        if let Some(target) = target {
            self.tally.refusals.borrow_mut().forget(target.address);
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
            Some(Err((listener, event))) => self.tally.tell(&*listener, event),
            None => {}
        }
    }

    fn wake_at(&self, id: TargetId, at: Timestamp, _: Duration) {
        // An alarm in the past rings in the next round, not over and over in the present one.
        self.targets.borrow_mut().set_alarm(id, at.max(self.now()));
        self.reconsider();
    }

    fn collect(&self) -> Timestamp {
        // Only surge-ping's own task reads the sockets, so there is nothing to be had before its turn.
        self.complete_until.get()
    }

    fn complete_until(&self) -> Timestamp {
        self.complete_until.get()
    }

    /// Whether a request of that target may have been answered without our seeing it. Nothing is known of drops.
    fn dropped_between(&self, id: TargetId, from: Timestamp, to: Timestamp) -> bool {
        let mut targets = self.targets.borrow_mut();
        let blind =
            |target: &mut PortableTarget| target.blind.borrow().iter().any(|at| (from..=to).contains(at));
        targets.get_mut(id).is_some_and(blind)
    }

    fn stats(&self) -> EngineStats {
        let raw = |client: &Client| client.get_socket().get_type() == socket2::Type::RAW;
        let socket = if self.clients.iter().flatten().all(raw) { "raw" } else { "dgram" };
        let due = self.targets.borrow().next_alarm();
        let stalled = self.clock.now().since(due.max(self.rang.get()));
        let foreign = self.tally.foreign();
        EngineStats { engine: "portable", socket, foreign, stalled, ..EngineStats::default() }
    }
}

impl Drop for PortableEngine {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// The clock of an engine: `std`'s, which never steps back, counted from 1970 so that a target's grid is the same
/// after a restart; in turns, since accounts have no bits for the moments of more than nine years.
#[derive(Debug, Clone, Copy)]
struct PortableClock {
    epoch: Timestamp,
    started: Instant,
}

impl PortableClock {
    fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(since_1970.as_nanos()).unwrap_or(0) % TURN;
        Self { epoch: Timestamp::from_nanos(nanos), started: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.epoch + self.started.elapsed()
    }
}

/// The engine's one task: wakes targets when they are due. Ends with the engine.
async fn drive(engine: Weak<PortableEngine>, changed: Rc<Notify>) {
    loop {
        let Some(strong) = engine.upgrade() else { return };
        let next = strong.targets.borrow().next_alarm();
        strong.asleep_until.set(next);
        let now = strong.clock.now();
        let tally = Rc::clone(&strong.tally);
        drop(strong);
        if next > now {
            tokio::select! {
                () = tokio::time::sleep(next.since(now).min(LONGEST_SLEEP)) => {}
                () = changed.notified() => {}
            }
        }
        let Some(strong) = engine.upgrade() else { return };
        let woken = strong.clock.now();
        if strong.targets.borrow().next_alarm() <= woken {
            drop(strong);
            hear_all(&tally).await;
            let Some(strong) = engine.upgrade() else { return };
            strong.complete_until.set(woken);
            strong.ring_due(woken);
        }
    }
}

/// Lets surge-ping read, and its requests conclude, until nothing comes any more.
///
/// Whoever wakes from a sleep has been preceded by a look at the sockets; a few turns of the other tasks bring
/// what was seen there to its request.
async fn hear_all(tally: &RequestTotals) {
    for _ in 0..MOST_ROUNDS {
        let before = tally.concluded();
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        if tally.concluded() == before {
            return;
        }
    }
}

/// Raw sockets where they are permitted, else datagram sockets: surge-ping tries one after the other.
fn open_clients() -> Result<[Option<Client>; 2], PortableError> {
    let open = |kind| Client::new(&Config::builder().kind(kind).sock_type_hint(socket2::Type::RAW).build());
    match (open(ICMP::V4), open(ICMP::V6)) {
        (Err(error), Err(_)) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(PortableError::NotPermitted)
        }
        (Err(error), Err(_)) => Err(PortableError::Socket(error)),
        (v4, v6) => Ok([v4.ok(), v6.ok()]),
    }
}

fn family_index(address: Address) -> usize {
    usize::from(address.family() == Family::V6)
}

/// About four and a half years, in ns.
const TURN: u64 = 1 << 57;
/// So many requests are under way at most, each a task of some 2 KB; beyond that nothing is sent.
const AT_MOST: usize = 16_384;
/// With fewer requests under way than this, each waits for a late reply; with more, until its timeout only.
pub const AMPLE: usize = 8_192;
/// tokio's timers end somewhere; whoever wakes too early sleeps again.
const LONGEST_SLEEP: Duration = Duration::from_secs(86_400);
/// From the socket to the request: surge-ping's task, the request's task.
const TURNS: u32 = 3;
/// After so many rounds of replies, who is due waits no longer.
const MOST_ROUNDS: u32 = 64;
