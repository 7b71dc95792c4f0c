//! What is taken from a pinger is delivered, or given back.

use super::*;
use crate::actors::pinger::Query;
use crate::control::test_support::TestSocket;
use crate::measure::PeriodStats;
use std::time::Duration;

async fn summaries(bed: &TestSocket) -> Vec<PeriodStats> {
    ask_all(bed.members.clone(), Query::<PeriodStats>::new)
        .await
        .into_iter()
        .map(|(_, summary)| summary)
        .collect()
}

async fn ticked() -> (TestSocket, Vec<PeriodStats>) {
    let bed = TestSocket::new(5, "web").await;
    bed.tick().await;
    bed.tick().await;
    let before = summaries(&bed).await;
    assert!(before.iter().all(|summary| summary.replies > 0));
    (bed, before)
}

#[actix::test]
async fn what_is_not_delivered_goes_back() {
    let (bed, before) = ticked().await;
    let taken = ResetQueue::default().take(bed.members.clone(), false).await.expect("periods");
    assert_eq!(taken.read().map(|read| read.summary).collect::<Vec<_>>(), before);
    bed.tick().await;
    drop(taken);
    let after = summaries(&bed).await;
    assert!(
        after.iter().zip(&before).all(|(after, before)| after.replies == before.replies + 1),
        "{after:?}"
    );
}

#[actix::test]
async fn what_is_delivered_stays_taken() {
    let (bed, before) = ticked().await;
    let mut taken = ResetQueue::default().take(bed.members.clone(), false).await.expect("periods");
    taken.keep_first(2);
    taken.delivered();
    let after = summaries(&bed).await;
    assert_eq!(after[..2], [PeriodStats::default(); 2]);
    assert_eq!(after[2..], before[2..]);
}

#[actix::test]
async fn whoever_gives_up_waiting_loses_nothing() {
    let (bed, before) = ticked().await;
    let turnstile = ResetQueue::default();
    let mut taking = Box::pin(turnstile.take(bed.members.clone(), false));
    assert!(futures_util::poll!(taking.as_mut()).is_pending());
    drop(taking);
    let next = tokio::time::timeout(Duration::from_secs(5), turnstile.take(bed.members.clone(), false)).await;
    let next = next.expect("the turn comes").expect("periods");
    assert_eq!(next.read().map(|read| read.summary).collect::<Vec<_>>(), before);
}

#[actix::test]
async fn a_discarded_period_is_over_for_whoever_asks_next() {
    let (bed, _) = ticked().await;
    let turnstile = ResetQueue::default();
    drop(turnstile.discard(bed.members.clone()).await);
    turnstile.all_told().await;
    assert_eq!(summaries(&bed).await, [PeriodStats::default(); 5]);
}
