//! The actor of the state: writes the statistics, and answers what is asked of it.

use super::flush_loop::FlushLoop;
use super::health::Health;
use super::statistics_writer::Query;
use super::store_handle::StoreHandle;
use crate::actors::persistence::{FlushSoon, GetHistory, GetStoreStats, HistoryError, Hour, StoreStats};
use crate::actors::supervisor::GetTargets;
use crate::target::Host;
use actix::prelude::*;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Sees to it that the statistics of every target are on disk, and never long out of date.
pub struct StateActor {
    desk: Rc<StoreHandle>,
    roster: Recipient<GetTargets>,
    targets: Arc<Health>,
    statistics: Arc<Health>,
}

impl StateActor {
    pub(super) fn new(
        desk: Rc<StoreHandle>,
        roster: Recipient<GetTargets>,
        [targets, statistics]: [Arc<Health>; 2],
    ) -> Self {
        Self { desk, roster, targets, statistics }
    }
}

impl Actor for StateActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let rounds = FlushLoop { desk: Rc::clone(&self.desk), roster: self.roster.clone() };
        ctx.spawn(rounds.run().into_actor(self));
    }
}

impl Handler<FlushSoon> for StateActor {
    type Result = ();

    fn handle(&mut self, _: FlushSoon, _: &mut Self::Context) {
        self.desk.hurried.set(true);
        self.desk.hurry.notify_one();
    }
}

/// Keeps the statistics of all targets once more, before the end; answered when that is done, or has taken too long.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct FinalFlush;

impl Handler<FinalFlush> for StateActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: FinalFlush, _: &mut Self::Context) -> Self::Result {
        let rounds = FlushLoop { desk: Rc::clone(&self.desk), roster: self.roster.clone() };
        self.desk.hurried.set(true);
        Box::pin(async move {
            let _ = timeout(LAST_ROUND, rounds.round()).await;
            rounds.desk.books.stop();
            rounds.desk.journal.stop();
        })
    }
}

impl Handler<GetStoreStats> for StateActor {
    type Result = MessageResult<GetStoreStats>;

    fn handle(&mut self, _: GetStoreStats, _: &mut Self::Context) -> Self::Result {
        let stats: Vec<StoreStats> = vec![self.targets.stats("targets"), self.statistics.stats("statistics")];
        MessageResult(stats)
    }
}

impl Handler<GetHistory> for StateActor {
    type Result = ResponseFuture<Result<Vec<Hour>, HistoryError>>;

    fn handle(&mut self, asked: GetHistory, _: &mut Self::Context) -> Self::Result {
        let (desk, roster) = (Rc::clone(&self.desk), self.roster.clone());
        Box::pin(async move {
            let GetHistory { filter, after, limit } = asked;
            let mut addresses = Vec::new();
            if let Some(Host::Address(address)) = &filter.host {
                addresses.push(*address);
            }
            let query = GetTargets { filter, after: None, limit: Some(MOST_WITH_HISTORY) };
            let members = roster.send(query).await.unwrap_or_default().members;
            addresses.extend(members.iter().map(|member| member.address));
            addresses.sort();
            addresses.dedup();
            // The present hour is as good as the disk is quick.
            let _ = timeout(FRESHENING, desk.save(members)).await;
            desk.books.history(Query { addresses, after, limit }).await
        })
    }
}

/// So many targets of one name are asked about at once: as many as a DNS name can have.
const MOST_WITH_HISTORY: usize = 256;
const FRESHENING: Duration = Duration::from_millis(100);

/// So long the last round may take.
const LAST_ROUND: Duration = Duration::from_secs(5);
