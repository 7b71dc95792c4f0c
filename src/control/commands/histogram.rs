//! `histogram`: the number of replies of one target by round-trip time.

use super::{CommandError, Commands, Response};
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::{Query, ResetHistogram};
use crate::actors::supervisor::{Filter, GetTargets};
use crate::measure::Histogram;
use crate::protocol::{HistogramReply, HistogramRequest};

impl Commands {
    pub(in crate::control) async fn histogram(
        &self,
        request: HistogramRequest,
    ) -> Result<Response, CommandError> {
        let Some(key) = request.key() else { return Ok(HistogramReply::default().to_json().into()) };
        let filter = Filter { name: None, host: Some(key.into()) };
        let page = self.backend.targets(GetTargets { filter, ..GetTargets::default() }).await?;
        self.resets.all_begun().await;
        let answers = if request.reset {
            ask_all(page.targets, || ResetHistogram).await
        } else {
            ask_all(page.targets, Query::<Histogram>::new).await
        };
        let reply = answers.first().map_or_else(HistogramReply::default, |(_, counts)| counts.into());
        Ok(reply.to_json().into())
    }
}
