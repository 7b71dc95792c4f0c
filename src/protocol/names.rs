//! `names`: the followed DNS names, resolved or not.

use super::json::Decimal;
use super::members::Members;
use super::rows::RowWriter;
use super::{Command, RequestError, Selector};
use crate::target::EntryId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Asks for the followed DNS names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct NamesRequest {
    /// Which names: by the name of their targets, or as host.
    #[serde(flatten)]
    pub selector: Selector,
    /// One page of them.
    #[serde(flatten)]
    pub page: EntryPageRequest,
}

/// Selects one page of entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct EntryPageRequest {
    /// Only entries after this one.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_id")]
    pub after: Option<EntryId>,
    /// Maximum number of entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference")]
fn optional_id<S: serde::Serializer>(id: &Option<EntryId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

impl EntryPageRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        Ok(Self { after: members.after_entry()?, limit: members.limit()? })
    }
}

impl NamesRequest {
    pub(super) fn parse(members: &Members<'_>) -> Result<Self, RequestError> {
        Ok(Self { selector: Selector::parse(members)?, page: EntryPageRequest::parse(members)? })
    }
}

impl Command for NamesRequest {
    const NAME: &'static str = "names";
    type Reply = NamesPage;
}

/// A followed DNS name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRow<'a> {
    /// The DNS name.
    pub host: Cow<'a, str>,
    /// The name of its targets.
    pub name: Cow<'a, str>,
    /// The variant of its targets, if they have one.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub variant: Cow<'a, str>,
    /// Number of its targets.
    pub addresses: usize,
    /// `resolved`, `no_such_name`, `no_address`, `no_answer`, or `waiting` for the end of the first look-up.
    pub state: Cow<'a, str>,
    /// Since when the state is the same, in seconds, Unix time.
    pub since: Decimal,
    /// When the next look-up begins, in seconds, Unix time; in the past while one is under way.
    pub next: Decimal,
    /// Where it comes from: `configuration`, `runtime`, or both.
    #[serde(default)]
    pub origins: Cow<'a, [Cow<'a, str>]>,
}

/// A reply as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamesPage<R = NameRow<'static>> {
    /// The names, by host.
    pub names: Vec<R>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
}

/// A reply as the daemon writes it: the names, from the first on, that fit into one datagram.
#[derive(Debug)]
pub struct NamesReply(RowWriter);

impl Default for NamesReply {
    fn default() -> Self {
        Self(RowWriter::new("names"))
    }
}

impl NamesReply {
    /// More names than this never fit.
    pub const MAX_ROWS: usize = super::MAX_REPLY / 100;

    /// Appends a name, unless the reply is full.
    pub fn push(&mut self, id: &EntryId, row: &NameRow<'_>) {
        self.0.push(id, row);
    }

    /// The reply as JSON; `has_more`: there are names behind those that were pushed.
    pub fn into_json(self, has_more: bool) -> Vec<u8> {
        self.0.into_json(has_more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{MAX_REPLY, Quoted, Request};

    fn row<'a>(host: &'a str, name: &'a str) -> NameRow<'a> {
        NameRow {
            host: host.into(),
            name: name.into(),
            variant: "".into(),
            addresses: 0,
            state: "no_such_name".into(),
            since: Decimal::from_f64(1_700_000_000.5),
            next: Decimal::from_f64(1_700_000_060.0),
            origins: vec!["configuration".into(), "runtime".into()].into(),
        }
    }

    #[test]
    fn a_request_selects_and_pages() {
        let parsed = |text: &str| Request::parse(text.as_bytes());
        let page = |after: Option<&str>, limit| EntryPageRequest {
            after: after.map(|id| id.parse().expect("an identity")),
            limit,
        };
        let all = NamesRequest { page: page(Some("a.test#w x y"), Some(7)), ..NamesRequest::default() };
        assert_eq!(all.to_json(), r#"{"cmd":"names","after":"a.test#w x y","limit":7}"#);
        assert_eq!(parsed(&all.to_json()), Ok(Request::Names(all)));
        let one = NamesRequest {
            selector: Selector { name: Some("x".into()), addr: None },
            page: page(None, None),
        };
        assert_eq!(parsed(r#"{"cmd": "names", "name": "x", "after": ""}"#), Ok(Request::Names(one)));
        for bad in ["a.test", "a..b x"] {
            let error = parsed(&format!(r#"{{"cmd": "names", "after": "{bad}"}}"#)).expect_err("no identity");
            assert_eq!(error, RequestError::AfterEntry(Quoted::text(bad)));
        }
    }

    #[test]
    fn a_name_is_an_object() {
        let mut reply = NamesReply::default();
        let name = row("a.test", "a \"b\"\n");
        reply.push(&"a.test a \"b\"\n".parse().expect("an identity"), &name);
        let text = String::from_utf8(reply.into_json(true)).expect("UTF-8");
        let expected = concat!(
            r#"{"names": [{"host":"a.test","name":"a \"b\"\n","addresses":0,"state":"no_such_name","#,
            r#""since":1700000000.5,"next":1700000060.0,"origins":["configuration","runtime"]}], "#,
            r#""next": "a.test a \"b\"\n"}"#,
        );
        assert_eq!(text, expected);
        let page: NamesPage = serde_json::from_str(&text).expect("a page");
        assert_eq!((page.names, page.next.as_deref()), (vec![name], Some("a.test a \"b\"\n")));
        assert_eq!(NamesReply::default().into_json(false), br#"{"names": []}"#);
    }

    #[test]
    fn a_reply_holds_what_fits_and_says_where_to_go_on() {
        let (host, name) = (["a".repeat(63).as_str(); 3].join("."), "\u{1}".repeat(253));
        let id = format!("{host}#{} {name}", "w".repeat(32)).parse().expect("an identity");
        let mut reply = NamesReply::default();
        (0..NamesReply::MAX_ROWS).for_each(|_| reply.push(&id, &row(&host, &name)));
        let json = reply.into_json(false);
        assert!(json.len() <= MAX_REPLY, "{}", json.len());
        let page: NamesPage = serde_json::from_slice(&json).expect("a page");
        assert!(page.names.len() > 30 && page.next.is_some_and(|next| next == id.to_string()));
        let mut small = NamesReply::default();
        (0..NamesReply::MAX_ROWS).for_each(|_| small.push(&id, &row("a", "")));
        let page: NamesPage = serde_json::from_slice(&small.into_json(false)).expect("a page");
        assert!(page.names.len() < NamesReply::MAX_ROWS && page.next.is_some());
    }
}
