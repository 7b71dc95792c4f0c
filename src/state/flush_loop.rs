//! Saves the statistics of all targets again and again, page by page.

use super::store_handle::StoreHandle;
use crate::actors::supervisor::GetTargets;
use actix::prelude::*;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// Saves the statistics of all targets every few seconds.
pub(super) struct FlushLoop {
    pub(super) store: Rc<StoreHandle>,
    pub(super) supervisor: Recipient<GetTargets>,
}

impl FlushLoop {
    pub(super) async fn run(self) {
        loop {
            let began = Instant::now();
            let targets = self.flush().await;
            if targets == 0 && self.store.is_idle() {
                // Without targets there is no timer.
                self.store.target_changed.notified().await;
                tokio::time::sleep(FIRST_TARGETS_DELAY).await;
                continue;
            }
            let (next, hour) = (began + FLUSH_PERIOD, Instant::now() + until_next_hour());
            tokio::select! {
                () = tokio::time::sleep_until(next.min(hour)) => {
                    // Later counts belong to the next hour.
                    self.store.is_urgent.set(hour < next || self.store.is_urgent.get());
                }
                () = self.store.urgent.notified() => {}
            }
        }
    }

    /// Saves the statistics of all targets, page by page; returns their number.
    pub(super) async fn flush(&self) -> usize {
        // Without pauses when counters were read, and at the end of an hour.
        let mut pauses = !self.store.is_urgent.replace(false);
        let (mut after, mut count) = (None, 0);
        loop {
            let query = GetTargets { after, limit: Some(FLUSH_PAGE_SIZE), ..GetTargets::default() };
            let Ok(page) = self.supervisor.send(query).await else { return 0 };
            let last = page.targets.last().map(|target| target.key.clone());
            count += page.targets.len();
            let saved = self.store.save(page.targets).await;
            let (Some(last), true) = (last.filter(|_| count < page.total), saved) else {
                return page.total;
            };
            after = Some(last);
            if pauses {
                let pages = u32::try_from(page.total.div_ceil(FLUSH_PAGE_SIZE)).unwrap_or(u32::MAX);
                pauses = self.pause(FLUSH_DURATION / pages).await;
            }
        }
    }

    /// Returns `false` if the pause ended early because a flush is urgent.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.store.urgent.notified() => {
                // The pages before are older than the urgent request: another flush follows this one.
                self.store.urgent.notify_one();
                false
            }
        }
    }
}

/// Time until just after the end of the current hour of the wall clock.
fn until_next_hour() -> Duration {
    let into = super::health::now().as_millis() % HOUR.as_millis();
    let left = HOUR.saturating_sub(Duration::from_millis(u64::try_from(into).unwrap_or(0)));
    left + Duration::from_millis(20)
}

const HOUR: Duration = Duration::from_secs(3_600);
/// Time from the start of one flush to the next.
const FLUSH_PERIOD: Duration = Duration::from_secs(8);
/// Time over which the pages of one flush are spread.
const FLUSH_DURATION: Duration = Duration::from_secs(6);
/// Targets in one transaction: a few milliseconds of work for each thread involved.
const FLUSH_PAGE_SIZE: usize = 500;
/// Delay after the first target: usually more follow.
const FIRST_TARGETS_DELAY: Duration = Duration::from_millis(500);
