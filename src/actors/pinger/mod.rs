//! Pings one address on its own grid and owns all statistics about it.

mod ping_loop;
mod query;

use super::persistence::SavedTarget;
use crate::measure::{Histogram, RequestTracker, Schedule, WallMapping};
use crate::probe::{Engine, EngineHandle, Listener, TargetId};
use crate::target::{Address, Interval, PacketOptions, PingSettings, TargetKey, Timeout};
use actix::prelude::*;
use ping_loop::PingLoop;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;
use tracing::warn;

pub use query::{
    LifetimeReport, Query, QueryReply, QueryWindow, Report, ResetHistogram, ResetPeriod, ResumePeriod,
};

/// Changes how the target is pinged.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Adjust(pub PingSettings);

/// Ends the actor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopPinger;

/// Reports that a pinger ended without [`StopPinger`].
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct PingerDied {
    /// The target that it pinged.
    pub key: TargetKey,
    /// Number of the pinger, see [`DeathNotice::generation`].
    pub generation: u64,
}

/// Ends the actor after a panic in its ping loop.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct PingLoopPanicked;

/// Pings one address on its own grid and owns all statistics about it.
pub struct PingActor {
    ping_loop: Rc<PingLoop>,
    engine: Rc<dyn Engine>,
    id: TargetId,
    death_notice: Option<DeathNotice>,
}

/// Where and how an unexpected end of a pinger is reported.
pub struct DeathNotice {
    /// The parent; shared by all its children.
    pub parent: Arc<Recipient<PingerDied>>,
    /// Number of the pinger: successive pingers of one address have different ones.
    pub generation: u64,
}

impl PingActor {
    /// A pinger that starts on its grid at once.
    pub fn new(
        key: TargetKey,
        interval: Interval,
        timeout: Timeout,
        seed: Seed,
        engine: Rc<dyn Engine>,
    ) -> Self {
        let schedule = Schedule::new(interval.get(), seed.phase, engine.now());
        let mut tracker = RequestTracker::new(timeout.get(), timeout.memory(), seed.first_number);
        tracker.set_interval(interval.get(), engine.now());
        let ping_loop = Rc::new(PingLoop::new(key, schedule, tracker));
        let id = engine.attach(ping_loop.key().address(), Rc::clone(&ping_loop) as Rc<dyn Listener>);
        engine.set_timeout(id, timeout);
        Self { ping_loop, engine, id, death_notice: None }
    }

    /// Sends its requests with these options.
    #[must_use]
    pub fn with_packet_options(self, packet: PacketOptions) -> Self {
        if packet != PacketOptions::default() {
            self.engine.set_packet_options(self.id, packet);
        }
        self
    }

    /// Continues the statistics that were saved before a restart.
    #[must_use]
    pub fn restored_from(self, saved: &SavedTarget) -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let away = unix.saturating_sub(saved.at);
        if !self.ping_loop.tracker().restore(&saved.stats, self.engine.now(), away) {
            warn!(addr = %self.ping_loop.key(), "the saved statistics can't be read, they start again from zero");
        }
        self
    }

    /// Reports to the parent if this actor ends by a panic.
    #[must_use]
    pub fn with_death_notice(mut self, death_notice: DeathNotice) -> Self {
        self.death_notice = Some(death_notice);
        self
    }

    fn engine(&self) -> EngineHandle<'_> {
        EngineHandle::new(&*self.engine, self.id)
    }

    /// The wall-clock time of moments, as of now.
    fn wall(&self) -> WallMapping {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        WallMapping::new(self.engine.now(), unix)
    }

    /// See [`Engine::answered_by`].
    fn answered_by(&self) -> Option<Address> {
        self.engine.answered_by(self.id)
    }
}

/// What distinguishes the schedule and the numbers of one pinger from those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Position of the grid within the interval, as a fraction of 2^32; follows from the address, so that it is the
    /// same after a restart.
    pub phase: u32,
    /// Number of the first request; random, so that it can't be guessed.
    pub first_number: u32,
}

impl Actor for PingActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.ping_loop.set_owner(ctx.address().downgrade());
        self.ping_loop.set_alarm(self.engine());
        // Without a strong address an actor ends, unless it has a future to run.
        ctx.spawn(std::future::pending().into_actor(self));
    }
}

impl Drop for PingActor {
    fn drop(&mut self) {
        self.engine.detach(self.id);
        if let Some(notice) = self.death_notice.take() {
            let (key, generation) = (self.ping_loop.key().clone(), notice.generation);
            notice.parent.do_send(PingerDied { key, generation });
        }
    }
}

impl<T: QueryReply> Handler<Query<T>> for PingActor {
    type Result = MessageResult<Query<T>>;

    fn handle(&mut self, _: Query<T>, _: &mut Self::Context) -> Self::Result {
        MessageResult(T::read(&self.ping_loop.updated_tracker(self.engine()), self))
    }
}

impl Handler<QueryWindow> for PingActor {
    type Result = MessageResult<QueryWindow>;

    fn handle(&mut self, QueryWindow(window): QueryWindow, _: &mut Self::Context) -> Self::Result {
        let mut tracker = self.ping_loop.updated_tracker(self.engine());
        tracker.keep_last(window);
        let mut report = LifetimeReport::read(&tracker, self);
        report.totals.recent = report.totals.recent.last(window);
        MessageResult(report)
    }
}

impl<T: QueryReply> Handler<ResetPeriod<T>> for PingActor {
    type Result = MessageResult<ResetPeriod<T>>;

    fn handle(&mut self, _: ResetPeriod<T>, _: &mut Self::Context) -> Self::Result {
        let mut tracker = self.ping_loop.updated_tracker(self.engine());
        let reply = T::read(&tracker, self);
        MessageResult((tracker.begin_period(), reply))
    }
}

impl Handler<ResumePeriod> for PingActor {
    type Result = ();

    fn handle(&mut self, ResumePeriod(ended): ResumePeriod, _: &mut Self::Context) {
        self.ping_loop.tracker().resume_period(ended);
    }
}

impl Handler<ResetHistogram> for PingActor {
    type Result = MessageResult<ResetHistogram>;

    fn handle(&mut self, _: ResetHistogram, _: &mut Self::Context) -> Self::Result {
        let mut tracker = self.ping_loop.updated_tracker(self.engine());
        let histogram: Histogram = tracker.histogram();
        tracker.begin_histogram();
        MessageResult(histogram)
    }
}

impl Handler<Adjust> for PingActor {
    type Result = ();

    fn handle(&mut self, Adjust(ping_settings): Adjust, _: &mut Self::Context) {
        let PingSettings { interval, timeout, packet } = ping_settings;
        self.engine.set_packet_options(self.id, packet);
        self.engine.set_timeout(self.id, timeout);
        self.ping_loop.adjust(interval, timeout, self.engine());
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
        self.death_notice = None;
        ctx.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::dev::ContextFut;

    #[test]
    fn the_task_of_a_pinger_takes_four_size_steps_of_tokio() {
        // tokio aligns tasks to 128 bytes, and needs 104 of its own: at 100 000 targets a step costs 13 MB.
        assert!(size_of::<ContextFut<PingActor, Context<PingActor>>>() <= 4 * 128 - 104);
    }
}
