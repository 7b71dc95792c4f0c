//! A network for tests, in virtual time: each host does with each request what its script says.
//!
//! The clock is tokio's, so `tokio::time::pause()` steers it. Times of receipt are exact; bells and sleeping
//! tasks go by tokio's timers, whole milliseconds: what is due in between is heard at the next one.
//!
//! ```ignore
//! tokio::time::pause();
//! let network = ScriptedNetwork::new().host(HOST, [reply(12), silence()]).elsewhere(reply(20));
//! let pinger = PingActor::new(HOST, interval, timeout, seed, network.engine()).start();
//! ```

#[deny(clippy::disallowed_methods)]
mod fate;
#[deny(clippy::disallowed_methods)]
mod state;

pub use fate::{
    ScriptedOutcome, error, not_sent, panic_at_send, refused, reply, reply_micros, silence, stale, swallowed,
};

use super::{Engine, EngineStats, Event, Line, Listener, TargetId};
use crate::measure::Timestamp;
use crate::target::{Address, PacketOptions};
use fate::Sending;
use state::{NetworkState, Repeat, ScriptedEvent};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A network made of scripts; clones share it. Made inside of an actix or `LocalSet` runtime, after
/// `tokio::time::pause()`.
#[derive(Clone)]
pub struct ScriptedNetwork(Rc<NetworkCore>);

/// A request as the network saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// When it was handed over.
    pub at: Timestamp,
    /// Its number.
    pub number: u32,
    /// What it looked like.
    pub packet: PacketOptions,
}

impl ScriptedNetwork {
    /// A network where nobody answers. Its moments count from now.
    pub fn new() -> Self {
        let changed = Rc::new(Notify::new());
        let state = RefCell::new(NetworkState::new());
        let core = Rc::new(NetworkCore {
            epoch: Instant::now(),
            state,
            asleep_until: Cell::default(),
            changed: changed.clone(),
        });
        tokio::task::spawn_local(drive(Rc::downgrade(&core), changed));
        Self(core)
    }

    /// Scripts a host: its requests meet these fates in turn, and then the same again, for ever. No fates: silence.
    #[must_use]
    pub fn host(self, address: Address, fates: impl IntoIterator<Item = ScriptedOutcome>) -> Self {
        self.rewrite(address, fates);
        self
    }

    /// Scripts a host: its requests meet these fates in turn, and from then on `ever_after`.
    #[must_use]
    pub fn host_then(
        self,
        address: Address,
        fates: impl IntoIterator<Item = ScriptedOutcome>,
        ever_after: ScriptedOutcome,
    ) -> Self {
        self.0
            .state
            .borrow_mut()
            .script(address)
            .rewrite(fates.into_iter().chain([ever_after]), Repeat::Last);
        self
    }

    /// The fate of every request to a host without a script of its own; such requests are not written down.
    #[must_use]
    pub fn elsewhere(self, fate: ScriptedOutcome) -> Self {
        self.0.state.borrow_mut().elsewhere = fate;
        self
    }

    /// Gives a host another script while the test runs, to be used from its beginning.
    pub fn rewrite(&self, address: Address, fates: impl IntoIterator<Item = ScriptedOutcome>) {
        self.0.state.borrow_mut().script(address).rewrite(fates, Repeat::All);
    }

    /// The network as an actor wants it.
    pub fn engine(&self) -> Rc<dyn Engine> {
        Rc::new(self.clone())
    }

    /// The requests to a scripted host that left, oldest first: neither those refused nor those not sent.
    pub fn sightings(&self, address: Address) -> Vec<Sighting> {
        self.0.state.borrow().sightings(address).to_vec()
    }

    /// Number of requests that left, to all hosts together.
    pub fn requests(&self) -> u64 {
        self.0.state.borrow().requests
    }

    /// Number of ports that are attached.
    pub fn ports(&self) -> usize {
        self.0.state.borrow().ports()
    }

    /// Number of bells and arrivals that are still to come.
    pub fn to_come(&self) -> usize {
        self.0.state.borrow().to_come()
    }

    /// Delivers what has arrived and rings the bells that are due, in the order of time.
    fn fire_due(&self) {
        let now = self.0.now();
        loop {
            let Some((listener, id, due)) = self.0.state.borrow_mut().pop_due(now) else { return };
            match due {
                ScriptedEvent::Event(event) => self.tell(&*listener, event),
                ScriptedEvent::Alarm => listener.on_due(Line::new(self, id)),
                ScriptedEvent::Dropped => {}
            }
        }
    }

