//! `reset`: starts a new measurement period of targets.

use super::members::Members;
use super::{Command, RequestError, Selector, StatusReply};
use serde::Serialize;

/// Sets the statistics of targets to zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ResetRequest {
    /// Which targets.
    #[serde(flatten)]
    pub selector: Selector,
}

impl ResetRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        Ok(Self { selector: Selector::parse(members)? })
    }
}

impl Command for ResetRequest {
    const NAME: &'static str = "reset";
    type Reply = StatusReply<'static>;

    fn resets(&self) -> bool {
        true
    }
}
