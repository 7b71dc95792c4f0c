//! Names in the daemon, with its control socket and real name servers.

use super::namespace::{inside, run};
use super::servers::{Behaviour, Dnsmasq, Rogue};
use super::zones::DeadServer;
use serde_json::{Map, Value, json};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const OK: &str = r#"{"status": "ok"}"#;

/// A daemon with a resolv.conf and a hosts file of its own, in its namespace.
struct Daemon {
    child: Child,
    resolv_conf: PathBuf,
    control: UdpSocket,
    _directory: TempDir,
}

impl Daemon {
    fn start(resolv_conf: &str, targets: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let put = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            run("mount", &["--bind", path.to_str().unwrap(), &format!("/etc/{name}")]);
            path
        };
        put("hosts", "127.0.0.1 localhost\n");
        let resolv_conf = put("resolv.conf", resolv_conf);
        let child = Self::spawn(targets);
        let control = UdpSocket::bind("127.0.0.1:0").unwrap();
        control.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let daemon = Self { child, resolv_conf, control, _directory: directory };
        daemon.wait_until_it_answers();
        daemon
    }

    fn spawn(targets: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
        command.args(["--web.listen-address", "off"]).args(targets);
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
    }

    fn wait_until_it_answers(&self) {
        let up = || self.try_ask(&json!({"cmd": "noop"})).is_some();
        wait(Duration::from_secs(10), "the daemon answers", up);
    }

    /// Another one without targets in its place.
    fn replace(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(&[]);
        self.wait_until_it_answers();
    }

    fn use_servers(&self, resolv_conf: &str) {
        std::fs::write(&self.resolv_conf, resolv_conf).unwrap();
    }

    fn try_ask(&self, request: &Value) -> Option<String> {
        let mut buffer = vec![0; 65_536];
        self.control.send_to(request.to_string().as_bytes(), "127.0.0.1:55432").ok()?;
        let length = self.control.recv(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(String::from_utf8(buffer).unwrap())
    }

    /// The reply to a request, which comes within the 400 ms of the contract.
    fn ask(&self, request: &Value) -> String {
        let begin = Instant::now();
        let reply = self.try_ask(request).expect("every request is answered");
        assert!(begin.elapsed() < Duration::from_millis(400), "{request} took {:?}", begin.elapsed());
        reply
    }

    fn add(&self, name: &str) -> String {
        self.ask(&json!({"cmd": "add", "name": name}))
    }

    fn targets(&self) -> Map<String, Value> {
        serde_json::from_str(&self.ask(&json!({"cmd": "list"}))).unwrap()
    }

    fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = self.targets().keys().cloned().collect();
        addresses.sort();
        addresses
    }

    fn wait_for(&self, seconds: u64, expected: &[&str]) {
        let what = format!("the list is {expected:?}");
        wait(Duration::from_secs(seconds), &what, || self.addresses() == expected);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(time_limit: Duration, what: &str, test: impl Fn() -> bool) {
    let begin = Instant::now();
    while !test() {
        assert!(begin.elapsed() < time_limit, "not within {time_limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn error(text: &str) -> String {
    format!(r#"{{"status": "error", "errmessage": "{text}"}}"#)
}

const OURS: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

#[test]
fn a_name_becomes_one_target_for_each_of_its_addresses() {
    inside("end_to_end::a_name_becomes_one_target_for_each_of_its_addresses", || {
        let _server = Dnsmasq::start("127.0.0.7 a.test\n127.0.0.8 a.test\n::1 a.test\n", &[]);
        let daemon = Daemon::start(OURS, &[]);
        assert_eq!(daemon.add("A.test."), OK);
        let targets = daemon.targets();
        assert_eq!(targets.keys().collect::<Vec<_>>(), ["127.0.0.7", "127.0.0.8", "::1"]);
        assert!(targets.values().all(|target| target["name"] == "A.test."), "{targets:?}");
        // Again, and under another name: no address is pinged twice, and each stays while one of the names has it.
        assert_eq!(daemon.add("A.test."), OK);
        assert_eq!(daemon.ask(&json!({"cmd": "add", "name": "web", "addr": "a.test"})), OK);
        assert_eq!(daemon.addresses().len(), 3);
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "name": "A.test."})), OK);
        assert!(daemon.targets().values().all(|target| target["name"] == "web"));
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "name": "web"})), OK);
        assert_eq!(daemon.ask(&json!({"cmd": "list"})), "{}");
    });
}

