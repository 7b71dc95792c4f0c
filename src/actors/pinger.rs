//! Pings one address on its own grid and owns everything measured about it.

use crate::measure::{Account, Histogram, Moment, Period, Reception, Schedule, Summary, Totals};
use crate::probe::{DELIVERY, Engine, Event, Foreign, Port};
use crate::target::{Address, Interval, Timeout};
use actix::prelude::*;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tracing::debug;

/// Asks for the books since the latest reset.
#[derive(Debug, Message)]
#[rtype(result = "Summary")]
pub struct GetSummary;

/// Asks for the books since the actor started, which no reset touches.
#[derive(Debug, Message)]
#[rtype(result = "Totals")]
pub struct GetTotals;

/// Starts a new measurement period; the reply is the one that just ended.
#[derive(Debug, Message)]
#[rtype(result = "Period")]
pub struct BeginPeriod;

/// Undoes a [`BeginPeriod`]: its reply could not be delivered, and nothing may be lost.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ResumePeriod(pub Period);

/// Asks for the answered requests by RTT, since the latest reset.
#[derive(Debug, Message)]
#[rtype(result = "Histogram")]
pub struct GetHistogram {
    /// Start the histogram again afterwards, and nothing else.
    pub reset: bool,
}

/// Changes the interval.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SetInterval(pub Interval);

/// Ends the actor; its target is no longer wanted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// Tells that a pinger ended without having been told to.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct PingerDied {
    /// Whom it pinged.
    pub address: Address,
    /// Which of the pingers of that address it was.
    pub incarnation: u64,
}

/// Pings one address on its own grid and owns everything measured about it.
pub struct PingActor {
    schedule: Schedule,
    account: Account,
    port: Port,
    address: Address,
    will: Option<Will>,
}

/// Where a pinger's unexpected end is reported, and as whose.
pub struct Will {
    /// The parent; its other children share it.
    pub heir: Arc<Recipient<PingerDied>>,
    /// Which of the pingers of its address it is.
    pub incarnation: u64,
}

impl PingActor {
    /// A pinger that starts on its grid at once. `phase` is where in its interval the grid lies, in 2^-32.
    pub fn new(
        address: Address,
        interval: Interval,
        timeout: Timeout,
        seed: Seed,
        engine: Rc<dyn Engine>,
    ) -> Self {
        let port = Port::open(engine, address);
        Self {
            schedule: Schedule::new(interval.get(), seed.phase, port.now()),
            account: Account::new(timeout.get(), timeout.memory(), seed.first_number),
            port,
            address,
            will: None,
        }
    }

    /// Has the parent told if this actor ends without having been asked to, by a panic.
    #[must_use]
    pub fn with_will(mut self, will: Will) -> Self {
        self.will = Some(will);
        self
    }

    /// Takes in what was heard, settles what timed out, sends what is due, and sets the next alarm.
    fn turn(&mut self) {
        self.hear();
        let due = self.schedule.take_due(self.port.now());
        self.account.skip(due.skipped);
        if due.send {
            let number = self.account.open(self.port.now());
            self.port.send(number);
        }
        self.set_alarm();
    }

    fn hear(&mut self) {
        let events = self.port.take_events();
        for event in &events {
            self.take_in(*event);
        }
        self.port.recycle(events);
        let port = &self.port;
        self.account.expire(port.complete_until(), |from, to| port.dropped_between(from, to));
    }

    fn take_in(&mut self, event: Event) {
        let reception = match event {
            Event::Sent { number, at } => return self.account.sent(number, at),
            Event::NotSent { number } => return self.account.not_sent(number),
            Event::Refused { number, at } => return self.account.refused(number, at),
            Event::Reply { number, received, ttl } => self.account.reply(number, received, ttl),
            Event::Error { sequence, received, class, code, router } => {
                debug!(addr = %self.address, %router, class = class.as_str(), code, "answered by an error");
                let number = self.account.number_of(sequence);
                number.map_or(Reception::Stale, |number| self.account.error(number, received, class))
            }
        };
        if reception == Reception::Stale {
            self.port.count_foreign(Foreign::Stale);
        }
    }

