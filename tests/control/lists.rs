//! Lists, resets and histograms, with real requests on loopback.

use super::{Daemon, OK};
use serde_json::{Value, json};

fn count(target: &Value, member: &str) -> u64 {
    target[member].as_u64().unwrap_or(0)
}

fn seconds(target: &Value, member: &str) -> f64 {
    target[member].as_f64().expect("seconds")
}

#[test]
fn a_list_is_in_address_order_and_its_numbers_agree() {
    let targets = ["127.0.0.10", "127.0.0.9", "::1", "127.0.0.100"];
    let daemon = Daemon::start(&[&targets[..], &["-i", "0.05"]].concat());
    let busy = |list: &Value| targets.iter().all(|target| count(&list[target], "recv") > 5);
    daemon.list_until(busy);
    let text = daemon.ask_text(r#"{"cmd": "list"}"#);
    let positions = ["\"127.0.0.9\":{", "\"127.0.0.10\":{", "\"127.0.0.100\":{", "\"::1\":{"];
    let positions = positions.map(|key| text.find(key).expect("it is listed"));
    assert!(positions.is_sorted(), "{text}");
    assert!(!text.contains(": ") && !text.contains(", "), "{text}");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    for target in list.as_object().expect("an object").values() {
        let settled =
            ["recv", "errs", "lost", "void"].map(|member| count(target, member)).iter().sum::<u64>();
        assert!(count(target, "sent") >= settled, "{target}");
        let [total, min, max, latest] = ["sum", "min", "max", "last"].map(|member| seconds(target, member));
        let average = total / count(target, "recv") as f64;
        assert!(min > 0.0 && min <= latest && latest <= max && min <= average && average <= max, "{target}");
        assert!(target.get("void").is_none() && target.get("dups").is_none(), "{target}");
    }
}

#[test]
fn resets_hand_over_every_request_once() {
    let daemon = Daemon::start(&["127.0.0.1/0.02"]);
    let (mut sent, mut recv) = (0, 0);
    for _ in 0..100 {
        let list = daemon.ask(&json!({"cmd": "list", "reset": true}));
        let target = &list["127.0.0.1"];
        let settled =
            ["recv", "errs", "lost", "void"].map(|member| count(target, member)).iter().sum::<u64>();
        assert_eq!(count(target, "sent"), settled, "settled requests only: {target}");
        sent += count(target, "sent");
        recv += count(target, "recv");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // A second of fifty requests, of which at most one was in flight at the end.
    assert!(sent > 30 && recv == sent, "{recv} of {sent}");
}

#[test]
fn reset_zeroes_what_matches_and_nothing_else() {
    let daemon = Daemon::start(&["127.0.0.1/0.02", "127.0.0.2/0.02"]);
    let both =
        |list: &Value| ["127.0.0.1", "127.0.0.2"].iter().all(|target| count(&list[target], "recv") > 50);
    daemon.list_until(both);
    assert_eq!(daemon.ask_text(r#"{"cmd": "reset", "addr": "127.0.0.2"}"#), OK);
    let list = daemon.ask(&json!({"cmd": "list"}));
    assert!(count(&list["127.0.0.1"], "recv") > 50 && count(&list["127.0.0.2"], "recv") < 50, "{list}");
    assert_eq!(daemon.ask_text(r#"{"cmd": "reset"}"#), OK);
    let list = daemon.ask(&json!({"cmd": "list"}));
    assert!(count(&list["127.0.0.1"], "recv") < 50, "{list}");
}

#[test]
fn a_histogram_adds_up_to_the_replies() {
    let daemon = Daemon::start(&["127.0.0.1/0.02"]);
    daemon.list_until(|list| count(&list["127.0.0.1"], "recv") > 10);
    assert_eq!(daemon.ask_text(r#"{"cmd": "add", "addr": "127.0.0.1", "itv": 3600}"#), OK);
    let list = daemon.list_until(|list| {
        let target = &list["127.0.0.1"];
        count(target, "sent") == count(target, "recv")
    });
    let histogram = daemon.ask(&json!({"cmd": "histogram", "addr": "127.0.0.1", "reset": true}));
    let bins = histogram.as_object().expect("an object");
    let replies: u64 = bins.values().filter_map(Value::as_u64).sum();
    assert_eq!(replies, count(&list["127.0.0.1"], "recv"));
    let (min, max) = (seconds(&list["127.0.0.1"], "min"), seconds(&list["127.0.0.1"], "max"));
    for bin in bins.keys().map(|bin| bin.parse::<i32>().expect("a whole number")) {
        let edge = |bin: i32| (f64::from(bin) / 8.0).exp2();
        assert!(edge(bin) <= max && edge(bin + 1) > min, "bin {bin} of {histogram} is not in {min}..{max}");
    }
    assert_eq!(daemon.ask_text(r#"{"cmd": "histogram", "addr": "127.0.0.1"}"#), "{}");
}

#[test]
fn a_list_that_does_not_fit_is_refused_unreset_and_comes_in_pages() {
    let hosts: Vec<String> =
        (0..1_000).map(|host| format!("127.2.{}.{}", host / 250, host % 250 + 1)).collect();
    let args: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let daemon = Daemon::start(&args);
    let first = json!({"cmd": "list", "limit": 1});
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while count(&daemon.ask(&first)["127.2.0.1"], "recv") == 0 && std::time::Instant::now() < give_up {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let refusal = daemon.ask(&json!({"cmd": "list", "reset": true}));
    let message = refusal["errmessage"].as_str().expect("a refusal");
    assert!(message.contains("1000 targets") && message.contains("limit"), "{message}");
    assert!(count(&daemon.ask(&first)["127.2.0.1"], "recv") > 0, "nothing was reset");
    let (mut after, mut seen) = (String::new(), Vec::new());
    for _ in 0..1_000 {
        let text = daemon.ask_text(&json!({"cmd": "list", "limit": 300, "after": after}).to_string());
        if text == "{}" {
            break;
        }
        let page: Value = serde_json::from_str(&text).expect("JSON");
        let mut addresses: Vec<String> = page.as_object().expect("an object").keys().cloned().collect();
        addresses.sort_by_key(|address| address.parse::<std::net::IpAddr>().expect("an address"));
        after.clone_from(addresses.last().expect("a page that is not the last"));
        seen.extend(addresses);
    }
    assert_eq!(seen, hosts);
}
