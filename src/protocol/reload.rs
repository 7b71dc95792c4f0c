//! `reload`: reads the configuration again.

use super::json::spaced;
use super::{Command, StatusReply};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Reads the configuration again, and applies the differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ReloadRequest {}

impl Command for ReloadRequest {
    const NAME: &'static str = "reload";
    type Reply = ReloadReply<'static>;
}

/// Reply to a reload; one that is refused has a [`StatusReply`] with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReply<'a> {
    /// `ok`, or `pending`: the reload goes on, and another request asks for its result.
    pub status: Cow<'a, str>,
    /// What was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Cow<'a, str>>,
}

impl<'a> ReloadReply<'a> {
    /// The reload is under way.
    pub const PENDING: Self = Self { status: Cow::Borrowed(StatusReply::PENDING), report: None };

    /// The configuration is applied.
    pub fn applied(report: &'a str) -> Self {
        Self { status: Cow::Borrowed("ok"), report: Some(Self::cut(report).into()) }
    }

    /// The beginning of a report that is too long for a reply.
    pub fn cut(report: &str) -> String {
        if report.len() <= MAX_REPORT {
            return report.to_owned();
        }
        let end = (0..=MAX_REPORT).rev().find(|&at| report.is_char_boundary(at)).unwrap_or(0);
        format!("{} … and more, see the log", &report[..end])
    }

    /// Whether the reload is under way.
    pub fn is_pending(&self) -> bool {
        self.status == StatusReply::PENDING
    }

    /// The reply as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        spaced(self)
    }
}

/// Maximum size of a report in bytes; escaped as JSON it takes up to six times as much.
const MAX_REPORT: usize = 8_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::MAX_REPLY;

    #[test]
    fn a_report_of_any_length_fits() {
        let reply = ReloadReply::applied("targets: 1 added");
        let expected = r#"{"status": "ok", "report": "targets: 1 added"}"#;
        assert_eq!(str::from_utf8(&reply.to_json()), Ok(expected));
        assert_eq!(str::from_utf8(&ReloadReply::PENDING.to_json()), Ok(r#"{"status": "pending"}"#));
        for text in ["\u{1}", "ä", "x"] {
            let long = text.repeat(100_000);
            assert!(ReloadReply::applied(&long).to_json().len() <= MAX_REPLY, "{text:?}");
        }
    }
}
