//! Lists with detail.

use super::test_support::TestSocket;
use serde_json::{Map, Value};

fn members(target: &Value) -> Vec<&str> {
    target.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Removes the times of the machine's own clock, which runs on while the engine's clock stands still.
fn timeless(mut list: Map<String, Value>) -> Map<String, Value> {
    for target in list.values_mut() {
        target["longest_outage"]["since"] = Value::Null;
    }
    list
}

async fn detailed(socket: &TestSocket, more: &str) -> Map<String, Value> {
    socket.list(format!(r#"{{"cmd": "list", "detail": 1{more}}}"#)).await
}

#[actix::test]
async fn detail_comes_on_demand_and_without_members_that_have_no_value() {
    let socket = TestSocket::new(2, "web").await;
    let plain = socket.list(r#"{"cmd": "list"}"#).await;
    assert_eq!(detailed(&socket, "").await, plain, "no member has a value so far");
    for _ in 0..3 {
        socket.tick().await;
    }
    let list = detailed(&socket, "").await;
    let target = &list["10.0.0.2"];
    let averages = ["avg15m", "avg24h", "avg6h", "loss15m", "loss24h", "loss6h"];
    for member in averages.iter().chain(&["jitter", "p50", "p90", "p99", "stddev"]) {
        assert!(target[member].is_f64(), "{member} of {target}");
    }
    assert_eq!(members(target).len(), 13 + 11, "no outage: {target}");
    assert_eq!(
        (&target["p50"], &target["jitter"], &target["loss24h"]),
        (&0.001.into(), &0.0.into(), &0.0.into())
    );
    assert_eq!(members(&socket.list(r#"{"cmd": "list", "detail": 0}"#).await["10.0.0.2"]).len(), 13);
}

#[actix::test]
async fn a_reset_with_detail_reports_the_ended_period_and_keeps_moving_averages() {
    let socket = TestSocket::new(1, "web").await;
    for silent in [false, false, true, true, true, false] {
        socket.engine.silent.set(silent);
        socket.tick().await;
    }
    // Ten seconds are more than the timeout.
    for _ in 0..10 {
        socket.tick().await;
    }
    let before = detailed(&socket, "").await;
    assert_eq!(before["10.0.0.1"]["longest_outage"]["requests"], 3, "{before:?}");
    assert_eq!(before["10.0.0.1"]["longest_outage"]["duration"], 3.0);
    let ended = detailed(&socket, r#", "reset": true"#).await;
    assert_eq!(timeless(ended), timeless(before.clone()));
    let after = detailed(&socket, "").await;
    let target = &after["10.0.0.1"];
    for member in ["stddev", "p50", "longest_outage"] {
        assert!(target.get(member).is_none(), "{member} starts again: {target}");
    }
    for member in ["jitter", "avg15m", "loss15m"] {
        assert_eq!(target[member], before["10.0.0.1"][member], "{member} goes on");
    }
}

#[actix::test]
async fn an_outage_under_way_survives_a_reset() {
    let socket = TestSocket::new(1, "web").await;
    socket.tick().await;
    socket.engine.silent.set(true);
    for _ in 0..10 {
        socket.tick().await;
    }
    let before = detailed(&socket, r#", "reset": true"#).await;
    let after = detailed(&socket, "").await;
    let outage = &before["10.0.0.1"]["outage"];
    assert!(outage["requests"].as_u64() > Some(2) && outage["cause"] == "lost", "{before:?}");
    assert_eq!(&after["10.0.0.1"]["outage"]["requests"], &outage["requests"]);
    assert!(after["10.0.0.1"]["longest_outage"]["duration"].as_f64() > Some(5.0), "{after:?}");
    let since = outage["since"].as_f64().expect("seconds");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let ago = now.as_secs_f64() - since;
    assert!(ago > 5.0 && ago < 60.0, "the engine's clock is ahead by ten seconds: {ago}");
}

#[actix::test]
async fn a_list_with_detail_keeps_to_the_rules_of_large_lists() {
    let socket = TestSocket::new(400, "web").await;
    for _ in 0..3 {
        socket.tick().await;
    }
    assert_eq!(socket.list(r#"{"cmd": "list"}"#).await.len(), 400, "without detail it fits");
    let refusal = socket.ask(r#"{"cmd": "list", "detail": true, "reset": true}"#).await;
    assert!(refusal.contains("400 targets") && refusal.contains("limit"), "{refusal}");
    let (mut after, mut seen, mut pages) = (String::new(), 0, 0);
    loop {
        let page = detailed(&socket, &format!(r#", "reset": true, "after": "{after}""#)).await;
        let last = page.keys().map(|key| key.parse::<crate::target::Address>().expect("an address")).max();
        let Some(last) = last else { break };
        assert!(
            page.values().all(|target| target["recv"].as_u64() > Some(0) && target["p99"].is_f64()),
            "{page:?}"
        );
        (after, seen, pages) = (last.to_string(), seen + page.len(), pages + 1);
    }
    assert_eq!(seen, 400);
    assert!(pages > 1 && pages < 6, "{pages} pages");
}
