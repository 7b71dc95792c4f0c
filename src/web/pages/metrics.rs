//! One scrape: takes a slot and snapshots of the targets, and writes the body as the client reads it.

use super::query::{NoAnswer, QueryError, TargetQuery};
use crate::actors::ask_all::ask_all;
use crate::actors::control_stats::GetControlStats;
use crate::actors::persistence::{FlushSoon, GetStoreStats};
use crate::actors::pinger::{LifetimeReport, Query, QueryWindow};
use crate::actors::supervisor::{EntryQuery, GetEntries, GetStatus};
use crate::web::client::WebClient;
use crate::web::context::WebState;
use crate::web::metrics::daemon::DaemonSnapshot;
use crate::web::metrics::dialects::Dialect;
use crate::web::metrics::exposition::{Columns, Exposition};
use crate::web::metrics::snapshot::Snapshot;
use crate::web::respond::{ask, line, no_answer};
use crate::web::scrape_slots::ScrapeSlot;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::future::Either;
use futures_util::{FutureExt, Stream, TryStreamExt};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Pages of targets that are asked for at once.
const MAX_CONCURRENT_PAGES: usize = 3;

/// All families of the targets that match the query, and those of the daemon.
pub(crate) async fn show(request: HttpRequest, state: Data<WebState>) -> HttpResponse {
    let query = match TargetQuery::parse(request.query_string(), state.limits.ping_exporter_window) {
        Ok(query) => query,
        Err(error) => return bad_query(&error),
    };
    let Some(mut slot) = state.scrape_slots.take(state.limits.slot_timeout).await else { return busy() };
    let Some(exposition) = timeout(state.limits.scrape_timeout, expose(query, &state)).await.ok().flatten()
    else {
        return no_answer();
    };
    if let Some(client) = request.extensions().get::<Rc<WebClient>>() {
        slot.begin_reading(&client.delivery);
    }
    ok().streaming(ScrapeBody::new(exposition, slot, state.limits.scrape_timeout))
}

/// The response to HEAD: that of a scrape, without taking one.
pub(crate) async fn describe(request: HttpRequest, state: Data<WebState>) -> HttpResponse {
    match TargetQuery::parse(request.query_string(), state.limits.ping_exporter_window) {
        Ok(_) => ok().finish(),
        Err(error) => bad_query(&error),
    }
}

fn ok() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(("Content-Type", CONTENT_TYPE));
    response
}

fn bad_query(error: &QueryError) -> HttpResponse {
    line(HttpResponse::BadRequest(), format!("{error}\n"))
}

fn busy() -> HttpResponse {
    let mut response = HttpResponse::ServiceUnavailable();
    response.insert_header(("Retry-After", "1"));
    line(response, "Too many scrapes at once; try again in a second.\n")
}

/// Takes all snapshots; `None` if an actor does not answer.
async fn expose(query: TargetQuery, state: &WebState) -> Option<Exposition> {
    let (sources, time_limit) = (&state.sources, state.limits.answer_timeout);
    let status = ask(&sources.status, GetStatus, time_limit).await?;
    let control = match &sources.control {
        Some(control) => ask(control, GetControlStats, time_limit).await,
        None => None,
    };
    let stores = match &sources.state {
        Some(state) => ask(&state.stats, GetStoreStats, time_limit).await,
        None => None,
    };
    let dialect = query.dialect();
    let names = match dialect {
        Dialect::Own => ask(&sources.entries, GetEntries(EntryQuery::names()), time_limit).await?,
        _ => Vec::new(),
    };
    let columns = collect(query, state).await.ok()?;
    if let Some(state) = &sources.state {
        // Counters that a scrape has shown must not go back after a restart.
        state.flush.do_send(FlushSoon);
    }
    let daemon = DaemonSnapshot { status: &status, control, names, web: state.stats(), stores };
    match daemon.render(dialect, &state.process) {
        Ok(rest) => Some(Exposition::new(columns, rest)),
        Err(error) => {
            tracing::error!(%error, "cannot render the metrics of the daemon");
            None
        }
    }
}

/// Asks the targets for their statistics, page by page; each page has the time limit of one answer.
async fn collect(query: TargetQuery, state: &WebState) -> Result<Columns, NoAnswer> {
    let (time_limit, dialect, window) = (state.limits.answer_timeout, query.dialect(), query.window());
    let mut columns = Columns::new(dialect);
    let totals = |page| {
        let asking = match window {
            Some(window) => Either::Left(ask_all(page, move || QueryWindow(window))),
            None => Either::Right(ask_all(page, Query::<LifetimeReport>::new)),
        };
        timeout(time_limit, asking).map(|totals| totals.map_err(|_| NoAnswer))
    };
    let pages = query.pages(&state.sources.targets, time_limit).map_ok(totals);
    let mut answers = pin!(pages.try_buffered(MAX_CONCURRENT_PAGES));
    while let Some(page) = answers.try_next().await? {
        for (target, LifetimeReport { totals, wall }) in page {
            columns.push(&Snapshot::new(dialect.labels(&target), &target, totals, wall));
        }
    }
    Ok(columns)
}

/// The body of a scrape. Holds its slot until the body is read or dropped.
struct ScrapeBody {
    work: Option<(Box<Exposition>, ScrapeSlot)>,
    deadline: JoinHandle<()>,
}

impl ScrapeBody {
    fn new(exposition: Exposition, slot: ScrapeSlot, time_limit: Duration) -> Self {
        let reader = slot.reader().cloned();
        // The body is not polled while the client reads nothing, so the deadline needs a task of its own.
        let deadline = actix_web::rt::spawn(async move {
            sleep(time_limit).await;
            reader.inspect(|reader| reader.reset());
        });
        Self { work: Some((exposition.into(), slot)), deadline }
    }
}

impl Stream for ScrapeBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = self.work.as_mut().and_then(|(exposition, _)| exposition.next());
        if chunk.is_none() {
            self.work = None;
            self.deadline.abort();
        }
        Poll::Ready(chunk.map(Ok))
    }
}

impl Drop for ScrapeBody {
    fn drop(&mut self) {
        self.deadline.abort();
    }
}
