//! The contract of the control socket, held against the daemon itself.

#[path = "support/daemon.rs"]
mod daemon;

#[path = "control/clients.rs"]
mod clients;
#[path = "control/lists.rs"]
mod lists;

use daemon::Daemon;
use serde_json::json;
use std::io::Write;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

const OK: &str = r#"{"status": "ok"}"#;

#[test]
fn every_row_of_the_table_has_its_exact_reply() {
    let daemon = Daemon::start(&[]);
    let unknown = r#"{"status": "error", "errmessage": "Name or service not known"}"#;
    let rows = [
        ("", r#"{"status": "invalid json"}"#),
        ("hello\n", r#"{"status": "invalid json"}"#),
        ("5", r#"{"status": "need cmd variable"}"#),
        ("null", r#"{"status": "need cmd variable"}"#),
        ("\"cmd\"", r#"{"status": "need cmd variable"}"#),
        ("[]", r#"{"status": "need cmd variable"}"#),
        ("{}\n", r#"{"status": "need cmd variable"}"#),
        (r#"{"cmd": "noop"}"#, OK),
        (r#"{"cmd": "list"}"#, "{}"),
        (r#"{"cmd": "list", "reset": true}"#, "{}"),
        (r#"{"cmd": "add"}"#, r#"{"status": "need name or addr variable"}"#),
        (r#"{"cmd": "remove"}"#, r#"{"status": "need name or addr variable"}"#),
        (r#"{"cmd": "add", "name": "no-such.invalid."}"#, unknown),
        (r#"{"cmd": "remove", "name": "no-such"}"#, OK),
        (r#"{"cmd": "remove", "addr": "127.0.0.1"}"#, OK),
        (r#"{"cmd": "reset"}"#, OK),
        (r#"{"cmd": "reset", "name": "no-such"}"#, OK),
        (r#"{"cmd": "histogram"}"#, r#"{"status": "need addr variable"}"#),
        (r#"{"cmd": "histogram", "addr": "127.0.0.1"}"#, "{}"),
        (r#"{"cmd": "list"}"#, "{}"),
    ];
    for (request, reply) in rows {
        assert_eq!(daemon.ask_text(request), reply, "{request}");
    }
    assert_eq!(daemon.ask_raw(b"\xff").as_deref(), Some(&br#"{"status": "invalid json"}"#[..]));
}

#[test]
fn refusals_say_why() {
    let daemon = Daemon::start(&["--max-targets", "1"]);
    assert_eq!(daemon.ask(&json!({"cmd": "add", "addr": "127.0.0.9"}))["status"], "ok");
    let cases = [
        (json!({"cmd": "frobnicate"}), "frobnicate"),
        (json!({"cmd": "add", "addr": "127.0.0.1", "itv": 0.001}), "0.001"),
        (json!({"cmd": "add", "addr": "127.0.0.1", "itv": "NaN"}), "86400"),
        (json!({"cmd": "add", "addr": "0.0.0.0"}), "unspecified"),
        (json!({"cmd": "add", "addr": "224.0.0.1"}), "multicast"),
        (json!({"cmd": "add", "addr": "255.255.255.255"}), "broadcast"),
        (json!({"cmd": "add", "name": "x".repeat(254), "addr": "127.0.0.1"}), "253"),
        (json!({"cmd": "add", "addr": "127.0.0.1"}), "--max-targets"),
        (json!({"cmd": "list", "limit": 0}), "limit"),
        (json!({"cmd": "list", "after": "somewhere"}), "after"),
    ];
    for (request, reason) in cases {
        let reply = daemon.ask(&request);
        let message = reply["errmessage"].as_str().unwrap_or_else(|| panic!("{request}: {reply}"));
        assert!(reply["status"] == "error" && message.contains(reason), "{request}: {message}");
    }
    assert_eq!(daemon.ask(&json!({"cmd": "list"})).as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn an_added_address_is_listed_at_once_under_its_canonical_form() {
    let daemon = Daemon::start(&[]);
    for (request, key, name) in [
        (json!({"cmd": "add", "addr": "127.0.0.1"}), "127.0.0.1", "127.0.0.1"),
        (
            json!({"cmd": "add", "name": "Web. \u{1b}[31m\"é", "addr": "127.0.0.2"}),
            "127.0.0.2",
            "Web. \u{1b}[31m\"é",
        ),
        (json!({"cmd": "add", "name": "mapped", "addr": "::ffff:127.0.0.3"}), "127.0.0.3", "mapped"),
        (json!({"cmd": "add", "name": "", "addr": "0:0::1"}), "::1", "0:0::1"),
        (json!({"cmd": "add", "name": "fe80::1%lo", "addr": null}), "fe80::1%lo", "fe80::1%lo"),
    ] {
        assert_eq!(daemon.ask_text(&request.to_string()), OK, "{request}");
        let list = daemon.ask(&json!({"cmd": "list"}));
        assert_eq!((&list[key]["name"], &list[key]["addr"]), (&json!(name), &json!(key)), "{list}");
        assert_eq!(list[key]["af"], if key.contains(':') { 10 } else { 2 });
    }
}

#[test]
fn a_name_that_resolves_in_time_is_listed_with_its_addresses() {
    let daemon = Daemon::start(&[]);
    assert_eq!(daemon.ask_text(r#"{"cmd": "add", "name": "localhost"}"#), OK);
    let list = daemon.ask(&json!({"cmd": "list"}));
    assert_eq!(list["127.0.0.1"]["name"], "localhost", "{list}");
    assert_eq!(daemon.ask_text(r#"{"cmd": "remove", "name": "localhost"}"#), OK);
    assert_eq!(daemon.ask(&json!({"cmd": "list"})), json!({}));
}

#[test]
fn an_address_goes_with_the_last_name_that_wants_it_or_when_it_is_named_itself() {
    let daemon = Daemon::start(&[]);
    let add = |name: &str| daemon.ask(&json!({"cmd": "add", "name": name, "addr": "127.0.0.1"}));
    let listed = |filter: &str| {
        let list = daemon.ask(&json!({"cmd": "list", "name": filter}));
        list["127.0.0.1"]["name"].as_str().map(str::to_owned)
    };
    add("first");
    add("second");
    assert_eq!(listed("second").as_deref(), Some("first"), "found by any name, shown under the first");
    daemon.ask(&json!({"cmd": "remove", "name": "first"}));
    assert_eq!(listed("second").as_deref(), Some("second"));
    daemon.ask(&json!({"cmd": "remove", "name": "second"}));
    assert_eq!(daemon.ask_text(r#"{"cmd": "list"}"#), "{}");
    add("first");
    add("second");
    daemon.ask(&json!({"cmd": "remove", "addr": "::ffff:127.0.0.1"}));
    assert_eq!(daemon.ask_text(r#"{"cmd": "list"}"#), "{}");
}

#[test]
fn adding_again_keeps_the_statistics_and_changes_the_interval() {
    let daemon = Daemon::start(&["127.0.0.1/0.05"]);
    let before = daemon.list_until(|list| list["127.0.0.1"]["recv"].as_u64() >= Some(5));
    assert_eq!(before["127.0.0.1"]["itv"], 0.05);
    assert_eq!(daemon.ask_text(r#"{"cmd": "add", "addr": "127.0.0.1"}"#), OK);
    assert_eq!(daemon.ask(&json!({"cmd": "list"}))["127.0.0.1"]["itv"], 0.05);
    assert_eq!(daemon.ask_text(r#"{"cmd": "add", "addr": "127.0.0.1", "itv": "60"}"#), OK);
    let after = daemon.ask_text(r#"{"cmd": "list"}"#);
    assert!(after.contains(r#""itv":60,"#), "{after}");
    let after: serde_json::Value = serde_json::from_str(&after).expect("JSON");
    assert!(after["127.0.0.1"]["recv"].as_u64() >= before["127.0.0.1"]["recv"].as_u64());
}

#[test]
fn strangers_and_replies_get_no_answer() {
    let daemon = Daemon::start(&["--control-allow", "127.0.0.1"]);
    assert_eq!(daemon.ask_raw(br#"{"status": "ok"}"#), None);
    assert_eq!(daemon.ask_raw(br#"{"status": "error", "errmessage": "cmd"}"#), None);
    let stranger = UdpSocket::bind("127.0.0.2:0").expect("loopback");
    stranger.connect(daemon.control()).expect("loopback");
    stranger.set_read_timeout(Some(daemon::ANSWER_WITHIN)).expect("a timeout");
    stranger.send(br#"{"cmd": "noop"}"#).expect("loopback");
    assert!(stranger.recv(&mut [0; 100]).is_err());
    assert_eq!(daemon.ask_text(r#"{"cmd": "noop"}"#), OK);
}

#[test]
fn rubbish_is_answered_in_time_and_does_no_harm() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    let deep = "[".repeat(65_000);
    let long = json!({"cmd": "add", "name": "n".repeat(60_000), "itv": "9".repeat(1_000)}).to_string();
    let many = json!((0..10_000).collect::<Vec<u32>>()).to_string();
    let half = r#"{"cmd": "add", "name": "\ud800"}"#;
    let zero = "\0".repeat(1_000);
    let mut late = 0;
    for rubbish in [&deep, &long[..], &many, half, &zero].into_iter().cycle().take(500) {
        let before = Instant::now();
        let reply = daemon.ask_text(rubbish);
        late += u32::from(before.elapsed() > daemon::ANSWER_WITHIN);
        assert!(reply.starts_with(r#"{"status": "#) && reply.len() < 2_000, "{reply}");
    }
    assert!(late < 5, "{late} replies were late; some may be, on a busy machine");
    assert_eq!(daemon.ask(&json!({"cmd": "list"})).as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn a_daemon_that_takes_in_many_targets_still_answers_in_time() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for host in 0..20_000 {
        writeln!(file, "127.4.{}.{}/3600", host / 250, host % 250 + 1).expect("there is space");
    }
    let daemon = Daemon::start(&["--targets", file.path().to_str().expect("UTF-8")]);
    let give_up = Instant::now() + Duration::from_secs(30);
    let (mut all_there, mut late) = (false, 0);
    while !all_there && Instant::now() < give_up {
        let before = Instant::now();
        assert_eq!(daemon.ask_text(r#"{"cmd": "noop"}"#), OK);
        let list = daemon.ask_text(r#"{"cmd": "list", "reset": true}"#);
        late += u32::from(before.elapsed() > 2 * daemon::ANSWER_WITHIN);
        all_there = list.contains("20000 targets");
    }
    assert!(all_there && late < 5, "{late} late; the log: {}", daemon.log());
    let before = Instant::now();
    assert_eq!(daemon.ask_text(r#"{"cmd": "reset"}"#), OK);
    assert!(before.elapsed() < 2 * daemon::ANSWER_WITHIN, "{:?}", before.elapsed());
}

#[test]
fn accepted_commands_are_logged_with_strangers_text_escaped() {
    let daemon = Daemon::start(&[]);
    daemon.ask(&json!({"cmd": "add", "name": "a\nb\u{1b}[2J", "addr": "127.0.0.1"}));
    daemon.ask(&json!({"cmd": "reset"}));
    daemon.ask(&json!({"cmd": "remove", "name": "never-there"}));
    daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.1"}));
    let give_up = Instant::now() + Duration::from_secs(5);
    while !daemon.log().contains("host removed") && Instant::now() < give_up {
        std::thread::yield_now();
    }
    let log = daemon.log();
    assert!(log.contains("host added") && log.contains("statistics reset"), "{log}");
    assert_eq!(log.matches("host removed").count(), 1, "nothing matched the other removal: {log}");
    assert!(log.contains(r"a\nb\u{1b}[2J") && !log.contains('\u{1b}'), "{log}");
}
