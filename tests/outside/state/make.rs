//! Makes the directories of the present version: see tests/state_of_versions/README.md.

use super::{copy, counter, of_versions};
use crate::network::known;
use crate::own_network::{Running, ask};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A target of the command line that was removed while the daemon ran.
pub const BANNED: &str = "127.0.0.50";
/// One that was not.
pub const CONFIGURED: &str = "127.0.0.51";
/// One that was added and removed; its history stays.
pub const REMOVED: &str = "127.0.0.52";
/// How many there are in the end.
pub const TARGETS: usize = 9;

/// Every kind of change that is kept: addresses with names and options, second names, followed names, what was
/// removed of them, and statistics that were reset.
const FIRST: [&str; 10] = [
    r#"{"cmd": "add", "name": "unanswered", "addr": "127.0.0.9"}"#,
    r#"{"cmd": "add", "name": "second name", "addr": "127.0.0.9"}"#,
    r#"{"cmd": "add", "name": "six", "addr": "fd00::1"}"#,
    r#"{"cmd": "add", "name": "no route", "addr": "192.0.2.1"}"#,
    r#"{"cmd": "add", "name": "quote\" back\\slash \u001b[2J line\nbreak h\u00e4lf", "addr": "127.0.0.8",
        "timeout": 50, "size": 100, "dscp": "EF", "ttl": 9, "dont_fragment": true,
        "labels": {"site": "berlin", "evil": "a\"b\nc"}}"#,
    r#"{"cmd": "add", "addr": "::1", "source": "::1", "interface": "lo", "family": "ipv6"}"#,
    r#"{"cmd": "add", "name": "one.golden", "family": "ipv4"}"#,
    r#"{"cmd": "add", "name": "two.golden"}"#,
    r#"{"cmd": "add", "addr": "127.0.0.52"}"#,
    r#"{"cmd": "add", "name": "slow", "addr": "127.0.0.53", "itv": 3600}"#,
];
const SECOND: [&str; 4] = [
    r#"{"cmd": "remove", "addr": "127.0.0.50"}"#,
    r#"{"cmd": "remove", "addr": "127.0.0.32"}"#,
    r#"{"cmd": "remove", "addr": "127.0.0.52"}"#,
    r#"{"cmd": "reset", "addr": "fd00::2"}"#,
];

/// The daemon at the default addresses; with `an_hour_ago` its clock goes an hour slow, which only the portable engine
/// bears: the native one sets timers that faketime does not know.
fn daemon(state: &Path, an_hour_ago: bool) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
    if an_hour_ago {
        // Not under `faketime` itself, which would be the process that gets our signals.
        let library = Command::new("faketime").args(["-f", "+0s", "printenv", "LD_PRELOAD"]).output();
        let library = library.expect("faketime (Debian: faketime) runs").stdout;
        let library = String::from_utf8(library).expect("UTF-8");
        command.env("LD_PRELOAD", library.trim()).env("FAKETIME", "-3600s");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
    let engine = if an_hour_ago { "portable" } else { "native" };
    command.args(["-q", "-i", "0.2", "-t", "1", "--engine", engine, "--state-dir"]).arg(state);
    let running =
        Running(command.args([BANNED, CONFIGURED]).stdin(Stdio::null()).spawn().expect("meshping runs"));
    until("an answer", || ask(r#"{"cmd": "noop"}"#).is_some());
    running
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < give_up, "it never came: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn told(requests: &[&str]) {
    for request in requests {
        assert_eq!(ask(request).as_deref(), Some(r#"{"status": "ok"}"#), "{request}");
    }
}

fn list() -> Value {
    ask(r#"{"cmd": "list"}"#).and_then(|reply| serde_json::from_str(&reply).ok()).unwrap_or_default()
}

fn hours_of(address: &str) -> usize {
    let reply = ask(&format!(r#"{{"cmd": "history", "addr": "{address}"}}"#)).unwrap_or_default();
    serde_json::from_str::<Value>(&reply)
        .ok()
        .and_then(|reply| reply["history"].as_array().map(Vec::len))
        .unwrap_or(0)
}

/// Until what each target has sent is on disk.
fn saved() {
    let list = list();
    for address in list.as_object().expect("targets").keys() {
        let before = counter(&list, address, "recv") + counter(&list, address, "lost");
        until("what was counted is in the history", || {
            let reply = ask(&format!(r#"{{"cmd": "history", "addr": "{address}"}}"#)).unwrap_or_default();
            let history: Value = serde_json::from_str(&reply).unwrap_or_default();
            let rows = history["history"].as_array().into_iter().flatten();
            rows.filter_map(|row| row["sent"].as_u64()).sum::<u64>() >= before
        });
    }
}

fn end(mut daemon: Running, signal: &str) {
    let pid = daemon.0.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    daemon.0.wait().expect("it is our child");
}

fn keep(state: &Path, ending: &str) {
    let kept = of_versions().join(env!("CARGO_PKG_VERSION")).join(ending);
    let _ = fs::remove_dir_all(&kept);
    fs::create_dir_all(&kept).expect("writable");
    copy(state, &kept);
}

#[test]
#[ignore = "it makes tests/state_of_versions/VERSION, and is run once for each version"]
fn the_directories_of_this_version() {
    known("state::make::the_directories_of_this_version", || {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path();
        // For faketime, which is not to find what other processes with our numbers left there.
        let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/dev/shm"]).status();
        assert!(mounted.expect("mount runs").success());
        let first = daemon(state, true);
        told(&FIRST);
        until("replies", || counter(&list(), "fd00::1", "recv") > 10);
        saved();
        end(first, "-TERM");
        let second = daemon(state, false);
        told(&SECOND);
        until("replies since the reset", || counter(&list(), "fd00::2", "recv") > 10);
        until("two hours of history", || hours_of("fd00::1") >= 2 && hours_of(REMOVED) >= 1);
        saved();
        end(second, "-TERM");
        keep(state, "ended");
        let third = daemon(state, false);
        told(&[r#"{"cmd": "add", "name": "added later", "addr": "127.0.0.9"}"#]);
        let before = counter(&list(), "fd00::1", "recv");
        until("replies", || counter(&list(), "fd00::1", "recv") > before + 10);
        saved();
        end(third, "-KILL");
        keep(state, "killed");
    });
}
