//! `history`: what targets did hour by hour.

use super::{CommandError, Commands, Response};
use crate::protocol::HistoryRequest;

impl Commands {
    pub(in crate::control) async fn history(&self, asked: HistoryRequest) -> Result<Response, CommandError> {
        Ok(self.backend.history(asked).await?.into())
    }
}
