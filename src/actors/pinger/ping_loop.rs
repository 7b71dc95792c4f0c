//! The schedule and the requests of one target, driven by its engine.
//!
//! The engine calls this directly, on the thread that all of them live on; the actor handles everything else. Waking
//! the actor's task for every ping reads memory that is in no cache after a second: at 100 000 targets a ping cost
//! 4.9 µs with the task, and 4.4 without; 3.5 since the rest is fetched ahead ([`Listener::prefetch`]).

use super::{PingActor, PingLoopPanicked};
use crate::measure::{Reception, RequestTracker, Schedule, Timestamp};
use crate::probe::{DELIVERY, EngineHandle, Event, Listener, RejectReason};
use crate::target::{Interval, TargetKey, Timeout};
use actix::WeakAddr;
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tracing::debug;

/// Time from a request's deadline until it is certain to be settled: everything received by then is delivered.
const SETTLING_TIME: Duration = DELIVERY.saturating_mul(2);

/// A target's schedule and requests. One actor owns them, and its engine drives them.
pub(super) struct PingLoop {
    schedule: RefCell<Schedule>,
    tracker: RefCell<RequestTracker>,
    key: TargetKey,
    /// Set after a panic; later calls are ignored until the actor has been replaced.
    panicked: Cell<bool>,
    owner: OnceCell<WeakAddr<PingActor>>,
}

impl PingLoop {
    /// The loop of a target.
    pub(super) fn new(key: TargetKey, schedule: Schedule, tracker: RequestTracker) -> Self {
        Self {
            schedule: schedule.into(),
            tracker: tracker.into(),
            key,
            panicked: Cell::new(false),
            owner: OnceCell::new(),
        }
    }

    /// Sets the actor that ends if something panics here.
    pub(super) fn set_owner(&self, owner: WeakAddr<PingActor>) {
        // There is only one owner; a second call would change nothing.
        let _ = self.owner.set(owner);
    }

    /// The target that is pinged.
    pub(super) const fn key(&self) -> &TargetKey {
        &self.key
    }

    /// The requests as last recorded, for what does not depend on the present.
    pub(super) fn tracker(&self) -> RefMut<'_, RequestTracker> {
        self.tracker.borrow_mut()
    }

    /// The requests, with everything recorded that has happened by now.
    pub(super) fn updated_tracker(&self, engine: EngineHandle<'_>) -> RefMut<'_, RequestTracker> {
        let open = self.tracker.borrow().has_open();
        if open {
            engine.collect();
        }
        self.expire(engine);
        self.tracker.borrow_mut()
    }

    /// Changes the interval, and the timeout of requests.
    pub(super) fn adjust(&self, interval: Interval, timeout: Timeout, engine: EngineHandle<'_>) {
        // A request that is due is sent first: a change must not cancel it.
        self.run(engine);
        let mut tracker = self.tracker.borrow_mut();
        tracker.set_timeout(timeout.get(), timeout.memory());
        tracker.set_interval(interval.get(), engine.now());
        drop(tracker);
        self.schedule.borrow_mut().set_interval(interval.get(), engine.now());
        self.set_alarm(engine);
    }

    /// Sets the alarm for the next run.
    pub(super) fn set_alarm(&self, engine: EngineHandle<'_>) {
        let schedule = *self.schedule.borrow();
        let mut tracker = self.tracker.borrow_mut();
        // With a short interval the next run is soon enough to expire requests.
        let deadline = tracker.next_deadline().filter(|_| schedule.interval() > tracker.timeout());
        let settled = deadline.map_or(Timestamp::NEVER, |deadline| deadline + SETTLING_TIME);
        engine.wake_at(schedule.next().min(settled), schedule.pace());
    }

    /// Expires requests, sends the one that is due, and sets the next alarm.
    fn run(&self, engine: EngineHandle<'_>) {
        self.expire(engine);
        let now = engine.now();
        let due = self.schedule.borrow_mut().take_due(now);
        self.tracker.borrow_mut().skip(due.skipped);
        if due.send {
            // The borrow ends before the engine is called: it may report the request at once.
            let number = self.tracker.borrow_mut().open(now);
            engine.send(number);
        }
        self.set_alarm(engine);
    }

    fn expire(&self, engine: EngineHandle<'_>) {
        let until = engine.complete_until();
        self.tracker.borrow_mut().expire(until, |from, to| engine.dropped_between(from, to));
    }

    fn record(&self, event: Event) -> Reception {
        let mut tracker = self.tracker.borrow_mut();
        match event {
            Event::Sent { number, at } => tracker.sent(number, at),
            Event::NotSent { number } => tracker.not_sent(number),
            Event::Refused { number, at, reason } => tracker.refused(number, at, reason),
            Event::Reply { number, received, ttl } => return tracker.reply(number, received, ttl),
            Event::Error { sequence, received, class, code, router } => {
                debug!(addr = %self.key, %router, class = class.as_str(), code, "answered by an error");
                let number = tracker.number_of(sequence);
                return number.map_or(Reception::Stale, |number| tracker.error(number, received, class));
            }
        }
        Reception::Moot
    }

    /// Runs a call of the engine; a panic ends only this pinger.
    fn guarded<T>(&self, action: impl FnOnce() -> T) -> Option<T> {
        if self.panicked.get() {
            return None;
        }
        let result = catch_unwind(AssertUnwindSafe(action));
        if result.is_err() {
            self.panicked.set(true);
            if let Some(owner) = self.owner.get().and_then(WeakAddr::upgrade) {
                owner.do_send(PingLoopPanicked);
            }
        }
        result.ok()
    }
}

impl Listener for PingLoop {
    fn on_event(&self, event: Event) -> Result<(), RejectReason> {
        match self.guarded(|| self.record(event)) {
            Some(Reception::Stale) => Err(RejectReason::Stale),
            _ => Ok(()),
        }
    }

    fn awaits(&self, sequence: u16) -> bool {
        self.tracker.borrow().is_in_flight(sequence)
    }

    fn on_due(&self, engine: EngineHandle<'_>) {
        self.guarded(|| self.run(engine));
    }

    fn prefetch(&self) -> u64 {
        self.schedule.borrow().next().as_nanos() ^ self.tracker.borrow().prefetch()
    }
}
