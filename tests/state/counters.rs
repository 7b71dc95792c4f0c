//! What was counted stays counted.

use crate::fixture::{Fixture, until};
use crate::scrape::Scrape;
use meshping::measure::EncodedStats;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Requests of the books that are on disk.
fn saved_requests(database: &Path) -> u64 {
    let read = || -> rusqlite::Result<Vec<u8>> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.query_row("SELECT saved FROM books", [], |row| row.get(0))
    };
    let saved = read().ok().and_then(|bytes| EncodedStats::from_bytes(&bytes).totals());
    saved.map_or(0, |totals| totals.requests())
}

#[test]
fn no_counter_goes_back_behind_what_a_scrape_has_shown_however_the_daemon_ends() {
    let fixture = Fixture::new();
    let start = || fixture.daemon(&["127.0.0.1/0.02"]);
    let mut daemon = start();
    let mut shown = Scrape::of(&daemon);
    for round in 0..6 {
        let requests = shown.target("requests_total", "127.0.0.1", "127.0.0.1");
        until("more requests", || {
            shown = Scrape::of(&daemon);
            shown.target("requests_total", "127.0.0.1", "127.0.0.1") > requests + 5.0
        });
        let requests = shown.target("requests_total", "127.0.0.1", "127.0.0.1");
        let (asked, database) = (Instant::now(), fixture.file("statistics.db"));
        until("they are on disk", || saved_requests(&database) as f64 >= requests);
        assert!(asked.elapsed() < Duration::from_secs(5), "it was not the scrape that had them saved");
        if round % 2 == 0 {
            drop(daemon);
        } else {
            assert!(daemon.terminate().success());
        }
        daemon = start();
        let after = Scrape::of(&daemon);
        after.assert_continues(&shown);
        after.assert_adds_up("127.0.0.1", "127.0.0.1");
        shown = after;
    }
    assert!(shown.get("meshping_state_enabled") > 0.0);
    assert!(shown.get("meshping_state_errors_total{database=\"statistics\"}") < 0.5);
}

#[test]
fn requests_in_flight_at_the_end_are_void_afterwards_and_periods_go_on() {
    let fixture = Fixture::new();
    // Over IPv4 nobody answers; requests are open for a minute.
    crate::own_network::inside(
        "counters::requests_in_flight_at_the_end_are_void_afterwards_and_periods_go_on",
        "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all",
        || {
            let args = ["127.0.0.9/0.1", "::1/0.1", "-t", "60"];
            let daemon = fixture.daemon(&args);
            daemon.list_until(|list| list["::1"]["recv"].as_u64() > Some(3));
            let ended = daemon.ask(&json!({"cmd": "list", "reset": true}));
            assert!(ended["::1"]["recv"].as_u64() > Some(3));
            let before = daemon.list_until(|list| list["127.0.0.9"]["sent"].as_u64() > Some(5));
            assert!(daemon.terminate().success());
            let daemon = fixture.daemon(&args);
            let after = daemon.ask(&json!({"cmd": "list"}));
            let (silent, echo) = (&after["127.0.0.9"], &after["::1"]);
            assert!(silent["void"].as_u64() >= before["127.0.0.9"]["sent"].as_u64(), "{silent}");
            assert_eq!((&silent["lost"], &silent["recv"]), (&json!(0), &json!(0)));
            assert!(echo["recv"].as_u64() >= before["::1"]["recv"].as_u64());
            assert!(echo["recv"].as_u64() < ended["::1"]["recv"].as_u64().map(|recv| recv + 200));
            let scrape = Scrape::of(&daemon);
            scrape.assert_adds_up("127.0.0.9", "127.0.0.9");
            scrape.assert_adds_up("::1", "::1");
            let total = scrape.target("replies_total", "::1", "::1");
            assert!(total > ended["::1"]["recv"].as_f64().expect("a number"), "the reset was forgotten");
        },
    );
}

#[test]
fn an_outage_and_the_averages_go_on_over_a_restart() {
    let fixture = Fixture::new();
    crate::own_network::inside(
        "counters::an_outage_and_the_averages_go_on_over_a_restart",
        "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all",
        || {
            let ask = json!({"cmd": "list", "detail": true});
            let requests = |list: &Value| list["127.0.0.9"]["outage"]["requests"].as_u64();
            let since =
                |list: &Value| list["127.0.0.9"]["outage"]["since"].as_f64().expect("there is an outage");
            let args = ["127.0.0.9/0.05", "-t", "0.1"];
            let daemon = fixture.daemon(&args);
            until("an outage", || requests(&daemon.ask(&ask)) > Some(20));
            let before = daemon.ask(&ask);
            assert!(daemon.terminate().success());
            let daemon = fixture.daemon(&args);
            let after = daemon.ask(&ask);
            assert!(requests(&after) >= requests(&before), "{after}");
            assert!((since(&after) - since(&before)).abs() < 0.2, "{before}, then {after}");
            assert_eq!(after["127.0.0.9"]["loss24h"], json!(1.0), "{after}");
        },
    );
}

#[test]
fn a_target_that_was_removed_begins_anew() {
    let fixture = Fixture::new();
    let daemon = fixture.daemon(&[]);
    let add = json!({"cmd": "add", "name": "a", "addr": "127.0.0.1", "itv": 0.05});
    daemon.ask(&add);
    daemon.list_until(|list| list["127.0.0.1"]["recv"].as_u64() > Some(20));
    // The history has it saved.
    daemon.ask(&json!({"cmd": "history", "addr": "127.0.0.1"}));
    daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.1"}));
    assert!(daemon.terminate().success());
    let daemon = fixture.daemon(&[]);
    daemon.ask(&json!({"cmd": "add", "name": "a", "addr": "127.0.0.1", "itv": 60}));
    let list = daemon.ask(&json!({"cmd": "list"}));
    assert!(list["127.0.0.1"]["sent"].as_u64() < Some(3), "{list}");
}
