//! `noop`: shows that the daemon answers.

use super::{Command, StatusReply};
use serde::Serialize;

/// Does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NoopRequest {}

impl Command for NoopRequest {
    const NAME: &'static str = "noop";
    type Reply = StatusReply<'static>;
}
