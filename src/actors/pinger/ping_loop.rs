//! What a pinger has on its target, and what it does when its time has come.
//!
//! The engine rings and reports right here, on the thread that all of them live on; the actor stands in front for
//! everybody else. To wake the actor's task for every ping takes memory that is in no cache after a second: at
//! 100 000 targets a ping cost 4.9 µs with it, and 4.4 without; 3.5 since what is left is fetched ahead ([`Listener::prefetch`]).

use super::{PingActor, PingLoopPanicked};
use crate::measure::{Reception, RequestTracker, Schedule, Timestamp};
use crate::probe::{DELIVERY, Event, Line, Listener, RejectReason};
use crate::target::{Address, Interval, Timeout};
use actix::WeakAddr;
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tracing::debug;

/// So long after its deadline a request is certain to be settled: everything received by then is delivered.
const SETTLING: Duration = DELIVERY.saturating_mul(2);

/// A target's schedule and account. One actor owns them, and its engine keeps them going.
pub(super) struct PingLoop {
    schedule: RefCell<Schedule>,
    account: RefCell<RequestTracker>,
    address: Address,
    /// Something panicked; whatever comes is ignored until the actor has been replaced.
    broken: Cell<bool>,
    owner: OnceCell<WeakAddr<PingActor>>,
}

impl PingLoop {
    /// Books of an address.
    pub(super) fn new(address: Address, schedule: Schedule, account: RequestTracker) -> Self {
        Self {
            schedule: schedule.into(),
            account: account.into(),
            address,
            broken: Cell::new(false),
            owner: OnceCell::new(),
        }
    }

    /// Tells them who is to end if something panics.
    pub(super) fn belong_to(&self, owner: WeakAddr<PingActor>) {
        // A second owner can't be, and would not matter.
        let _ = self.owner.set(owner);
    }

    /// Whom they are about.
    pub(super) const fn address(&self) -> Address {
        self.address
    }

    /// The account as it is, for what does not depend on the present.
    pub(super) fn account(&self) -> RefMut<'_, RequestTracker> {
        self.account.borrow_mut()
    }

    /// The account, with everything in it that has happened by now.
    pub(super) fn up_to_date(&self, line: Line<'_>) -> RefMut<'_, RequestTracker> {
        let open = self.account.borrow().has_open();
        if open {
            line.collect();
        }
        self.settle(line);
        self.account.borrow_mut()
    }

    /// Changes the interval, and after which time a request is lost.
    pub(super) fn adjust(&self, interval: Interval, timeout: Timeout, line: Line<'_>) {
        // What is due is sent first: a change must not take it away.
        self.turn(line);
        let mut account = self.account.borrow_mut();
        account.set_timeout(timeout.get(), timeout.memory());
        account.set_interval(interval.get(), line.now());
        drop(account);
        self.schedule.borrow_mut().set_interval(interval.get(), line.now());
        self.set_alarm(line);
    }

    /// Sets the alarm for the next turn.
    pub(super) fn set_alarm(&self, line: Line<'_>) {
        let schedule = *self.schedule.borrow();
        let mut account = self.account.borrow_mut();
        // With a short interval the next turn is soon enough to settle what timed out.
        let deadline = account.next_deadline().filter(|_| schedule.interval() > account.timeout());
        let settled = deadline.map_or(Timestamp::NEVER, |deadline| deadline + SETTLING);
        line.wake_at(schedule.next().min(settled), schedule.pace());
    }

    /// Settles what timed out, sends what is due, and sets the next alarm.
    fn turn(&self, line: Line<'_>) {
        self.settle(line);
        let now = line.now();
        let due = self.schedule.borrow_mut().take_due(now);
        self.account.borrow_mut().skip(due.skipped);
        if due.send {
            // The engine may report on it at once.
            let number = self.account.borrow_mut().open(now);
            line.send(number);
        }
        self.set_alarm(line);
    }

    fn settle(&self, line: Line<'_>) {
        let until = line.complete_until();
        self.account.borrow_mut().expire(until, |from, to| line.dropped_between(from, to));
    }

    fn take_in(&self, event: Event) -> Reception {
        let mut account = self.account.borrow_mut();
        match event {
            Event::Sent { number, at } => account.sent(number, at),
            Event::NotSent { number } => account.not_sent(number),
            Event::Refused { number, at, reason } => account.refused(number, at, reason),
            Event::Reply { number, received, ttl } => return account.reply(number, received, ttl),
            Event::Error { sequence, received, class, code, router } => {
                debug!(addr = %self.address, %router, class = class.as_str(), code, "answered by an error");
                let number = account.number_of(sequence);
                return number.map_or(Reception::Stale, |number| account.error(number, received, class));
            }
        }
        Reception::Moot
    }

    /// Does something on the engine's behalf; a panic ends this pinger and nobody else.
    fn guarded<T>(&self, action: impl FnOnce() -> T) -> Option<T> {
        if self.broken.get() {
            return None;
        }
        let done = catch_unwind(AssertUnwindSafe(action));
        if done.is_err() {
            self.broken.set(true);
            if let Some(owner) = self.owner.get().and_then(WeakAddr::upgrade) {
                owner.do_send(PingLoopPanicked);
            }
        }
        done.ok()
    }
}

impl Listener for PingLoop {
    fn on_event(&self, event: Event) -> Result<(), RejectReason> {
        match self.guarded(|| self.take_in(event)) {
            Some(Reception::Stale) => Err(RejectReason::Stale),
            _ => Ok(()),
        }
    }

    fn on_due(&self, line: Line<'_>) {
        self.guarded(|| self.turn(line));
    }

    fn prefetch(&self) -> u64 {
        self.schedule.borrow().next().as_nanos() ^ self.account.borrow().prefetch()
    }
}
