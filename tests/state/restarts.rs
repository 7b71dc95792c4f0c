//! What was done live is done after a restart, too.

use crate::fixture::{Fixture, add, listed, until};
use crate::own_network::inside;
use serde_json::json;
use std::process::Command;

#[test]
fn what_was_added_and_removed_live_is_so_after_every_kind_of_end() {
    let fixture = Fixture::new();
    let configured = ["127.0.0.1", "127.0.0.2"];
    let daemon = fixture.daemon(&configured);
    for (name, addr, itv) in [("a \"b\"\n", "127.0.0.3", "5"), ("c", "127.0.0.4", "7"), ("d", "::1", "9")] {
        assert_eq!(add(&daemon, name, addr, itv)["status"], "ok");
    }
    // One that is configured gets an interval live, another goes; one that was added goes, another is changed.
    assert_eq!(add(&daemon, "127.0.0.1", "127.0.0.1", "30")["status"], "ok");
    for request in [
        json!({"cmd": "remove", "addr": "127.0.0.2"}),
        json!({"cmd": "remove", "name": "c"}),
        json!({"cmd": "add", "name": "d", "addr": "::1", "itv": 11}),
        json!({"cmd": "add", "name": "second", "addr": "127.0.0.3"}),
    ] {
        assert_eq!(daemon.ask(&request)["status"], "ok", "{request}");
    }
    let expected = listed(&daemon);
    let row = |addr: &str, name: &str, itv| (addr.to_owned(), name.to_owned(), itv);
    let rows =
        [row("127.0.0.1", "127.0.0.1", 30.0), row("127.0.0.3", "a \"b\"\n", 5.0), row("::1", "d", 11.0)];
    assert_eq!(expected, rows);
    drop(daemon);
    let daemon = fixture.daemon(&configured);
    assert_eq!(listed(&daemon), expected, "after a kill");
    assert!(daemon.terminate().success());
    for log in ["targets.db-wal", "statistics.db-wal"] {
        assert!(!fixture.file(log).exists(), "{log} is there after an orderly end");
    }
    let daemon = fixture.daemon(&configured);
    assert_eq!(listed(&daemon), expected, "after an orderly end");
    // The second name is known, too: without the first one the target stays, and what that one said goes.
    daemon.ask(&json!({"cmd": "remove", "name": "a \"b\"\n"}));
    assert_eq!(listed(&daemon)[1], row("127.0.0.3", "second", 60.0));
}

#[test]
fn variants_have_a_state_of_their_own() {
    let fixture = Fixture::new();
    let configured = fixture.file("m.toml");
    let entry = "[[target]]\nhost = \"127.0.0.1\"\ninterval = 0.1\n";
    std::fs::write(&configured, format!("{entry}{entry}variant = \"v\"\n{entry}variant = \"w\"\n"))
        .expect("writable");
    let arguments = ["--config", configured.to_str().expect("UTF-8")];
    let daemon = fixture.daemon(&arguments);
    let add =
        json!({"cmd": "add", "name": "live", "addr": "127.0.0.2", "variant": "x", "itv": 0.1, "size": 100});
    assert_eq!(daemon.ask(&add)["status"], "ok");
    assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.1#w"}))["status"], "ok");
    daemon.list_until(|list| {
        list["127.0.0.1#v"]["recv"].as_u64() > Some(5) && list["127.0.0.2#x"]["recv"].as_u64() > Some(5)
    });
    assert_eq!(daemon.ask(&json!({"cmd": "reset", "addr": "127.0.0.1#v"}))["status"], "ok");
    daemon.list_until(|list| list["127.0.0.1#v"]["recv"].as_u64() > Some(0));
    let before = daemon.ask(&json!({"cmd": "list", "detail": true}));
    let keys =
        |list: &serde_json::Value| list.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&before), ["127.0.0.1", "127.0.0.1#v", "127.0.0.2#x"]);
    assert!(before["127.0.0.1#v"]["sent"].as_u64() < before["127.0.0.1"]["sent"].as_u64(), "{before}");
    assert!(daemon.terminate().success());
    let daemon = fixture.daemon(&arguments);
    let after = daemon.ask(&json!({"cmd": "list", "detail": true}));
    assert_eq!(keys(&after), keys(&before));
    assert_eq!((&after["127.0.0.2#x"]["variant"], &after["127.0.0.2#x"]["size"]), (&json!("x"), &json!(100)));
    for key in keys(&before) {
        assert!(after[&key]["sent"].as_u64() >= before[&key]["sent"].as_u64(), "{key}: {before} {after}");
    }
    assert!(
        after["127.0.0.1#v"]["sent"].as_u64() < after["127.0.0.1"]["sent"].as_u64(),
        "its own period goes on: {after}"
    );
    let rows = |addr: &str| {
        daemon.ask(&json!({"cmd": "history", "addr": addr}))["history"].as_array().expect("rows").clone()
    };
    assert!(
        rows("127.0.0.1").iter().any(|row| row["variant"] == "v")
            && rows("127.0.0.1").iter().any(|row| row.get("variant").is_none())
    );
    assert!(rows("127.0.0.1#v").iter().all(|row| row["variant"] == "v") && !rows("127.0.0.1#v").is_empty());
    let exported = Command::new(env!("CARGO_BIN_EXE_meshpingctl"))
        .args(["--control", &daemon.control().to_string(), "export"])
        .output()
        .expect("it runs");
    let lines = String::from_utf8(exported.stdout).expect("UTF-8");
    assert!(
        lines.contains("meshpingctl add --addr 127.0.0.2 --variant=x --name=live -i 0.1 --size=100"),
        "{lines}"
    );
}

