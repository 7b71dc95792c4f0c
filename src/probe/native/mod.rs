//! The ICMP engine for Linux: raw sockets, batches, kernel time stamps, keyed tokens.
//!
//! | module | contents |
//! |---|---|
//! | `driver` | the task: sleep until the next slot, read, call due targets, send |
//! | `transmit`, `receive` | the two directions |
//! | `targets`, `custom_packet`, `slots`, `pacing` | targets and their packet options, alarms, and the size of volleys |
//! | `answerers` | targets that another address answers for |
//! | `idents`, `interfaces` | the thread that a packet belongs to, the interface that it leaves through |
//! | `clock`, `drops` | interpretation of the kernel's time stamps and drop counters |
//! | `socket`, `sys` | sockets and system calls |
//!
//! A reply needs a 64-bit token, so it can't be forged without reading a request. The token proves it, not its source:
//! hosts answer from another address than the one that was asked (RFC 4443 §4.2). Errors quote no token: to forge one,
//! the random identifier and a target's random sequence number have to be guessed, 1 chance in 2^32.

mod answerers;
mod clock;
mod custom_packet;
mod driver;
mod drops;
mod idents;
mod interfaces;
#[deny(clippy::disallowed_methods)]
mod pacing;
mod receive;
#[deny(clippy::disallowed_methods)]
mod slots;
mod socket;
mod sys;
mod targets;
mod transmit;

use super::send_failures::SendFailureLog;
use super::wire::TokenKey;
use super::{Engine, EngineStats, Event, Listener, RejectReason, TargetId};
use crate::measure::{Log2Histogram, Timestamp};
use crate::target::{Address, Family, PacketOptions};
use answerers::Answerers;
use clock::WallClock;
use slots::Slots;
use socket::{IcmpSocket, SocketKind};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use targets::{NativeTarget, NativeTargets};
use tokio::sync::Notify;
use tracing::warn;

pub use driver::drive;
pub use idents::Idents;

/// The native engine of one thread.
pub struct NativeEngine {
    key: TokenKey,
    /// `CLOCK_BOOTTIME` at the epoch, in ns.
    epoch: i128,
    sockets: RefCell<Vec<IcmpSocket>>,
    targets: RefCell<NativeTargets>,
    answerers: RefCell<Answerers>,
    slots: RefCell<Slots>,
    queue: RefCell<Vec<(TargetId, u32)>>,
    receiver: RefCell<receive::Receiver>,
    transmitter: RefCell<sys::Outbound>,
    send_failures: RefCell<SendFailureLog>,
    complete_until: Cell<Timestamp>,
    /// When the sockets were last read, emptied or not.
    drained: Cell<Timestamp>,
    foreign: [Cell<u64>; RejectReason::ALL.len()],
    lateness: RefCell<Log2Histogram>,
    wakeups: Cell<u64>,
    /// When a target was last called.
    last_due_call: Cell<Timestamp>,
    /// The time that the driver's timer is set to.
    timer: Cell<Timestamp>,
    /// Wakes the driver before its timer does.
    wake_driver: Notify,
    /// Whether the driver is running, and so sends queued requests without a wake-up.
    driver_awake: Cell<bool>,
}

/// Why there is no native engine; shown to the operator unchanged.
#[derive(Debug, thiserror::Error)]
pub enum NativeError {
    /// Neither kind of socket is permitted.
    #[error(
        "no permission to send ICMP: run as root, or give the binary the capability \
         (setcap cap_net_raw+p meshping), or allow datagram sockets \
         (sysctl net.ipv4.ping_group_range=\"0 2147483647\")"
    )]
    NotPermitted,
    /// Another error, for every family.
    #[error("can't open an ICMP socket: {0}")]
    IcmpSocket(#[from] io::Error),
}

impl NativeEngine {
    /// Opens the sockets of the thread with these identifiers. Moments count from `epoch`, a time of `CLOCK_BOOTTIME`
    /// in ns from [`boot_time`].
    ///
    /// # Errors
    /// [`NativeError`] if there is no way to send ICMP of either family.
    pub fn open(epoch: i128, idents: Idents) -> Result<Rc<Self>, NativeError> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let sockets = open_sockets(idents)?;
        let now = moment(epoch);
        let wall = WallClock::new(sys::clock(libc::CLOCK_REALTIME), now);
        Ok(Rc::new(Self {
            key: TokenKey::new(key),
            epoch,
            sockets: RefCell::new(sockets),
            targets: RefCell::default(),
            answerers: RefCell::default(),
            slots: RefCell::default(),
            queue: RefCell::default(),
            receiver: RefCell::new(receive::Receiver::new(wall)),
            transmitter: RefCell::new(sys::Outbound::new()),
            send_failures: RefCell::default(),
            complete_until: Cell::new(now),
            drained: Cell::new(now),
            foreign: Default::default(),
            lateness: RefCell::default(),
            wakeups: Cell::new(0),
            last_due_call: Cell::new(now),
            timer: Cell::new(Timestamp::NEVER),
            wake_driver: Notify::new(),
            driver_awake: Cell::new(false),
        }))
    }

    fn report(&self, target: &NativeTarget, event: Event) {
        if let Err(reason) = target.listener.on_event(event) {
            self.count_foreign(reason);
        }
    }

    fn count_foreign(&self, reason: RejectReason) {
        let counter = &self.foreign[reason as usize];
        counter.set(counter.get() + 1);
    }

    /// See [`EngineStats::stalled`].
    fn stalled(&self) -> Duration {
        let due = self.slots.borrow().first();
        due.map_or(Duration::ZERO, |due| self.now().since(due.max(self.last_due_call.get())))
    }

    /// Bytes of the smallest receive buffer, if that is too small for many targets.
    pub fn small_buffer(&self) -> Option<u32> {
        self.sockets.borrow().iter().filter_map(IcmpSocket::small_buffer).min()
    }
}

