//! Pings one address on its own grid and owns everything measured about it.

mod ping_loop;

use super::persistence::SavedTarget;
use crate::measure::{
    DetailedStats, EncodedStats, EndedPeriod, Histogram, LifetimeStats, PeriodStats, RequestTracker,
    Schedule, WallMapping,
};
use crate::probe::{Engine, Listener, Port};
use crate::target::{Address, Interval, PacketOptions, PingSettings, Timeout};
use actix::prelude::*;
use ping_loop::PingLoop;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;
use tracing::warn;

/// Asks for the books since the latest reset.
#[derive(Debug, Message)]
#[rtype(result = "PeriodStats")]
pub struct GetSummary;

/// Asks for the books since the actor started, which no reset touches.
#[derive(Debug, Message)]
#[rtype(result = "LifetimeStats")]
pub struct GetTotals;

/// Asks for the books since the actor started, and for the wall-clock time of the moments in them.
#[derive(Debug, Message)]
#[rtype(result = "(LifetimeStats, WallMapping)")]
pub struct GetTimedTotals;

/// Asks for everything that there is to tell.
#[derive(Debug, Message)]
#[rtype(result = "Report")]
pub struct GetReport;

/// Everything that there is to tell of a target at one moment.
#[derive(Debug, Clone)]
pub struct Report {
    /// The books since the latest reset.
    pub summary: PeriodStats,
    /// What is told beyond them.
    pub detail: DetailedStats,
    /// The wall-clock time of the moments in it.
    pub wall: WallMapping,
}

/// Starts a new measurement period; the reply is the one that just ended, and all that there was to tell at its end.
#[derive(Debug, Message)]
#[rtype(result = "(EndedPeriod, Report)")]
pub struct BeginPeriodWithReport;

/// Starts a new measurement period; the reply is the one that just ended.
#[derive(Debug, Message)]
#[rtype(result = "EndedPeriod")]
pub struct BeginPeriod;

/// Undoes a [`BeginPeriod`]: its reply could not be delivered, and nothing may be lost.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ResumePeriod(pub EndedPeriod);

/// Asks for the answered requests by RTT, since the latest reset.
#[derive(Debug, Message)]
#[rtype(result = "Histogram")]
pub struct GetHistogram {
    /// Start the histogram again afterwards, and nothing else.
    pub reset: bool,
}

/// Asks for everything that is to be known after a restart.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "EncodedStats")]
pub struct Save;

/// Changes how the target is pinged.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Adjust(pub PingSettings);

/// Ends the actor; its target is no longer wanted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopPinger;

/// Tells that a pinger ended without having been told to.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct PingerDied {
    /// Whom it pinged.
    pub address: Address,
    /// Which of the pingers of that address it was.
    pub generation: u64,
}

/// A turn of the pinger panicked: it is of no use any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct PingLoopPanicked;

/// Pings one address on its own grid and owns everything measured about it.
pub struct PingActor {
    books: Rc<PingLoop>,
    port: Port,
    will: Option<DeathNotice>,
}

/// Where a pinger's unexpected end is reported, and as whose.
pub struct DeathNotice {
    /// The parent; its other children share it.
    pub parent: Arc<Recipient<PingerDied>>,
    /// Which of the pingers of its address it is.
    pub generation: u64,
}

impl PingActor {
    /// A pinger that starts on its grid at once.
    pub fn new(
        address: Address,
        interval: Interval,
        timeout: Timeout,
        seed: Seed,
        engine: Rc<dyn Engine>,
    ) -> Self {
        let schedule = Schedule::new(interval.get(), seed.phase, engine.now());
        let mut account = RequestTracker::new(timeout.get(), timeout.memory(), seed.first_number);
        account.set_interval(interval.get(), engine.now());
        let books = Rc::new(PingLoop::new(address, schedule, account));
        let port = Port::open(engine, address, Rc::clone(&books) as Rc<dyn Listener>);
        port.set_timeout(timeout);
        Self { books, port, will: None }
    }

    /// Has its requests look like that.
    #[must_use]
    pub fn with_packet_options(self, packet: PacketOptions) -> Self {
        if packet != PacketOptions::default() {
            self.port.set_packet_options(packet);
        }
        self
    }

    fn report(&self) -> Report {
        let (account, wall) = (self.books.up_to_date(self.port.line()), self.wall());
        Report { summary: account.summary(), detail: account.detail(wall.now()), wall }
    }

    /// The wall-clock time of moments, at this one.
    fn wall(&self) -> WallMapping {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        WallMapping::new(self.port.line().now(), unix)
    }

