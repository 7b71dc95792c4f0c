//! Joins both databases for the actors: what they tell to be kept, and what is asked about it.

use super::bookkeeper::{Batch, Bookkeeper, Query};
use super::health::Health;
use super::journal::Journal;
use super::statistics::Entry;
use crate::actors::keeping::{
    GetHistory, GetKeepingStats, HistoryError, Hour, Keeper, KeepingStats, Receipt, Seen,
};
use crate::actors::pinger::Save;
use crate::actors::registry::Wish;
use crate::actors::supervisor::{GetRoster, Member};
use crate::actors::survey::survey;
use crate::target::{Address, Host};
use actix::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, timeout};

/// What the supervisor tells, and the rounds that follow from it.
pub(super) struct Desk {
    pub(super) journal: Journal,
    pub(super) books: Bookkeeper,
    retired: RefCell<Vec<Address>>,
    /// There is something to do again.
    awake: Notify,
    /// What is kept must be as new as what somebody has seen.
    hurry: Notify,
    hurried: Cell<bool>,
    /// Targets are asked and kept by one at a time, so that nothing older is kept after something newer.
    turn: Mutex<()>,
}

impl Desk {
    pub(super) fn new(journal: Journal, books: Bookkeeper) -> Self {
        Self {
            journal,
            books,
            retired: RefCell::default(),
            awake: Notify::new(),
            hurry: Notify::new(),
            hurried: Cell::new(false),
            turn: Mutex::default(),
        }
    }

    /// Keeps the statistics of these targets, as they are now.
    async fn save(&self, members: Vec<Member>) -> bool {
        let _turn = self.turn.lock().await;
        let answers = survey(members, || Save).await;
        let retired = self.retired.take();
        let gone: HashSet<Address> = retired.iter().copied().collect();
        let entry =
            |(member, saved): (Member, _)| Entry { address: member.address, name: member.name, saved };
        let mut entries: Vec<Entry> = answers.into_iter().map(entry).collect();
        // Whoever ended meanwhile may have begun anew already: the next round has the new books.
        entries.retain(|entry| !gone.contains(&entry.address));
        match self.books.save(Batch { retired, entries }).await {
            Ok(()) => true,
            Err(Batch { retired, .. }) => {
                let mut waiting = self.retired.borrow_mut();
                // Without them their rows are rows of nobody, and gone in a day.
                waiting.extend(retired);
                waiting.truncate(MOST_RETIRED);
                false
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.retired.borrow().is_empty()
    }
}

impl Keeper for Rc<Desk> {
    fn record(&self, wishes: Vec<Wish>) -> Receipt {
        self.journal.record(wishes)
    }

    fn rewrite(&self, wishes: Vec<Wish>) {
        self.journal.rewrite(wishes);
    }

    fn started(&self) {
        self.awake.notify_one();
    }

    fn retired(&self, address: Address) {
        self.retired.borrow_mut().push(address);
        self.awake.notify_one();
    }
}

/// So many targets that ended while the disk did not work are remembered.
const MOST_RETIRED: usize = 100_000;

/// Sees to it that the statistics of every target are on disk, and never long out of date.
pub struct StateActor {
    desk: Rc<Desk>,
    roster: Recipient<GetRoster>,
    targets: Arc<Health>,
    statistics: Arc<Health>,
}

impl StateActor {
    pub(super) fn new(
        desk: Rc<Desk>,
        roster: Recipient<GetRoster>,
        [targets, statistics]: [Arc<Health>; 2],
    ) -> Self {
        Self { desk, roster, targets, statistics }
    }
}

impl Actor for StateActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let rounds = Rounds { desk: Rc::clone(&self.desk), roster: self.roster.clone() };
        ctx.spawn(rounds.run().into_actor(self));
    }
}

impl Handler<Seen> for StateActor {
    type Result = ();

    fn handle(&mut self, _: Seen, _: &mut Self::Context) {
        self.desk.hurried.set(true);
        self.desk.hurry.notify_one();
    }
}

/// Keeps the statistics of all targets once more, before the end; answered when that is done, or has taken too long.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Finish;

impl Handler<Finish> for StateActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Finish, _: &mut Self::Context) -> Self::Result {
        let rounds = Rounds { desk: Rc::clone(&self.desk), roster: self.roster.clone() };
        self.desk.hurried.set(true);
        Box::pin(async move {
            let _ = timeout(LAST_ROUND, rounds.round()).await;
            rounds.desk.books.stop();
            rounds.desk.journal.stop();
        })
    }
}

impl Handler<GetKeepingStats> for StateActor {
    type Result = MessageResult<GetKeepingStats>;

    fn handle(&mut self, _: GetKeepingStats, _: &mut Self::Context) -> Self::Result {
        let stats: Vec<KeepingStats> =
            vec![self.targets.stats("targets"), self.statistics.stats("statistics")];
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
            let query = GetRoster { filter, after: None, limit: Some(MOST_WITH_HISTORY) };
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

/// Goes round all targets.
struct Rounds {
    desk: Rc<Desk>,
    roster: Recipient<GetRoster>,
}

impl Rounds {
    async fn run(self) {
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
    async fn round(&self) -> usize {
        // When somebody has seen them, or when the hour is over, without pause.
        let mut pauses = !self.desk.hurried.replace(false);
        let (mut after, mut seen) = (None, 0);
        loop {
            let query = GetRoster { after, limit: Some(PAGE), ..GetRoster::default() };
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
/// So long the last round may take.
const LAST_ROUND: Duration = Duration::from_secs(5);
