//! The history, as it is asked for.

use crate::fixture::Fixture;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::process::Command;

const ECHO: [&str; 1] = ["127.0.0.1/0.05"];

fn sum(history: &Value, member: &str) -> u64 {
    let rows = history["history"].as_array().expect("rows");
    rows.iter().map(|row| row[member].as_u64().expect("a number")).sum()
}

#[test]
fn every_request_is_in_one_hour_over_restarts_and_the_table_shows_them() {
    let fixture = Fixture::new();
    let ask = json!({"cmd": "history", "addr": "127.0.0.1"});
    for round in 1..=3 {
        let daemon = fixture.daemon(&ECHO);
        daemon.list_until(|list| list["127.0.0.1"]["recv"].as_u64() > Some(10 * round));
        let list = daemon.ask(&json!({"cmd": "list"}));
        let history = daemon.ask(&ask);
        let (recv, counted) = (list["127.0.0.1"]["recv"].as_u64().expect("a number"), sum(&history, "recv"));
        assert!(counted >= recv && counted < recv + 100, "{recv} in the list: {history}");
        let bins =
            history["history"].as_array().expect("rows").iter().filter_map(|row| row["hist"].as_object());
        let bins: u64 = bins.flat_map(|hist| hist.values().filter_map(Value::as_u64)).sum();
        assert_eq!(bins, counted);
        assert!(daemon.terminate().success());
    }
    let daemon = fixture.daemon(&[]);
    assert!(sum(&daemon.ask(&ask), "recv") > 30, "although it is not pinged any more");
    let output = Command::new(env!("CARGO_BIN_EXE_meshpingctl"))
        .args(["--control", &daemon.control().to_string(), "history", "127.0.0.1"])
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with("127.0.0.1 (127.0.0.1)\nHour (UTC)") && text.contains(":00 "), "{text}");
}

#[test]
fn a_long_history_comes_in_pages_and_old_hours_are_pruned() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&["127.0.0.1/0.1", "127.0.0.2/0.1"]);
    daemon.list_until(|list| list["127.0.0.2"]["recv"].as_u64() > Some(2));
    assert!(daemon.terminate().success());
    // As if it had run for weeks.
    let database = Connection::open(fixture.file("statistics.db")).expect("it is there");
    let copy = "WITH RECURSIVE ago(hours) AS (SELECT 1 UNION ALL SELECT hours + 1 FROM ago WHERE hours < 500)
        INSERT INTO history SELECT target, hour - hours, name, base FROM marks, ago";
    assert_eq!(database.execute(copy, []).expect("it is a database"), 1_000);
    drop(database);
    let daemon = fixture.daemon(&["127.0.0.1/0.1", "127.0.0.2/0.1"]);
    let ctl = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
        let output = command
            .args(["--control", &daemon.control().to_string(), "history", "--json"])
            .args(args)
            .output();
        let text = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect::<Vec<_>>()
    };
    let rows = ctl(&["127.0.0.1"]);
    assert_eq!(rows.len(), 501);
    assert!(rows.is_sorted_by_key(|row| row["hour"].as_i64()), "{rows:?}");
    let page = daemon.ask(&json!({"cmd": "history", "addr": "127.0.0.1", "limit": 3}));
    assert_eq!(page["history"].as_array().map(Vec::len), Some(3));
    let none = daemon.ask(&json!({"cmd": "history", "addr": "127.0.0.9"}));
    assert_eq!(none, json!({"history": []}));
}
