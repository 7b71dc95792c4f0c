//! Periods that end because a client lists them: an ended period is delivered, or it continues.

use super::target_stats::TargetStats;
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::{Report, ResetPeriod, ResumePeriod};
use crate::actors::supervisor::TargetRef;
use crate::measure::EndedPeriod;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::task::JoinHandle;

/// One reset at a time: the periods that one reset resumes must not mix with those that the next one ends.
#[derive(Clone, Default)]
pub(super) struct ResetQueue {
    turn: Arc<Mutex<()>>,
    /// Held while the pingers of a reset receive their messages, one by one.
    sending: Arc<Mutex<()>>,
}

/// Ended periods. Dropping this resumes them; [`Self::delivered`] makes their end final.
pub(super) struct UndeliveredPeriods {
    periods: Vec<EndedTarget>,
    _turn: OwnedMutexGuard<()>,
}

/// The ended period of a target, and its report at the end if the client asked for detail.
struct EndedTarget {
    member: TargetRef,
    period: EndedPeriod,
    report: Option<Box<Report>>,
}

impl ResetQueue {
    /// Ends the periods of these targets, in order, with reports or without. If the caller stops waiting, the periods
    /// continue. `None` if the task of the reset ended early.
    pub(super) async fn end_periods(
        &self,
        members: Vec<TargetRef>,
        detail: bool,
    ) -> Option<UndeliveredPeriods> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (sender, receiver) = oneshot::channel();
        // A task of its own, because an ended period must not get lost with the request.
        actix_rt::spawn(async move {
            let periods = if detail { ended_with_reports(members).await } else { ended(members).await };
            drop(sender.send(UndeliveredPeriods { periods, _turn: turn }));
        });
        receiver.await.ok()
    }

    /// Ends the periods of these targets for good, even if the handle is dropped. The handle finishes when all targets
    /// have begun a new period. A reader that waits for [`Self::all_begun`] sees the new periods.
    pub(super) async fn discard(&self, members: Vec<TargetRef>) -> JoinHandle<()> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let sending = Arc::clone(&self.sending).lock_owned().await;
        actix_rt::spawn(async move {
            // actix does not carry out a request whose answer is dropped.
            let mut answers = Vec::with_capacity(members.len());
            for batch in members.chunks(BATCH_SIZE) {
                let pingers = batch.iter().filter_map(|member| member.pinger.upgrade());
                answers.extend(pingers.map(|pinger| pinger.send(ResetPeriod::<()>::new())));
                tokio::task::yield_now().await;
            }
            drop(sending);
            // They finish about in this order, so a set of waiting tasks would only cost more.
            for answer in answers {
                let _ = answer.await;
            }
            drop(turn);
        })
    }

    /// Waits until all pingers of a running [`Self::discard`] have the message to begin a new period. They handle it
    /// before any message that is sent after this.
    pub(super) async fn all_begun(&self) {
        drop(self.sending.lock().await);
    }
}

/// Messages sent in one batch, which takes a fraction of a millisecond; other tasks on the thread run between batches.
const BATCH_SIZE: usize = 1_000;

impl UndeliveredPeriods {
    /// The statistics of the ended periods.
    pub(super) fn stats(&self) -> impl Iterator<Item = TargetStats> + '_ {
        self.periods.iter().map(|EndedTarget { member, period, report }| TargetStats {
            member: member.clone(),
            summary: period.summary,
            report: report.clone(),
        })
    }

    /// Resumes all periods but the first `count`.
    pub(super) fn resume_after(&mut self, count: usize) {
        resume(self.periods.drain(count..));
    }

    /// Makes the end of the periods final: the client has their statistics.
    pub(super) fn delivered(mut self) {
        self.periods.clear();
    }
}

impl Drop for UndeliveredPeriods {
    fn drop(&mut self) {
        resume(self.periods.drain(..));
    }
}

async fn ended(members: Vec<TargetRef>) -> Vec<EndedTarget> {
    let answers = ask_all(members, ResetPeriod::<()>::new).await;
    answers.into_iter().map(|(member, (period, ()))| EndedTarget { member, period, report: None }).collect()
}

async fn ended_with_reports(members: Vec<TargetRef>) -> Vec<EndedTarget> {
    let answers = ask_all(members, ResetPeriod::<Report>::new).await;
    let ended = |(member, (period, report))| EndedTarget { member, period, report: Some(Box::new(report)) };
    answers.into_iter().map(ended).collect()
}

fn resume(periods: impl Iterator<Item = EndedTarget>) {
    for EndedTarget { member, period, .. } in periods {
        // `do_send` ignores the capacity of the mailbox, and the next reset is sent later.
        if let Some(pinger) = member.pinger.upgrade() {
            pinger.do_send(ResumePeriod(period));
        }
    }
}

#[cfg(test)]
mod tests;
