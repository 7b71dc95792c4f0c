//! What a pinger can be asked about its target. The type parameter of a question is the type of its reply.

use super::PingActor;
use crate::measure::last_rtts::SettledWindow;
use crate::measure::{
    DetailedStats, EncodedStats, EndedPeriod, Histogram, LifetimeStats, PeriodStats, RequestTracker,
    WallMapping,
};
use crate::target::Address;
use actix::prelude::*;
use std::marker::PhantomData;

/// Asks for `T`, with everything in it that has happened by now.
#[derive(Debug)]
pub struct Query<T>(PhantomData<fn() -> T>);

/// Asks for a [`LifetimeReport`] whose latest settled requests are at most this many. From then on the target keeps as
/// many.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "LifetimeReport")]
pub struct QueryWindow(pub SettledWindow);

/// Starts a new measurement period. The reply is the one that just ended, and `T` as it was at its end.
#[derive(Debug)]
pub struct ResetPeriod<T>(PhantomData<fn() -> T>);

/// Starts the histogram again, and nothing else; the reply is the histogram before.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Histogram")]
pub struct ResetHistogram;

/// Undoes a [`ResetPeriod`] whose reply could not be delivered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ResumePeriod(pub EndedPeriod);

/// Statistics that a pinger can be asked for.
pub trait QueryReply: 'static {
    /// Reads them from the pinger and its tracker, which the pinger has brought up to date.
    fn read(tracker: &RequestTracker, pinger: &PingActor) -> Self;
}

/// Statistics of the current period, with everything that needs more than its counters.
#[derive(Debug, Clone)]
pub struct Report {
    /// The counters since the latest reset.
    pub summary: PeriodStats,
    /// Everything beyond them.
    pub detail: DetailedStats,
    /// The address that the latest reply came from, if it is not the target's own.
    pub answered_by: Option<Address>,
    /// The wall-clock time of the moments in `detail`.
    pub wall: WallMapping,
}

/// Statistics since the actor started, which no reset changes.
#[derive(Debug, Clone)]
pub struct LifetimeReport {
    /// The statistics.
    pub totals: LifetimeStats,
    /// The wall-clock time of the moments in them.
    pub wall: WallMapping,
}

impl<T> Query<T> {
    /// The question for `T`.
    #[expect(clippy::new_without_default, reason = "it is a question, there is nothing to be a default of")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> ResetPeriod<T> {
    /// The command, with the question for `T`.
    #[expect(clippy::new_without_default, reason = "it is a command, there is nothing to be a default of")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: 'static> Message for Query<T> {
    type Result = T;
}

impl<T: 'static> Message for ResetPeriod<T> {
    type Result = (EndedPeriod, T);
}

/// For a [`ResetPeriod`] that asks for nothing else.
impl QueryReply for () {
    fn read(_: &RequestTracker, _: &PingActor) {}
}

impl QueryReply for PeriodStats {
    fn read(tracker: &RequestTracker, _: &PingActor) -> Self {
        tracker.summary()
    }
}

impl QueryReply for Report {
    fn read(tracker: &RequestTracker, pinger: &PingActor) -> Self {
        let (wall, answered_by) = (pinger.wall(), pinger.answered_by());
        Self { summary: tracker.summary(), detail: tracker.detail(wall.now()), answered_by, wall }
    }
}

impl QueryReply for LifetimeReport {
    fn read(tracker: &RequestTracker, pinger: &PingActor) -> Self {
        Self { totals: tracker.totals(), wall: pinger.wall() }
    }
}

impl QueryReply for Histogram {
    fn read(tracker: &RequestTracker, _: &PingActor) -> Self {
        tracker.histogram()
    }
}

/// Everything that is needed after a restart.
impl QueryReply for EncodedStats {
    fn read(tracker: &RequestTracker, pinger: &PingActor) -> Self {
        tracker.save(pinger.wall().now())
    }
}
