//! Requests of the control socket.

use meshping::protocol::{
    AddRequest, Command, ListRequest, MAX_REPLY, PageRequest, Quoted, Request, RequestError,
};
use meshping::target::NewEntry;
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
    let json = match request {
        Request::Noop(noop) => noop.to_json(),
        Request::List(list) => list.to_json(),
        Request::Remove(remove) => remove.to_json(),
        Request::Reset(reset) => reset.to_json(),
        Request::History(history) => history.to_json(),
        Request::Histogram(histogram) => histogram.to_json(),
        Request::Reload(reload) => reload.to_json(),
        Request::Names(names) => names.to_json(),
        Request::Entries(entries) => entries.to_json(),
        Request::Add(target) => add_request(target).to_json(),
    };
    let mut members: Value = serde_json::from_str(&json).expect("a request is JSON");
    if let Request::List(ListRequest { page: Some(page), .. }) = request
        && *page == PageRequest::default()
    {
        // The empty string is before all addresses, and makes it a page.
        members["after"] = "".into();
    }
    members
}

/// The request that adds such a target.
fn add_request(NewEntry { spec: target, excluded, unresolved }: &NewEntry) -> AddRequest {
    let mut options: Map<String, Value> =
        target.options.iter().map(|(key, text)| (key.row().member.to_owned(), text.into())).collect();
    let labels: Map<String, Value> =
        target.options.labels().map(|(name, value)| (name.to_owned(), value.into())).collect();
    options.insert("labels".into(), json!(labels));
    let variant = (!target.variant.is_empty()).then(|| target.variant.as_str().to_owned());
    let exclude = excluded.iter().map(ToString::to_string).collect();
    let (name, addr) = (Some(target.name.to_string()), Some(target.host.to_string()));
    AddRequest { name, addr, variant, exclude, unresolved: *unresolved, options }
}
