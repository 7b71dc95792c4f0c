//! `histogram`: the answered requests of one target by round-trip time.

use super::{CommandError, Commands, EMPTY, Response};
use crate::actors::ask_all::ask_all;
use crate::actors::pinger::{Query, ResetHistogram};
use crate::actors::supervisor::{Filter, GetTargets};
use crate::measure::Histogram;
use crate::protocol::histogram::{self, HistogramRequest};
use crate::target::Host;

impl Commands {
    pub(in crate::control) async fn histogram(
        &self,
        asked: HistogramRequest,
    ) -> Result<Response, CommandError> {
        let HistogramRequest { address, reset } = asked;
        let Some(address) = address else { return Ok(EMPTY.to_vec().into()) };
        let filter = Filter { name: None, host: Some(Host::Address(address)) };
        let roster = self.backend.roster(GetTargets { filter, ..GetTargets::default() }).await?;
        self.turnstile.all_told().await;
        let answers = if reset {
            ask_all(roster.targets, || ResetHistogram).await
        } else {
            ask_all(roster.targets, Query::<Histogram>::new).await
        };
        Ok(answers.first().map_or_else(|| EMPTY.to_vec(), |(_, counts)| histogram::histogram(counts)).into())
    }
}
