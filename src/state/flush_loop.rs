//! Goes round all targets and has their statistics written, so that what is on disk is never long out of date.

use super::store_handle::StoreHandle;
use crate::actors::supervisor::GetTargets;
use actix::prelude::*;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// Goes round all targets.
pub(super) struct FlushLoop {
    pub(super) desk: Rc<StoreHandle>,
    pub(super) roster: Recipient<GetTargets>,
}

impl FlushLoop {
    pub(super) async fn run(self) {
        loop {
            let began = Instant::now();
            let targets = self.round().await;
            if targets == 0 && self.desk.is_idle() {
                // Without targets nothing wakes us.
                self.desk.awake.notified().await;
                tokio::time::sleep(GATHERING).await;
                continue;
            }
            let (next, hour) = (began + PERIOD, Instant::now() + until_next_hour());
            tokio::select! {
                () = tokio::time::sleep_until(next.min(hour)) => {
                    // What follows counts in the next hour.
                    self.desk.hurried.set(hour < next || self.desk.hurried.get());
                }
                () = self.desk.hurry.notified() => {}
            }
        }
    }

    /// Keeps the statistics of all targets, page by page; returns how many there are.
    pub(super) async fn round(&self) -> usize {
        // When somebody has seen them, or when the hour is over, without pause.
        let mut pauses = !self.desk.hurried.replace(false);
        let (mut after, mut seen) = (None, 0);
        loop {
            let query = GetTargets { after, limit: Some(PAGE), ..GetTargets::default() };
            let Ok(roster) = self.roster.send(query).await else { return 0 };
            let last = roster.members.last().map(|member| member.address);
            seen += roster.members.len();
            let kept = self.desk.save(roster.members).await;
            let (Some(last), true) = (last.filter(|_| seen < roster.total), kept) else {
                return roster.total;
            };
            after = Some(last);
            if pauses {
                let pages = u32::try_from(roster.total.div_ceil(PAGE)).unwrap_or(u32::MAX);
                pauses = self.pause(SPREAD / pages).await;
            }
        }
    }

    /// Returns whether it lasted: else there is a hurry.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.desk.hurry.notified() => {
                // What was kept before is not new enough: once more, after this.
                self.desk.hurry.notify_one();
                false
            }
        }
    }
}

/// Until the hour of the wall clock is over, and a little longer.
fn until_next_hour() -> Duration {
    let into = super::health::now().as_millis() % HOUR.as_millis();
    let left = HOUR.saturating_sub(Duration::from_millis(u64::try_from(into).unwrap_or(0)));
    left + Duration::from_millis(20)
}

const HOUR: Duration = Duration::from_secs(3_600);
/// From one round to the next.
const PERIOD: Duration = Duration::from_secs(8);
/// Over this time a round is spread.
const SPREAD: Duration = Duration::from_secs(6);
/// So many targets are kept in one transaction: a few milliseconds for each thread that has to do with it.
const PAGE: usize = 500;
/// The first targets are seldom alone.
const GATHERING: Duration = Duration::from_millis(500);
