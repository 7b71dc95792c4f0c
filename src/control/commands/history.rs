//! `history`: what targets did hour by hour.

use super::{Commands, ExecuteError, Outcome};
use crate::protocol::History;

impl Commands {
    pub(in crate::control) async fn history(&self, asked: History) -> Result<Outcome, ExecuteError> {
        Ok(self.backend.history(asked).await?.into())
    }
}