    fn set_alarm(&mut self) {
        let next = self.schedule.next();
        // With a short interval the next turn is soon enough to settle what timed out.
        let deadline =
            self.account.next_deadline().filter(|_| self.schedule.interval() > self.account.timeout());
        let settled = deadline.map_or(Moment::NEVER, |deadline| deadline + SETTLING);
        self.port.wake_at(next.min(settled), self.schedule.pace());
    }

    /// Brings the books up to the present, for somebody who looks at them.
    fn catch_up(&mut self) {
        if self.account.has_open() {
            self.port.collect();
        }
        self.hear();
    }
}

/// So long after its deadline a request is certain to be settled: everything received by then is delivered.
const SETTLING: Duration = DELIVERY.saturating_mul(2);

/// What makes a target's numbers its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Where in its interval its grid lies, as a fraction of 2^32; from the address, the same after a restart.
    pub phase: u32,
    /// Number of its first request; random, so that nobody can guess it.
    pub first_number: u32,
}

impl Actor for PingActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.set_alarm();
        ctx.spawn(Listen);
    }
}

impl Drop for PingActor {
    fn drop(&mut self) {
        if let Some(will) = self.will.take() {
            will.heir.do_send(PingerDied { address: self.address, incarnation: will.incarnation });
        }
    }
}

/// The one task of a pinger: a turn whenever the bell rings.
struct Listen;

impl ActorFuture<PingActor> for Listen {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        pinger: &mut PingActor,
        _: &mut Context<PingActor>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        while pinger.port.poll_bell(task).is_ready() {
            pinger.turn();
        }
        Poll::Pending
    }
}

impl Handler<GetSummary> for PingActor {
    type Result = MessageResult<GetSummary>;

    fn handle(&mut self, _: GetSummary, _: &mut Self::Context) -> Self::Result {
        self.catch_up();
        MessageResult(self.account.summary())
    }
}

impl Handler<GetTotals> for PingActor {
    type Result = MessageResult<GetTotals>;

    fn handle(&mut self, _: GetTotals, _: &mut Self::Context) -> Self::Result {
        self.catch_up();
        MessageResult(self.account.totals())
    }
}

impl Handler<BeginPeriod> for PingActor {
    type Result = MessageResult<BeginPeriod>;

    fn handle(&mut self, _: BeginPeriod, _: &mut Self::Context) -> Self::Result {
        self.catch_up();
        MessageResult(self.account.begin_period())
    }
}

impl Handler<ResumePeriod> for PingActor {
    type Result = ();

    fn handle(&mut self, ResumePeriod(ended): ResumePeriod, _: &mut Self::Context) {
        self.account.resume_period(ended);
    }
}

impl Handler<GetHistogram> for PingActor {
    type Result = MessageResult<GetHistogram>;

    fn handle(&mut self, GetHistogram { reset }: GetHistogram, _: &mut Self::Context) -> Self::Result {
        self.catch_up();
        let histogram = self.account.histogram();
        if reset {
            self.account.begin_histogram();
        }
        MessageResult(histogram)
    }
}

impl Handler<SetInterval> for PingActor {
    type Result = ();

    fn handle(&mut self, SetInterval(interval): SetInterval, _: &mut Self::Context) {
        // What is due is sent first: a change must not take it away.
        self.turn();
        self.schedule.set_interval(interval.get(), self.port.now());
        self.set_alarm();
    }
}

impl Handler<Retire> for PingActor {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) {
        self.will = None;
        ctx.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::dev::ContextFut;

    #[test]
    fn the_task_of_a_pinger_is_six_steps_of_tokio_s_sizes_large() {
        // tokio aligns tasks to 128 bytes, and needs 104 of its own: at 100 000 targets a step costs 13 MB.
        assert!(size_of::<ContextFut<PingActor, Context<PingActor>>>() <= 6 * 128 - 104);
    }
}
