//! `list`: the statistics of targets, whole or in pages, and their reset.

use super::{CommandError, Commands, Response};
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::{Query, Report};
use crate::actors::supervisor::{Filter, GetTargets, TargetPage, TargetRef};
use crate::control::backend::filter;
use crate::control::target_stats::{TargetStats, encode};
use crate::measure::PeriodStats;
use crate::protocol::{ListReply, ListRequest, PageRequest, TooLarge};
use std::net::SocketAddr;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn list(
        &self,
        request: ListRequest,
        peer: SocketAddr,
    ) -> Result<Response, CommandError> {
        let ListRequest { selector, page, reset, detail } = request;
        let Some(filter) = filter(selector) else { return Ok(ListReply::default().into_page().into()) };
        let paged = page.is_some();
        let targets = match page {
            None => self.read_whole(filter, detail).await?,
            Some(page) => self.read_page(filter, page, detail).await?,
        };
        if reset {
            return self.list_and_reset(targets, paged, detail, peer).await;
        }
        let reply = encode(targets.iter(), PeriodStats::clone);
        Ok(if paged { reply.into_page() } else { reply.into_whole()? }.into())
    }

    async fn read_whole(&self, filter: Filter, detail: bool) -> Result<Vec<TargetStats>, CommandError> {
        // One more than can fit is enough to show that they do not fit.
        let limit = Some(TooLarge::MAX_TARGETS + 1);
        let TargetPage { targets: members, total } =
            self.backend.targets(GetTargets { filter, after: None, limit }).await?;
        TooLarge::check(total.max(members.len()))?;
        Ok(self.read(members, detail).await)
    }

    async fn read_page(
        &self,
        filter: Filter,
        page: PageRequest,
        detail: bool,
    ) -> Result<Vec<TargetStats>, CommandError> {
        let limit = Some(page.limit.unwrap_or(usize::MAX).min(TooLarge::MAX_TARGETS));
        let mut after = page.after;
        loop {
            let query = GetTargets { filter: filter.clone(), after: after.clone(), limit };
            let members = self.backend.targets(query).await?.targets;
            let Some(last) = members.last() else { return Ok(Vec::new()) };
            after = Some(last.key.clone());
            let targets = self.read(members, detail).await;
            // An empty page means the end of the list, so it must not result from targets that ended just now.
            if !targets.is_empty() {
                return Ok(targets);
            }
        }
    }

    async fn read(&self, members: Vec<TargetRef>, detail: bool) -> Vec<TargetStats> {
        self.resets.all_begun().await;
        if detail {
            let answers = ask_all(members, Query::<Report>::new).await;
            let read = |(member, report): (TargetRef, Report)| TargetStats {
                member,
                summary: report.summary,
                report: Some(Box::new(report)),
            };
            return answers.into_iter().map(read).collect();
        }
        let answers = ask_all(members, Query::<PeriodStats>::new).await;
        answers.into_iter().map(|(member, summary)| TargetStats { member, summary, report: None }).collect()
    }

    /// Ends the periods of the targets that fit into the reply, and of no others.
    async fn list_and_reset(
        &self,
        targets: Vec<TargetStats>,
        paged: bool,
        detail: bool,
        peer: SocketAddr,
    ) -> Result<Response, CommandError> {
        let expected = encode(targets.iter(), settled);
        let fitting = expected.fitting();
        if !paged {
            expected.into_whole()?;
        }
        let members = targets.into_iter().take(fitting).map(|target| target.member).collect();
        let mut periods = self.resets.end_periods(members, detail).await.ok_or(CommandError::Stopping)?;
        self.backend.flush();
        // The numbers may have become longer since the targets were read.
        let ended: Vec<TargetStats> = periods.stats().collect();
        let reply = encode(ended.iter(), PeriodStats::clone);
        let count = reply.fitting();
        periods.resume_after(count);
        let json = if paged { reply.into_page() } else { reply.into_whole()? };
        info!(%peer, targets = count, "statistics listed and reset");
        Ok(Response { json, periods: Some(periods) })
    }
}

/// Without requests in flight: a reset reports settled requests only.
fn settled(summary: &PeriodStats) -> PeriodStats {
    PeriodStats { in_flight: 0, ..*summary }
}
