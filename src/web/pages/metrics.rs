//! One scrape: a slot, snapshots of its targets, and a body that is written as it is read.

use super::query::{NoAnswer, QueryError, TargetQuery};
use crate::actors::ask_all::ask_all;
use crate::actors::control_stats::GetControlStats;
use crate::actors::persistence::{FlushSoon, GetStoreStats};
use crate::actors::pinger::{LifetimeReport, Query};
use crate::actors::supervisor::GetStatus;
use crate::web::context::{HttpLimits, WebState};
use crate::web::metrics::daemon::DaemonSnapshot;
use crate::web::metrics::exposition::{Columns, Exposition};
use crate::web::metrics::snapshot::Snapshot;
use crate::web::respond::{ask, line, no_answer};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::{FutureExt, Stream, TryStreamExt};
use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// While one is digested, others are asked for.
const PAGES_AT_ONCE: usize = 3;

/// All families of the targets that the query chooses, and the daemon's own.
pub(crate) async fn show(request: HttpRequest, state: Data<WebState>) -> HttpResponse {
    let choice = match TargetQuery::parse(request.query_string()) {
        Ok(choice) => choice,
        Err(error) => return refused(&error),
    };
    let Ok(slot) = Arc::clone(&state.slots).try_acquire_owned() else { return busy() };
    match timeout(state.limits.scrape, expose(choice, &state)).await.ok().flatten() {
        Some(exposition) => found().streaming(ScrapeBody::new(exposition, slot, state.limits)),
        None => no_answer(),
    }
}

/// What a scrape would look like, without one.
pub(crate) async fn describe(request: HttpRequest) -> HttpResponse {
    match TargetQuery::parse(request.query_string()) {
        Ok(_) => found().finish(),
        Err(error) => refused(&error),
    }
}

fn found() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(("Content-Type", CONTENT_TYPE));
    response
}

fn refused(error: &QueryError) -> HttpResponse {
    line(HttpResponse::BadRequest(), format!("{error}\n"))
}

fn busy() -> HttpResponse {
    let mut response = HttpResponse::ServiceUnavailable();
    response.insert_header(("Retry-After", "1"));
    line(response, "Too many scrapes at once; try again when one of them has ended.\n")
}

/// Takes all the snapshots; `None` when the daemon does not answer.
async fn expose(choice: TargetQuery, state: &WebState) -> Option<Exposition> {
    let (sources, patience) = (&state.sources, state.limits.answer);
    let status = ask(&sources.status, GetStatus, patience).await?;
    let control = match &sources.control {
        Some(control) => ask(control, GetControlStats, patience).await,
        None => None,
    };
    let kept = match &sources.state {
        Some(keeper) => ask(&keeper.stats, GetStoreStats, patience).await,
        None => None,
    };
    let dialect = choice.dialect();
    let columns = collect(choice, state).await.ok()?;
    if let Some(keeper) = &sources.state {
        // What is shown must not go back after a restart.
        keeper.seen.do_send(FlushSoon);
    }
    let daemon = DaemonSnapshot { status: &status, control, web: state.stats(), kept };
    match daemon.render(dialect, &state.process) {
        Ok(rest) => Some(Exposition::new(columns, rest)),
        Err(error) => {
            tracing::error!(%error, "metrics not rendered");
            None
        }
    }
}

/// Asks the chosen targets for their books, page by page, each of which is given its time.
async fn collect(choice: TargetQuery, state: &WebState) -> Result<Columns, NoAnswer> {
    let (patience, dialect) = (state.limits.answer, choice.dialect());
    let mut columns = Columns::new(dialect);
    let books = |page| {
        timeout(patience, ask_all(page, Query::<LifetimeReport>::new))
            .map(|books| books.map_err(|_| NoAnswer))
    };
    let pages = choice.pages(&state.sources.roster, patience).map_ok(books);
    let mut answers = pin!(pages.try_buffered(PAGES_AT_ONCE));
    while let Some(page) = answers.try_next().await? {
        for (member, LifetimeReport { totals, wall }) in page {
            columns.push(&Snapshot::new(dialect.labels(&member), &member, totals, wall));
        }
    }
    Ok(columns)
}

/// The body of a scrape. Holds its slot until it is read, or abandoned, or has taken too long.
struct ScrapeBody {
    work: Rc<RefCell<ScrapeWork>>,
    deadline: JoinHandle<()>,
}

enum ScrapeWork {
    UnderWay { exposition: Box<Exposition>, _slot: OwnedSemaphorePermit },
    Done,
    GivenUp,
}

impl ScrapeBody {
    fn new(exposition: Exposition, slot: OwnedSemaphorePermit, limits: HttpLimits) -> Self {
        let work = Rc::new(RefCell::new(ScrapeWork::UnderWay { exposition: exposition.into(), _slot: slot }));
        // While the client reads nothing nobody polls us, so the deadline needs a task of its own.
        let held = Rc::downgrade(&work);
        let deadline = actix_web::rt::spawn(async move {
            sleep(limits.scrape).await;
            if let Some(work) = held.upgrade() {
                work.replace(ScrapeWork::GivenUp);
            }
        });
        Self { work, deadline }
    }
}

impl Stream for ScrapeBody {
    type Item = Result<Bytes, TooSlow>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut work = self.work.borrow_mut();
        let piece = match &mut *work {
            ScrapeWork::UnderWay { exposition, .. } => exposition.next(),
            ScrapeWork::Done => None,
            ScrapeWork::GivenUp => return Poll::Ready(Some(Err(TooSlow))),
        };
        if piece.is_none() {
            *work = ScrapeWork::Done;
        }
        Poll::Ready(piece.map(Ok))
    }
}

impl Drop for ScrapeBody {
    fn drop(&mut self) {
        self.deadline.abort();
    }
}

/// Why a scrape ends in the middle.
#[derive(Debug, thiserror::Error)]
#[error("the client took too long to read")]
struct TooSlow;
