//! Asks many pingers at once. Waiting for a reply from another thread takes tens of microseconds, from the same thread
//! one: so a task on each shard asks its pingers, and sends their replies together.

use super::pinger::PingActor;
use super::shard::ShardHandle;
use super::supervisor::TargetRef;
use actix::WeakAddr;
use actix::dev::ToEnvelope;
use actix::prelude::*;
use futures_util::future::{OptionFuture, join_all};
use tokio::sync::oneshot;

/// Questions sent in one batch, in about 0.1 ms; other tasks on the thread run between batches.
const QUESTIONS_PER_BATCH: usize = 64;

/// Asks every target the same question. The replies come in the order of the targets; a target whose actor has ended
/// meanwhile is left out. All replies are held in memory, so large numbers of targets are asked page by page.
pub async fn ask_all<M>(
    targets: Vec<TargetRef>,
    question: impl Fn() -> M + Clone + Send + 'static,
) -> Vec<(TargetRef, M::Result)>
where
    M: Message + Send + 'static,
    M::Result: Send,
    PingActor: Handler<M>,
    <PingActor as Actor>::Context: ToEnvelope<PingActor, M>,
{
    let mut replies: Vec<Option<M::Result>> = targets.iter().map(|_| None).collect();
    let shards = by_shard(&targets).into_iter().map(|(shard, indices)| {
        let pingers = indices.iter().map(|&index| targets[index].pinger.clone()).collect();
        let (sender, receiver) = oneshot::channel();
        shard.spawn(ask(pingers, question.clone(), sender));
        async move { (indices, receiver.await.unwrap_or_default()) }
    });
    for (indices, shard_replies) in join_all(shards).await {
        for (index, reply) in indices.into_iter().zip(shard_replies) {
            replies[index] = reply;
        }
    }
    targets.into_iter().zip(replies).filter_map(|(target, reply)| Some((target, reply?))).collect()
}

/// The indices of the targets of each shard.
fn by_shard(targets: &[TargetRef]) -> Vec<(&ShardHandle, Vec<usize>)> {
    let mut shards: Vec<(&ShardHandle, Vec<usize>)> = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        match shards.iter_mut().find(|(shard, _)| *shard == &target.shard) {
            Some((_, indices)) => indices.push(index),
            None => shards.push((&target.shard, vec![index])),
        }
    }
    shards
}

/// Asks pingers of the current thread, as long as the receiver of the replies waits.
async fn ask<M>(
    pingers: Vec<WeakAddr<PingActor>>,
    question: impl Fn() -> M,
    sender: oneshot::Sender<Vec<Option<M::Result>>>,
) where
    M: Message + Send + 'static,
    M::Result: Send,
    PingActor: Handler<M>,
    <PingActor as Actor>::Context: ToEnvelope<PingActor, M>,
{
    let mut replies = Vec::with_capacity(pingers.len());
    for batch in pingers.chunks(QUESTIONS_PER_BATCH) {
        if sender.is_closed() {
            return;
        }
        let ask = |pinger: &WeakAddr<PingActor>| pinger.upgrade().map(|pinger| pinger.send(question()));
        let requests: Vec<_> = batch.iter().map(ask).collect();
        for request in requests {
            replies.push(OptionFuture::from(request).await.and_then(Result::ok));
        }
    }
    let _ = sender.send(replies);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::pinger::{Query, Seed, StopPinger};
    use crate::actors::shard::Shard;
    use crate::measure::PeriodStats;
    use crate::probe::scripted::ScriptedNetwork;
    use crate::target::{Interval, TargetKey, Timeout};

    /// A target whose pinger runs on the thread of a shard.
    fn target(shard: usize, arbiter: &ArbiterHandle, number: usize) -> TargetRef {
        let key: TargetKey = format!("10.0.{}.{}", number / 250, number % 250 + 1).parse().unwrap();
        let (interval, timeout) = (Interval::DEFAULT, Timeout::DEFAULT);
        let seed = Seed { phase: 0, first_number: 0 };
        let own = key.clone();
        let pinger = PingActor::start_in_arbiter(arbiter, move |_| {
            PingActor::new(own, interval, timeout, seed, ScriptedNetwork::new().engine())
        });
        let shard = Shard::Remote(arbiter.clone()).handle(shard);
        TargetRef {
            key,
            name: "one".into(),
            names: Vec::new(),
            interval,
            overrides: None,
            pinger: pinger.downgrade(),
            shard,
        }
    }

    #[actix::test]
    async fn answers_come_in_order_wherever_the_pingers_run() {
        let arbiters = [Arbiter::new(), Arbiter::new(), Arbiter::new()];
        let targets: Vec<TargetRef> =
            (0..500).map(|number| target(number % 3, &arbiters[number % 3].handle(), number)).collect();
        let ended = targets[7].pinger.upgrade().expect("it runs");
        ended.send(StopPinger).await.expect("it ran");
        arbiters[2].stop();
        let replies = ask_all(targets.clone(), Query::<PeriodStats>::new).await;
        let left = targets.iter().enumerate().filter(|(number, _)| *number != 7 && number % 3 != 2);
        let expected: Vec<_> = left.map(|(_, target)| target.key.clone()).collect();
        assert_eq!(replies.iter().map(|(target, _)| target.key.clone()).collect::<Vec<_>>(), expected);
    }
}
