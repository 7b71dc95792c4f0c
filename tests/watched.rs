//! Files of the configuration that can't be read, and changes that the system does not report.

#[path = "support/daemon.rs"]
mod daemon;
#[path = "own_network/mod.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod own_network;

use daemon::Daemon;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// A directory with files, and a daemon without the right to read everything.
struct Place(tempfile::TempDir);

/// As the service has it: the right to open raw sockets, and no other.
const WITHOUT_RIGHTS: [&str; 4] = ["setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all", "--"];

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        for (name, target) in files {
            place.write(name, target);
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a target file with one target.
    fn write(&self, name: &str, target: &str) {
        fs::create_dir_all(self.at(name).parent().expect("a directory")).expect("a directory");
        fs::write(self.at(name), format!("[{{\"targets\": [\"{target}\"]}}]")).expect("a file");
    }

    fn replace(&self, name: &str, target: &str) {
        self.write("new", target);
        fs::rename(self.at("new"), self.at(name)).expect("a file can be renamed");
    }

    fn start(&self, pattern: &str) -> Daemon {
        let pattern = self.at(pattern).display().to_string();
        Daemon::start_by(&WITHOUT_RIGHTS, &["-q", "-i", "0.1", "--target-files", &pattern])
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

fn metric(daemon: &Daemon, name: &str) -> Option<f64> {
    let mut stream = TcpStream::connect(daemon.http()).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.and_then(|value| value.parse().ok())
}

fn wait_for(what: &str, limit: Duration, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn keys(list: &Value) -> Vec<String> {
    list.as_object().expect("an object").keys().cloned().collect()
}

fn wait_for_targets(daemon: &Daemon, expected: &[&str]) {
    daemon.list_until(|list| keys(list) == expected);
}

fn sent(daemon: &Daemon, target: &str) -> u64 {
    daemon.ask(&serde_json::json!({"cmd": "list"}))[target]["sent"].as_u64().unwrap_or(0)
}

#[test]
fn a_directory_that_becomes_unreadable_keeps_its_targets() {
    own_network::inside("a_directory_that_becomes_unreadable_keeps_its_targets", "true", || {
        let place = Place::with(&[("d/a.json", "127.0.0.1"), ("d/b.json", "127.0.0.2")]);
        let daemon = place.start("d/*.json");
        wait_for_targets(&daemon, &["127.0.0.1", "127.0.0.2"]);
        let before = sent(&daemon, "127.0.0.1");
        for closed in ["d", "", "d/a.json"] {
            let path = place.at(closed);
            mode(&path, 0o000);
            wait_for(closed, Duration::from_secs(5), || {
                metric(&daemon, "meshping_target_files_broken") == Some(1.0)
            });
            let log = daemon.log();
            let names_it =
                |line: &str| line.contains("can't be read: Permission denied") && line.contains("/d");
            assert!(log.lines().any(names_it), "{log}");
            wait_for_targets(&daemon, &["127.0.0.1", "127.0.0.2"]);
            mode(&path, 0o755);
            wait_for(closed, Duration::from_secs(5), || {
                metric(&daemon, "meshping_target_files_broken") == Some(0.0)
            });
        }
        assert!(metric(&daemon, "meshping_target_file_errors_total") >= Some(3.0));
        assert!(sent(&daemon, "127.0.0.1") > before, "its statistics go on");
        fs::remove_file(place.at("d/b.json")).expect("it is ours");
        wait_for_targets(&daemon, &["127.0.0.1"]);
    });
}

#[test]
fn a_start_does_without_what_can_not_be_read_and_removals_apply_later() {
    own_network::inside("a_start_does_without_what_can_not_be_read_and_removals_apply_later", "true", || {
        let place = Place::with(&[("d/a.json", "127.0.0.1"), ("d/b.json", "127.0.0.2")]);
        let state = place.at("state").display().to_string();
        let pattern = place.at("d/*.json").display().to_string();
        let start =
            || Daemon::start_by(&WITHOUT_RIGHTS, &["-q", "--target-files", &pattern, "--state-dir", &state]);
        let daemon = start();
        wait_for_targets(&daemon, &["127.0.0.1", "127.0.0.2"]);
        daemon.ask(&serde_json::json!({"cmd": "remove", "addr": "127.0.0.2"}));
        daemon.terminate();
        mode(&place.at("d"), 0o000);
        let daemon = start();
        assert_eq!(metric(&daemon, "meshping_target_files_broken"), Some(1.0));
        assert_eq!(keys(&daemon.ask(&serde_json::json!({"cmd": "list"}))), Vec::<String>::new());
        mode(&place.at("d"), 0o755);
        wait_for_targets(&daemon, &["127.0.0.1"]);
        wait_for("readable", Duration::from_secs(5), || {
            metric(&daemon, "meshping_target_files_broken") == Some(0.0)
        });
        assert_eq!(
            keys(&daemon.ask(&serde_json::json!({"cmd": "list"}))),
            ["127.0.0.1"],
            "the removal applies"
        );
    });
}

/// Changes files in every way, and expects each change to be seen within three seconds.
fn check_changes(watched: f64) {
    let place = Place::with(&[("v1/a.json", "127.0.0.1"), ("v2/a.json", "127.0.0.2")]);
    let link = |to: &str, from: &str| {
        symlink(to, place.at("new")).expect("a link");
        fs::rename(place.at("new"), place.at(from)).expect("it replaces the one before");
    };
    // As Kubernetes has it: d/a.json -> ..data/a.json, ..data -> v1.
    fs::create_dir(place.at("d")).expect("a directory");
    symlink("../v1", place.at("d/..data")).expect("a link");
    symlink("..data/a.json", place.at("d/a.json")).expect("a link");
    symlink("d", place.at("way")).expect("a link");
    let daemon = place.start("way/*.json");
    assert_eq!(metric(&daemon, "meshping_config_watched"), Some(watched), "{}", daemon.log());
    assert_eq!(
        daemon.log().contains("found by looking at the files once a second"),
        watched == 0.0,
        "{}",
        daemon.log()
    );
    let seen = |what: &str, expected: &[&str]| {
        wait_for(what, Duration::from_secs(3), || {
            keys(&daemon.ask(&serde_json::json!({"cmd": "list"}))) == expected
        });
    };
    seen("the start", &["127.0.0.1"]);
    link("../v2", "d/..data");
    seen("..data", &["127.0.0.2"]);
    place.write("v2/a.json", "127.0.0.3");
    seen("written in place", &["127.0.0.3"]);
    place.replace("v2/a.json", "127.0.0.4");
    seen("renamed", &["127.0.0.4"]);
    place.write("e/b.json", "127.0.0.5");
    link("e", "way");
    seen("a link on the way", &["127.0.0.5"]);
    fs::remove_dir_all(place.at("e")).expect("it is ours");
    thread::sleep(Duration::from_millis(1_500));
    seen("a link without a target", &["127.0.0.5"]);
    place.write("e/c.json", "127.0.0.6");
    seen("a directory that appears", &["127.0.0.6"]);
    fs::rename(place.at("e"), place.at("f")).expect("it is ours");
    place.write("e/d.json", "127.0.0.7");
    seen("a directory in the place of another", &["127.0.0.7"]);
}

#[test]
fn changes_are_seen_with_events() {
    own_network::inside("changes_are_seen_with_events", "true", || check_changes(1.0));
}

#[test]
fn changes_are_seen_without_watches() {
    let setup = "echo 0 > /proc/sys/user/max_inotify_watches";
    own_network::inside("changes_are_seen_without_watches", setup, || check_changes(0.0));
}

#[test]
fn changes_are_seen_without_instances() {
    let setup = "echo 0 > /proc/sys/user/max_inotify_instances";
    own_network::inside("changes_are_seen_without_instances", setup, || check_changes(0.0));
}
