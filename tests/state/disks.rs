//! Disks that are full, read-only or corrupt: they never stop the pinging, and nothing is called saved that is not.

use crate::daemon::Daemon;
use crate::fixture::{Fixture, add, assert_not_saved, listed, until};
use crate::own_network::inside;
use crate::scrape::Scrape;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::process::Command;

fn mount(fixture: &Fixture, options: &str) {
    let status =
        Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(fixture.path()).status();
    assert!(status.expect("mount runs").success(), "{options}");
}

fn addresses(daemon: &Daemon) -> Vec<String> {
    listed(daemon).into_iter().map(|(address, _, _)| address).collect()
}

fn works(daemon: &Daemon) -> bool {
    let scrape = Scrape::of(daemon);
    ["targets", "statistics"]
        .iter()
        .all(|database| scrape.get(&format!("meshping_state_working{{database=\"{database}\"}}")) > 0.5)
}

/// Pinging goes on.
fn assert_pings(daemon: &Daemon) {
    let recv = |list: &serde_json::Value| list["127.0.0.1"]["recv"].as_u64().unwrap_or(0);
    let before = recv(&daemon.ask(&json!({"cmd": "list"})));
    daemon.list_until(|list| recv(list) > before + 3);
}

const ECHO: &str = "127.0.0.1/0.05";

#[test]
fn a_full_disk_is_told_and_what_could_not_be_saved_is_saved_when_there_is_room() {
    inside(
        "disks::a_full_disk_is_told_and_what_could_not_be_saved_is_saved_when_there_is_room",
        "true",
        || {
            let fixture = Fixture::new();
            mount(&fixture, "size=600k");
            let daemon = fixture.daemon(&[ECHO]);
            assert_eq!(add(&daemon, "a", "127.0.0.2", "5")["status"], "ok");
            assert_eq!(add(&daemon, "b", "127.0.0.3", "5")["status"], "ok");
            let mut filler = fs::File::create(fixture.file("filler")).expect("writable");
            while filler.write_all(&[7; 4_096]).is_ok() {}
            let reply = add(&daemon, "c", "127.0.0.4", "5");
            assert_not_saved(&reply);
            assert!(reply.to_string().contains("full"), "{reply}");
            assert_not_saved(&daemon.ask(&json!({"cmd": "remove", "name": "a"})));
            assert_eq!(addresses(&daemon), ["127.0.0.1", "127.0.0.3", "127.0.0.4"], "applied");
            assert_pings(&daemon);
            let scrape = Scrape::of(&daemon);
            assert!(scrape.get("meshping_state_errors_total{database=\"targets\"}") > 0.5);
            assert!(scrape.get("meshping_state_working{database=\"targets\"}") < 0.5);
            drop(filler);
            fs::remove_file(fixture.file("filler")).expect("it is there");
            until("it is saved again", || {
                works(&daemon) && add(&daemon, "b", "127.0.0.3", "7")["status"] == "ok"
            });
            drop(daemon);
            let daemon = fixture.daemon(&[ECHO]);
            assert_eq!(addresses(&daemon), ["127.0.0.1", "127.0.0.3", "127.0.0.4"], "saved");
        },
    );
}

#[test]
fn what_can_only_be_read_is_read_and_written_later() {
    inside("disks::what_can_only_be_read_is_read_and_written_later", "true", || {
        let fixture = Fixture::new();
        mount(&fixture, "size=4m");
        let daemon = fixture.daemon(&[ECHO]);
        assert_eq!(add(&daemon, "a", "127.0.0.2", "5")["status"], "ok");
        assert!(daemon.terminate().success());
        mount(&fixture, "remount,ro");
        let daemon = fixture.daemon(&[ECHO]);
        assert_eq!(addresses(&daemon), ["127.0.0.1", "127.0.0.2"]);
        assert_not_saved(&add(&daemon, "b", "127.0.0.3", "5"));
        assert_pings(&daemon);
        mount(&fixture, "remount,rw");
        until("it is saved", || works(&daemon) && add(&daemon, "a", "127.0.0.2", "5")["status"] == "ok");
        drop(daemon);
        assert_eq!(addresses(&fixture.daemon(&[ECHO])), ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    });
}

#[test]
fn a_corrupt_database_is_set_aside_and_a_new_one_begun() {
    for (database, keep) in
        [("targets.db", 0), ("statistics.db", 0), ("targets.db", 4_096), ("statistics.db", 4_096)]
    {
        let fixture = Fixture::new();
        let daemon = fixture.daemon(&[ECHO]);
        assert_eq!(add(&daemon, "a", "127.0.0.2", "5")["status"], "ok");
        assert!(daemon.terminate().success());
        // Rubbish from the beginning, or from the second page on.
        let mut bytes = fs::read(fixture.file(database)).expect("it is there");
        bytes[keep..].fill(0xa5);
        fs::write(fixture.file(database), bytes).expect("writable");
        let daemon = fixture.daemon(&[ECHO]);
        assert_eq!(add(&daemon, "b", "127.0.0.3", "5")["status"], "ok");
        assert!(daemon.log().contains("corrupt"), "{}", daemon.log());
        let names = fs::read_dir(fixture.path()).expect("it is there").flatten();
        let aside = names
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{database}.corrupt-")));
        assert_eq!(aside.count(), 1, "{database}");
        assert_pings(&daemon);
        until("everything works", || works(&daemon));
        drop(daemon);
        assert!(addresses(&fixture.daemon(&[ECHO])).contains(&"127.0.0.3".to_owned()));
    }
}

#[test]
fn databases_that_are_removed_while_they_are_open_are_written_anew_and_nothing_is_lost() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[ECHO]);
    for number in 2..200 {
        assert_eq!(add(&daemon, "a", &format!("127.0.0.{number}"), "5")["status"], "ok");
    }
    for file in fs::read_dir(fixture.path()).expect("it is there").flatten() {
        if file.file_name() != "lock" {
            fs::remove_file(file.path()).expect("writable");
        }
    }
    until("it is saved again", || {
        let added = add(&daemon, "b", "127.0.1.1", "5");
        let removed = daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.3"}));
        added["status"] == "ok" && removed["status"] == "ok"
    });
    let expected = addresses(&daemon);
    drop(daemon);
    let daemon = fixture.daemon(&[ECHO]);
    assert_eq!(addresses(&daemon), expected);
    assert_eq!(expected.len(), 199);
}

#[test]
fn a_database_of_a_newer_version_is_left_as_it_is() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[]);
    assert_eq!(add(&daemon, "a", "127.0.0.2", "5")["status"], "ok");
    assert!(daemon.terminate().success());
    for database in ["targets.db", "statistics.db"] {
        let connection = rusqlite::Connection::open(fixture.file(database)).expect("it is there");
        connection.pragma_update(None, "user_version", 99).expect("writable");
    }
    let before = fs::read(fixture.file("targets.db")).expect("it is there");
    let daemon = fixture.daemon(&[ECHO]);
    let reply = add(&daemon, "b", "127.0.0.3", "5");
    assert_not_saved(&reply);
    assert!(reply.to_string().contains("99"), "{reply}");
    assert!(daemon.log().contains("newer"), "{}", daemon.log());
    assert_eq!(addresses(&daemon), ["127.0.0.1", "127.0.0.3"]);
    assert!(daemon.terminate().success());
    assert_eq!(fs::read(fixture.file("targets.db")).expect("it is there"), before);
}
