//! A network for tests, in virtual time: each host answers requests as its script defines.
//!
//! The clock is tokio's, so `tokio::time::pause()` controls it. Times of receipt are exact; alarms and sleeping tasks
//! use tokio's timers with whole milliseconds: events in between are delivered at the next one.
//!
//! ```ignore
//! tokio::time::pause();
//! let network = ScriptedNetwork::new().host(HOST, [reply(12), silence()]).elsewhere(reply(20));
//! let pinger = PingActor::new(HOST, interval, timeout, seed, network.engine()).start();
//! ```

#[deny(clippy::disallowed_methods)]
mod outcome;
#[deny(clippy::disallowed_methods)]
mod state;

pub use outcome::{
    ScriptedOutcome, error, not_sent, panic_at_send, refused, reply, reply_micros, silence, stale, swallowed,
};

use super::{Engine, EngineHandle, EngineStats, Event, Listener, TargetId};
use crate::measure::Timestamp;
use crate::target::{Address, PacketOptions};
use outcome::Sending;
use state::{NetworkState, Repeat, ScriptedEvent};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A scripted network; clones share it. Must be created in an actix or `LocalSet` runtime, after
/// `tokio::time::pause()`.
#[derive(Clone)]
pub struct ScriptedNetwork(Rc<NetworkCore>);

/// A request that the network received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// When it was sent.
    pub at: Timestamp,
    /// Its number.
    pub number: u32,
    /// Its packet options.
    pub packet: PacketOptions,
}

impl ScriptedNetwork {
    /// A network in which no host answers. Its moments count from now.
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

    /// Scripts a host: its requests have these outcomes in turn, repeated for ever. Without outcomes it is silent.
    #[must_use]
    pub fn host(self, address: Address, outcomes: impl IntoIterator<Item = ScriptedOutcome>) -> Self {
        self.rewrite(address, outcomes);
        self
    }

    /// Scripts a host: its requests have these outcomes in turn, and from then on `ever_after`.
    #[must_use]
    pub fn host_then(
        self,
        address: Address,
        outcomes: impl IntoIterator<Item = ScriptedOutcome>,
        ever_after: ScriptedOutcome,
    ) -> Self {
        self.0
            .state
            .borrow_mut()
            .script(address)
            .rewrite(outcomes.into_iter().chain([ever_after]), Repeat::Last);
        self
    }

    /// The outcome of requests to hosts without a script; such requests are not recorded.
    #[must_use]
    pub fn elsewhere(self, outcome: ScriptedOutcome) -> Self {
        self.0.state.borrow_mut().elsewhere = outcome;
        self
    }

    /// Replaces the script of a host during a test.
    pub fn rewrite(&self, address: Address, outcomes: impl IntoIterator<Item = ScriptedOutcome>) {
        self.0.state.borrow_mut().script(address).rewrite(outcomes, Repeat::All);
    }

    /// The network as an engine.
    pub fn engine(&self) -> Rc<dyn Engine> {
        Rc::new(self.clone())
    }

    /// The requests that were sent to a scripted host, oldest first.
    pub fn sightings(&self, address: Address) -> Vec<Sighting> {
        self.0.state.borrow().sightings(address).to_vec()
    }

    /// Number of requests that were sent to all hosts.
    pub fn requests(&self) -> u64 {
        self.0.state.borrow().requests
    }

    /// Number of attached targets.
    pub fn targets(&self) -> usize {
        self.0.state.borrow().targets()
    }

    /// Number of scheduled alarms and arrivals.
    pub fn scheduled(&self) -> usize {
        self.0.state.borrow().scheduled()
    }

    /// Delivers arrivals and alarms that are due, in the order of time.
    fn fire_due(&self) {
        let now = self.0.now();
        loop {
            let Some((listener, id, due)) = self.0.state.borrow_mut().pop_due(now) else { return };
            match due {
                ScriptedEvent::Event(event) => self.report(&*listener, event),
                ScriptedEvent::Alarm => listener.on_due(EngineHandle::new(self, id)),
                ScriptedEvent::Dropped => {}
            }
        }
    }

    fn report(&self, listener: &dyn Listener, event: Event) {
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
        self.0.wake_driver_if_due();
        self.report(
            &*listener,
            match sending {
                Sending::Sent => Event::Sent { number, at: now },
                Sending::NotSent => Event::NotSent { number },
                Sending::Refused => Event::Refused { number, at: now, reason: None },
                #[expect(clippy::panic, reason = "this outcome is for tests of panics")]
                Sending::Panic => panic!("the script says so"),
            },
        );
    }

    fn wake_at(&self, id: TargetId, at: Timestamp, _: Duration) {
        self.0.state.borrow_mut().set_alarm(id, at);
        self.0.wake_driver_if_due();
    }

    fn collect(&self) -> Timestamp {
        self.fire_due();
        // Arrivals of exactly this moment have been delivered, too.
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

/// The state that the clones of a network share.
struct NetworkCore {
    epoch: Instant,
    state: RefCell<NetworkState>,
    /// When the driver's sleep ends; the epoch while it is awake.
    asleep_until: Cell<Timestamp>,
    changed: Rc<Notify>,
}

impl NetworkCore {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH + self.epoch.elapsed()
    }

    /// Wakes the driver if an event is before the end of its sleep.
    fn wake_driver_if_due(&self) {
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

/// The task of a network. Ends with it.
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
/// Timers count whole milliseconds from their own origin, and round up: a deadline that is almost a millisecond earlier
/// wakes the task exactly at that moment.
async fn sleep_whole_millis(now: Instant, duration: Duration) {
    let whole = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let alarm = now + Duration::from_millis(whole) - Duration::from_nanos(999_999);
    tokio::time::sleep_until(alarm).await;
}