#[test]
fn what_was_removed_stays_away_until_it_is_added_or_leaves_the_configuration() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&["127.0.0.2", "127.0.0.3"]);
    daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.2"}));
    daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.3"}));
    assert_eq!(add(&daemon, "127.0.0.3", "127.0.0.3", "5")["status"], "ok");
    drop(daemon);
    let daemon = fixture.daemon(&["127.0.0.2", "127.0.0.3"]);
    assert_eq!(listed(&daemon), [("127.0.0.3".to_owned(), "127.0.0.3".to_owned(), 5.0)]);
    drop(daemon);
    let daemon = fixture.daemon(&["127.0.0.3"]);
    // Whatever was to be saved before is saved when this is answered.
    assert_eq!(daemon.ask(&json!({"cmd": "remove", "name": "nobody"}))["status"], "ok");
    drop(daemon);
    let daemon = fixture.daemon(&["127.0.0.2"]);
    assert_eq!(listed(&daemon).len(), 2, "it is configured anew");
}

#[test]
fn names_are_followed_again_and_their_excluded_addresses_stay_away() {
    inside("restarts::names_are_followed_again_and_their_excluded_addresses_stay_away", "true", || {
        let fixture = Fixture::new();
        let hosts = fixture.file("hosts");
        let lines = "127.0.0.1 localhost\n127.0.1.1 twice.example\n127.0.1.2 twice.example\n127.0.2.1 other.example\n";
        std::fs::write(&hosts, lines).expect("writable");
        let bound = Command::new("mount").arg("--bind").arg(&hosts).arg("/etc/hosts").status();
        assert!(bound.expect("mount runs").success());
        let daemon = fixture.daemon(&["-4"]);
        for name in ["twice.example", "Other.Example"] {
            assert_eq!(daemon.ask(&json!({"cmd": "add", "name": name}))["status"], "ok");
        }
        until("three addresses", || listed(&daemon).len() == 3);
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": "127.0.1.2"}))["status"], "ok");
        drop(daemon);
        let daemon = fixture.daemon(&["-4"]);
        let expected = |daemon| {
            let addresses: Vec<(String, String)> =
                listed(daemon).into_iter().map(|(address, name, _)| (address, name)).collect();
            let row = |address: &str, name: &str| (address.to_owned(), name.to_owned());
            addresses == [row("127.0.1.1", "twice.example"), row("127.0.2.1", "Other.Example")]
        };
        until("what is not excluded", || expected(&daemon));
        assert_eq!(daemon.ask(&json!({"cmd": "add", "name": "twice.example"}))["status"], "ok");
        until("what was excluded", || listed(&daemon).len() == 3);
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "name": "Other.Example"}))["status"], "ok");
        drop(daemon);
        let daemon = fixture.daemon(&["-4"]);
        until("both addresses, and no other name", || listed(&daemon).len() == 2);
    });
}

#[test]
fn options_are_kept_with_the_interval() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[]);
    let options = json!({"timeout": 2.5, "size": 100, "dscp": 46, "ttl": 7, "labels": {"site": "a \"b\"\n"}});
    let mut request = json!({"cmd": "add", "name": "a", "addr": "127.0.0.1", "itv": 0.5});
    request.as_object_mut().expect("an object").extend(options.as_object().expect("an object").clone());
    assert_eq!(daemon.ask(&request)["status"], "ok");
    // An add that says nothing of them keeps them.
    assert_eq!(daemon.ask(&json!({"cmd": "add", "name": "a", "addr": "127.0.0.1"}))["status"], "ok");
    drop(daemon);
    let daemon = fixture.daemon(&[]);
    let target = &daemon.ask(&json!({"cmd": "list", "detail": true}))["127.0.0.1"];
    assert_eq!(target["itv"], json!(0.5), "{target}");
    for (option, value) in options.as_object().expect("an object") {
        assert_eq!(&target[option], value, "{option} of {target}");
    }
}

#[test]
fn a_second_daemon_on_the_same_state_says_so_and_ends() {
    let fixture = Fixture::new();
    let _first = fixture.daemon(&[]);
    let output = Command::new(env!("CARGO_BIN_EXE_meshping"))
        .args(["--control", "off", "--web.listen-address", "off", "--state-dir"])
        .arg(fixture.path())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("another meshping uses the state in"), "{text}");
}

#[test]
fn without_a_state_directory_nothing_is_kept_and_nothing_is_said() {
    let fixture = Fixture::new();
    let daemon = crate::daemon::Daemon::start(&[]);
    assert_eq!(add(&daemon, "a", "127.0.0.1", "5")["status"], "ok");
    let reply = daemon.ask(&json!({"cmd": "history", "name": "a"}));
    assert!(reply["errmessage"].as_str().is_some_and(|text| text.contains("--state-dir")), "{reply}");
    assert_eq!(std::fs::read_dir(fixture.path()).expect("it is there").count(), 0);
}
