//! State directories that earlier versions wrote are opened by this one. They lie in tests/state_of_versions, where a
//! README says what is in them.

mod make;

use crate::daemon::Daemon;
use crate::golden;
use crate::network::known;
use crate::transcript::Transcript;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

fn of_versions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state_of_versions")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a state") {
        let file = entry.expect("a state").path();
        fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("writable");
    }
}

fn metrics(daemon: &Daemon) -> String {
    let mut stream = TcpStream::connect(daemon.http()).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

/// What a daemon on that state lists, exports, serves and has in its history. No request is answered: every number but
/// that of the requests is the one that was saved, and each target has sent one more.
fn opened(version: &str, ending: &str) -> Transcript {
    fs::write("/proc/sys/net/ipv6/icmp/echo_ignore_all", "1").expect("we are root here");
    let directory = tempfile::tempdir().expect("a directory");
    copy(&of_versions().join(version).join(ending), directory.path());
    let state = directory.path().to_str().expect("UTF-8");
    // A target that was banned is configured, and stays away. Hours are kept as long as can be.
    let args = [
        "--state-dir",
        state,
        "--history-days",
        "366",
        "-i",
        "86400",
        "-t",
        "60",
        make::BANNED,
        make::CONFIGURED,
    ];
    let daemon = Daemon::start(&args);
    let mut transcript = Transcript::default();
    wait_for_first_requests(&daemon);
    transcript.title("list");
    transcript.ask(&daemon, r#"{"cmd": "list"}"#);
    for name in ["second name", "added later"] {
        transcript.ask(&daemon, &format!(r#"{{"cmd": "list", "name": "{name}"}}"#));
    }
    for arguments in [&["export"][..], &["list"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
        command.args(["--control", &daemon.control().to_string()]).args(arguments);
        transcript.title(arguments[0]);
        transcript.run(&mut command, &format!("meshpingctl {}", arguments[0]), str::to_owned);
    }
    transcript.title("histograms");
    let list = daemon.ask(&json!({"cmd": "list"}));
    for address in list.as_object().expect("targets").keys() {
        transcript.ask(&daemon, &format!(r#"{{"cmd": "histogram", "addr": "{address}"}}"#));
    }
    transcript.title("history, of what is not pinged any more, too");
    for address in list.as_object().expect("targets").keys().map(String::as_str).chain([make::REMOVED]) {
        transcript.ask(&daemon, &format!(r#"{{"cmd": "history", "addr": "{address}"}}"#));
    }
    transcript.title("metrics of the targets");
    let text = metrics(&daemon);
    let of_targets =
        text.lines().filter(|line| line.contains(",target=") && !line.contains("outage_seconds"));
    for line in of_targets {
        transcript.line(line);
    }
    let log = daemon.log();
    let complaints = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    let others: Vec<&str> = complaints.filter(|line| !line.contains("Network is unreachable")).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(daemon.terminate().success());
    transcript
}

/// Waits until this daemon has pinged every target once.
fn wait_for_first_requests(daemon: &Daemon) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let text = metrics(daemon);
        let value = |series: &str| -> Option<usize> {
            text.lines().find_map(|line| line.strip_prefix(series))?.trim().parse().ok()
        };
        let sent = value("meshping_send_lateness_seconds_count{shard=\"0\"}");
        if sent == Some(make::TARGETS) && value("meshping_targets") == sent {
            return;
        }
        assert!(Instant::now() < give_up, "not all pinged: {text}\n{}", daemon.log());
        thread::sleep(Duration::from_millis(20));
    }
}

/// As often as it takes to be within one hour: at its end old hours may go. What was in flight at the end of the state's
/// daemon counts in the present hour, which the golden file cannot name.
fn check(test: &str, version: &str, ending: &str, file: &str) {
    known(test, || {
        let hour = || std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs() / 3_600;
        let mut present = hour();
        let mut transcript = opened(version, ending);
        if hour() != present {
            present = hour();
            transcript = opened(version, ending);
        }
        let present = format!("\"hour\":{},", present * 3_600);
        golden::check(file, &transcript.text().replace(&present, "\"hour\":<present>,"));
    });
}

#[test]
fn of_0_1_0_that_ended_by_itself() {
    check("state::of_0_1_0_that_ended_by_itself", "0.1.0", "ended", "state/0.1.0-ended.txt");
}

#[test]
fn of_0_1_0_that_was_killed() {
    check("state::of_0_1_0_that_was_killed", "0.1.0", "killed", "state/0.1.0-killed.txt");
}

#[test]
fn every_version_in_the_directory_is_opened_by_a_test() {
    let here = include_str!("mod.rs");
    for entry in fs::read_dir(of_versions()).expect("readable").map(|entry| entry.expect("readable")) {
        let name = entry.file_name().into_string().expect("UTF-8");
        let is_opened =
            ["ended", "killed"].iter().all(|ending| here.contains(&format!("\"{name}\", \"{ending}\"")));
        assert!(name == "README.md" || is_opened, "no test opens tests/state_of_versions/{name}");
    }
}

/// Members of a JSON object, for those who make a state.
fn counter(list: &Value, address: &str, member: &str) -> u64 {
    list[address][member].as_u64().unwrap_or_default()
}
