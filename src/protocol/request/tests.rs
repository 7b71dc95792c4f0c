//! How requests are read: the table of the protocol, row by row.

use super::*;
use crate::protocol::{PageRequest, RowPosition, Selector};
use crate::target::{Interval, OptionKey, TargetOptions, TargetSpec, Variant};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn parsed(text: &str) -> Request {
    Request::parse(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn refused(text: impl AsRef<[u8]>) -> String {
    let refusal = Request::parse(text.as_ref()).expect_err("a refusal");
    String::from_utf8(refusal.reply().expect("a reply")).expect("UTF-8")
}

fn errmessage(text: &str) -> String {
    let reply: Value = serde_json::from_str(&refused(text)).expect("JSON");
    assert_eq!(reply["status"], "error", "{text}");
    reply["errmessage"].as_str().expect("a message").to_owned()
}

fn selector(name: Option<&str>, addr: Option<&str>) -> Selector {
    Selector { name: name.map(Into::into), addr: addr.map(Into::into) }
}

fn list(request: ListRequest) -> Request {
    Request::List(request)
}

fn detailed() -> Request {
    list(ListRequest { detail: true, ..ListRequest::default() })
}

fn whole(reset: bool) -> Request {
    list(ListRequest { reset, ..ListRequest::default() })
}

fn of(selector: Selector) -> Request {
    list(ListRequest { selector, ..ListRequest::default() })
}

#[test]
fn replies_to_what_is_no_request_are_exact() {
    let invalid = r#"{"status": "invalid json"}"#;
    let no_cmd = r#"{"status": "need cmd variable"}"#;
    let no_host = r#"{"status": "need name or addr variable"}"#;
    let cases: [(&[u8], &str); 22] = [
        (b"", invalid),
        (b"\n", invalid),
        (b"hello", invalid),
        (b"{\"cmd\": \"noop\"", invalid),
        (b"{\"cmd\": \"noop\"} x", invalid),
        (b"{\"cmd\": \"noop\"}\0", invalid),
        (b"{'cmd': 'noop'}", invalid),
        (b"\xff\xfe", invalid),
        (b"{\"cmd\": \"noop\", \"x\": \"\xff\"}", invalid),
        (b"{\"cmd\": \"add\", \"name\": \"\\ud800\"}", invalid),
        (b"{\"cmd\": \"add\", \"addr\": \"127.0.0.1\", \"itv\": NaN}", invalid),
        (b"5", no_cmd),
        (b"null", no_cmd),
        (b"\"cmd\"", no_cmd),
        (b"[]", no_cmd),
        (b"[{\"cmd\": \"noop\"}]", no_cmd),
        (b"{}", no_cmd),
        (b" {\"CMD\": \"noop\"} ", no_cmd),
        (b"{\"cmd\": \"add\"}", no_host),
        (b"{\"cmd\": \"remove\", \"name\": \"\", \"addr\": \"\"}", no_host),
        (b"{\"cmd\": \"add\", \"itv\": \"rubbish\", \"name\": null}", no_host),
        (b"{\"cmd\": \"histogram\", \"name\": \"web\"}", r#"{"status": "need addr variable"}"#),
    ];
    for (text, reply) in cases {
        assert_eq!(refused(text), reply, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn unknown_members_are_ignored() {
    let noop = || Request::Noop(NoopRequest {});
    let histogram = |addr: &str, reset| Request::Histogram(HistogramRequest { addr: addr.into(), reset });
    let remove = |addr| Request::Remove(RemoveRequest { selector: selector(None, Some(addr)) });
    let reset = |selector| Request::Reset(ResetRequest { selector });
    let cases = [
        ("{\"cmd\": \"noop\"}\n", noop()),
        (r#"{"cmd": "list", "cmd": "noop"}"#, noop()),
        (r#"{"cmd": "noop", "status": "ok", "x": 1e999}"#, noop()),
        (r#"{"cmd":"list"}"#, whole(false)),
        (r#"{"cmd": "list", "reset": true, "detail": 0.0}"#, whole(true)),
        (r#"{"cmd": "list", "detail": "[]"}"#, detailed()),
        (r#"{"cmd": "list", "reset": 0, "detail": "no"}"#, detailed()),
        (r#"{"cmd": "list", "name": "web"}"#, of(selector(Some("web"), None))),
        (
            r#"{"cmd": "list", "name": "w", "addr": "::ffff:10.0.0.1"}"#,
            of(selector(Some("w"), Some("::ffff:10.0.0.1"))),
        ),
        (r#"{"cmd": "list", "name": "", "addr": null}"#, whole(false)),
        (r#"{"cmd": "remove", "addr": "a b"}"#, remove("a b")),
        (r#"{"cmd": "remove", "addr": "web.example"}"#, remove("web.example")),
        (r#"{"cmd": "reset"}"#, reset(Selector::default())),
        (r#"{"cmd": "reset", "addr": "::1"}"#, reset(selector(None, Some("::1")))),
        (r#"{"cmd": "histogram", "addr": "[::1]", "reset": 1}"#, histogram("[::1]", true)),
        (r#"{"cmd": "histogram", "addr": "web"}"#, histogram("web", false)),
    ];
    for (text, request) in cases {
        assert_eq!(parsed(text), request, "{text}");
    }
}

#[test]
fn an_addr_that_no_host_can_have_selects_nothing() {
    for (addr, host) in [
        ("::ffff:10.0.0.1", Some("10.0.0.1")),
        ("web.example", Some("web.example")),
        ("0.0.0.0", None),
        ("a b", None),
    ] {
        let host = host.map(|host| host.parse().expect("a host"));
        let selector = selector(None, Some(addr));
        assert_eq!((selector.host(), selector.is_all()), (host, false), "{addr}");
        let request = HistogramRequest { addr: addr.into(), reset: false };
        assert_eq!(request.key().is_some(), addr.contains("10."), "{addr}");
    }
}

#[test]
fn a_request_of_a_client_is_read_unchanged() {
    let page = PageRequest { after: "fe80::1%eth0".parse().ok(), limit: Some(100) };
    let both = || selector(Some("a \"b\"\n"), Some("no host"));
    let after = RowPosition { key: "10.0.0.1".parse().expect("an address"), hour: 3_600 };
    let list = ListRequest { selector: both(), page: Some(page), reset: true, detail: true };
    let history = HistoryRequest { selector: both(), after: Some(after), limit: Some(7) };
    let histogram = HistogramRequest { addr: "::1".into(), reset: true };
    let cases = [
        (NoopRequest {}.to_json(), Request::Noop(NoopRequest {})),
        (ListRequest::default().to_json(), whole(false)),
        (list.to_json(), Request::List(list)),
        (RemoveRequest { selector: both() }.to_json(), Request::Remove(RemoveRequest { selector: both() })),
        (ResetRequest::default().to_json(), Request::Reset(ResetRequest::default())),
        (history.to_json(), Request::History(history)),
        (histogram.to_json(), Request::Histogram(histogram)),
    ];
    for (json, request) in cases {
        assert_eq!(parsed(&json), request, "{json}");
    }
    assert_eq!(NoopRequest {}.to_json(), r#"{"cmd":"noop"}"#);
    let options = Map::from_iter([("itv".to_owned(), 0.5.into())]);
    let add = AddRequest { name: Some("n".into()), options, ..AddRequest::default() };
    assert_eq!(add.to_json(), r#"{"cmd":"add","name":"n","itv":0.5}"#);
}

#[test]
fn the_depth_of_unknown_members_does_not_matter() {
    let deep = "[".repeat(30_000) + &"]".repeat(30_000);
    assert_eq!(refused(&deep), r#"{"status": "need cmd variable"}"#);
    assert_eq!(refused("[".repeat(65_000)), r#"{"status": "invalid json"}"#);
    assert_eq!(parsed(&format!(r#"{{"x": {deep}, "cmd": "noop"}}"#)), Request::Noop(NoopRequest {}));
    assert!(refused(format!(r#"{{"cmd": {deep}}}"#)).len() < 300);
}

#[test]
fn name_and_addr_serve_for_each_other() {
    let cases = [
        (json!({"cmd": "add", "addr": "127.0.0.1"}), "127.0.0.1", "127.0.0.1"),
        (json!({"cmd": "add", "name": "Web.Example."}), "Web.Example.", "Web.Example."),
        (json!({"cmd": "add", "name": "", "addr": "::FFFF:10.0.0.1"}), "::FFFF:10.0.0.1", "10.0.0.1"),
        (
            json!({"cmd": "add", "name": "a \"b\"\n<é>\u{0}", "addr": "10.0.0.1"}),
            "a \"b\"\n<é>\u{0}",
            "10.0.0.1",
        ),
        (json!({"cmd": "add", "name": "n", "addr": "fe80::1%eth0"}), "n", "fe80::1%eth0"),
    ];
    for (request, called, pinged) in cases {
        let (name, host) = (called.into(), pinged.parse().expect("a host"));
        assert_eq!(
            parsed(&request.to_string()),
            Request::Add(
                TargetSpec { name, host, variant: Variant::default(), options: TargetOptions::default() }
                    .into()
            ),
            "{request}"
        );
    }
}

#[test]
fn a_text_that_cannot_be_one_host_is_refused_with_the_reason() {
    let long = "x".repeat(254);
    let cases = [
        (json!({"addr": "0.0.0.0"}), "unspecified"),
        (json!({"name": "::"}), "unspecified"),
        (json!({"addr": "::ffff:224.0.0.1"}), "multicast"),
        (json!({"name": "web", "addr": "255.255.255.255"}), "broadcast"),
        (json!({"name": "fe80::1%"}), "zone"),
        (json!({"name": "two words"}), "' '"),
        (json!({"name": "a..b"}), "dots"),
        (json!({"name": long, "addr": "10.0.0.1"}), "254"),
        (json!({"addr": long}), "254"),
        (json!({"name": "web", "addr": long}), "254"),
        (json!({"name": 5}), "name must be a string, not 5"),
        (json!({"name": "web", "addr": ["10.0.0.1"]}), "addr must be a string, not [\"10.0.0.1\"]"),
    ];
    for (mut request, why) in cases {
        request["cmd"] = "add".into();
        let message = errmessage(&request.to_string());
        assert!(message.contains(why) && message.len() < 400, "{request}: {message}");
    }
}

#[test]
fn an_interval_is_a_number_or_a_numeric_string() {
    let itv = |itv: &str| format!(r#"{{"cmd": "add", "addr": "127.0.0.1", "itv": {itv}}}"#);
    for (value, seconds) in [
        ("5", Some(5.0)),
        ("0.2", Some(0.2)),
        ("1e1", Some(10.0)),
        ("\"60\"", Some(60.0)),
        ("\" 0.01 \"", Some(0.01)),
        ("86400", Some(86_400.0)),
        ("null", None),
    ] {
        let Request::Add(NewEntry { spec, .. }) = parsed(&itv(value)) else { panic!("{value}") };
        assert_eq!(spec.options.interval.map(Interval::seconds), seconds, "{value}");
    }
    let digits = "9".repeat(400);
    for value in [
        "0", "-1", "0.009", "86401", "1e999", "\"NaN\"", "\"inf\"", "\"\"", "\"1s\"", "true", "[1]", "{}",
        &digits,
    ] {
        let message = errmessage(&itv(value));
        let repeated: String = value.trim_matches('"').chars().take(64).collect();
        assert!(message.contains(&repeated), "{value}: {message}");
        assert!(message.contains("0.01") && message.contains("86400"), "{value}: {message}");
        assert!(message.len() < 200, "{value}: {message}");
    }
}

#[test]
fn every_flag_refuses_arrays_and_objects() {
    for members in [r#""list", "reset""#, r#""list", "detail""#, r#""histogram", "addr": "::1", "reset""#] {
        let message = errmessage(&format!(r#"{{"cmd": {members}: [1]}}"#));
        assert!(message.ends_with(" must be true or false, not [1]"), "{message}");
    }
}

#[test]
fn either_limit_or_after_asks_for_a_page() {
    let page = |members: &str| match parsed(&format!(r#"{{"cmd": "list", {members}}}"#)) {
        Request::List(list) => list.page.map(|page| (page.after.map(|after| after.to_string()), page.limit)),
        other => panic!("{other:?}"),
    };
    assert_eq!(page(r#""limit": null, "after": null"#), None);
    assert_eq!(page(r#""limit": 100"#), Some((None, Some(100))));
    assert_eq!(page(r#""after": """#), Some((None, None)));
    assert_eq!(page(r#""after": "::ffff:10.0.0.7""#), Some((Some("10.0.0.7".into()), None)));
    assert_eq!(page(r#""after": "0.0.0.0""#), Some((None, None)));
    assert_eq!(page(r#""after": "::""#), Some((Some("255.255.255.254".into()), None)));
    assert_eq!(page(r#""limit": 1e3, "after": "::1""#), Some((Some("::1".into()), Some(1000))));
    assert_eq!(page(r#""limit": 1e30"#), Some((None, Some(usize::MAX))));
    for bad in ["0", "-1", "1.5", "\"10\"", "true", "[]", "{}"] {
        let message = errmessage(&format!(r#"{{"cmd": "list", "limit": {bad}}}"#));
        assert!(message.contains("limit") && message.contains(bad), "{message}");
    }
    for bad in ["\"web\"", "\"10.0.0\"", "7", "{}"] {
        assert!(errmessage(&format!(r#"{{"cmd": "list", "after": {bad}}}"#)).contains(bad), "{bad}");
    }
}

#[test]
fn an_unknown_command_is_quoted_and_cut() {
    for (cmd, named) in [
        (json!("lsit"), "\"lsit\""),
        (json!("LIST"), "\"LIST\""),
        (json!(""), "\"\""),
        (json!(null), "null"),
        (json!(7), "7"),
        (json!({"cmd": "noop"}), r#"{"cmd":"noop"}"#),
        (json!("\u{1b}[2J\n"), r#""\u{1b}[2J\n""#),
    ] {
        let message = errmessage(&json!({ "cmd": cmd }).to_string());
        assert!(message.contains(&format!("unknown command {named},")), "{message}");
    }
    let message = errmessage(&json!({"cmd": "x".repeat(60_000)}).to_string());
    assert!(message.contains(&"x".repeat(64)) && !message.contains(&"x".repeat(65)), "{message}");
}

#[test]
fn a_reply_is_never_answered() {
    for reply in [r#"{"status": "ok"}"#, r#"{"status": null, "errmessage": "need cmd variable"}"#] {
        assert_eq!(Request::parse(reply.as_bytes()), Err(RequestError::IsReply), "{reply}");
        assert_eq!(RequestError::IsReply.reply(), None);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(vec!["127.0.0.1", "::", "fe80::1%eth0", "1e400", "a.b", "noop"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_request() -> impl Strategy<Value = Value> {
    let commands = vec!["noop", "list", "add", "remove", "reset", "histogram", "other"];
    let members = vec!["name", "addr", "itv", "reset", "detail", "limit", "after", "status", "x"];
    let members = proptest::collection::hash_map(proptest::sample::select(members), any_json(), 0..6);
    (proptest::sample::select(commands), members).prop_map(|(cmd, members)| {
        let mut request = json!({ "cmd": cmd });
        for (member, value) in members {
            request[member] = value;
        }
        request
    })
}

fn check_reply_of(datagram: &[u8]) {
    let Err(refusal) = Request::parse(datagram) else { return };
    let Some(reply) = refusal.reply() else { return };
    assert!(reply.len() < 2_000, "{} bytes", reply.len());
    let reply: Value = serde_json::from_slice(&reply).expect("a reply is JSON");
    assert!(reply["status"].is_string());
}

proptest! {
    #[test]
    fn no_bytes_make_a_bad_reply(datagram: Vec<u8>) {
        check_reply_of(&datagram);
    }

    #[test]
    fn no_object_makes_a_bad_reply(request in any_request()) {
        check_reply_of(request.to_string().as_bytes());
    }

    #[test]
    fn no_damaged_object_makes_a_bad_reply(request in any_request(), at: usize, byte: u8) {
        let mut bytes = request.to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        check_reply_of(&bytes);
        check_reply_of(&bytes[..at]);
    }
}

#[test]
fn an_add_takes_every_option_of_a_target() {
    let mut request = json!({"cmd": "add", "name": "N", "labels": {"site": "B"}});
    let values = json!([5, 1.5, "1000", "EF", 9, "192.0.2.1", "eth0", true, "ipv4"]);
    for (key, value) in OptionKey::ALL.into_iter().zip(values.as_array().expect("an array")) {
        request[key.row().member] = value.clone();
    }
    let Request::Add(NewEntry { spec: TargetSpec { options, .. }, .. }) = parsed(&request.to_string()) else {
        panic!("{request}")
    };
    let set: Vec<(OptionKey, String)> = options.iter().collect();
    let expected = ["5", "1.5", "1000", "46", "9", "192.0.2.1", "eth0", "true", "ipv4"].map(str::to_owned);
    assert_eq!(set, OptionKey::ALL.into_iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(options.labels().collect::<Vec<_>>(), [("site", "B")]);
    let absent = json!({"cmd": "add", "name": "N", "timeout": null, "source": "", "labels": {}});
    let Request::Add(NewEntry { spec: TargetSpec { options, .. }, .. }) = parsed(&absent.to_string()) else {
        panic!("{absent}")
    };
    assert_eq!(options, TargetOptions::default());
}

#[test]
fn an_unusable_option_is_named_with_what_it_takes() {
    let long = "x".repeat(100);
    let cases = [
        (json!({"timeout": 0}), "timeout 0 is not usable, it takes seconds from 0.05 to 60"),
        (json!({"family": "loud\n"}), r#"family "loud\n" is not usable, it takes ipv4 or ipv6"#),
        (json!({"size": [1, 2]}), "size [1,2] is not usable"),
        (json!({"ttl": long}), "… is not usable"),
        (json!({"dont_fragment": 1}), "dont_fragment 1 is not usable, it takes true or false"),
        (json!({"labels": ["a"]}), "labels must be an object of strings"),
        (json!({"labels": {"a": 1}}), "labels must be an object of strings"),
        (json!({"labels": {"a-b": "1"}}), r#""a-b" can't be a label"#),
        (json!({"addr": "192.0.2.1", "family": "ipv6"}), "192.0.2.1 is no IPv6 address"),
    ];
    for (mut request, reason) in cases {
        request["cmd"] = "add".into();
        request["name"] = "N".into();
        let refusal = Request::parse(request.to_string().as_bytes()).expect_err("a refusal").to_string();
        assert!(refusal.contains(reason), "{request}: {refusal}");
    }
}
