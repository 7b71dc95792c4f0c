//! `entries`: what was configured and added.

use super::names::origin_text;
use super::{CommandError, Commands, Response};
use crate::actors::supervisor::EntryQuery;
use crate::protocol::{EntriesReply, EntriesRequest, ListedEntry};

impl Commands {
    pub(in crate::control) async fn entries(
        &self,
        request: EntriesRequest,
    ) -> Result<Response, CommandError> {
        let limit = request.page.limit.unwrap_or(usize::MAX).min(EntriesReply::MAX_ROWS);
        let query = EntryQuery { after: request.page.after, limit: Some(limit + 1), ..EntryQuery::default() };
        let entries = self.backend.entries(query).await?;
        let mut reply = EntriesReply::default();
        for entry in entries.iter().take(limit).map(|state| &state.entry) {
            let origins: Vec<&str> = entry.origins.iter().map(|&origin| origin_text(origin)).collect();
            reply.push(&ListedEntry {
                id: &entry.id,
                interval: entry.interval,
                options: &entry.options,
                excluded: &entry.excluded,
                decides_interval: entry.decides_interval,
                origins: &origins,
            });
        }
        Ok(reply.into_json(entries.len() > limit).into())
    }
}