#[test]
fn addresses_that_appear_are_added_and_those_that_vanish_retired_later() {
    inside("end_to_end::addresses_that_appear_are_added_and_those_that_vanish_retired_later", || {
        let server = Dnsmasq::start("127.0.0.7 a.test\n127.0.0.8 a.test\n", &[]);
        let daemon = Daemon::start(OURS, &["a.test/0.5"]);
        daemon.wait_for(3, &["127.0.0.7", "127.0.0.8"]);
        server.change("127.0.0.8 a.test\n127.0.0.9 a.test\n");
        let changed = Instant::now();
        daemon.wait_for(8, &["127.0.0.7", "127.0.0.8", "127.0.0.9"]);
        daemon.wait_for(15, &["127.0.0.8", "127.0.0.9"]);
        assert!(changed.elapsed() > Duration::from_secs(9), "no grace: {:?}", changed.elapsed());
        assert_eq!(daemon.targets()["127.0.0.9"]["itv"], json!(0.5));
        // Without the server the last answers stay.
        drop(server);
        std::thread::sleep(Duration::from_secs(20));
        assert_eq!(daemon.addresses(), ["127.0.0.8", "127.0.0.9"]);
    });
}

#[test]
fn a_name_without_an_address_is_an_error_with_the_reason() {
    inside("end_to_end::a_name_without_an_address_is_an_error_with_the_reason", || {
        let _server = Dnsmasq::start(
            "0.0.0.0 blocked.test\n",
            &["--txt-record=text.test,hello", "--server=/fails.test/127.0.0.2"],
        );
        let _fails = Rogue::start("127.0.0.2", Behaviour::Code(2));
        let daemon = Daemon::start(OURS, &[]);
        let cases = [
            ("nobody.test", "Name or service not known"),
            ("text.test", "No address associated with hostname"),
            ("blocked.test", "No address associated with hostname"),
            ("a.fails.test", "Temporary failure in name resolution"),
            // REFUSED: the server has no upstream server for it.
            ("elsewhere.example", "Temporary failure in name resolution"),
        ];
        for (name, text) in cases {
            for _ in 0..2 {
                assert_eq!(daemon.add(name), error(text), "{name}");
            }
        }
        assert_eq!(daemon.ask(&json!({"cmd": "list"})), "{}");
    });
}

#[test]
fn a_name_without_an_answer_is_accepted_and_resolved_later() {
    inside("end_to_end::a_name_without_an_answer_is_accepted_and_resolved_later", || {
        let _server = Dnsmasq::start("127.0.0.7 a.test\n127.0.0.8 b.test\n", &[]);
        let _silent = Rogue::start("127.0.0.3", Behaviour::Nothing);
        let quick = "options timeout:1 attempts:1\n";
        let daemon = Daemon::start(&format!("nameserver 127.0.0.3\n{quick}"), &["b.test"]);
        let begin = Instant::now();
        assert_eq!(daemon.add("a.test"), OK);
        assert!(begin.elapsed() >= Duration::from_millis(290), "{:?}", begin.elapsed());
        assert_eq!(daemon.add("gone.test"), OK);
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "name": "gone.test"})), OK);
        assert_eq!(daemon.addresses(), [""; 0]);
        daemon.use_servers(OURS);
        daemon.wait_for(20, &["127.0.0.7", "127.0.0.8"]);
    });
}

#[test]
fn the_answer_of_one_family_is_enough_for_the_list() {
    inside("end_to_end::the_answer_of_one_family_is_enough_for_the_list", || {
        let _half = Rogue::start("127.0.0.2", Behaviour::OnlyA([127, 0, 0, 9]));
        let daemon = Daemon::start("nameserver 127.0.0.2\n", &[]);
        assert_eq!(daemon.add("half.test"), OK);
        assert_eq!(daemon.addresses(), ["127.0.0.9"]);
    });
}

