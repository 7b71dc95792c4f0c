//! `remove`: ends the measuring of targets.

use super::members::Members;
use super::{Command, RequestError, Selector, StatusReply};
use serde::Serialize;

/// Removes targets and names. The selector is never [`Selector::is_all`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoveRequest {
    /// What to remove.
    #[serde(flatten)]
    pub selector: Selector,
}

impl RemoveRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        Ok(Self { selector: Selector::parse_some(members)? })
    }
}

impl Command for RemoveRequest {
    const NAME: &'static str = "remove";
    type Reply = StatusReply<'static>;
}
