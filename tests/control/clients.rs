//! The clients that people have: socat, and what was written for the meshping of 2015.

use super::{Daemon, OK};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// `echo REQUEST | socat - udp:ADDR`, as people type it.
fn socat(daemon: &Daemon, request: &str) -> String {
    let mut socat = Command::new("socat")
        .args(["-", &format!("udp:{}", daemon.control())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("socat is installed");
    let mut stdin = socat.stdin.take().expect("it is piped");
    stdin.write_all(format!("{request}\n").as_bytes()).expect("socat reads");
    drop(stdin);
    let output = socat.wait_with_output().expect("socat ends");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn socat_can_do_everything() {
    let daemon = Daemon::start(&[]);
    assert_eq!(socat(&daemon, r#"{"cmd": "noop"}"#), OK);
    assert_eq!(socat(&daemon, r#"{"cmd": "add", "name": "lo", "addr": "127.0.0.1", "itv": 0.1}"#), OK);
    daemon.list_until(|list| list["127.0.0.1"]["recv"].as_u64() >= Some(3));
    let list: Value =
        serde_json::from_str(&socat(&daemon, r#"{"cmd": "list", "reset": false}"#)).expect("JSON");
    assert_eq!(list["127.0.0.1"]["name"], "lo");
    let list: Value =
        serde_json::from_str(&socat(&daemon, r#"{"cmd": "list", "reset": true}"#)).expect("JSON");
    assert!(list["127.0.0.1"]["recv"].as_u64() >= Some(3));
    assert_eq!(socat(&daemon, r#"{"cmd": "reset"}"#), OK);
    assert_eq!(socat(&daemon, r#"{"cmd": "remove", "name": "lo"}"#), OK);
    assert_eq!(socat(&daemon, r#"{"cmd": "list"}"#), "{}");
    let unknown = r#"{"status": "error", "errmessage": "Name or service not known"}"#;
    assert_eq!(socat(&daemon, r#"{"cmd": "add", "name": "no-such.invalid."}"#), unknown);
}

#[test]
fn a_client_of_2015_understands_a_list_of_eighty() {
    let hosts: Vec<String> = (100..180).map(|host| format!("127.123.101.{host}")).collect();
    let args: Vec<&str> = hosts.iter().map(String::as_str).chain(["-i", "0.1"]).collect();
    let daemon = Daemon::start(&args);
    daemon.list_until(|list| list.as_object().is_some_and(|list| list.values().all(|t| t["recv"] != 0)));
    let socket = daemon.client();
    socket.send(br#"{"cmd": "list", "reset": false}"#).expect("loopback");
    // It reads no more than this; what is longer would be cut off.
    let mut buffer = [0; 16_384];
    let length = socket.recv(&mut buffer).expect("a reply");
    let list: Value = serde_json::from_slice(&buffer[..length]).expect("whole");
    let list = list.as_object().expect("an object");
    assert_eq!(list.len(), 80);
    for target in list.values() {
        for member in ["name", "addr"] {
            assert!(target[member].is_string(), "{member}: {target}");
        }
        for member in ["af", "sent", "recv", "errs", "outd", "lost"] {
            assert!(target[member].is_u64(), "{member}: {target}");
        }
        for member in ["sum", "min", "max", "last"] {
            assert!(target[member].is_f64(), "{member}: {target}");
        }
    }
}

#[test]
fn many_clients_at_once_are_all_answered() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    thread::scope(|scope| {
        for client in 0..32 {
            let daemon = &daemon;
            scope.spawn(move || {
                let address = format!("127.1.0.{}", client + 1);
                for _ in 0..10 {
                    assert_eq!(daemon.ask(&json!({"cmd": "add", "addr": address}))["status"], "ok");
                    assert!(daemon.ask(&json!({"cmd": "list"}))[&address].is_object());
                    assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": address}))["status"], "ok");
                }
            });
        }
    });
    assert_eq!(daemon.ask(&json!({"cmd": "list"})).as_object().map(serde_json::Map::len), Some(1));
}