    /// Goes on with what was known before a restart.
    #[must_use]
    pub fn resuming(self, kept: &SavedTarget) -> Self {
        let (now, unix) = (self.port.line().now(), SystemTime::now().duration_since(SystemTime::UNIX_EPOCH));
        let away = unix.unwrap_or_default().saturating_sub(kept.at);
        if !self.books.account().restore(&kept.saved, now, away) {
            warn!(addr = %self.books.address(), "the saved statistics are not understood and begin anew");
        }
        self
    }

    /// Has the parent told if this actor ends without having been asked to, by a panic.
    #[must_use]
    pub fn with_death_notice(mut self, will: DeathNotice) -> Self {
        self.will = Some(will);
        self
    }
}

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
        self.books.belong_to(ctx.address().downgrade());
        self.books.set_alarm(self.port.line());
        // An actor that nobody holds an address of ends, unless it has something to do.
        ctx.spawn(std::future::pending().into_actor(self));
    }
}

impl Drop for PingActor {
    fn drop(&mut self) {
        if let Some(will) = self.will.take() {
            will.parent.do_send(PingerDied { address: self.books.address(), generation: will.generation });
        }
    }
}

impl Handler<GetSummary> for PingActor {
    type Result = MessageResult<GetSummary>;

    fn handle(&mut self, _: GetSummary, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.books.up_to_date(self.port.line()).summary())
    }
}

impl Handler<GetTotals> for PingActor {
    type Result = MessageResult<GetTotals>;

    fn handle(&mut self, _: GetTotals, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.books.up_to_date(self.port.line()).totals())
    }
}

impl Handler<GetTimedTotals> for PingActor {
    type Result = MessageResult<GetTimedTotals>;

    fn handle(&mut self, _: GetTimedTotals, _: &mut Self::Context) -> Self::Result {
        MessageResult((self.books.up_to_date(self.port.line()).totals(), self.wall()))
    }
}

impl Handler<GetReport> for PingActor {
    type Result = MessageResult<GetReport>;

    fn handle(&mut self, _: GetReport, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.report())
    }
}

impl Handler<BeginPeriodWithReport> for PingActor {
    type Result = MessageResult<BeginPeriodWithReport>;

    fn handle(&mut self, _: BeginPeriodWithReport, _: &mut Self::Context) -> Self::Result {
        let report = self.report();
        // Nothing is settled between the two: what has come was taken in for the report.
        MessageResult((self.books.account().begin_period(), report))
    }
}

impl Handler<Save> for PingActor {
    type Result = MessageResult<Save>;

    fn handle(&mut self, _: Save, _: &mut Self::Context) -> Self::Result {
        let line = self.port.line();
        MessageResult(self.books.up_to_date(line).save(line.now()))
    }
}

impl Handler<BeginPeriod> for PingActor {
    type Result = MessageResult<BeginPeriod>;

    fn handle(&mut self, _: BeginPeriod, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.books.up_to_date(self.port.line()).begin_period())
    }
}

impl Handler<ResumePeriod> for PingActor {
    type Result = ();

    fn handle(&mut self, ResumePeriod(ended): ResumePeriod, _: &mut Self::Context) {
        self.books.account().resume_period(ended);
    }
}

impl Handler<GetHistogram> for PingActor {
    type Result = MessageResult<GetHistogram>;

    fn handle(&mut self, GetHistogram { reset }: GetHistogram, _: &mut Self::Context) -> Self::Result {
        let mut account = self.books.up_to_date(self.port.line());
        let histogram = account.histogram();
        if reset {
            account.begin_histogram();
        }
        MessageResult(histogram)
    }
}

impl Handler<Adjust> for PingActor {
    type Result = ();

    fn handle(&mut self, Adjust(ping_settings): Adjust, _: &mut Self::Context) {
        let PingSettings { interval, timeout, packet } = ping_settings;
        self.port.set_packet_options(packet);
        self.port.set_timeout(timeout);
        self.books.adjust(interval, timeout, self.port.line());
    }
}

impl Handler<PingLoopPanicked> for PingActor {
    type Result = ();

    fn handle(&mut self, _: PingLoopPanicked, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<StopPinger> for PingActor {
    type Result = ();

    fn handle(&mut self, _: StopPinger, ctx: &mut Self::Context) {
        self.will = None;
        ctx.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::dev::ContextFut;

    #[test]
    fn the_task_of_a_pinger_is_four_steps_of_tokio_s_sizes_large() {
        // tokio aligns tasks to 128 bytes, and needs 104 of its own: at 100 000 targets a step costs 13 MB.
        assert!(size_of::<ContextFut<PingActor, Context<PingActor>>>() <= 4 * 128 - 104);
    }
}
