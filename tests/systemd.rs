//! meshping.service under a real systemd, in namespaces of the test's own. Needs root, or a sudo that asks nothing.

#[path = "systemd/environment.rs"]
mod environment;
#[path = "systemd/lab.rs"]
mod lab;
#[path = "systemd/package.rs"]
mod package;
#[path = "systemd/reloads.rs"]
mod reloads;
#[path = "systemd/sockets.rs"]
mod sockets;
#[path = "systemd/upgrade.rs"]
mod upgrade;
#[path = "systemd/watchdog.rs"]
mod watchdog;

use lab::Lab;
use std::time::{Duration, Instant};

/// As a bit of the sets in /proc/PID/status.
const CAP_NET_RAW: u64 = 1 << 13;

const ONE_TARGET: &str = "MESHPING_OPTS=\"--timeout 2\"\nMESHPING_TARGETS=\"127.0.0.1/0.1\"\n";

fn booted(default: &str, drop_in: &str) -> Lab {
    let lab = Lab::boot(default, drop_in);
    lab.run(&["systemctl", "start", "meshping"]);
    lab
}

fn received(lab: &Lab) -> u64 {
    let reply = lab.control(r#"{"cmd": "list"}"#);
    let list: serde_json::Value = serde_json::from_str(&reply).unwrap_or_default();
    list["127.0.0.1"]["recv"].as_u64().unwrap_or_default()
}

/// One line of /proc/PID/status of the daemon.
fn status(lab: &Lab, member: &str) -> String {
    let text = lab.run(&["cat", &format!("/proc/{}/status", lab.property("MainPID"))]);
    let line = text.lines().find_map(|line| line.strip_prefix(member)).expect("the kernel says it");
    line.trim_start_matches(':').trim().to_owned()
}

#[test]
fn the_unit_pings_on_raw_sockets_without_being_root() {
    let lab = booted(ONE_TARGET, "");
    assert_eq!(lab.property("ActiveState"), "active");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
    let metrics = lab.http("/metrics");
    let info = metrics.lines().find(|line| line.starts_with("meshping_engine_info")).unwrap_or(&metrics);
    assert!(info.contains(r#"engine="native""#) && info.contains(r#"socket="raw""#), "{info}");
    assert!(lab.http("/-/ready").contains("200 OK"), "{}", lab.http("/-/ready"));

    let real_user: u32 =
        status(&lab, "Uid").split_whitespace().next().and_then(|id| id.parse().ok()).expect("a number");
    assert!((61_184..=65_519).contains(&real_user), "not a dynamic user: {real_user}");
    for set in ["CapPrm", "CapBnd"] {
        let capabilities = u64::from_str_radix(&status(&lab, set), 16).expect("hexadecimal");
        assert_eq!(capabilities & !CAP_NET_RAW, 0, "{set}");
    }
}

#[test]
fn the_unit_starts_without_targets_and_is_told_later() {
    let lab = booted("", "");
    assert_eq!(lab.control(r#"{"cmd": "list"}"#).trim(), "{}");
    let added = lab.control(r#"{"cmd": "add", "name": "here", "addr": "127.0.0.1", "itv": 0.1}"#);
    assert_eq!(added.trim(), r#"{"status": "ok"}"#);
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
}

#[test]
fn the_unit_stops_within_a_second_and_without_complaint() {
    let lab = booted(ONE_TARGET, "");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 1);
    let start = Instant::now();
    lab.run(&["systemctl", "stop", "meshping"]);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!((lab.property("ActiveState"), lab.property("Result")), ("inactive".into(), "success".into()));
    assert_eq!(lab.property("ExecMainStatus"), "0");
}

#[test]
fn the_unit_comes_back_after_a_kill() {
    let lab = booted(ONE_TARGET, "");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 1);
    let first = lab.property("MainPID");
    lab.run(&["kill", "-9", &first]);
    lab.wait_for("a restart", || lab.property("NRestarts") == "1" && lab.property("ActiveState") == "active");
    assert_ne!(lab.property("MainPID"), first);
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 1);
}

#[test]
fn every_line_of_the_configuration_that_is_installed_is_good() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let installed = include_str!("../contrib/meshping.toml");
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            setting.to_owned()
        }
        _ => line.to_owned(),
    };
    let full: Vec<String> = installed.lines().map(uncommented).collect();
    for (name, text) in [("installed", installed), ("full", &full.join("\n"))] {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("writable");
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_meshping"));
        let output = check.arg("--config").arg(path).arg("--config.check").output().expect("meshping runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
