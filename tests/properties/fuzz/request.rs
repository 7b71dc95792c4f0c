//! Requests of the control socket.

use meshping::protocol::{AddRequest, MAX_REPLY, PageRequest, Quoted, Request, RequestError, Selector};
use serde_json::{Map, Value, json};

/// A datagram is a request that survives being written and read again, or an error whose reply fits.
pub fn check(datagram: &[u8]) {
    match Request::parse(datagram) {
        Ok(request) => {
            let printed = print(&request).to_string();
            assert_eq!(Request::parse(printed.as_bytes()), Ok(request), "{printed}");
        }
        Err(error) => check_error(&error),
    }
    check_quotations(&String::from_utf8_lossy(datagram));
}

/// The reply is JSON, fits into a datagram, and is recognised as a reply: two daemons do not answer each other.
fn check_error(error: &RequestError) {
    let Some(reply) = error.reply() else { return };
    assert!(reply.len() <= MAX_REPLY, "{} bytes for {error:?}", reply.len());
    let members: Map<String, Value> = serde_json::from_slice(&reply).expect("a reply is a JSON object");
    assert!(members.contains_key("status"), "{members:?}");
    assert_eq!(Request::parse(&reply), Err(RequestError::IsReply));
}

/// A quotation repeats at most [`Quoted::MAX`] characters, and no control characters.
fn check_quotations(text: &str) {
    // The longest form of an escaped character is `\u{10ffff}`; then come two quotes and the ellipsis.
    let longest = Quoted::MAX * r"\u{10ffff}".len() + 3;
    let quoted = Quoted::text(text).to_string();
    assert!(quoted.chars().count() <= longest && !quoted.contains(char::is_control), "{quoted:?}");
    let json = Quoted::json(text).to_string();
    assert!(json.chars().count() <= Quoted::MAX + 1 && !json.contains(char::is_control), "{json:?}");
}

/// The request as JSON.
fn print(request: &Request) -> Value {
    let mut members = match request {
        Request::Noop => Map::new(),
        Request::ListRequest(list) => {
            let mut members = selection(&list.selection);
            members.insert("reset".into(), list.reset.into());
            members.insert("detail".into(), list.detail.into());
            if let Some(PageRequest { after, limit }) = list.page {
                // The empty string is before all addresses, and makes it a page.
                let after = after.map(|address| address.to_string()).unwrap_or_default();
                members.insert("after".into(), after.into());
                members.insert("limit".into(), limit.into());
            }
            members
        }
        Request::Add(add) => add_members(add),
        Request::Remove(selector) | Request::Reset(selector) => selection(selector),
        Request::HistoryRequest(history) => {
            let mut members = selection(&history.selection);
            let after = history.after.map(|(address, hour)| format!("{address}@{hour}"));
            members.insert("after".into(), after.into());
            members.insert("limit".into(), history.limit.into());
            members
        }
        Request::Histogram(histogram) => {
            let address = histogram.address.map_or_else(|| NO_HOST.to_owned(), |it| it.to_string());
            Map::from_iter([("addr".into(), address.into()), ("reset".into(), histogram.reset.into())])
        }
    };
    members.insert("cmd".into(), command(request).into());
    Value::Object(members)
}

fn command(request: &Request) -> &'static str {
    match request {
        Request::Noop => "noop",
        Request::ListRequest(_) => "list",
        Request::Add(_) => "add",
        Request::Remove(_) => "remove",
        Request::Reset(_) => "reset",
        Request::HistoryRequest(_) => "history",
        Request::Histogram(_) => "histogram",
    }
}

/// A text that can be no host.
const NO_HOST: &str = " ";

fn selection(selector: &Selector) -> Map<String, Value> {
    let mut members = Map::new();
    if let Selector::Matching { name, host } = selector {
        if let Some(name) = name {
            members.insert("name".into(), (**name).into());
        }
        match host {
            Some(host) => members.insert("addr".into(), host.to_string().into()),
            None if name.is_none() => members.insert("addr".into(), NO_HOST.into()),
            None => None,
        };
    }
    members
}

fn add_members(add: &AddRequest) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("name".into(), (*add.name).into());
    members.insert("addr".into(), add.host.to_string().into());
    for (key, text) in add.terms.iter() {
        let member = if key.as_str() == "interval" { "itv" } else { key.as_str() };
        members.insert(member.into(), text.into());
    }
    let labels: Map<String, Value> =
        add.terms.labels().map(|(name, value)| (name.to_owned(), value.into())).collect();
    members.insert("labels".into(), json!(labels));
    members
}
