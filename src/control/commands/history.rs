//! `history`: the statistics of targets hour by hour.

use super::{CommandError, Commands, Response};
use crate::actors::persistence::GetHistory;
use crate::control::backend::filter;
use crate::protocol::{HistoryReply, HistoryRequest, HistoryRow};

impl Commands {
    pub(in crate::control) async fn history(
        &self,
        request: HistoryRequest,
    ) -> Result<Response, CommandError> {
        let mut reply = HistoryReply::default();
        if let Some(filter) = filter(request.selector) {
            let limit = request.limit.unwrap_or(usize::MAX).min(HistoryReply::MAX_ROWS);
            let after = request.after.map(|position| (position.key, position.hour));
            let hours = self.backend.history(GetHistory { filter, after, limit }).await?;
            let mut rows =
                hours.iter().map(|hour| HistoryRow::new(&hour.key, &hour.name, hour.begins, &hour.settled));
            rows.all(|row| reply.push(&row));
        }
        Ok(reply.into_json().into())
    }
}