#[test]
fn a_removed_address_stays_removed_until_its_name_is_added_again() {
    inside("end_to_end::a_removed_address_stays_removed_until_its_name_is_added_again", || {
        let server = Dnsmasq::start("127.0.0.7 a.test\n127.0.0.8 a.test\n", &[]);
        let daemon = Daemon::start(OURS, &[]);
        assert_eq!(daemon.add("a.test"), OK);
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": "127.0.0.7"})), OK);
        assert_eq!(daemon.addresses(), ["127.0.0.8"]);
        // The new address shows that a look-up has happened.
        server.change("127.0.0.7 a.test\n127.0.0.8 a.test\n127.0.0.9 a.test\n");
        daemon.wait_for(10, &["127.0.0.8", "127.0.0.9"]);
        assert_eq!(daemon.add("a.test"), OK);
        daemon.wait_for(1, &["127.0.0.7", "127.0.0.8", "127.0.0.9"]);
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "addr": "a.test"})), OK);
        assert_eq!(daemon.addresses(), [""; 0]);
    });
}

#[test]
fn a_daemon_without_a_name_server_uses_one_that_appears_later() {
    inside("end_to_end::a_daemon_without_a_name_server_uses_one_that_appears_later", || {
        let daemon = Daemon::start("", &["late.test", "127.0.0.5", "static.test"]);
        daemon.wait_for(3, &["127.0.0.5"]);
        let _server = Dnsmasq::start("127.0.0.7 late.test\n127.0.0.8 static.test\n", &[]);
        daemon.use_servers(OURS);
        daemon.wait_for(30, &["127.0.0.5", "127.0.0.7", "127.0.0.8"]);
    });
}

