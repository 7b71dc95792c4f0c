//! Carries out requests: asks the actors, and makes their answers into a reply.

use super::backend::{Backend, BackendError};
use super::period::{Taken, Turnstile};
use crate::actors::pinger::{GetHistogram, GetReport, GetSummary, Report};
use crate::actors::supervisor::{Add, Filter, GetRoster, Member, Remove, Roster};
use crate::actors::survey::survey;
use crate::measure::Summary;
use crate::protocol::{List, Page, Request, Selection, Target, TargetList, TooLarge, reply};
use crate::target::{Address, Host, Interval};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::info;

/// Carries out requests.
#[derive(Clone)]
pub(super) struct Executor {
    backend: Backend,
    turnstile: Turnstile,
    /// Requests that may be under way at once; the others wait for their turn.
    turns: Arc<Semaphore>,
}

/// A reply, and what is given back if it can't be delivered.
pub(super) struct Outcome {
    pub(super) reply: Vec<u8>,
    pub(super) taken: Option<Taken>,
}

/// The books of one target at one moment.
pub(super) struct Read {
    pub(super) member: Member,
    pub(super) summary: Summary,
    /// With detail only.
    pub(super) report: Option<Box<Report>>,
}

/// Why a request could not be carried out; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
enum ExecuteError {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("no result within {0:?}, the daemon is busy; the command may still take effect")]
    Late(Duration),
    #[error("the daemon is shutting down")]
    Stopping,
}

impl Executor {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend, turnstile: Turnstile::default(), turns: Arc::new(Semaphore::new(UNDER_WAY)) }
    }

    /// Carries out a request. Always ends within `patience`.
    pub(super) async fn execute(&self, request: Request, peer: SocketAddr, patience: Duration) -> Outcome {
        let until = Instant::now() + KEEPING_PATIENCE;
        let answer = timeout(patience, self.answer(request, peer, until)).await;
        answer.unwrap_or(Err(ExecuteError::Late(patience))).unwrap_or_else(|error| {
            info!(%peer, error = %error, "command refused");
            Outcome::from(reply::error(&error.to_string()))
        })
    }

    async fn answer(
        &self,
        request: Request,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<Outcome, ExecuteError> {
        let _turn = match request {
            Request::Noop => None,
            // Never closed.
            _ => self.turns.acquire().await.ok(),
        };
        match request {
            Request::Noop => Ok(reply::ok().into()),
            Request::List(list) => self.list(list, peer).await,
            Request::Add { name, host, terms } => self.add(Add { name, host, terms }, peer, until).await,
            Request::Remove(selection) => self.remove(selection, peer, until).await,
            Request::Reset(selection) => self.reset(selection, peer).await,
            Request::Histogram { address, reset } => self.histogram(address, reset).await,
            Request::History(asked) => Ok(self.backend.history(asked).await?.into()),
        }
    }

    async fn add(&self, add: Add, peer: SocketAddr, until: Instant) -> Result<Outcome, ExecuteError> {
        let Add { name, host, terms } = add.clone();
        self.backend.add(add, until).await?;
        let itv = terms.interval.map(Interval::seconds);
        info!(%peer, name = ?name, host = ?host.to_string(), itv, "host added");
        Ok(reply::ok().into())
    }

    async fn remove(
        &self,
        selection: Selection,
        peer: SocketAddr,
        until: Instant,
    ) -> Result<Outcome, ExecuteError> {
        if let Some(Filter { name, host }) = filter(selection) {
            self.backend.remove(Remove { name: name.clone(), host: host.clone() }, until).await?;
            let host = host.map(|host| host.to_string());
            info!(%peer, name = ?name, host = ?host, "host removed");
        }
        Ok(reply::ok().into())
    }

    async fn reset(&self, selection: Selection, peer: SocketAddr) -> Result<Outcome, ExecuteError> {
        let soon = Instant::now() + RESET_PATIENCE;
        if let Some(filter) = filter(selection) {
            let roster = self.backend.roster(GetRoster { filter, ..GetRoster::default() }).await?;
            let targets = roster.members.len();
            let done = self.turnstile.discard(roster.members).await;
            // Nothing stops it any more, and nobody gets to see what was before.
            let _ = timeout_at(soon, done).await;
            self.backend.note_reset();
            info!(%peer, targets, "statistics reset");
        }
        Ok(reply::ok().into())
    }

    async fn histogram(&self, address: Option<Address>, reset: bool) -> Result<Outcome, ExecuteError> {
        let Some(address) = address else { return Ok(EMPTY.to_vec().into()) };
        let filter = Filter { name: None, host: Some(Host::Address(address)) };
        let roster = self.backend.roster(GetRoster { filter, ..GetRoster::default() }).await?;
        self.turnstile.all_told().await;
        let answers = survey(roster.members, move || GetHistogram { reset }).await;
        Ok(answers
            .first()
            .map_or_else(|| EMPTY.to_vec(), |(_, histogram)| reply::histogram(histogram))
            .into())
    }

    async fn list(&self, list: List, peer: SocketAddr) -> Result<Outcome, ExecuteError> {
        let List { selection, page, reset, detail } = list;
        let Some(filter) = filter(selection) else { return Ok(EMPTY.to_vec().into()) };
        let reads = match page {
            None => self.read_whole(filter, detail).await?,
            Some(page) => self.read_page(filter, page, detail).await?,
        };
        if reset {
            return self.list_and_reset(reads, page.is_some(), detail, peer).await;
        }
        let targets = encode(reads.iter(), Summary::clone);
        Ok(if page.is_some() { targets.into_page() } else { targets.into_whole()? }.into())
    }

    async fn read_whole(&self, filter: Filter, detail: bool) -> Result<Vec<Read>, ExecuteError> {
        // One more than can fit tells that they do not fit; the others need not be handed over.
        let limit = Some(TooLarge::MOST + 1);
        let roster = self.backend.roster(GetRoster { filter, after: None, limit }).await?;
        let Roster { members, total } = roster;
        TooLarge::check(total.max(members.len()))?;
        Ok(self.read(members, detail).await)
    }

    async fn read_page(&self, filter: Filter, page: Page, detail: bool) -> Result<Vec<Read>, ExecuteError> {
        let limit = Some(page.limit.unwrap_or(usize::MAX).min(TooLarge::MOST));
        let mut after = page.after;
        loop {
            let query = GetRoster { filter: filter.clone(), after, limit };
            let members = self.backend.roster(query).await?.members;
            let Some(last) = members.last() else { return Ok(Vec::new()) };
            after = Some(last.address);
            let reads = self.read(members, detail).await;
            // An empty page is the last one, so it must not come from targets that ended just now.
            if !reads.is_empty() {
                return Ok(reads);
            }
        }
    }

    async fn read(&self, members: Vec<Member>, detail: bool) -> Vec<Read> {
        self.turnstile.all_told().await;
        if detail {
            let answers = survey(members, || GetReport).await;
            let read = |(member, report): (Member, Report)| Read {
                member,
                summary: report.summary,
                report: Some(Box::new(report)),
            };
            return answers.into_iter().map(read).collect();
        }
        let answers = survey(members, || GetSummary).await;
        answers.into_iter().map(|(member, summary)| Read { member, summary, report: None }).collect()
    }

    /// Ends the periods of what fits, and of nothing else.
    async fn list_and_reset(
        &self,
        reads: Vec<Read>,
        paged: bool,
        detail: bool,
        peer: SocketAddr,
    ) -> Result<Outcome, ExecuteError> {
        let now = encode(reads.iter(), settled);
        let fitting = now.fitting();
        if !paged {
            now.into_whole()?;
        }
        let members = reads.into_iter().take(fitting).map(|read| read.member).collect();
        let mut taken = self.turnstile.take(members, detail).await.ok_or(ExecuteError::Stopping)?;
        self.backend.note_reset();
        // Their numbers may have become longer meanwhile.
        let ended: Vec<Read> = taken.read().collect();
        let targets = encode(ended.iter(), Summary::clone);
        taken.keep_first(targets.fitting());
        let count = targets.fitting();
        let reply = if paged { targets.into_page() } else { targets.into_whole()? };
        info!(%peer, targets = count, "statistics listed and reset");
        Ok(Outcome { reply, taken: Some(taken) })
    }
}

