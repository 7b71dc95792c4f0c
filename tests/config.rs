//! The configuration of a running daemon: files that change, are replaced, break and come back, on loopback.

#[path = "support/daemon.rs"]
mod daemon;

use daemon::Daemon;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// A directory with configuration files, and a daemon that reads them.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self { directory: tempfile::tempdir().expect("a directory") };
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file can be written");
    }

    /// As editors and configuration managers do it.
    fn replace(&self, name: &str, text: &str) {
        self.write("new", text);
        fs::rename(self.path("new"), self.path(name)).expect("a file can be renamed");
    }

    fn start(&self) -> Daemon {
        Daemon::start(&["-q", "--config", &self.path("m.toml").display().to_string()])
    }
}

fn hang_up(daemon: &Daemon) {
    let status = Command::new("kill").args(["-HUP", &daemon.pid().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// Waits until the log says something, and returns that line. What is asked for and what is seen may come in either
/// order: one of them finds the difference, and the other none.
fn logged(daemon: &Daemon, what: &str) -> String {
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        let log = daemon.log();
        if let Some(line) = log.lines().find(|line| line.contains(what)) {
            return line.to_owned();
        }
        assert!(Instant::now() < give_up, "no {what:?}: {log}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn addresses(list: &Value) -> Vec<String> {
    list.as_object().expect("an object").keys().cloned().collect()
}

/// Waits until exactly these addresses are pinged.
fn until(daemon: &Daemon, expected: &[&str]) -> Value {
    daemon.list_until(|list| addresses(list) == expected)
}

fn metric(daemon: &Daemon, name: &str) -> u64 {
    let mut stream = TcpStream::connect(daemon.http()).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.and_then(|value| value.parse().ok()).expect(name)
}

const TWO: &str =
    "interval = 0.1\n[[target]]\nhost = \"127.0.0.1\"\nname = \"one\"\n[[target]]\nhost = \"127.0.0.2\"\n";

#[test]
fn a_reload_is_a_difference_and_who_did_not_change_does_not_notice() {
    let place = Place::with(&[("m.toml", TWO)]);
    let daemon = place.start();
    let before = daemon.list_until(|list| list["127.0.0.1"]["recv"].as_u64() >= Some(5));
    place.replace(
        "m.toml",
        &TWO.replace("\"127.0.0.2\"", "\"127.0.0.2\"\ninterval = 60\n[[target]]\nhost = \"127.0.0.3/0.5\""),
    );
    hang_up(&daemon);
    logged(&daemon, "1 added, 1 changed, 0 removed, 1 unchanged; added: 127.0.0.3; changed: 127.0.0.2");
    let after = until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    let counter =
        |list: &Value, address: &str, member: &str| list[address][member].as_u64().expect("a number");
    for address in ["127.0.0.1", "127.0.0.2"] {
        assert!(counter(&after, address, "sent") >= counter(&before, address, "sent"), "{after}");
    }
    assert_eq!((&after["127.0.0.2"]["itv"], &after["127.0.0.3"]["itv"]), (&json!(60), &json!(0.5)));
    let one = &after["127.0.0.1"];
    assert_eq!((&one["lost"], &one["errs"], &one["itv"]), (&json!(0), &json!(0), &json!(0.1)));

    place.replace("m.toml", "interval = 0.1\n[[target]]\nhost = \"127.0.0.1\"\nname = \"uno\"\n");
    hang_up(&daemon);
    logged(&daemon, "1 added, 0 changed, 3 removed");
    let renamed = until(&daemon, &["127.0.0.1"]);
    assert_eq!(renamed["127.0.0.1"]["name"], "uno");
    assert!(counter(&renamed, "127.0.0.1", "sent") >= counter(&after, "127.0.0.1", "sent"), "{renamed}");
}

#[test]
fn a_bad_configuration_changes_nothing_and_is_told() {
    let place = Place::with(&[("m.toml", TWO)]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    let hash = metric(&daemon, "meshping_config_hash");
    assert_eq!(metric(&daemon, "meshping_config_last_reload_successful"), 1);
    place.replace("m.toml", "interval = 9\n[[target]]\nhost = \"127.0.0.9\"\nintervall = 5\n");
    hang_up(&daemon);
    let told = logged(&daemon, "the present one stays in force");
    assert!(told.contains("m.toml:4: unknown key"), "{told}");
    let list = until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    assert_eq!(list["127.0.0.1"]["itv"], 0.1);
    assert_eq!(metric(&daemon, "meshping_config_last_reload_successful"), 0);
    assert_eq!(metric(&daemon, "meshping_config_hash"), hash);
    place.replace("m.toml", TWO);
    hang_up(&daemon);
    logged(&daemon, "0 added, 0 changed, 0 removed, 2 unchanged");
    assert_eq!(metric(&daemon, "meshping_config_last_reload_successful"), 1);
}

#[test]
fn files_that_change_are_read_by_themselves_however_they_are_written() {
    let group = |hosts: &str| format!("[{{\"targets\": [{hosts}], \"labels\": {{\"site\": \"b\"}}}}]");
    let place =
        Place::with(&[("m.toml", "target_files = [\"*.json\"]\n"), ("a.json", &group("\"127.0.0.1\""))]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1"]);
    place.replace("a.json", &group("\"127.0.0.1\", \"127.0.0.2\""));
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    place.write("b.json", &group("\"127.0.0.3\""));
    until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);

    // Half of it, and after a while the rest.
    let (text, errors) = (group("\"127.0.0.4\""), metric(&daemon, "meshping_target_file_errors_total"));
    let mut file = fs::File::create(place.path("b.json")).expect("a file");
    file.write_all(&text.as_bytes()[..20]).expect("a half");
    file.sync_all().expect("a half");
    logged(&daemon, "its last good content, if any, stays in force");
    assert!(metric(&daemon, "meshping_target_file_errors_total") > errors);
    assert_eq!(metric(&daemon, "meshping_target_files_broken"), 1);
    until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    file.write_all(&text.as_bytes()[20..]).expect("the other half");
    drop(file);
    until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.4"]);
    assert_eq!(metric(&daemon, "meshping_target_files_broken"), 0);

    fs::remove_file(place.path("b.json")).expect("it is there");
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    place.replace("m.toml", "target_files = \"*.json\"\n[[target]]\nhost = \"127.0.0.5\"\n");
    until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.5"]);
}

#[test]
fn a_file_behind_a_link_that_is_switched_is_read_again() {
    let place = Place::with(&[]);
    for (version, host) in [("v1", "127.0.0.1"), ("v2", "127.0.0.2")] {
        fs::create_dir(place.path(version)).expect("a directory");
        place.write(&format!("{version}/m.toml"), &format!("[[target]]\nhost = \"{host}\"\n"));
    }
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(from, place.path("link")).expect("a link");
        fs::rename(place.path("link"), place.path(to)).expect("it replaces the one before");
    };
    link("v1", "data");
    link("data/m.toml", "m.toml");
    let daemon = place.start();
    until(&daemon, &["127.0.0.1"]);
    link("v2", "data");
    until(&daemon, &["127.0.0.2"]);
}

#[test]
fn what_is_wished_live_and_what_the_files_say_do_not_get_in_each_others_way() {
    let place = Place::with(&[("m.toml", TWO)]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    let ok = json!({"status": "ok"});
    assert_eq!(daemon.ask(&json!({"cmd": "add", "name": "also", "addr": "127.0.0.1", "itv": 7})), ok);
    assert_eq!(daemon.ask(&json!({"cmd": "add", "name": "live", "addr": "127.0.0.7"})), ok);
    assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.2"})), ok);
    hang_up(&daemon);
    logged(&daemon, "1 unchanged, 1 stay removed because they were removed at runtime");
    let list = until(&daemon, &["127.0.0.1", "127.0.0.7"]);
    assert_eq!((&list["127.0.0.1"]["name"], &list["127.0.0.1"]["itv"]), (&json!("one"), &json!(7)));
    place.replace("m.toml", "interval = 0.1\n");
    hang_up(&daemon);
    logged(&daemon, "0 added, 0 changed, 1 removed");
    let list = until(&daemon, &["127.0.0.1", "127.0.0.7"]);
    assert_eq!(list["127.0.0.1"]["name"], "also");
    place.replace("m.toml", TWO);
    hang_up(&daemon);
    until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.7"]);
}

#[test]
fn what_was_removed_live_stays_away_over_a_restart_with_half_a_target_file() {
    let whole = r#"[{"targets": ["127.0.0.1", "127.0.0.2"]}]"#;
    let place =
        Place::with(&[("m.toml", "state_dir = \"state\"\ntarget_files = \"*.json\"\n"), ("a.json", whole)]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.2"})), json!({"status": "ok"}));
    drop(daemon);
    place.replace("a.json", &whole[..20]);
    let daemon = place.start();
    until(&daemon, &[]);
    place.replace("a.json", whole);
    logged(&daemon, "1 stay removed because they were removed at runtime");
    until(&daemon, &["127.0.0.1"]);
}

#[test]
fn options_take_effect_or_say_that_they_wait_for_the_next_start() {
    let place = Place::with(&[("m.toml", TWO)]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    place.replace(
        "m.toml",
        &TWO.replace(
            "interval = 0.1",
            "interval = 3\nlog_level = \"debug\"\ncontrol_allow = \"127.0.0.0/8\"\nengine = \"portable\"",
        ),
    );
    hang_up(&daemon);
    let report = logged(&daemon, "takes effect with the next start: engine");
    assert!(report.contains("options changed: interval, control_allow, log_level"), "{report}");
    let list = daemon.list_until(|list| list["127.0.0.1"]["itv"] == 3);
    assert_eq!(list["127.0.0.2"]["itv"], 3);
    place.replace(
        "m.toml",
        &TWO.replace("interval = 0.1", "control_allow = \"127.9.0.0/16\"\nmax_targets = 2"),
    );
    hang_up(&daemon);
    logged(&daemon, "takes effect with the next start: engine");
    let give_up = Instant::now() + Duration::from_secs(30);
    while daemon.ask_raw(br#"{"cmd": "noop"}"#).is_some() {
        assert!(Instant::now() < give_up, "127.0.0.1 is allowed still: {}", daemon.log());
    }
}

#[test]
fn a_hundred_thousand_targets_in_a_file_are_reloaded_while_everybody_is_answered() {
    let hosts = |count: u32| -> String {
        let host = |number: u32| {
            format!("\"127.{}.{}.{}\"", 1 + number / 62_500, number / 250 % 250, 1 + number % 250)
        };
        format!("[{{\"targets\": [{}]}}]", (0..count).map(host).collect::<Vec<_>>().join(",\n"))
    };
    let options = "interval = 86400\ncontrol_allow = \"127.0.0.0/8\"\ntarget_files = \"*.json\"\n";
    let place = Place::with(&[("m.toml", options), ("many.json", &hosts(100_000))]);
    let daemon = place.start();
    let deadline = Instant::now() + Duration::from_secs(60);
    while metric(&daemon, "meshping_targets") < 100_000 {
        assert!(Instant::now() < deadline, "{}", daemon.log());
        thread::sleep(Duration::from_millis(100));
    }
    place.replace("many.json", &hosts(99_000));
    let mut answers = 0;
    while !daemon.log().contains("configuration applied") {
        assert!(Instant::now() < deadline, "{}", daemon.log());
        daemon.ask(&json!({"cmd": "noop"}));
        daemon.ask(&json!({"cmd": "list", "addr": "127.1.0.1"}));
        answers += 1;
    }
    logged(&daemon, "0 added, 0 changed, 1000 removed, 99000 unchanged");
    assert!(answers > 0);
    assert_eq!(metric(&daemon, "meshping_targets"), 99_000);
}

#[test]
fn a_reload_over_the_control_socket_reports_what_it_did() {
    let place = Place::with(&[("m.toml", TWO)]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1", "127.0.0.2"]);
    let reload = || {
        // A busy machine may take longer than a reply waits.
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            let reply = daemon.ask(&json!({"cmd": "reload"}));
            if reply["status"] != "pending" {
                return reply;
            }
            assert!(Instant::now() < give_up, "{reply}");
        }
    };
    let reply = reload();
    let report = reply["report"].as_str().expect("a report");
    assert_eq!(reply["status"], "ok");
    assert!(report.starts_with("targets: 0 added, 0 changed, 0 removed, 2 unchanged"), "{reply}");
    place.write("m.toml", "interval = 0.1\nnonsense = 1\n");
    let reply = reload();
    assert_eq!(reply["status"], "error");
    let message = reply["errmessage"].as_str().expect("a message");
    assert!(message.contains("m.toml:2: unknown key \"nonsense\""), "{message}");
    assert_eq!(metric(&daemon, "meshping_config_last_reload_successful"), 0);

    let ctl = |arguments: &[&str]| {
        let control = daemon.control().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
        command.args(["--control", &control]).args(arguments).output().expect("meshpingctl runs")
    };
    let refused = ctl(&["reload"]);
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(1), true), "{errors}");
    assert!(errors.contains("unknown key \"nonsense\""), "{errors}");
    place.write("m.toml", "interval = 0.2\n");
    let applied = ctl(&["reload"]);
    assert_eq!(applied.status.code(), Some(0));
    let report = String::from_utf8_lossy(&applied.stdout).into_owned();
    assert!(report.starts_with("targets: 0 added, 0 changed, "), "{report}");
    assert!(ctl(&["-q", "reload"]).stdout.is_empty());
}

#[test]
fn a_wrong_entry_of_a_target_file_costs_no_other_one_and_is_reported() {
    let good = r#"{"targets": ["127.0.0.1"], "labels": {"name": "x", "site": "b"}}"#;
    let other = |label: &str| format!(r#"{{"targets": ["127.0.0.2"], "labels": {{"{label}": "7"}}}}"#);
    let place = Place::with(&[
        ("m.toml", "target_files = [\"*.json\", \"*.yml\"]\n"),
        ("a.json", &format!("[{good}, {}]", other("si-te"))),
        ("b.yml", "- targets: [127.0.0.3, 0.0.0.0]\n  labels: {le: l, quantile: q, class: c, target: t}\n"),
    ]);
    let daemon = place.start();
    until(&daemon, &["127.0.0.1", "127.0.0.3"]);
    assert!(logged(&daemon, "a.json: group 2: ").contains("si-te"));
    assert!(logged(&daemon, "b.yml: group 1: ").contains("0.0.0.0"));
    logged(&daemon, "the label name of ");
    assert_eq!(metric(&daemon, "meshping_target_files_broken"), 2);
    assert_eq!(metric(&daemon, "meshping_target_file_errors_total"), 2);

    place.replace("a.json", &format!("[{good}, {}]", other("rack")));
    until(&daemon, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    // An error in an entry that was good does not end its targets.
    place.replace("a.json", &format!("[{}, {}]", good.replace("127.0.0.1", "127.0.0.4"), other("ra-ck")));
    until(&daemon, &["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    assert_eq!(metric(&daemon, "meshping_target_files_broken"), 2);
    place.replace("b.yml", "- targets: [127.0.0.3]\n");
    place.replace("a.json", &format!("[{good}]"));
    until(&daemon, &["127.0.0.1", "127.0.0.3"]);
    assert_eq!(metric(&daemon, "meshping_target_files_broken"), 0);
}
