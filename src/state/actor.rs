//! The actor of the state: writes the statistics, and answers queries.

use super::flush_loop::FlushLoop;
use super::health::Health;
use super::statistics_writer::HistoryQuery;
use super::store_handle::StoreHandle;
use crate::actors::persistence::{FlushSoon, GetHistory, GetStoreStats, HistoryError, Hour, StoreStats};
use crate::actors::supervisor::GetTargets;
use crate::target::{Host, HostSelector, TargetKey};
use actix::prelude::*;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Saves the statistics of all targets at short intervals, and answers queries.
pub struct StateActor {
    store: Rc<StoreHandle>,
    supervisor: Recipient<GetTargets>,
    targets: Arc<Health>,
    statistics: Arc<Health>,
}

impl StateActor {
    pub(super) fn new(
        store: Rc<StoreHandle>,
        supervisor: Recipient<GetTargets>,
        [targets, statistics]: [Arc<Health>; 2],
    ) -> Self {
        Self { store, supervisor, targets, statistics }
    }
}

impl Actor for StateActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let flush_loop = FlushLoop { store: Rc::clone(&self.store), supervisor: self.supervisor.clone() };
        ctx.spawn(flush_loop.run().into_actor(self));
    }
}

impl Handler<FlushSoon> for StateActor {
    type Result = ();

    fn handle(&mut self, _: FlushSoon, _: &mut Self::Context) {
        self.store.is_urgent.set(true);
        self.store.urgent.notify_one();
    }
}

/// Saves the statistics of all targets a last time; the reply comes when that is done, or after the time limit.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct FinalFlush;

impl Handler<FinalFlush> for StateActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: FinalFlush, _: &mut Self::Context) -> Self::Result {
        let flush_loop = FlushLoop { store: Rc::clone(&self.store), supervisor: self.supervisor.clone() };
        self.store.is_urgent.set(true);
        Box::pin(async move {
            let _ = timeout(FINAL_FLUSH_TIMEOUT, flush_loop.flush()).await;
            flush_loop.store.statistics_writer.stop();
            flush_loop.store.targets_writer.stop();
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

    fn handle(&mut self, query: GetHistory, _: &mut Self::Context) -> Self::Result {
        let (store, supervisor) = (Rc::clone(&self.store), self.supervisor.clone());
        Box::pin(async move {
            let GetHistory { filter, after, limit } = query;
            let mut keys = Vec::new();
            if let Some(HostSelector { host: Host::Address(address), variant }) = &filter.host {
                keys.push(TargetKey::new(*address, variant.clone().unwrap_or_default()));
            }
            let query = GetTargets { filter, after: None, limit: Some(MAX_HISTORY_TARGETS) };
            let targets = supervisor.send(query).await.unwrap_or_default().targets;
            keys.extend(targets.iter().map(|target| target.key.clone()));
            keys.sort();
            keys.dedup();
            // On a slow disk the current hour is a few seconds old.
            let _ = timeout(SAVE_BEFORE_HISTORY_TIMEOUT, store.save(targets)).await;
            store.statistics_writer.history(HistoryQuery { keys, after, limit }).await
        })
    }
}

/// Maximum number of targets in one history query: as many as a DNS name can have.
const MAX_HISTORY_TARGETS: usize = 256;
/// Time limit for saving the current hour before a history query.
const SAVE_BEFORE_HISTORY_TIMEOUT: Duration = Duration::from_millis(100);

/// Time limit for the last flush.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
