//! Whom the control socket asks.

use crate::actors::persistence::{self, FlushSoon, GetHistory, HistoryError, NotSaved};
use crate::actors::supervisor::{AddError, AddTarget, Added, Filter, GetTargets, RemoveTargets, TargetPage};
use crate::protocol::{self, Selector};
use actix::dev::ToEnvelope;
use actix::prelude::*;
use tokio::time::Instant;

/// The supervisor, as far as the control socket needs it.
#[derive(Clone)]
pub struct Backend {
    /// Takes in hosts to be measured.
    pub add: Recipient<AddTarget>,
    /// Forgets hosts.
    pub remove: Recipient<RemoveTargets>,
    /// Knows which targets there are.
    pub roster: Recipient<GetTargets>,
    /// Knows how they were doing, if anybody does.
    pub history: Option<Recipient<GetHistory>>,
    /// Keeps the statistics, if anybody does.
    pub seen: Option<Recipient<FlushSoon>>,
}

impl<A> From<Addr<A>> for Backend
where
    A: Actor + Handler<AddTarget> + Handler<RemoveTargets> + Handler<GetTargets>,
    A::Context: ToEnvelope<A, AddTarget> + ToEnvelope<A, RemoveTargets> + ToEnvelope<A, GetTargets>,
{
    fn from(supervisor: Addr<A>) -> Self {
        Self {
            add: supervisor.clone().recipient(),
            remove: supervisor.clone().recipient(),
            roster: supervisor.recipient(),
            history: None,
            seen: None,
        }
    }
}

impl Backend {
    /// Has a host measured, and that kept until then.
    pub(super) async fn add(&self, add: AddTarget, until: Instant) -> Result<(), BackendError> {
        let Added { result, receipt } = self.add.send(add).await?;
        // A refusal is final too, when what was tried for it is gone from the disk.
        let kept = receipt.saved(until).await;
        result?;
        Ok(kept?)
    }

    /// Has hosts forgotten, and that kept until then.
    pub(super) async fn remove(&self, remove: RemoveTargets, until: Instant) -> Result<(), BackendError> {
        Ok(self.remove.send(remove).await?.saved(until).await?)
    }

    /// Asks how targets were doing; the answer is a reply.
    pub(super) async fn history(&self, asked: protocol::HistoryRequest) -> Result<Vec<u8>, BackendError> {
        let history = self.history.as_ref().ok_or(HistoryError::Off)?;
        let mut past = protocol::HistoryReply::default();
        if let Some(filter) = filter(asked.selection) {
            let limit = asked.limit.unwrap_or(usize::MAX).min(protocol::HistoryReply::MOST);
            let hours = history.send(GetHistory { filter, after: asked.after, limit }).await??;
            let hour =
                |hour: &persistence::Hour| past.push(hour.address, &hour.name, hour.begins, &hour.settled);
            hours.iter().all(hour);
        }
        Ok(past.into_reply())
    }

    /// Periods have ended and somebody knows it: no restart is to bring them back.
    pub(super) fn note_reset(&self) {
        if let Some(seen) = &self.seen {
            seen.do_send(FlushSoon);
        }
    }

    /// Asks for targets.
    pub(super) async fn roster(&self, query: GetTargets) -> Result<TargetPage, BackendError> {
        Ok(self.roster.send(query).await?)
    }
}

/// Why the supervisor did not do it; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackendError {
    /// It refused.
    #[error(transparent)]
    AddTarget(#[from] AddError),
    /// It did, and a restart may undo it.
    #[error(transparent)]
    NotSaved(#[from] NotSaved),
    /// There is none, or it can't be read.
    #[error(transparent)]
    HistoryRequest(#[from] HistoryError),
    /// It has ended.
    #[error("the daemon is shutting down")]
    Gone(#[from] MailboxError),
}

/// `None` if nothing can match.
pub(super) fn filter(selection: Selector) -> Option<Filter> {
    match selection {
        Selector::All => Some(Filter::default()),
        Selector::Matching { name: None, host: None } => None,
        Selector::Matching { name, host } => Some(Filter { name, host }),
    }
}