impl From<Vec<u8>> for Outcome {
    fn from(reply: Vec<u8>) -> Self {
        Self { reply, taken: None }
    }
}

/// A list or histogram of nothing.
const EMPTY: &[u8] = b"{}";

/// So many requests are carried out at once.
pub(super) const UNDER_WAY: usize = 1_024;

/// So long a change may take until it is on disk; after that the answer is that it is not.
const KEEPING_PATIENCE: Duration = Duration::from_millis(300);

/// So long a reset may take until it is said to be done, although some targets are still at it.
const RESET_PATIENCE: Duration = Duration::from_millis(250);

/// `None` if nothing can match.
pub(super) fn filter(selection: Selection) -> Option<Filter> {
    match selection {
        Selection::All => Some(Filter::default()),
        Selection::Matching { name: None, host: None } => None,
        Selection::Matching { name, host } => Some(Filter { name, host }),
    }
}

/// What a reset reports: settled requests only.
fn settled(summary: &Summary) -> Summary {
    Summary { in_flight: 0, ..*summary }
}

fn encode<'a>(reads: impl Iterator<Item = &'a Read>, view: impl Fn(&Summary) -> Summary) -> TargetList {
    let mut targets = TargetList::default();
    for Read { member, summary, report } in reads {
        let (address, name, interval) = (member.address, &*member.name, member.interval);
        let detail = report.as_deref().map(|report| (&report.detail, report.wall));
        let options = member.options.as_deref();
        targets.push(&Target { address, name, interval, summary: view(summary), detail, options });
    }
    targets
}
