//! The control socket over real UDP, with a scripted supervisor behind it.

use super::*;
use crate::actors::supervisor::AddError;
use crate::control::dispatch::MAX_CONCURRENT_REQUESTS;
use crate::control::test_support::TestSocket;
use crate::protocol::TooLarge;
use serde_json::Value;

const OK: &str = r#"{"status": "ok"}"#;

fn sum(list: &serde_json::Map<String, Value>, member: &str) -> u64 {
    list.values().map(|target| target[member].as_u64().expect("a count")).sum()
}

#[actix::test]
async fn status_replies_are_exact() {
    let socket = TestSocket::new(0, "").await;
    for (request, reply) in [
        ("{\"cmd\": \"noop\"}\n", OK),
        ("hello", r#"{"status": "invalid json"}"#),
        ("", r#"{"status": "invalid json"}"#),
        ("5", r#"{"status": "need cmd variable"}"#),
        (r#"{"cmd": "add"}"#, r#"{"status": "need name or addr variable"}"#),
        (r#"{"cmd": "list"}"#, "{}"),
        (r#"{"cmd": "list", "reset": true}"#, "{}"),
        (r#"{"cmd": "list", "limit": 5}"#, "{}"),
        (r#"{"cmd": "reset"}"#, OK),
        (r#"{"cmd": "remove", "addr": "10.0.0.1"}"#, OK),
        (r#"{"cmd": "histogram", "addr": "10.0.0.1"}"#, "{}"),
        (r#"{"cmd": "histogram", "addr": "nobody"}"#, "{}"),
    ] {
        assert_eq!(socket.ask(request).await, reply, "{request}");
    }
    assert_eq!(socket.stats().await, ControlStats { answered: 12, ..ControlStats::default() });
}

#[actix::test]
async fn add_and_remove_reach_the_supervisor() {
    let socket = TestSocket::new(0, "").await;
    assert_eq!(socket.ask(r#"{"cmd": "add", "name": "w", "addr": "10.0.0.1", "itv": "0.5"}"#).await, OK);
    assert_eq!(socket.ask(r#"{"cmd": "remove", "name": "w", "addr": "web.example"}"#).await, OK);
    assert_eq!(socket.ask(r#"{"cmd": "remove", "addr": "no host"}"#).await, OK);
    socket.script.lock().expect("no panic").refusal = Some(AddError::NoName);
    let refusal = r#"{"status": "error", "errmessage": "Name or service not known"}"#;
    assert_eq!(socket.ask(r#"{"cmd": "add", "name": "x"}"#).await, refusal);
    let script = socket.script.lock().expect("no panic");
    assert_eq!(
        (&*script.added[0].0.spec.name, script.added[0].0.spec.host.to_string()),
        ("w", "10.0.0.1".into())
    );
    assert_eq!(script.added[0].0.spec.options.interval.map(crate::target::Interval::seconds), Some(0.5));
    let removed = &script.removed[0];
    assert_eq!(removed.name.as_deref(), Some("w"));
    assert_eq!(removed.host.as_ref().map(ToString::to_string).as_deref(), Some("web.example"));
    assert_eq!(script.removed.len(), 1, "what can't be a host is not even asked for");
}

#[actix::test]
async fn a_busy_daemon_says_so_in_time_and_answers_others_meanwhile() {
    let socket = TestSocket::new(1, "a").await;
    socket.script.lock().expect("no panic").answer_after = Duration::from_secs(10);
    for request in [r#"{"cmd": "list"}"#, r#"{"cmd": "add", "name": "x"}"#, r#"{"cmd": "reset"}"#] {
        socket.client.send(request.as_bytes()).await.expect("loopback");
        assert_eq!(
            socket.ask(r#"{"cmd": "noop"}"#).await,
            OK,
            "the first answer, so {request} is not waited for"
        );
        let late = socket.answer().await.expect("an answer");
        assert!(late.contains("busy") && late.contains(r#""status": "error""#), "{late}");
    }
}

#[actix::test]
async fn requests_read_before_the_end_are_answered_and_later_ones_are_not_read() {
    let socket = TestSocket::new(1, "a").await;
    socket.script.lock().expect("no panic").answer_after = Duration::from_millis(100);
    socket.client.send(br#"{"cmd": "list"}"#).await.expect("loopback");
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while socket.script.lock().expect("no panic").queries.is_empty() {
        assert!(std::time::Instant::now() < deadline, "the request was not heard");
        tokio::task::yield_now().await;
    }
    socket.finish().await;
    assert_eq!(socket.stats().await.answered, 1);
    assert!(socket.answer().await.is_some_and(|list| list.contains("10.0.0.1")));
    socket.client.send(br#"{"cmd": "noop"}"#).await.expect("loopback");
    let mut buffer = [0; 64];
    let answer = tokio::time::timeout(Duration::from_millis(100), socket.client.recv(&mut buffer)).await;
    assert!(answer.is_err(), "an answer after the end");
}

#[actix::test]
async fn a_burst_beyond_the_bound_is_answered_completely() {
    let socket = TestSocket::new(1, "a").await;
    socket.script.lock().expect("no panic").answer_after = Duration::from_millis(100);
    let mut clients = Vec::new();
    // The smallest receive buffer that a system gives a client holds this number of answers.
    for _ in 0..2 * MAX_CONCURRENT_REQUESTS / EACH {
        let client = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        for _ in 0..EACH {
            client.send_to(br#"{"cmd": "add", "name": "x"}"#, socket.address).await.expect("loopback");
        }
        clients.push(client);
    }
    for client in clients {
        for _ in 0..EACH {
            let answer = tokio::time::timeout(Duration::from_secs(3), client.recv(&mut [0; 100])).await;
            assert_eq!(answer.expect("an answer").expect("the socket is there"), OK.len());
        }
    }
}

/// Requests of one client in a burst.
const EACH: usize = 64;

#[actix::test]
async fn other_clients_do_not_wait_behind_a_flood_of_slow_requests() {
    let socket = TestSocket::new(1, "a").await;
    socket.script.lock().expect("no panic").answer_after = Duration::from_secs(10);
    for _ in 0..8 * MAX_CONCURRENT_REQUESTS {
        socket.client.send(br#"{"cmd": "list"}"#).await.expect("loopback");
    }
    let other = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    other.send_to(br#"{"cmd": "noop"}"#, socket.address).await.expect("loopback");
    // Behind the others it would be many times the time that each of them may take.
    let answer = tokio::time::timeout(Duration::from_secs(2), other.recv(&mut [0; 100])).await;
    assert_eq!(answer.expect("an answer in time").expect("the socket is there"), OK.len());
}

#[actix::test]
async fn some_datagrams_are_counted_and_get_no_reply() {
    let socket = TestSocket::allowing(0, "", &["127.0.0.1/32"]).await;
    let outsider = UdpSocket::bind("127.0.0.2:0").await.expect("loopback");
    outsider.send_to(br#"{"cmd": "noop"}"#, socket.address).await.expect("loopback");
    socket.client.send(br#"{"status": "ok"}"#).await.expect("loopback");
    assert_eq!(socket.ask(r#"{"cmd": "noop"}"#).await, OK, "the only answer");
    let stats = socket.stats().await;
    assert_eq!(stats.ignored[IgnoreReason::NotAllowed as usize], 1);
    assert_eq!(stats.ignored[IgnoreReason::Reply as usize], 1);
    assert_eq!(stats.answered, 1);
}

#[actix::test]
async fn a_client_that_is_gone_does_not_harm_the_next() {
    let socket = TestSocket::new(0, "").await;
    for _ in 0..20 {
        let gone = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        gone.send_to(br#"{"cmd": "noop"}"#, socket.address).await.expect("loopback");
    }
    assert_eq!(socket.ask(r#"{"cmd": "noop"}"#).await, OK);
}

#[actix::test]
async fn the_largest_datagram_is_read_whole() {
    let socket = TestSocket::new(0, "").await;
    let padding = "x".repeat(MAX_DATAGRAM - 26);
    assert_eq!(socket.ask(format!(r#"{{"cmd": "noop", "x": "{padding}"}}"#)).await, OK);
}

const MAX_DATAGRAM: usize = 65_507;

#[actix::test]
async fn a_list_shows_every_target_and_a_reset_reports_each_request_once() {
    let socket = TestSocket::new(3, "web").await;
    for _ in 0..5 {
        socket.tick().await;
    }
    let before = socket.list(r#"{"cmd": "list"}"#).await;
    assert_eq!(before.len(), 3);
    let first = &before["10.0.0.1"];
    assert_eq!((&first["name"], &first["addr"]), (&"web".into(), &"10.0.0.1".into()));
    let sent = sum(&before, "sent");
    assert!(sent >= 12, "{sent}");
    assert_eq!(socket.list(r#"{"cmd": "list", "reset": true}"#).await, before);
    assert_eq!(sum(&socket.list(r#"{"cmd": "list", "reset": true}"#).await, "sent"), 0);
    socket.tick().await;
    assert_eq!(sum(&socket.list(r#"{"cmd": "list"}"#).await, "sent"), 3);
}

#[actix::test]
async fn a_reset_reports_settled_requests_only() {
    let socket = TestSocket::new(2, "web").await;
    socket.engine.silent.set(true);
    socket.tick().await;
    socket.tick().await;
    let in_flight = sum(&socket.list(r#"{"cmd": "list"}"#).await, "sent");
    assert!(in_flight >= 2);
    assert_eq!(sum(&socket.list(r#"{"cmd": "list", "reset": true}"#).await, "sent"), 0);
    assert_eq!(sum(&socket.list(r#"{"cmd": "list"}"#).await, "sent"), in_flight);
}

#[actix::test]
async fn reset_and_list_take_those_that_match_either_member() {
    let socket = TestSocket::new(2, "web").await;
    socket.tick().await;
    socket.tick().await;
    assert_eq!(socket.list(r#"{"cmd": "list", "addr": "10.0.0.2"}"#).await.len(), 1);
    assert_eq!(socket.list(r#"{"cmd": "list", "addr": "10.0.0.2", "name": "web"}"#).await.len(), 2);
    assert_eq!(socket.list(r#"{"cmd": "list", "addr": "0.0.0.0"}"#).await.len(), 0);
    assert_eq!(socket.ask(r#"{"cmd": "reset", "addr": "10.0.0.2"}"#).await, OK);
    let list = socket.list(r#"{"cmd": "list"}"#).await;
    assert_eq!(list["10.0.0.2"]["sent"], 0);
    assert_ne!(list["10.0.0.1"]["sent"], 0);
    assert_eq!(socket.ask(r#"{"cmd": "reset"}"#).await, OK);
    assert_eq!(sum(&socket.list(r#"{"cmd": "list"}"#).await, "sent"), 0);
}

#[actix::test]
async fn a_histogram_shows_one_target_and_can_start_again() {
    let socket = TestSocket::new(2, "web").await;
    socket.tick().await;
    socket.tick().await;
    let recv = socket.list(r#"{"cmd": "list"}"#).await["10.0.0.1"]["recv"].clone();
    let histogram = format!("{{\"-80\":{recv}}}");
    assert_eq!(socket.ask(r#"{"cmd": "histogram", "addr": "10.0.0.1", "reset": true}"#).await, histogram);
    assert_eq!(socket.ask(r#"{"cmd": "histogram", "addr": "10.0.0.1"}"#).await, "{}");
    assert_eq!(socket.ask(r#"{"cmd": "histogram", "addr": "10.0.0.2"}"#).await, histogram);
    assert_eq!(socket.list(r#"{"cmd": "list"}"#).await["10.0.0.1"]["recv"], recv);
}

#[actix::test]
async fn a_list_that_does_not_fit_is_refused_and_nothing_is_reset() {
    let socket = TestSocket::new(300, &"n".repeat(200)).await;
    socket.tick().await;
    socket.tick().await;
    let page = r#"{"cmd": "list", "limit": 10}"#;
    let before = socket.list(page).await;
    for request in [r#"{"cmd": "list"}"#, r#"{"cmd": "list", "reset": true}"#] {
        let refusal = socket.ask(request).await;
        assert!(refusal.contains("300 targets") && refusal.contains("limit"), "{refusal}");
    }
    assert_eq!(socket.list(page).await, before);
}

#[actix::test]
async fn a_list_that_can_never_fit_is_refused_before_pingers_are_asked() {
    let socket = TestSocket::new(1, "a").await;
    socket.script.lock().expect("no panic").total = Some(200_000);
    let refusal = socket.ask(r#"{"cmd": "list", "reset": true}"#).await;
    assert!(refusal.contains("200000 targets"), "{refusal}");
    let asked = socket.script.lock().expect("no panic").queries[0].limit;
    assert_eq!(asked, Some(TooLarge::MAX_TARGETS + 1), "the supervisor does not collect more");
}

#[actix::test]
async fn pages_go_through_all_targets_and_reset_what_they_hold() {
    let socket = TestSocket::new(700, "n").await;
    socket.tick().await;
    socket.tick().await;
    let (mut after, mut addresses, mut sent) = (String::new(), Vec::new(), 0);
    for _ in 0..700 {
        let request = format!(r#"{{"cmd": "list", "after": "{after}", "reset": true}}"#);
        let page = socket.list(request).await;
        if page.is_empty() {
            break;
        }
        sent += sum(&page, "sent");
        let mut keys: Vec<crate::target::TargetKey> =
            page.keys().map(|key| key.parse().expect("an address")).collect();
        keys.sort();
        after = keys.last().expect("not empty").to_string();
        addresses.extend(keys);
    }
    let expected: Vec<_> = socket.members.iter().map(|member| member.key.clone()).collect();
    assert_eq!(addresses, expected);
    assert!(sent >= 700, "{sent}");
    assert_eq!(sum(&socket.list(r#"{"cmd": "list", "limit": 400}"#).await, "sent"), 0);
    assert_eq!(socket.list(r#"{"cmd": "list", "limit": 3, "after": "10.0.2.186"}"#).await.len(), 2);
}

#[actix::test]
async fn a_page_is_not_empty_because_its_targets_ended_just_now() {
    let socket = TestSocket::new(3, "a").await;
    socket.kill(0).await;
    let page = socket.list(r#"{"cmd": "list", "limit": 1}"#).await;
    assert_eq!(page.keys().collect::<Vec<_>>(), ["10.0.0.2"]);
}

#[actix::test]
async fn one_of_several_concurrent_resets_reports_each_request() {
    let socket = TestSocket::new(50, "a").await;
    let mut sent = 0;
    for _ in 0..10 {
        socket.tick().await;
        for _ in 0..4 {
            socket.client.send(br#"{"cmd": "list", "reset": true}"#).await.expect("loopback");
        }
        for _ in 0..4 {
            let list = serde_json::from_str(&socket.answer().await.expect("an answer")).expect("an object");
            sent += sum(&list, "sent");
        }
    }
    // The first request is due at the first tick, or at the second.
    assert!(sent == 500 || sent == 450, "{sent}");
}
