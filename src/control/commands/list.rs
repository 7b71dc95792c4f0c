//! `list`: the statistics of targets, whole or in pages, and their reset.

use super::{CommandError, Commands, EMPTY, Response};
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::{Query, Report};
use crate::actors::supervisor::{Filter, GetTargets, TargetPage, TargetRef};
use crate::control::backend::filter;
use crate::control::target_stats::{TargetStats, encode};
use crate::measure::PeriodStats;
use crate::protocol::{ListRequest, PageRequest, TooLarge};
use std::net::SocketAddr;
use tracing::info;

impl Commands {
    pub(in crate::control) async fn list(
        &self,
        list: ListRequest,
        peer: SocketAddr,
    ) -> Result<Response, CommandError> {
        let ListRequest { selection, page, reset, detail } = list;
        let Some(filter) = filter(selection) else { return Ok(EMPTY.to_vec().into()) };
        let reads = match page {
            None => self.read_whole(filter, detail).await?,
            Some(page) => self.read_page(filter, page, detail).await?,
        };
        if reset {
            return self.list_and_reset(reads, page.is_some(), detail, peer).await;
        }
        let targets = encode(reads.iter(), PeriodStats::clone);
        Ok(if page.is_some() { targets.into_page() } else { targets.into_whole()? }.into())
    }

    async fn read_whole(&self, filter: Filter, detail: bool) -> Result<Vec<TargetStats>, CommandError> {
        // One more than can fit tells that they do not fit; the others need not be handed over.
        let limit = Some(TooLarge::MOST + 1);
        let roster = self.backend.roster(GetTargets { filter, after: None, limit }).await?;
        let TargetPage { targets: members, total } = roster;
        TooLarge::check(total.max(members.len()))?;
        Ok(self.read(members, detail).await)
    }

    async fn read_page(
        &self,
        filter: Filter,
        page: PageRequest,
        detail: bool,
    ) -> Result<Vec<TargetStats>, CommandError> {
        let limit = Some(page.limit.unwrap_or(usize::MAX).min(TooLarge::MOST));
        let mut after = page.after;
        loop {
            let query = GetTargets { filter: filter.clone(), after, limit };
            let members = self.backend.roster(query).await?.targets;
            let Some(last) = members.last() else { return Ok(Vec::new()) };
            after = Some(last.address);
            let reads = self.read(members, detail).await;
            // An empty page is the last one, so it must not come from targets that ended just now.
            if !reads.is_empty() {
                return Ok(reads);
            }
        }
    }

    async fn read(&self, members: Vec<TargetRef>, detail: bool) -> Vec<TargetStats> {
        self.turnstile.all_told().await;
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

    /// Ends the periods of what fits, and of nothing else.
    async fn list_and_reset(
        &self,
        reads: Vec<TargetStats>,
        paged: bool,
        detail: bool,
        peer: SocketAddr,
    ) -> Result<Response, CommandError> {
        let now = encode(reads.iter(), settled);
        let fitting = now.fitting();
        if !paged {
            now.into_whole()?;
        }
        let members = reads.into_iter().take(fitting).map(|read| read.member).collect();
        let mut taken = self.turnstile.take(members, detail).await.ok_or(CommandError::Stopping)?;
        self.backend.note_reset();
        // Their numbers may have become longer meanwhile.
        let ended: Vec<TargetStats> = taken.read().collect();
        let targets = encode(ended.iter(), PeriodStats::clone);
        taken.keep_first(targets.fitting());
        let count = targets.fitting();
        let reply = if paged { targets.into_page() } else { targets.into_whole()? };
        info!(%peer, targets = count, "statistics listed and reset");
        Ok(Response { reply, taken: Some(taken) })
    }
}

/// What a reset reports: settled requests only.
fn settled(summary: &PeriodStats) -> PeriodStats {
    PeriodStats { in_flight: 0, ..*summary }
}
