//! An ended period is delivered, or it continues.

use super::*;
use crate::actors::pinger::Query;
use crate::control::test_support::TestSocket;
use crate::measure::PeriodStats;
use std::time::Duration;

async fn summaries(socket: &TestSocket) -> Vec<PeriodStats> {
    ask_all(socket.members.clone(), Query::<PeriodStats>::new)
        .await
        .into_iter()
        .map(|(_, summary)| summary)
        .collect()
}

async fn after_two_ticks() -> (TestSocket, Vec<PeriodStats>) {
    let socket = TestSocket::new(5, "web").await;
    socket.tick().await;
    socket.tick().await;
    let before = summaries(&socket).await;
    assert!(before.iter().all(|summary| summary.replies > 0));
    (socket, before)
}

#[actix::test]
async fn an_undelivered_period_continues() {
    let (socket, before) = after_two_ticks().await;
    let ended = ResetQueue::default().end_periods(socket.members.clone(), false).await.expect("periods");
    assert_eq!(ended.stats().map(|target| target.summary).collect::<Vec<_>>(), before);
    socket.tick().await;
    drop(ended);
    let after = summaries(&socket).await;
    assert!(
        after.iter().zip(&before).all(|(after, before)| after.replies == before.replies + 1),
        "{after:?}"
    );
}

#[actix::test]
async fn a_delivered_period_stays_ended() {
    let (socket, before) = after_two_ticks().await;
    let mut ended = ResetQueue::default().end_periods(socket.members.clone(), false).await.expect("periods");
    ended.resume_after(2);
    ended.delivered();
    let after = summaries(&socket).await;
    assert_eq!(after[..2], [PeriodStats::default(); 2]);
    assert_eq!(after[2..], before[2..]);
}

#[actix::test]
async fn an_abandoned_request_loses_nothing() {
    let (socket, before) = after_two_ticks().await;
    let resets = ResetQueue::default();
    let mut waiting = Box::pin(resets.end_periods(socket.members.clone(), false));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    drop(waiting);
    let next =
        tokio::time::timeout(Duration::from_secs(5), resets.end_periods(socket.members.clone(), false)).await;
    let next = next.expect("the turn comes").expect("periods");
    assert_eq!(next.stats().map(|target| target.summary).collect::<Vec<_>>(), before);
}

#[actix::test]
async fn a_discarded_period_is_over_for_the_next_reader() {
    let (socket, _) = after_two_ticks().await;
    let resets = ResetQueue::default();
    drop(resets.discard(socket.members.clone()).await);
    resets.all_begun().await;
    assert_eq!(summaries(&socket).await, [PeriodStats::default(); 5]);
}
