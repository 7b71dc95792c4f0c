//! Replies that consist of a status: to `noop`, `add`, `remove` and `reset`, and to every request that fails.

use super::json::spaced;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A status, with a message where it is `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply<'a> {
    /// `ok`, `error`, or what is wrong with the request.
    pub status: Cow<'a, str>,
    /// Why the request failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errmessage: Option<Cow<'a, str>>,
    /// What the user should know although the request succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Cow<'a, str>>,
}

impl<'a> StatusReply<'a> {
    /// Status of a reply to a request that is under way.
    pub const PENDING: &'static str = "pending";

    /// The request succeeded.
    pub const OK: Self = Self::new("ok");

    /// A reply without a message.
    pub const fn new(status: &'a str) -> Self {
        Self { status: Cow::Borrowed(status), errmessage: None, warning: None }
    }

    /// The request failed for that reason.
    pub fn error(message: impl Into<Cow<'a, str>>) -> Self {
        Self { errmessage: Some(message.into()), ..Self::new("error") }
    }

    /// The request succeeded, with something that the user should know.
    pub fn ok_with(warning: impl Into<Cow<'a, str>>) -> Self {
        Self { warning: Some(warning.into()), ..Self::OK }
    }

    /// Whether the request succeeded.
    pub fn is_ok(&self) -> bool {
        self.status == "ok"
    }

    /// Whether the request failed.
    pub fn is_failure(&self) -> bool {
        !self.is_ok() && self.status != Self::PENDING
    }

    /// The reply as JSON, with one space after each colon and comma: scripts search for these bytes.
    pub fn to_json(&self) -> Vec<u8> {
        spaced(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_replies_have_one_space_after_each_colon_and_comma() {
        let cases = [
            (StatusReply::OK, r#"{"status": "ok"}"#),
            (StatusReply::new("need addr variable"), r#"{"status": "need addr variable"}"#),
            (
                StatusReply::error("Name or service not known"),
                r#"{"status": "error", "errmessage": "Name or service not known"}"#,
            ),
            (StatusReply::ok_with("a: b"), r#"{"status": "ok", "warning": "a: b"}"#),
            (StatusReply::error("\"\n: ,"), r#"{"status": "error", "errmessage": "\"\n: ,"}"#),
        ];
        for (reply, expected) in cases {
            let json = reply.to_json();
            assert_eq!(str::from_utf8(&json), Ok(expected));
            assert_eq!(serde_json::from_slice::<StatusReply>(&json).expect("a status"), reply);
        }
    }
}