/// Output of `meshpingctl` with these arguments; it has to succeed.
fn ctl(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_meshpingctl")).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

impl Daemon {
    /// The rows of `names`, by name of their targets.
    fn names(&self) -> Map<String, Value> {
        let reply: Value = serde_json::from_str(&self.ask(&json!({"cmd": "names"}))).unwrap();
        let rows = reply["names"].as_array().unwrap().iter();
        rows.map(|row| (row["name"].as_str().unwrap().to_owned(), row.clone())).collect()
    }

    fn wait_for_state(&self, name: &str, state: &str, addresses: u64) {
        let what = format!("{name} is {state} with {addresses}");
        wait(Duration::from_secs(25), &what, || {
            let row = &self.names()[name];
            row["state"] == state && row["addresses"] == addresses
        });
    }
}

#[test]
fn names_are_listed_with_and_without_an_address() {
    inside("end_to_end::names_are_listed_with_and_without_an_address", || {
        let server = Dnsmasq::start(
            "127.0.0.7 up.test\n::1 up.test\n127.0.0.8 gone.test\n",
            &["--mx-host=empty.test,x.test"],
        );
        let _dead = DeadServer::start(std::net::Ipv4Addr::new(127, 0, 0, 3));
        let daemon = Daemon::start(OURS, &["up.test", "gone.test", "nobody.test", "empty.test"]);
        daemon.wait_for_state("up.test", "resolved", 2);
        daemon.wait_for_state("nobody.test", "no_such_name", 0);
        daemon.wait_for_state("empty.test", "no_address", 0);
        assert_eq!(
            daemon.ask(&json!({"cmd": "add", "name": "second", "addr": "up.test", "family": "ipv4"})),
            OK
        );
        let second = &daemon.names()["second"];
        assert_eq!((&second["host"], &second["addresses"]), (&json!("up.test"), &json!(1)));
        assert_eq!(
            (&second["origins"], &daemon.names()["up.test"]["origins"]),
            (&json!(["runtime"]), &json!(["configuration"]))
        );
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        for row in daemon.names().values() {
            let (since, next) = (row["since"].as_f64().unwrap(), row["next"].as_f64().unwrap());
            assert!(
                since <= now + 1.0 && since > now - 60.0 && next > now - 15.0 && next < now + 3_700.0,
                "{row}"
            );
        }
        // The client shows names that have no target, and under which name an address was asked for.
        let table = ctl(&["names"]);
        assert!(
            table.lines().any(|line| line.starts_with("nobody.test ") && line.contains("no_such_name")),
            "{table}"
        );
        assert_eq!(table.lines().count(), 6, "{table}");
        assert_eq!(ctl(&["names", "--json"]).lines().count(), 5);
        let block = ctl(&["show", "nobody.test"]);
        assert!(block.starts_with("nobody.test\n  name       no such name since "), "{block}");
        let block = ctl(&["show", "second"]);
        assert!(
            block.contains("127.0.0.7  second\n  names      up.test, second\n") && !block.contains("::1"),
            "{block}"
        );
        let unknown =
            Command::new(env!("CARGO_BIN_EXE_meshpingctl")).args(["show", "unknown"]).output().unwrap();
        assert_eq!(unknown.status.code(), Some(1));
        // A name that is withdrawn stays visible, after its last address has gone, too.
        server.change("127.0.0.7 up.test\n");
        daemon.wait_for_state("gone.test", "no_such_name", 0);
        assert!(!daemon.addresses().contains(&"127.0.0.8".to_owned()));
        assert_eq!(daemon.ask(&json!({"cmd": "remove", "name": "nobody.test"})), OK);
        assert!(!daemon.names().contains_key("nobody.test"));
        // Without an answer the addresses stay.
        daemon.wait_for_state("up.test", "resolved", 1);
        daemon.use_servers("nameserver 127.0.0.3\noptions timeout:1 attempts:1\n");
        daemon.wait_for_state("up.test", "no_answer", 1);
    });
}

#[test]
fn what_is_exported_makes_the_same_on_an_empty_daemon() {
    inside("end_to_end::what_is_exported_makes_the_same_on_an_empty_daemon", || {
        let _server = Dnsmasq::start("127.0.0.7 up.test\n127.0.0.8 up.test\n127.0.0.9 b.test\n", &[]);
        let mut daemon = Daemon::start(OURS, &["up.test/7", "127.0.0.9/3", "nobody.test"]);
        daemon.wait_for_state("up.test", "resolved", 2);
        for request in [
            json!({"cmd": "add", "name": "also", "addr": "up.test", "variant": "w", "itv": 0.5, "size": 100}),
            json!({"cmd": "add", "name": "b", "addr": "127.0.0.9", "itv": 4}),
            json!({"cmd": "add", "name": "it's \"b\"\n", "addr": "b.test", "labels": {"site": "a b"}}),
            json!({"cmd": "remove", "addr": "127.0.0.8"}),
        ] {
            let reply = daemon.ask(&request);
            assert!(reply.starts_with(r#"{"status": "ok""#), "{request}: {reply}");
        }
        let (script, before) = (ctl(&["export"]), daemon.ask(&json!({"cmd": "entries"})));
        let targets = |daemon: &Daemon| -> Vec<(String, Value, Value)> {
            let targets = daemon.targets();
            targets.iter().map(|(key, row)| (key.clone(), row["name"].clone(), row["itv"].clone())).collect()
        };
        let expected = targets(&daemon);
        assert!(
            script.contains("meshpingctl add --addr up.test -i 7 --exclude=127.0.0.8 --unresolved\n"),
            "{script}"
        );
        assert!(script.contains("meshpingctl add --addr nobody.test -i 1 --unresolved\n"), "{script}");
        daemon.replace();
        let empty = daemon;
        let ctl_directory = std::path::Path::new(env!("CARGO_BIN_EXE_meshpingctl")).parent().unwrap();
        let mut shell = Command::new("sh")
            .env("PATH", format!("{}:{}", ctl_directory.display(), std::env::var("PATH").unwrap()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut shell.stdin.take().unwrap(), script.as_bytes()).unwrap();
        shell.wait().unwrap();
        wait(Duration::from_secs(10), "the same targets", || targets(&empty) == expected);
        let entries = |text: &str| -> Vec<Value> {
            let reply: Value = serde_json::from_str(text).unwrap();
            let mut rows = reply["entries"].as_array().unwrap().clone();
            for row in &mut rows {
                row["origins"] = Value::Null;
            }
            rows
        };
        assert_eq!(entries(&empty.ask(&json!({"cmd": "entries"}))), entries(&before));
    });
}
