//! The client against daemons that answer as a script says, on a thread of their own.

use super::*;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What to do with the nth request.
enum ScriptedAnswer {
    Answer(String),
    Ignore,
    /// An answer from another socket than the one that was asked.
    AnswerFromElsewhere(&'static str),
}

use ScriptedAnswer::{Answer, AnswerFromElsewhere, Ignore};

/// A daemon that acts so, one request after the other, and tells what it was asked.
fn daemon(acts: Vec<ScriptedAnswer>) -> (SocketAddr, Receiver<Value>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let (address, (tell, told)) = (socket.local_addr().expect("it is bound"), channel());
    thread::spawn(move || {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        for act in acts {
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else { return };
            let _ = tell.send(serde_json::from_slice(&buffer[..length]).expect("JSON"));
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
    (address, told)
}

fn ok() -> ScriptedAnswer {
    Answer(r#"{"status": "ok"}"#.into())
}

/// Fast, so that the tests are: a tenth of the time that people are given.
const QUICK: RetryPolicy = RetryPolicy { tries: 3, each: Duration::from_millis(100) };

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
    let (server, told) = daemon(vec![Ignore, AnswerFromElsewhere(r#"{"status": "ok"}"#), ok()]);
    let answer = Client::new(server, QUICK).ask(&json!({"cmd": "noop"})).expect("the third try succeeds");
    assert_eq!(answer, br#"{"status": "ok"}"#);
    assert_eq!(told.iter().count(), 3);
}

#[test]
fn nobody_there_is_said_after_all_tries() {
    let (server, told) = daemon(vec![Ignore, Ignore, Ignore]);
    let error = Client::new(server, QUICK).ask(&json!({"cmd": "noop"})).expect_err("nobody answers");
    assert_eq!(error.to_string(), format!("no answer from {server}, is meshping running?"));
    assert_eq!(told.iter().count(), 3);
    let error = Client::new(server, QUICK).ask(&json!({"cmd": "noop"})).expect_err("the port is closed");
    assert!(matches!(error, ClientError::NoAnswer(_)), "{error}");
}

#[test]
fn a_request_that_resets_is_sent_once() {
    for request in [json!({"cmd": "list", "reset": true}), json!({"cmd": "reset"})] {
        let (server, told) = daemon(vec![Ignore, ok()]);
        assert!(Client::new(server, QUICK).ask(&request).is_err());
        assert_eq!(told.recv_timeout(Duration::from_secs(1)).expect("one"), request);
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "{request} was repeated");
    }
}

#[test]
fn a_hook_waits_half_a_second() {
    let (server, told) = daemon(vec![Ignore, ok()]);
    let before = Instant::now();
    assert!(Client::new(server, RetryPolicy::SHORT).ask(&json!({"cmd": "noop"})).is_err());
    assert!((400..900).contains(&before.elapsed().as_millis()), "{:?}", before.elapsed());
    assert!(told.recv().is_ok() && told.try_recv().is_err());
}

#[test]
fn an_error_status_is_an_error() {
    for (answer, message) in [
        (r#"{"status": "error", "errmessage": "Name or service not known"}"#, "Name or service not known"),
        (r#"{"status": "invalid json"}"#, "invalid json"),
        ("[]", "does not answer like a meshping"),
        ("hello", "does not answer like a meshping"),
    ] {
        let (server, _told) = daemon(vec![Answer(answer.into())]);
        let error = Client::new(server, QUICK).ask(&json!({"cmd": "add"})).expect_err(answer).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_list_that_does_not_fit_is_read_page_by_page() {
    let pages = vec![refusal(), page(&["10.0.0.9", "10.0.0.10"]), page(&["::1"]), page(&[])];
    let (server, told) = daemon(pages);
    let listing = Client::new(server, QUICK).list(false).expect("a list");
    let addresses: Vec<String> = listing.entries.iter().map(|entry| entry.addr.to_string()).collect();
    assert_eq!(addresses, ["10.0.0.9", "10.0.0.10", "::1"]);
    let whole = format!("{{{},{},{}}}", target("10.0.0.9"), target("10.0.0.10"), target("::1"));
    assert_eq!(listing.json, whole);
    let after: Vec<Value> = told.iter().map(|request| request["after"].clone()).collect();
    assert_eq!(after, [Value::Null, Value::Null, "10.0.0.10".into(), "::1".into()]);
}

#[test]
fn pages_that_were_reset_are_not_thrown_away() {
    let (server, _told) = daemon(vec![refusal(), page(&["10.0.0.9"]), Ignore]);
    let listing = Client::new(server, QUICK).list(true).expect("a part");
    assert_eq!(listing.entries.len(), 1);
    assert!(matches!(listing.cut_short, Some(ClientError::NoAnswer(_))));
}

#[test]
fn a_daemon_that_repeats_itself_is_not_asked_for_ever() {
    let (server, _told) = daemon(vec![refusal(), page(&["10.0.0.9"]), page(&["10.0.0.9"])]);
    let error = Client::new(server, QUICK).list(false).expect_err("no end");
    assert!(matches!(error, ClientError::Nonsense(_)), "{error}");
}
