//! Asks many pingers at once. A question from another thread costs tens of microseconds to wait for, one from next
//! door a microsecond: so the pingers of each shard are asked there, and their answers come together.

use super::pinger::PingActor;
use super::shard::ShardHandle;
use super::supervisor::TargetRef;
use actix::WeakAddr;
use actix::dev::ToEnvelope;
use actix::prelude::*;
use futures_util::future::{OptionFuture, join_all};
use tokio::sync::oneshot;

/// So many are asked before everybody else on their thread gets a turn: a tenth of a millisecond.
const QUESTIONS_PER_BATCH: usize = 64;

/// Asks every member the same question. The answers come in the members' order; a member whose actor has ended
/// meanwhile is left out. Whoever asks a great many does it page by page, since all the answers are held.
pub async fn ask_all<M>(
    members: Vec<TargetRef>,
    question: impl Fn() -> M + Clone + Send + 'static,
) -> Vec<(TargetRef, M::Result)>
where
    M: Message + Send + 'static,
    M::Result: Send,
    PingActor: Handler<M>,
    <PingActor as Actor>::Context: ToEnvelope<PingActor, M>,
{
    let mut answers: Vec<Option<M::Result>> = members.iter().map(|_| None).collect();
    let parts = by_home(&members).into_iter().map(|(home, part)| {
        let pingers = part.iter().map(|&index| members[index].pinger.clone()).collect();
        let (tell, told) = oneshot::channel();
        home.spawn(ask(pingers, question.clone(), tell));
        async move { (part, told.await.unwrap_or_default()) }
    });
    for (part, told) in join_all(parts).await {
        for (index, answer) in part.into_iter().zip(told) {
            answers[index] = answer;
        }
    }
    members.into_iter().zip(answers).filter_map(|(member, answer)| Some((member, answer?))).collect()
}

/// The indices of the members of each shard.
fn by_home(members: &[TargetRef]) -> Vec<(&ShardHandle, Vec<usize>)> {
    let mut parts: Vec<(&ShardHandle, Vec<usize>)> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        match parts.iter_mut().find(|(home, _)| *home == &member.home) {
            Some((_, part)) => part.push(index),
            None => parts.push((&member.home, vec![index])),
        }
    }
    parts
}

/// Asks pingers of the present thread, as long as anybody waits for the answers.
async fn ask<M>(
    pingers: Vec<WeakAddr<PingActor>>,
    question: impl Fn() -> M,
    tell: oneshot::Sender<Vec<Option<M::Result>>>,
) where
    M: Message + Send + 'static,
    M::Result: Send,
    PingActor: Handler<M>,
    <PingActor as Actor>::Context: ToEnvelope<PingActor, M>,
{
    let mut answers = Vec::with_capacity(pingers.len());
    for some in pingers.chunks(QUESTIONS_PER_BATCH) {
        if tell.is_closed() {
            return;
        }
        let ask = |pinger: &WeakAddr<PingActor>| pinger.upgrade().map(|pinger| pinger.send(question()));
        let asked: Vec<_> = some.iter().map(ask).collect();
        for asked in asked {
            answers.push(OptionFuture::from(asked).await.and_then(Result::ok));
        }
    }
    let _ = tell.send(answers);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::pinger::{GetTotals, Seed, StopPinger};
    use crate::actors::shard::Shard;
    use crate::probe::scripted::ScriptedNetwork;
    use crate::target::{Interval, Timeout};

    /// The target of that number, whose pinger runs on the thread of that shard.
    fn member(shard: usize, arbiter: &ArbiterHandle, number: usize) -> TargetRef {
        let address = format!("10.0.{}.{}", number / 250, number % 250 + 1).parse().unwrap();
        let (interval, timeout) = (Interval::DEFAULT, Timeout::DEFAULT);
        let seed = Seed { phase: 0, first_number: 0 };
        let pinger = PingActor::start_in_arbiter(arbiter, move |_| {
            PingActor::new(address, interval, timeout, seed, ScriptedNetwork::new().engine())
        });
        let home = Shard::Remote(arbiter.clone()).home(shard);
        TargetRef { address, name: "one".into(), interval, overrides: None, pinger: pinger.downgrade(), home }
    }

    #[actix::test]
    async fn answers_come_in_order_wherever_the_pingers_run() {
        let arbiters = [Arbiter::new(), Arbiter::new(), Arbiter::new()];
        let members: Vec<TargetRef> =
            (0..500).map(|number| member(number % 3, &arbiters[number % 3].handle(), number)).collect();
        let ended = members[7].pinger.upgrade().expect("it runs");
        ended.send(StopPinger).await.expect("it ran");
        arbiters[2].stop();
        let answers = ask_all(members.clone(), || GetTotals).await;
        let left = members.iter().enumerate().filter(|(number, _)| *number != 7 && number % 3 != 2);
        let expected: Vec<_> = left.map(|(_, member)| member.address).collect();
        assert_eq!(answers.iter().map(|(member, _)| member.address).collect::<Vec<_>>(), expected);
    }
}
