//! What meshping makes of networks of every kind, in virtual time: the actors on a scripted network.

mod many;
mod outages;
mod outcomes;
mod periods;
mod supervised;
mod target_options;
mod timing;
mod windows;

use actix::prelude::*;
use meshping::actors::pinger::{LifetimeReport, PingActor, Query, Seed};
use meshping::measure::{LifetimeStats, PeriodStats, Timestamp};
use meshping::probe::scripted::{ScriptedNetwork, ScriptedOutcome};
use meshping::target::{Address, Interval, Timeout};
use std::time::Duration;
use tokio::time::Instant;

/// The middle of the interval: a target with an interval of 1 s is pinged at 500 ms, 1500 ms and so on.
const HALF: u32 = 1 << 31;

fn host() -> Address {
    "192.0.2.1".parse().expect("a literal")
}

fn seconds(text: &str) -> Interval {
    text.parse().expect("a number of seconds")
}

fn timeout(text: &str) -> Timeout {
    text.parse().expect("a number of seconds")
}

/// The seed of a target in the middle of its interval, whose second request has the largest number there is.
fn seed() -> Seed {
    Seed { phase: HALF, first_number: u32::MAX - 1 }
}

/// A pinger on a scripted network; the test has paused time before.
struct Fixture {
    network: ScriptedNetwork,
    pinger: Addr<PingActor>,
    began: Instant,
}

impl Fixture {
    /// Pings a host whose requests have these outcomes in turn, repeated without end. `after` is the timeout; both in seconds.
    fn new(interval: &str, after: &str, outcomes: impl IntoIterator<Item = ScriptedOutcome>) -> Self {
        Self::on(ScriptedNetwork::new().host(host(), outcomes), interval, after)
    }

    fn on(network: ScriptedNetwork, interval: &str, after: &str) -> Self {
        let began = Instant::now();
        let pinger =
            PingActor::new(host().into(), seconds(interval), timeout(after), seed(), network.engine())
                .start();
        Self { network, pinger, began }
    }

    async fn until(&self, millis: u64) {
        until(self.began, millis).await;
    }

    async fn summary_at(&self, millis: u64) -> PeriodStats {
        self.until(millis).await;
        self.pinger.send(Query::<PeriodStats>::new()).await.expect("the pinger runs")
    }

    async fn totals_at(&self, millis: u64) -> LifetimeStats {
        self.until(millis).await;
        self.pinger.send(Query::<LifetimeReport>::new()).await.expect("the pinger runs").totals
    }

    /// When requests were seen, in milliseconds.
    fn sent_at(&self) -> Vec<u64> {
        let moments = self.network.sightings(host()).into_iter().map(|sighting| sighting.at);
        moments.map(millis).collect()
    }
}

/// Waits until this number of milliseconds has passed since `began`, to the very moment: timers round up to whole
/// milliseconds of a count of their own.
async fn until(began: Instant, millis: u64) {
    let moment = began + Duration::from_millis(millis);
    if Instant::now() < moment {
        tokio::time::sleep_until(moment - Duration::from_nanos(999_999)).await;
    }
    assert_eq!(began.elapsed(), Duration::from_millis(millis), "the test's own clock");
}

/// Milliseconds since the beginning.
fn millis(moment: Timestamp) -> u64 {
    moment.as_nanos() / 1_000_000
}
