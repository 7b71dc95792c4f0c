//! `remove` and `reset`.

use super::{frozen, measured};
use crate::network::first_requests;

const STEPS: [(&str, &[&str]); 7] = [
    (
        "nothing",
        &[
            r#"{"cmd": "remove"}"#,
            r#"{"cmd": "remove", "name": "", "addr": null}"#,
            r#"{"cmd": "remove", "name": 5}"#,
            r#"{"cmd": "remove", "addr": {}}"#,
        ],
    ),
    (
        "what is not there",
        &[
            r#"{"cmd": "remove", "name": "never-there"}"#,
            r#"{"cmd": "remove", "addr": "127.0.0.99"}"#,
            r#"{"cmd": "remove", "addr": "no host at all"}"#,
            r#"{"cmd": "remove", "addr": "224.0.0.1"}"#,
        ],
    ),
    ("one of two names", &[r#"{"cmd": "remove", "name": "127.0.0.9"}"#, r#"{"cmd": "list"}"#]),
    ("by address, with all its names", &[r#"{"cmd": "remove", "addr": "127.0.0.9"}"#, r#"{"cmd": "list"}"#]),
    (
        "a name that is followed, as addr",
        &[r#"{"cmd": "remove", "addr": "two.golden"}"#, r#"{"cmd": "list"}"#],
    ),
    (
        "name and addr: both apply",
        &[r#"{"cmd": "remove", "name": "one.golden", "addr": "127.0.0.10"}"#, r#"{"cmd": "list"}"#],
    ),
    ("the last one", &[r#"{"cmd": "remove", "name": "fd00::1"}"#, r#"{"cmd": "list"}"#]),
];

#[test]
fn targets_are_removed() {
    let test = "control::remove::targets_are_removed";
    let args = ["127.0.0.9", "127.0.0.10", "fd00::1", "one.golden", "two.golden"];
    frozen(test, "control/remove.txt", &args, |daemon, transcript| {
        transcript.ask(daemon, r#"{"cmd": "add", "addr": "127.0.0.9", "name": "second name"}"#);
        daemon.list_until(|list| list.as_object().is_some_and(|list| list.len() == 6));
        first_requests(daemon);
        transcript.ask_masked(daemon, r#"{"cmd": "list"}"#, measured);
        for (title, requests) in STEPS {
            transcript.title(title);
            for request in requests {
                transcript.ask_masked(daemon, request, measured);
            }
        }
    });
}

#[test]
fn statistics_are_reset() {
    let test = "control::remove::statistics_are_reset";
    let args = ["127.0.0.9", "fd00::1", "fd00::2", "192.0.2.1"];
    frozen(test, "control/reset.txt", &args, |daemon, transcript| {
        first_requests(daemon);
        daemon.list_until(|list| list["192.0.2.1"]["errs"] == 1);
        for request in [
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "reset", "addr": "192.0.2.1"}"#,
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "reset", "name": "fd00::1", "addr": "127.0.0.9"}"#,
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "reset", "name": "never-there"}"#,
            r#"{"cmd": "reset", "addr": "no host at all"}"#,
            r#"{"cmd": "reset", "name": 5}"#,
            r#"{"cmd": "list"}"#,
            r#"{"cmd": "reset"}"#,
            r#"{"cmd": "list", "detail": true}"#,
        ] {
            transcript.ask_masked(daemon, request, measured);
        }
    });
}
