//! The client with scripted daemons, each on a thread of its own.

use super::*;
use crate::protocol::{AddRequest, NoopRequest, ResetRequest};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What the daemon does with one request.
enum ScriptedAnswer {
    Answer(String),
    Ignore,
    /// An answer from another socket than the one that received the request.
    AnswerFromElsewhere(&'static str),
}

use ScriptedAnswer::{Answer, AnswerFromElsewhere, Ignore};

/// A daemon that handles one request after the other as scripted, and the requests that it received.
fn daemon(acts: Vec<ScriptedAnswer>) -> (SocketAddr, Receiver<Value>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let (address, (sender, requests)) = (socket.local_addr().expect("it is bound"), channel());
    thread::spawn(move || {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        for act in acts {
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else { return };
            let _ = sender.send(serde_json::from_slice(&buffer[..length]).expect("JSON"));
            match act {
                Answer(answer) => drop(socket.send_to(answer.as_bytes(), peer)),
                Ignore => {}
                AnswerFromElsewhere(answer) => {
                    let other = UdpSocket::bind("127.0.0.1:0").expect("a free port");
                    drop(other.send_to(answer.as_bytes(), peer));
                }
            }
        }
    });
    (address, requests)
}

fn ok() -> ScriptedAnswer {
    Answer(r#"{"status": "ok"}"#.into())
}

/// A tenth of the usual time limit, so that the tests are fast.
const QUICK: RetryPolicy = RetryPolicy { attempts: 3, timeout: Duration::from_millis(100) };

fn target(address: &str) -> String {
    format!(
        r#""{address}":{{"name":"n","addr":"{address}","af":2,"itv":1,"sent":1,"recv":1,"errs":0,"lost":0,"outd":0,"sum":0.1,"min":0.1,"max":0.1,"last":0.1}}"#
    )
}

fn page(addresses: &[&str]) -> ScriptedAnswer {
    let members: Vec<String> = addresses.iter().map(|address| target(address)).collect();
    Answer(format!("{{{}}}", members.join(",")))
}

fn refusal() -> ScriptedAnswer {
    Answer(r#"{"status": "error", "errmessage": "3 targets need pages"}"#.into())
}

#[test]
fn no_answer_is_tried_again_twice_on_a_fresh_socket() {
    let (server, requests) = daemon(vec![Ignore, AnswerFromElsewhere(r#"{"status": "ok"}"#), ok()]);
    let reply = Client::new(server, QUICK).ask(&NoopRequest {}).expect("the third attempt succeeds");
    assert_eq!(reply, StatusReply::OK);
    assert_eq!(requests.iter().count(), 3);
}

#[test]
fn a_missing_daemon_is_an_error_after_all_attempts() {
    let (server, requests) = daemon(vec![Ignore, Ignore, Ignore]);
    let error = Client::new(server, QUICK).ask(&NoopRequest {}).expect_err("no answer");
    assert_eq!(error.to_string(), format!("no answer from {server}, is meshping running?"));
    assert_eq!(requests.iter().count(), 3);
    let error = Client::new(server, QUICK).ask(&NoopRequest {}).expect_err("the port is closed");
    assert!(matches!(error, ClientError::NoAnswer(_)), "{error}");
}

#[test]
fn a_request_that_resets_is_sent_once() {
    let list = ListRequest { reset: true, ..ListRequest::default() };
    let (server, listed) = daemon(vec![Ignore, ok()]);
    assert!(Client::new(server, QUICK).list(&list).is_err());
    let (server, reset) = daemon(vec![Ignore, ok()]);
    assert!(Client::new(server, QUICK).ask(&ResetRequest::default()).is_err());
    for (requests, first) in
        [(listed, json!({"cmd": "list", "reset": true})), (reset, json!({"cmd": "reset"}))]
    {
        assert_eq!(requests.recv_timeout(Duration::from_secs(1)).expect("one"), first);
        assert!(requests.recv_timeout(Duration::from_millis(200)).is_err(), "{first} was repeated");
    }
}

#[test]
fn a_hook_waits_half_a_second() {
    let (server, requests) = daemon(vec![Ignore, ok()]);
    let before = Instant::now();
    assert!(Client::new(server, RetryPolicy::SHORT).ask(&NoopRequest {}).is_err());
    assert!((400..900).contains(&before.elapsed().as_millis()), "{:?}", before.elapsed());
    assert!(requests.recv().is_ok() && requests.try_recv().is_err());
}

#[test]
fn an_error_status_is_an_error() {
    for (answer, message) in [
        (r#"{"status": "error", "errmessage": "Name or service not known"}"#, "Name or service not known"),
        (r#"{"status": "invalid json"}"#, "invalid json"),
        ("[]", "does not answer like a meshping"),
        ("hello", "does not answer like a meshping"),
    ] {
        let (server, _requests) = daemon(vec![Answer(answer.into())]);
        let error = Client::new(server, QUICK).ask(&AddRequest::default()).expect_err(answer).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_list_that_does_not_fit_is_read_page_by_page() {
    let pages = vec![refusal(), page(&["10.0.0.9", "10.0.0.10"]), page(&["::1"]), page(&[])];
    let (server, requests) = daemon(pages);
    let listing = Client::new(server, QUICK).list(&ListRequest::default()).expect("a list");
    let addresses: Vec<String> = listing.rows.iter().map(|row| row.addr.to_string()).collect();
    assert_eq!(addresses, ["10.0.0.9", "10.0.0.10", "::1"]);
    let whole = format!("{{{},{},{}}}", target("10.0.0.9"), target("10.0.0.10"), target("::1"));
    assert_eq!(listing.json, whole);
    let after: Vec<Value> = requests.iter().map(|request| request["after"].clone()).collect();
    assert_eq!(after, [Value::Null, Value::Null, "10.0.0.10".into(), "::1".into()]);
}

#[test]
fn pages_that_were_reset_are_not_thrown_away() {
    let (server, _requests) = daemon(vec![refusal(), page(&["10.0.0.9"]), Ignore]);
    let listing = Client::new(server, QUICK)
        .list(&ListRequest { reset: true, ..ListRequest::default() })
        .expect("a part");
    assert_eq!(listing.rows.len(), 1);
    assert!(matches!(listing.cut_short, Some(ClientError::NoAnswer(_))));
}

#[test]
fn a_daemon_that_ignores_after_is_not_asked_without_end() {
    let (server, _requests) = daemon(vec![refusal(), page(&["10.0.0.9"]), page(&["10.0.0.9"])]);
    let error = Client::new(server, QUICK).list(&ListRequest::default()).expect_err("no end");
    assert!(matches!(error, ClientError::Nonsense(_)), "{error}");
}

#[test]
fn a_list_of_an_older_daemon_is_read_without_its_missing_members() {
    let reply = r#"{"10.0.0.1": {"addr": "10.0.0.1", "sent": 3, "newer": "x"}}"#;
    let (server, _requests) = daemon(vec![Answer(reply.into())]);
    let listing = Client::new(server, QUICK).list(&ListRequest::default()).expect("a list");
    let row = &listing.rows[0];
    assert_eq!((row.counters.sent, row.counters.replies, &*row.name), (3, 0, ""));
    assert_eq!(row.others["newer"], "x");
}
