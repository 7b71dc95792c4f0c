//! Periods that end because somebody lists them: what is taken from a pinger is delivered, or given back.

use super::target_stats::TargetStats;
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::{Report, Reset, ResumePeriod};
use crate::actors::supervisor::TargetRef;
use crate::measure::EndedPeriod;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::task::JoinHandle;

/// One reset at a time: what one of them gives back must not mix with what the next one takes.
#[derive(Clone, Default)]
pub(super) struct ResetQueue {
    turn: Arc<Mutex<()>>,
    /// Held while pingers are told, one by one, to begin anew.
    telling: Arc<Mutex<()>>,
}

/// Periods that ended. They go back to their pingers when this is dropped, unless they were delivered.
pub(super) struct UndeliveredPeriods {
    periods: Vec<EndedTarget>,
    _turn: OwnedMutexGuard<()>,
}

/// A period that ended, and what there was to tell at its end, if that was asked for.
struct EndedTarget {
    member: TargetRef,
    period: EndedPeriod,
    report: Option<Box<Report>>,
}

impl ResetQueue {
    /// Ends the periods of these targets, in order, with reports or without. If whoever waits for them gives up, they
    /// are given back.
    pub(super) async fn take(&self, members: Vec<TargetRef>, detail: bool) -> Option<UndeliveredPeriods> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (deliver, delivery) = oneshot::channel();
        // A task of its own, since a period that has ended must not get lost with the request.
        actix_rt::spawn(async move {
            let periods = if detail { ended_with_reports(members).await } else { ended(members).await };
            drop(deliver.send(UndeliveredPeriods { periods, _turn: turn }));
        });
        delivery.await.ok()
    }

    /// Ends the periods of these targets for good, whether or not anybody waits for the handle, which ends when
    /// all have done it. Whoever looks at them after [`Self::all_told`] sees the new ones.
    pub(super) async fn discard(&self, members: Vec<TargetRef>) -> JoinHandle<()> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let telling = Arc::clone(&self.telling).lock_owned().await;
        actix_rt::spawn(async move {
            // A question whose answer nobody waits for would not be carried out.
            let mut answers = Vec::with_capacity(members.len());
            for batch in members.chunks(BATCH) {
                let living = batch.iter().filter_map(|member| member.pinger.upgrade());
                answers.extend(living.map(|pinger| pinger.send(Reset::<()>::new())));
                tokio::task::yield_now().await;
            }
            drop(telling);
            // They come about in this order, and a list of waiting tasks for all of them would cost more.
            for answer in answers {
                let _ = answer.await;
            }
            drop(turn);
        })
    }

    /// Waits until all who were to be told of a reset have been told: they do it before they answer what they
    /// are asked from now on.
    pub(super) async fn all_told(&self) {
        drop(self.telling.lock().await);
    }
}

/// So many are told before others get their turn: a fraction of a millisecond.
const BATCH: usize = 1_000;

impl UndeliveredPeriods {
    /// The books that were taken.
    pub(super) fn read(&self) -> impl Iterator<Item = TargetStats> + '_ {
        self.periods.iter().map(|EndedTarget { member, period, report }| TargetStats {
            member: member.clone(),
            summary: period.summary,
            report: report.clone(),
        })
    }

    /// Gives back all but the first `count`.
    pub(super) fn keep_first(&mut self, count: usize) {
        give_back(self.periods.drain(count..));
    }

    /// They are in the hands of whoever asked for them.
    pub(super) fn delivered(mut self) {
        self.periods.clear();
    }
}

impl Drop for UndeliveredPeriods {
    fn drop(&mut self) {
        give_back(self.periods.drain(..));
    }
}

async fn ended(members: Vec<TargetRef>) -> Vec<EndedTarget> {
    let answers = ask_all(members, Reset::<()>::new).await;
    answers.into_iter().map(|(member, (period, ()))| EndedTarget { member, period, report: None }).collect()
}

async fn ended_with_reports(members: Vec<TargetRef>) -> Vec<EndedTarget> {
    let answers = ask_all(members, Reset::<Report>::new).await;
    let ended = |(member, (period, report))| EndedTarget { member, period, report: Some(Box::new(report)) };
    answers.into_iter().map(ended).collect()
}

fn give_back(periods: impl Iterator<Item = EndedTarget>) {
    for EndedTarget { member, period, .. } in periods {
        // Not lost in a full mailbox, and ahead of the next period's end, which is asked for later.
        if let Some(pinger) = member.pinger.upgrade() {
            pinger.do_send(ResumePeriod(period));
        }
    }
}

#[cfg(test)]
mod tests;
