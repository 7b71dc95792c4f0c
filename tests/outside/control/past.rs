//! `histogram` and `history`.

use super::{frozen, measured};
use crate::network::first_requests;

/// A bin depends on the time that was measured.
fn without_bins(reply: &str) -> String {
    crate::transcript::masked(&measured(reply).replace("{\"-", "{\"<bin "), &["{\"<bin "])
        .replace("<bin <int>", "<bin>")
}

#[test]
fn histograms() {
    let test = "control::past::histograms";
    frozen(test, "control/histogram.txt", &["127.0.0.9", "fd00::1"], |daemon, transcript| {
        first_requests(daemon);
        for request in [
            r#"{"cmd": "histogram"}"#,
            r#"{"cmd": "histogram", "name": "fd00::1"}"#,
            r#"{"cmd": "histogram", "addr": ""}"#,
            r#"{"cmd": "histogram", "addr": null}"#,
            r#"{"cmd": "histogram", "addr": 5}"#,
            r#"{"cmd": "histogram", "addr": "127.0.0.99"}"#,
            r#"{"cmd": "histogram", "addr": "localhost"}"#,
            r#"{"cmd": "histogram", "addr": "no host at all"}"#,
            r#"{"cmd": "histogram", "addr": "127.0.0.9"}"#,
            r#"{"cmd": "histogram", "addr": "fd00::1"}"#,
            r#"{"cmd": "histogram", "addr": "FD00:0::1", "reset": true}"#,
            r#"{"cmd": "histogram", "addr": "fd00::1"}"#,
            r#"{"cmd": "list", "addr": "fd00::1"}"#,
        ] {
            transcript.ask_masked(daemon, request, without_bins);
        }
    });
}

const BAD: [&str; 9] = [
    r#"{"cmd": "history"}"#,
    r#"{"cmd": "history", "addr": ""}"#,
    r#"{"cmd": "history", "name": 5}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "limit": 0}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "limit": "1"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": "fd00::1"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": "fd00::1@noon"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": "\u001b[2J@5"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": 5}"#,
];

const GOOD: [&str; 10] = [
    r#"{"cmd": "history", "addr": "127.0.0.9"}"#,
    r#"{"cmd": "history", "addr": "fd00::1"}"#,
    r#"{"cmd": "history", "name": "fd00::1"}"#,
    r#"{"cmd": "history", "name": "fd00::1", "addr": "127.0.0.9"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "limit": 1, "after": "fd00::1@0"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": "fd00::1@99999999999"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": "fd00::2@0"}"#,
    r#"{"cmd": "history", "addr": "fd00::1", "after": "127.0.0.1@99999999999"}"#,
    r#"{"cmd": "history", "addr": "127.0.0.99"}"#,
    r#"{"cmd": "history", "addr": "no host at all"}"#,
];

#[test]
fn the_history_with_a_state_and_without() {
    let directory = tempfile::tempdir().expect("a directory");
    let test = "control::past::the_history_with_a_state_and_without";
    let state = directory.path().to_str().expect("UTF-8");
    let args = ["127.0.0.9", "fd00::1", "--timeout", "0.2", "--state-dir", state];
    frozen(test, "control/history.txt", &args, |daemon, transcript| {
        first_requests(daemon);
        daemon.list_until(|list| list["127.0.0.9"]["lost"] == 1);
        transcript.title("with a state");
        for request in BAD {
            transcript.ask(daemon, request);
        }
        for addr in ["127.0.0.9", "fd00::1"] {
            let ask = serde_json::json!({"cmd": "history", "addr": addr});
            daemon.list_until(|_| daemon.ask(&ask)["history"][0]["sent"] == 1);
        }
        for request in GOOD {
            transcript.ask_masked(daemon, request, without_bins);
        }
        transcript.title("without");
        let without = crate::daemon::Daemon::start(&["-i", "86400", "127.0.0.9"]);
        transcript.ask(&without, GOOD[0]);
        transcript.ask(&without, BAD[0]);
    });
}
