//! `names`: the followed DNS names, resolved or not.

use super::{CommandError, Commands, Response};
use crate::actors::supervisor::{EntryQuery, EntryState, Origin};
use crate::control::backend::filter;
use crate::protocol::{Decimal, NameRow, NamesReply, NamesRequest};
use std::time::{SystemTime, UNIX_EPOCH};

impl Commands {
    pub(in crate::control) async fn names(&self, request: NamesRequest) -> Result<Response, CommandError> {
        let Some(filter) = filter(request.selector) else {
            return Ok(NamesReply::default().into_json(false).into());
        };
        let limit = request.page.limit.unwrap_or(usize::MAX).min(NamesReply::MAX_ROWS);
        let query =
            EntryQuery { filter, names_only: true, after: request.page.after, limit: Some(limit + 1) };
        let entries = self.backend.entries(query).await?;
        let mut reply = NamesReply::default();
        for state in entries.iter().take(limit) {
            if let Some(row) = row(state) {
                reply.push(&state.entry.id, &row);
            }
        }
        Ok(reply.into_json(entries.len() > limit).into())
    }
}

/// The row of a DNS name; `None` for a name that is about to be followed.
fn row(EntryState { entry, lookups }: &EntryState) -> Option<NameRow<'_>> {
    let lookups = lookups.as_ref()?;
    Some(NameRow {
        host: entry.id.host.host.to_string().into(),
        name: (&*entry.id.name).into(),
        variant: entry.id.host.variant.as_str().into(),
        addresses: entry.targets,
        state: lookups.word().into(),
        since: unix(lookups.since),
        next: unix(lookups.next),
        origins: entry.origins.iter().map(|&origin| origin_text(origin).into()).collect(),
    })
}

fn unix(time: SystemTime) -> Decimal {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Decimal::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// The word for an origin in replies.
pub(super) const fn origin_text(origin: Origin) -> &'static str {
    match origin {
        Origin::Config => "configuration",
        Origin::Runtime => "runtime",
    }
}