/// The present on `CLOCK_BOOTTIME`, in ns, which includes the time of a suspend; the monotonic clock does not.
pub fn boot_time() -> i128 {
    sys::clock(libc::CLOCK_BOOTTIME)
}

fn moment(epoch: i128) -> Timestamp {
    Timestamp::from_nanos(u64::try_from(boot_time() - epoch).unwrap_or(0))
}

fn open_sockets(idents: Idents) -> Result<Vec<IcmpSocket>, NativeError> {
    let (mut sockets, mut failures) = (Vec::new(), Vec::new());
    for family in [Family::V4, Family::V6] {
        let opened = IcmpSocket::open(family, SocketKind::Raw, idents).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => IcmpSocket::open(family, SocketKind::Datagram, idents),
            _ => Err(error),
        });
        match opened {
            Ok(socket) => sockets.push(socket),
            Err(error) => failures.push((family, error)),
        }
    }
    if sockets.is_empty() {
        return Err(no_socket(failures));
    }
    for (family, error) in failures {
        warn!(?family, %error, "no ICMP socket of this family, its targets will count errors");
    }
    Ok(sockets)
}

/// Prefers the error about permissions, which the operator can correct.
fn no_socket(failures: Vec<(Family, io::Error)>) -> NativeError {
    let mut errors = failures.into_iter().map(|(_, error)| error);
    let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    match errors.next() {
        Some(error) if !denied(&error) && !errors.any(|other| denied(&other)) => error.into(),
        _ => NativeError::NotPermitted,
    }
}

impl Engine for NativeEngine {
    fn now(&self) -> Timestamp {
        moment(self.epoch)
    }

    fn attach(&self, address: Address, listener: Rc<dyn Listener>) -> TargetId {
        self.targets.borrow_mut().insert(address, listener)
    }

    fn detach(&self, id: TargetId) {
        let Some(removed) = self.targets.borrow_mut().remove(id) else { return };
        self.send_failures.borrow_mut().remove(id);
        self.answerers.borrow_mut().remove(id);
        if let Some(slot) = removed.alarm {
            self.slots.borrow_mut().remove(slot, id.index);
        }
    }

    fn set_packet_options(&self, id: TargetId, packet: PacketOptions) {
        if let Some(size) = packet.size {
            self.receiver.borrow_mut().make_room(size);
        }
        self.targets.borrow_mut().set_packet_options(id, packet);
    }

    fn send(&self, id: TargetId, number: u32) {
        self.queue.borrow_mut().push((id, number));
        if !self.driver_awake.get() {
            self.wake_driver.notify_one();
        }
    }

    fn wake_at(&self, id: TargetId, at: Timestamp, interval: Duration) {
        let mut targets = self.targets.borrow_mut();
        // The first request must be soon, so it gets less slack for a shared wake-up.
        let slack = if targets.set_interval(id, interval) { interval / 64 } else { interval / 8 };
        let rate = targets.rate();
        let Some(target) = targets.get_mut(id) else { return };
        // An alarm in the past is due in the next turn, not again and again in the current one.
        let slot = slots::slot_of(at.max(self.now()), slack, rate);
        let before = target.alarm.replace(slot);
        let mut slots = self.slots.borrow_mut();
        if let Some(before) = before {
            slots.remove(before, id.index);
        }
        slots.insert(slot, id.index);
        if slot < self.timer.get() {
            self.wake_driver.notify_one();
        }
    }

    fn collect(&self) -> Timestamp {
        if self.now().since(self.drained.get()) > receive::MAX_DRAIN_AGE {
            self.drain();
        }
        self.complete_until.get()
    }

    fn complete_until(&self) -> Timestamp {
        self.complete_until.get()
    }

    fn dropped_between(&self, id: TargetId, from: Timestamp, to: Timestamp) -> bool {
        let targets = self.targets.borrow();
        let Some(family) = targets.get(id).map(|target| Family::of(target.ip())) else { return false };
        let sockets = self.sockets.borrow();
        sockets.iter().any(|socket| socket.family == family && socket.drops.between(from, to))
    }

    fn answered_by(&self, id: TargetId) -> Option<Address> {
        self.answerers.borrow().get(id)
    }

    fn stats(&self) -> EngineStats {
        let sockets = self.sockets.borrow();
        let dropped = |family| sockets.iter().filter(|s| s.family == family).map(|s| s.drops.total()).sum();
        EngineStats {
            engine: "native",
            socket: sockets.first().map_or("none", |socket| socket.kind.as_str()),
            foreign: self.foreign.each_ref().map(Cell::get),
            dropped: [dropped(Family::V4), dropped(Family::V6)],
            lateness: *self.lateness.borrow(),
            wakeups: self.wakeups.get(),
            stalled: self.stalled(),
        }
    }
}