    fn tell(&self, listener: &dyn Listener, event: Event) {
        if let Err(reason) = listener.on_event(event) {
            self.0.state.borrow_mut().foreign[reason as usize] += 1;
        }
    }
}

impl Default for ScriptedNetwork {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for ScriptedNetwork {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn attach(&self, address: Address, listener: Rc<dyn Listener>) -> TargetId {
        self.0.state.borrow_mut().attach(address, listener)
    }

    fn detach(&self, id: TargetId) {
        self.0.state.borrow_mut().detach(id);
    }

    fn set_packet_options(&self, id: TargetId, packet: PacketOptions) {
        self.0.state.borrow_mut().set_packet_options(id, packet);
    }

    fn send(&self, id: TargetId, number: u32) {
        let now = self.0.now();
        let Some((listener, sending)) = self.0.state.borrow_mut().send(id, number, now) else { return };
        self.0.reconsider();
        self.tell(
            &*listener,
            match sending {
                Sending::Sent => Event::Sent { number, at: now },
                Sending::NotSent => Event::NotSent { number },
                Sending::Refused => Event::Refused { number, at: now, reason: None },
                #[expect(clippy::panic, reason = "this fate is for tests of what a panic does")]
                Sending::Panic => panic!("the script says so"),
            },
        );
    }

    fn wake_at(&self, id: TargetId, at: Timestamp, _: Duration) {
        self.0.state.borrow_mut().set_alarm(id, at);
        self.0.reconsider();
    }

    fn collect(&self) -> Timestamp {
        self.fire_due();
        // What arrives at this very moment has been delivered too.
        self.0.now() + Duration::from_nanos(1)
    }

    fn complete_until(&self) -> Timestamp {
        // Everything is delivered in the order of time.
        self.0.state.borrow().next_due().min(self.0.now() + Duration::from_nanos(1))
    }

    fn dropped_between(&self, id: TargetId, from: Timestamp, to: Timestamp) -> bool {
        self.0.state.borrow_mut().dropped_between(id, from, to)
    }

    fn stats(&self) -> EngineStats {
        let state = self.0.state.borrow();
        let dropped = [0, 1].map(|family: usize| state.drops[family].len() as u64);
        EngineStats {
            engine: "scripted",
            socket: "none",
            foreign: state.foreign,
            dropped,
            ..EngineStats::default()
        }
    }
}

/// What the clones of a network share.
struct NetworkCore {
    epoch: Instant,
    state: RefCell<NetworkState>,
    /// For when the driver has set its alarm clock; the epoch while it is not asleep.
    asleep_until: Cell<Timestamp>,
    changed: Rc<Notify>,
}

impl NetworkCore {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH + self.epoch.elapsed()
    }

    /// Wakes the driver if it sleeps for too long.
    fn reconsider(&self) {
        if self.state.borrow().next_due() < self.asleep_until.get() {
            self.asleep_until.set(Timestamp::EPOCH);
            self.changed.notify_one();
        }
    }
}

impl Drop for NetworkCore {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// The one task of a network. Ends with it.
async fn drive(core: Weak<NetworkCore>, changed: Rc<Notify>) {
    loop {
        let Some(core) = core.upgrade() else { return };
        ScriptedNetwork(Rc::clone(&core)).fire_due();
        let next = core.state.borrow().next_due();
        core.asleep_until.set(next);
        let (now, epoch) = (core.now(), core.epoch);
        drop(core);
        if next == Timestamp::NEVER {
            changed.notified().await;
            continue;
        }
        let alarm = sleep_whole_millis(epoch + now.since(Timestamp::EPOCH), next.since(now));
        tokio::select! {
            () = alarm => {}
            () = changed.notified() => {}
        }
    }
}

/// Sleeps until the first whole number of milliseconds after `now` at which `duration` has passed.
///
/// Timers count whole milliseconds from an origin of their own, and round up: asking for a little less than a
/// millisecond less wakes us at the very moment.
async fn sleep_whole_millis(now: Instant, duration: Duration) {
    let whole = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let alarm = now + Duration::from_millis(whole) - Duration::from_nanos(999_999);
    tokio::time::sleep_until(alarm).await;
}
