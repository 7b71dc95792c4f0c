//! `list`: filters, pages, `reset` and `detail`.

use super::{frozen, measured};
use crate::network::first_requests;

const TARGETS: [&str; 6] = ["127.0.0.10", "127.0.0.9", "fd00::1", "fd00::2", "one.golden", "192.0.2.1"];

const FILTERS: [&str; 12] = [
    r#""addr": "127.0.0.9""#,
    r#""addr": "::ffff:127.0.0.9""#,
    r#""addr": "127.0.0.99""#,
    r#""addr": "one.golden""#,
    r#""addr": "no host at all""#,
    r#""name": "127.0.0.9""#,
    r#""name": "ONE.golden""#,
    r#""name": "one.golden""#,
    r#""name": "second name""#,
    r#""name": "one.golden", "addr": "127.0.0.9""#,
    r#""name": 5"#,
    r#""name": "", "addr": null"#,
];

const PAGES: [&str; 23] = [
    r#""limit": 2"#,
    r#""limit": 2.0, "after": "127.0.0.10""#,
    r#""limit": 1e0, "after": """#,
    r#""limit": 99, "after": "fd00::1""#,
    r#""limit": 1, "name": "one.golden""#,
    r#""after": "0.0.0.0""#,
    r#""after": "255.255.255.255""#,
    r#""after": "::""#,
    r#""after": "fd00::2""#,
    r#""after": "::ffff:127.0.0.10""#,
    r#""after": null, "limit": null"#,
    r#""after": "one.golden""#,
    r#""after": "127.0.0.1 ""#,
    r#""after": "\u001b[2J""#,
    r#""after": 5"#,
    r#""limit": 0"#,
    r#""limit": -1"#,
    r#""limit": 1.5"#,
    r#""limit": "2""#,
    r#""limit": true"#,
    r#""limit": [2]"#,
    r#""limit": 1e999"#,
    r#""limit": 99999999999999999999"#,
];

/// As JSON readers take them for true or false.
const TRUTH: [&str; 18] = [
    "true",
    "false",
    "null",
    "0",
    "-0.0",
    "0e5",
    "1",
    "-1",
    "1e-400",
    "\"\"",
    "\"false\"",
    "\"0\"",
    "[]",
    "[ ]",
    "[0]",
    "{}",
    "{ }",
    "{\"a\": false}",
];

#[test]
fn filters_and_pages_choose_targets() {
    let test = "control::list::filters_and_pages_choose_targets";
    frozen(test, "control/list.txt", &TARGETS, |daemon, transcript| {
        transcript.ask(daemon, r#"{"cmd": "add", "addr": "127.0.0.9", "name": "second name"}"#);
        daemon.list_until(|list| list["127.0.0.31"].is_object());
        first_requests(daemon);
        transcript.title("all");
        transcript.ask_masked(daemon, r#"{"cmd": "list"}"#, measured);
        transcript.title("with everything that there is to tell");
        transcript.ask_masked(daemon, r#"{"cmd": "list", "detail": true}"#, measured);
        transcript.title("filters");
        for members in FILTERS {
            transcript.ask_masked(daemon, &format!(r#"{{"cmd": "list", {members}}}"#), measured);
        }
        transcript.title("pages");
        for members in PAGES {
            transcript.ask_masked(daemon, &format!(r#"{{"cmd": "list", {members}}}"#), measured);
        }
    });
}

#[test]
fn what_is_true_is_decided_as_by_python_except_for_arrays_and_objects() {
    let test = "control::list::what_is_true_is_decided_as_by_python_except_for_arrays_and_objects";
    frozen(test, "control/truth.txt", &["127.0.0.9/86400", "--timeout", "0.05"], |daemon, transcript| {
        daemon.list_until(|list| list["127.0.0.9"]["lost"] == 1);
        transcript.title("detail has more members");
        for truth in TRUTH {
            transcript.ask_masked(daemon, &format!(r#"{{"cmd": "list", "detail": {truth}}}"#), measured);
        }
        for truth in ["false", "null", "0", "[]", "{}", "\"\"", "\"false\"", "1", "[0]"] {
            transcript.title("reset, and afterwards");
            transcript.ask(daemon, &format!(r#"{{"cmd": "list", "reset": {truth}}}"#));
            transcript.ask(daemon, r#"{"cmd": "list"}"#);
            // A request and its loss for the next one.
            daemon.ask_text(r#"{"cmd": "remove", "addr": "127.0.0.9"}"#);
            daemon.ask_text(r#"{"cmd": "add", "addr": "127.0.0.9"}"#);
            daemon.list_until(|list| list["127.0.0.9"]["lost"] == 1);
        }
    });
}

#[test]
fn a_list_resets_settled_requests_only() {
    let test = "control::list::a_list_resets_settled_requests_only";
    let args = ["127.0.0.9", "fd00::1", "192.0.2.1"];
    frozen(test, "control/list_reset.txt", &args, |daemon, transcript| {
        first_requests(daemon);
        daemon.list_until(|list| list["192.0.2.1"]["errs"] == 1);
        for request in [
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "list", "reset": true, "addr": "192.0.2.1"}"#,
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "list", "reset": true, "limit": 1}"#,
            r#"{"cmd": "list", "reset": true, "detail": true}"#,
            r#"{"cmd": "list", "detail": true}"#,
            r#"{"cmd": "list", "reset": true, "addr": "127.0.0.99"}"#,
        ] {
            transcript.ask_masked(daemon, request, measured);
        }
    });
}

#[test]
fn a_list_that_does_not_fit_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("targets");
    let targets = (0..600).map(|host| format!("127.1.{}.{}\n", host / 200, 1 + host % 200));
    std::fs::write(&file, targets.collect::<String>()).expect("writable");
    let test = "control::list::a_list_that_does_not_fit_is_refused";
    let args = ["--targets", file.to_str().expect("UTF-8")];
    frozen(test, "control/large_list.txt", &args, |daemon, transcript| {
        daemon.list_until(|list| list["errmessage"].as_str().is_some_and(|why| why.contains("600 targets")));
        for request in [
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "list", "reset": true}"#,
            r#"{"cmd": "list", "detail": true}"#,
            r#"{"cmd": "list", "after": "127.1.2.198"}"#,
        ] {
            transcript.ask_masked(daemon, request, |reply| crate::transcript::masked(reply, &["\"sent\":"]));
        }
    });
}
