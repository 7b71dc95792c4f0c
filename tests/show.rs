//! What is told of a target in detail, by the daemon itself: over the control socket, by meshpingctl, in the metrics.

#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]

mod own_network;

use own_network::{ask, inside, start_meshping};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nobody has this address, and there is no route to it, until the test gives it to the loopback interface.
const DARK: &str = "192.0.2.7";

fn ctl(arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_meshpingctl");
    Command::new(binary).args(arguments).output().expect("meshpingctl can be run")
}

fn said(arguments: &[&str]) -> String {
    let output = ctl(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn list(request: &str) -> Value {
    let reply = ask(request).expect("the daemon answers");
    serde_json::from_str(&reply).expect("JSON")
}

/// The target without a route, once it is as wanted.
fn dark_until(wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let target = list(r#"{"cmd": "list", "detail": true}"#)[DARK].clone();
        if wanted(&target) {
            return target;
        }
        assert!(Instant::now() < deadline, "it never came: {target}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The value of a target's series, if it is there.
fn metric(family: &str, target: &str) -> Option<f64> {
    let mut stream = TcpStream::connect("127.0.0.1:9922").expect("the daemon serves");
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it is read");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("UTF-8");
    let start = format!("{family}{{");
    let line = text.lines().find(|line| line.starts_with(&start) && line.contains(target))?;
    line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok())
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

#[test]
fn an_outage_is_told_with_its_cause_while_it_lasts_and_afterwards() {
    inside("an_outage_is_told_with_its_cause_while_it_lasts_and_afterwards", "true", || {
        let _meshping = start_meshping(&["127.0.0.1/0.1", &format!("{DARK}/0.1")]);
        let target = dark_until(|target| target["outage"]["requests"].as_u64() > Some(3));
        let outage = &target["outage"];
        assert_eq!((&outage["cause"], &target["loss15m"]), (&"send".into(), &1.0.into()), "{target}");
        let ago = seconds_since_1970() - outage["since"].as_f64().expect("seconds");
        assert!(ago > 0.2 && ago < 100.0, "it began {ago} s ago: {target}");
        assert!(target.get("avg15m").is_none() && target.get("p50").is_none(), "{target}");
        let block = said(&["show", DARK]);
        assert!(
            block.contains("\n  outage     since 2")
                && block.contains("without an answer, send: network is unreachable\n"),
            "{block}"
        );
        assert!(metric("meshping_outage_seconds", DARK) > Some(0.2));
        let start = metric("meshping_outage_start_time_seconds", DARK).expect("there is an outage");
        assert!((start - outage["since"].as_f64().expect("seconds")).abs() < 0.5, "{start}: {target}");
        assert_eq!(metric("meshping_outage_seconds", "127.0.0.1"), Some(0.0));
        assert_eq!(metric("meshping_outage_start_time_seconds", "127.0.0.1"), None);

        let ip = Command::new("ip").args(["addr", "add", &format!("{DARK}/32"), "dev", "lo"]).status();
        assert!(ip.expect("iproute2 is installed").success());
        let target = dark_until(|target| target.get("outage").is_none() && target["recv"].as_u64() > Some(2));
        let longest = &target["longest_outage"];
        assert!((longest["since"].as_f64().expect("seconds") - start).abs() < 0.5, "{target}");
        assert!(longest["duration"].as_f64() > Some(0.2) && longest["cause"] == "send", "{target}");
        for member in ["stddev", "jitter", "p50", "p90", "p99", "avg15m", "avg6h", "avg24h"] {
            assert!(target[member].as_f64().is_some_and(|seconds| (0.0..1.0).contains(&seconds)), "{target}");
        }
        assert_eq!(metric("meshping_outage_seconds", DARK), Some(0.0));
        let told = metric("meshping_longest_outage_seconds", DARK).expect("there was one");
        assert!((told - longest["duration"].as_f64().expect("seconds")).abs() < 1e-6, "{told}: {target}");
        assert!(metric("meshping_rtt_stddev_seconds", DARK).is_some());
        assert!(metric("meshping_rtt_jitter_seconds", DARK).is_some());
        said(&["reset"]);
        assert!(list(r#"{"cmd": "list", "detail": true}"#)[DARK].get("longest_outage").is_none());
        assert_eq!(metric("meshping_longest_outage_seconds", DARK), Some(told), "metrics know of no reset");
    });
}

#[test]
fn a_host_is_shown_with_all_its_targets() {
    inside("a_host_is_shown_with_all_its_targets", "true", || {
        let _meshping = start_meshping(&["127.0.0.1/0.1"]);
        for address in ["127.0.0.20", "127.0.0.3", "::1"] {
            said(&["add", "--addr", address, "--name", "pair \u{1b}", "-i", "0.1"]);
        }
        let settled = |list: &Value| list.as_object().is_some_and(|list| list.values().all(has_jitter));
        let deadline = Instant::now() + Duration::from_secs(60);
        while !settled(&list(r#"{"cmd": "list", "detail": true}"#)) {
            assert!(Instant::now() < deadline, "{:?}", ask(r#"{"cmd": "list", "detail": true}"#));
            std::thread::sleep(Duration::from_millis(50));
        }
        let blocks = said(&["show", "pair \u{1b}"]);
        let titles: Vec<&str> = blocks.lines().filter(|line| !line.starts_with(' ')).collect();
        let title = |address: &str| format!("{address}  pair \\u{{1b}}");
        assert_eq!(titles, [&title("127.0.0.3"), "", &title("127.0.0.20"), "", &title("::1")], "{blocks}");
        for label in ["interval", "requests", "rtt", "quantiles", "average", "loss"] {
            assert_eq!(blocks.matches(&format!("\n  {label} ")).count(), 3, "{label}: {blocks}");
        }
        assert!(!blocks.contains("outage"), "{blocks}");
        assert!(said(&["show", "--addr", "127.0.0.1"]).starts_with("127.0.0.1\n  interval   0.1 s\n"));
        let raw: Value = serde_json::from_str(&said(&["show", "--json", "::1"])).expect("JSON");
        assert!(raw["::1"]["p99"].is_f64() && raw.as_object().is_some_and(|list| list.len() == 1), "{raw}");
        for unknown in ["nobody", "127.0.0.99"] {
            for more in [&["--json"][..], &[]] {
                let output = ctl(&[&["show", unknown], more].concat());
                let complaint = format!("meshpingctl: no target is called {unknown} or has that address\n");
                assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
                assert_eq!(String::from_utf8_lossy(&output.stderr), complaint);
            }
        }
    });
}

fn has_jitter(target: &Value) -> bool {
    target.get("jitter").is_some()
}

#[test]
fn a_name_with_more_targets_than_one_reply_holds_is_shown_whole() {
    inside("a_name_with_more_targets_than_one_reply_holds_is_shown_whole", "true", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("targets");
        let lines: Vec<String> =
            (1..=250).map(|host| format!("127.0.9.{host} {}", "n".repeat(250))).collect();
        std::fs::write(&file, lines.join("\n")).expect("it can be written");
        let _meshping = start_meshping(&["--targets", &file.to_string_lossy()]);
        let deadline = Instant::now() + Duration::from_secs(60);
        let shown = || String::from_utf8_lossy(&ctl(&["show", &"n".repeat(250)]).stdout).into_owned();
        while shown().matches("\n  requests ").count() < 250 {
            assert!(Instant::now() < deadline, "{}", shown());
            std::thread::sleep(Duration::from_millis(50));
        }
        let bare = ask(r#"{"cmd": "list", "detail": true}"#).expect("the daemon answers");
        assert!(bare.contains("250 targets"), "one reply does not hold them: {bare}");
    });
}
