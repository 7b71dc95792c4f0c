//! The actors that the control socket asks.

use crate::actors::persistence::{FlushSoon, GetHistory, HistoryError, Hour, NotSaved};
use crate::actors::reload::Reload;
use crate::actors::supervisor::{
    AddError, AddTarget, Added, EntryQuery, EntryState, Filter, GetEntries, GetTargets, RemoveTargets,
    Removed, TargetPage,
};
use crate::protocol::Selector;
use crate::target::EntryConflict;
use actix::dev::ToEnvelope;
use actix::prelude::*;
use tokio::time::Instant;

/// The supervisor and the state actor, as far as the control socket needs them.
#[derive(Clone)]
pub struct Backend {
    /// Starts measuring hosts.
    pub add: Recipient<AddTarget>,
    /// Ends the measuring of hosts.
    pub remove: Recipient<RemoveTargets>,
    /// Lists the targets.
    pub targets: Recipient<GetTargets>,
    /// Lists the entries.
    pub entries: Recipient<GetEntries>,
    /// Reads the history; `None` without a state.
    pub history: Option<Recipient<GetHistory>>,
    /// Writes the statistics of all targets; `None` without a state.
    pub flush: Option<Recipient<FlushSoon>>,
    /// Reads the configuration again; `None` if there is none.
    pub reload: Option<Recipient<Reload>>,
}

impl<A> From<Addr<A>> for Backend
where
    A: Actor + Handler<AddTarget> + Handler<RemoveTargets> + Handler<GetTargets> + Handler<GetEntries>,
    A::Context: ToEnvelope<A, AddTarget>
        + ToEnvelope<A, RemoveTargets>
        + ToEnvelope<A, GetTargets>
        + ToEnvelope<A, GetEntries>,
{
    fn from(supervisor: Addr<A>) -> Self {
        Self {
            add: supervisor.clone().recipient(),
            remove: supervisor.clone().recipient(),
            targets: supervisor.clone().recipient(),
            entries: supervisor.recipient(),
            history: None,
            flush: None,
            reload: None,
        }
    }
}

impl Backend {
    /// Adds a host, and waits until the change is on disk. Returns options that have no effect.
    pub(super) async fn add(
        &self,
        add: AddTarget,
        deadline: Instant,
    ) -> Result<Option<EntryConflict>, BackendError> {
        let Added { result, conflict, receipt } = self.add.send(add).await?;
        // A refused change is final only when the disk no longer has it either.
        let saved = receipt.saved(deadline).await;
        result?;
        saved?;
        Ok(conflict)
    }

    /// Removes targets and names. The receipt in the result resolves when the change is on disk.
    pub(super) async fn remove(&self, remove: RemoveTargets) -> Result<Removed, BackendError> {
        Ok(self.remove.send(remove).await?)
    }

    /// Returns the selected hours.
    pub(super) async fn history(&self, query: GetHistory) -> Result<Vec<Hour>, BackendError> {
        let history = self.history.as_ref().ok_or(HistoryError::Off)?;
        Ok(history.send(query).await??)
    }

    /// Writes the statistics to disk, so that no restart brings back a period whose end a client has seen.
    pub(super) fn flush(&self) {
        if let Some(flush) = &self.flush {
            flush.do_send(FlushSoon);
        }
    }

    /// Returns the selected entries.
    pub(super) async fn entries(&self, query: EntryQuery) -> Result<Vec<EntryState>, BackendError> {
        Ok(self.entries.send(GetEntries(query)).await?)
    }

    /// Returns the selected targets.
    pub(super) async fn targets(&self, query: GetTargets) -> Result<TargetPage, BackendError> {
        Ok(self.targets.send(query).await?)
    }
}

/// Why an actor did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackendError {
    /// The supervisor refused the host.
    #[error(transparent)]
    AddTarget(#[from] AddError),
    /// The change took effect, but a restart may undo it.
    #[error(transparent)]
    NotSaved(#[from] NotSaved),
    /// There is no history, or it cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The actor has ended.
    #[error("the daemon is shutting down")]
    Gone(#[from] MailboxError),
}

/// Returns the filter of a selector; `None` if nothing can match.
pub(super) fn filter(selector: Selector) -> Option<Filter> {
    if selector.is_all() {
        return Some(Filter::default());
    }
    let filter = Filter { host: selector.host(), name: selector.name.map(Into::into) };
    (filter != Filter::default()).then_some(filter)
}
