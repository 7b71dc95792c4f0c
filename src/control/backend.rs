//! Whom the control socket asks.

use crate::actors::supervisor::{Add, AddError, GetRoster, Remove, Roster};
use actix::dev::ToEnvelope;
use actix::prelude::*;

/// The supervisor, as far as the control socket needs it.
#[derive(Clone)]
pub struct Backend {
    /// Takes in hosts to be measured.
    pub add: Recipient<Add>,
    /// Forgets hosts.
    pub remove: Recipient<Remove>,
    /// Knows which targets there are.
    pub roster: Recipient<GetRoster>,
}

impl<A> From<Addr<A>> for Backend
where
    A: Actor + Handler<Add> + Handler<Remove> + Handler<GetRoster>,
    A::Context: ToEnvelope<A, Add> + ToEnvelope<A, Remove> + ToEnvelope<A, GetRoster>,
{
    fn from(supervisor: Addr<A>) -> Self {
        Self {
            add: supervisor.clone().recipient(),
            remove: supervisor.clone().recipient(),
            roster: supervisor.recipient(),
        }
    }
}

impl Backend {
    /// Has a host measured.
    pub(super) async fn add(&self, add: Add) -> Result<(), BackendError> {
        Ok(self.add.send(add).await??)
    }

    /// Has hosts forgotten.
    pub(super) async fn remove(&self, remove: Remove) -> Result<(), BackendError> {
        Ok(self.remove.send(remove).await?)
    }

    /// Asks for targets.
    pub(super) async fn roster(&self, query: GetRoster) -> Result<Roster, BackendError> {
        Ok(self.roster.send(query).await?)
    }
}

/// Why the supervisor did not do it; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackendError {
    /// It refused.
    #[error(transparent)]
    Add(#[from] AddError),
    /// It has ended.
    #[error("the daemon is shutting down")]
    Gone(#[from] MailboxError),
}
