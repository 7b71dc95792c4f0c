//! meshpingctl as people and hooks run it, against the daemon itself.

#[path = "support/daemon.rs"]
mod daemon;

use daemon::Daemon;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const CTL: &str = env!("CARGO_BIN_EXE_meshpingctl");
const HEADER: &str = "Target                     Sent  Recv  Errs  Outd   Loss     Err    Outd      Avg       Min       Max      Last";

/// Runs meshpingctl on a control socket.
fn ctl_at(control: &str, args: &[&str]) -> Output {
    Command::new(CTL).args(["--control", control]).args(args).output().expect("meshpingctl can be run")
}

fn ctl(daemon: &Daemon, args: &[&str]) -> Output {
    ctl_at(&daemon.control().to_string(), args)
}

/// What it wrote; it must have worked.
fn said(daemon: &Daemon, args: &[&str]) -> String {
    let output = ctl(daemon, args);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{args:?}");
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn names(daemon: &Daemon) -> Vec<String> {
    let list = daemon.ask(&json!({"cmd": "list"}));
    let targets = list.as_object().expect("an object").values();
    targets.map(|target| target["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn hosts_are_added_listed_reset_and_removed() {
    let daemon = Daemon::start(&[]);
    assert_eq!(said(&daemon, &["list"]), format!("{HEADER}\n"));
    assert_eq!(said(&daemon, &["list", "--json"]), "{}\n");
    said(&daemon, &["add", "127.0.0.10/0.05"]);
    said(&daemon, &["add", "127.0.0.9", "--name", "nine", "-i", "0.05"]);
    said(&daemon, &["add", "::1"]);
    daemon.list_until(|list| list["127.0.0.9"]["recv"].as_u64() > Some(2));
    let table = said(&daemon, &["list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], HEADER);
    let first: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["Target", "127.0.0.9", "127.0.0.10", "::1"]);
    let raw: Value = serde_json::from_str(&said(&daemon, &["list", "--json", "--reset"])).expect("JSON");
    assert!(raw["127.0.0.9"]["recv"].as_u64() > Some(2) && raw["127.0.0.9"]["name"] == "nine");
    said(&daemon, &["reset"]);
    said(&daemon, &["reset", "127.0.0.9"]);
    said(&daemon, &["remove", "127.0.0.10"]);
    said(&daemon, &["remove", "nine"]);
    said(&daemon, &["remove", "--addr", "::1"]);
    said(&daemon, &["remove", "never-there"]);
    assert_eq!(said(&daemon, &["list", "--json"]), "{}\n");
}

#[test]
fn a_hook_adds_whatever_a_client_calls_itself_and_hears_nothing() {
    let daemon = Daemon::start(&[]);
    for (addr, name) in
        [("127.0.0.5", "--name=-weird"), ("127.0.0.6", "--name="), ("127.0.0.7", "--name=a\nb; $(x)")]
    {
        assert_eq!(said(&daemon, &["-q", "add", "--addr", addr, name, "-i", "30"]), "");
    }
    assert_eq!(names(&daemon), ["-weird", "127.0.0.6", "a\nb; $(x)"]);
    assert_eq!(said(&daemon, &["-q", "remove", "--name=-weird"]), "");
    assert_eq!(said(&daemon, &["remove", "--addr", "127.0.0.6", "-q"]), "");
    assert_eq!(names(&daemon), ["a\nb; $(x)"]);
}

#[test]
fn a_hook_that_does_not_wait_is_done_when_the_request_is_sent() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    silent.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let address = silent.local_addr().expect("it is bound").to_string();
    for args in [&["add", "--addr", "127.0.0.5", "--name=-weird"][..], &["remove", "127.0.0.5"], &["reset"]] {
        let before = Instant::now();
        let output = ctl_at(&address, &[args, &["--no-wait"]].concat());
        assert!(before.elapsed() < Duration::from_millis(450), "{args:?} took {:?}", before.elapsed());
        assert_eq!(
            (output.status.code(), output.stdout, output.stderr),
            (Some(0), vec![], vec![]),
            "{args:?}"
        );
        let mut buffer = [0; 1_000];
        let length = silent.recv(&mut buffer).expect("a request");
        let request: Value = serde_json::from_slice(&buffer[..length]).expect("JSON");
        assert_eq!(request["cmd"], args[0]);
    }
    drop(silent);
    let output = ctl_at(&address, &["--no-wait", "remove", "127.0.0.5"]);
    assert_eq!(output.status.code(), Some(3), "nobody listens: {}", text(&output.stderr));
    for command in ["list", "export"] {
        assert_eq!(ctl_at(&address, &[command, "--no-wait"]).status.code(), Some(2), "{command}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_in_any_encoding_is_taken() {
    use std::os::unix::ffi::OsStrExt;
    let daemon = Daemon::start(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
    command.args(["-q", "--control", &daemon.control().to_string(), "add", "--addr", "127.0.0.5"]);
    let status = command.arg(std::ffi::OsStr::from_bytes(b"--name=M\xfcller")).status();
    assert!(status.expect("meshpingctl runs").success());
    assert_eq!(names(&daemon), ["M\u{fffd}ller"]);
}

#[test]
fn what_the_daemon_refuses_is_exit_status_1_and_its_reason() {
    let daemon = Daemon::start(&["--max-targets", "1", "127.0.0.1"]);
    for (args, reason) in [
        (&["add", "no-such.invalid."][..], "Name or service not known"),
        (&["-q", "add", "127.0.0.2"], "--max-targets"),
        (&["add", "--addr", "127.0.0.1", "--name", &"x".repeat(300)], "253 bytes"),
        (&["add", "--name", "evil\u{1b}[2J"], r"\u{1b}[2J"),
    ] {
        let output = ctl(&daemon, args);
        let message = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{args:?}: {message}");
        assert!(message.starts_with("meshpingctl: ") && message.contains(reason), "{message}");
        assert!(!message.contains('\u{1b}') && message.lines().count() == 1, "{message:?}");
    }
}

#[test]
fn a_bad_command_line_is_exit_status_2() {
    for args in
        [&[][..], &["lsit"], &["add"], &["remove"], &["add", "web/0"], &["reset", "--name="], &["list", "-x"]]
    {
        let output = ctl_at("127.0.0.1:1", args);
        let message = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}: {message}");
        assert!(message.starts_with("meshpingctl: ") && message.contains("--help"), "{message}");
    }
    for args in [&["--help"][..], &["-h"], &["--version"], &["add", "--help"], &["list", "-h"]] {
        let output = ctl_at("127.0.0.1:1", args);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{args:?}");
    }
}

#[test]
fn no_answer_is_exit_status_3_after_three_tries_or_one_for_hooks() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound").to_string();
    silent.set_nonblocking(true).expect("it can be");
    for (args, tries, at_least, at_most) in [
        (&["add", "127.0.0.1"][..], 3, 2_900, 4_000),
        (&["list"], 3, 2_900, 4_000),
        (&["list", "--reset"], 1, 900, 2_000),
        (&["-q", "add", "127.0.0.1"], 1, 450, 1_000),
    ] {
        let before = Instant::now();
        let output = ctl_at(&address, args);
        let took = before.elapsed().as_millis();
        let message = format!("meshpingctl: no answer from {address}, is meshping running?\n");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(3), message), "{args:?}");
        assert!((at_least..at_most).contains(&took), "{args:?} took {took} ms");
        let sources: Vec<_> = std::iter::from_fn(|| silent.recv_from(&mut [0; 1_000]).ok()).collect();
        assert_eq!(sources.len(), tries, "{args:?}");
    }
}

#[test]
fn a_closed_port_is_exit_status_3() {
    let closed = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let before = Instant::now();
    let output = ctl_at(&closed.to_string(), &["-q", "list"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(before.elapsed() < Duration::from_millis(900));
}

#[test]
fn an_export_makes_another_daemon_the_same() {
    let names = [
        "-weird",
        "two words",
        "a'b\"c",
        "$(reboot) `x`",
        "line\nbreak",
        "back\\slash!",
        "*",
        "é",
        "#",
        "a=b",
    ];
    let one = Daemon::start(&[]);
    for (host, name) in names.iter().enumerate() {
        let addr = format!("127.0.0.{}", host + 1);
        let request = json!({"cmd": "add", "name": name, "addr": addr, "itv": 0.5 + host as f64});
        assert_eq!(one.ask(&request)["status"], "ok");
    }
    one.ask(&json!({"cmd": "add", "addr": "fe80::1%lo", "itv": 86_400}));
    let export = said(&one, &["export"]);
    assert!(
        export.lines().all(|line| line.starts_with("meshpingctl add ") || line.starts_with("break")),
        "{export}"
    );
    let other = Daemon::start(&[]);
    let function = format!("meshpingctl() {{ '{CTL}' --control {} -q \"$@\"; }}\n", other.control());
    let mut sh = Command::new("sh").arg("-e").stdin(Stdio::piped()).spawn().expect("there is a shell");
    let mut stdin = sh.stdin.take().expect("it is piped");
    stdin.write_all((function + &export).as_bytes()).expect("it reads");
    drop(stdin);
    assert!(sh.wait().expect("it ends").success());
    let known = |daemon: &Daemon| -> Vec<[Value; 3]> {
        let list = daemon.ask(&json!({"cmd": "list"}));
        let targets = list.as_object().expect("an object").values();
        targets.map(|target| ["addr", "name", "itv"].map(|member| target[member].clone())).collect()
    };
    assert_eq!(known(&other), known(&one));
    assert_eq!(known(&one).len(), names.len() + 1);
}

#[test]
fn large_lists_are_read_in_pages() {
    let hosts: Vec<String> =
        (0..1_200).map(|host| format!("127.3.{}.{}", host / 250, host % 250 + 1)).collect();
    let args: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let daemon = Daemon::start(&args);
    let table = said(&daemon, &["list"]);
    let listed: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(listed, hosts);
    let raw: Value = serde_json::from_str(&said(&daemon, &["list", "--json", "--reset"])).expect("JSON");
    assert_eq!(raw.as_object().map(serde_json::Map::len), Some(1_200));
    assert_eq!(said(&daemon, &["export"]).lines().count(), 1_200);
}

#[test]
fn a_watch_shows_the_table_every_second() {
    let daemon = Daemon::start(&["127.0.0.1/0.1"]);
    let mut watch = Command::new(CTL)
        .args(["--control", &daemon.control().to_string(), "list", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("meshpingctl can be run");
    let before = Instant::now();
    let lines = BufReader::new(watch.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let headers = lines.filter(|line| line == HEADER).take(3).count();
    let took = before.elapsed();
    watch.kill().expect("it runs");
    watch.wait().expect("it ends");
    assert_eq!(headers, 3);
    assert!((1_800..6_000).contains(&took.as_millis()), "three tables took {took:?}");
}

#[test]
fn a_watch_on_a_terminal_draws_over_the_table_before() {
    let daemon = Daemon::start(&["127.0.0.1/0.1"]);
    let command = format!(
        "stty rows 24 cols 130; exec timeout 2.5 '{CTL}' --control {} list --watch",
        daemon.control()
    );
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("script is installed");
    let shown = text(&output.stdout);
    assert!(shown.matches(HEADER).count() >= 2 && shown.contains("\u{1b}[2F\u{1b}[J"), "{shown:?}");
    assert!(shown.rfind("\u{1b}[?25h") > shown.rfind("\u{1b}[?25l"), "the cursor is there: {shown:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    let line = format!("'{CTL}' --control {} list | head -c 1 >&2; exit 0", daemon.control());
    let output = Command::new("sh").args(["-c", &line]).output().expect("there is a shell");
    assert_eq!(text(&output.stderr), "T");
}

#[test]
fn options_are_exported_as_they_were_given_and_given_again() {
    let daemon = Daemon::start(&[]);
    let options =
        ["--timeout=2", "--size=100", "--dscp=46", "--ttl=9", "--source=127.0.0.1", "--interface=lo"];
    let more = ["--dont-fragment=false", "--family=ipv4", "--label=rack=7", "--label=site=a b"];
    said(&daemon, &[&["add", "127.0.0.9", "-i", "0.05"], &options[..], &more].concat());
    said(&daemon, &["add", "127.0.0.10"]);
    daemon.list_until(|list| list["127.0.0.9"]["recv"].as_u64() > Some(5));
    let exported = said(&daemon, &["export"]);
    let lines: Vec<Vec<String>> =
        exported.lines().map(|line| shlex::split(line).expect("words for sh")).collect();
    let expected =
        [&["meshpingctl", "add", "--addr", "127.0.0.9", "-i", "0.05"], &options[..], &more].concat();
    assert_eq!(lines, [expected, ["meshpingctl", "add", "--addr", "127.0.0.10", "-i", "1"].to_vec()]);
    let other = Daemon::start(&[]);
    for line in lines {
        said(&other, &line[1..].iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert_eq!(said(&other, &["export"]), exported);
    let list = daemon.ask(&json!({"cmd": "list"}));
    assert_eq!((&list["127.0.0.9"]["errs"], &list["127.0.0.9"]["lost"]), (&json!(0), &json!(0)), "{list}");
    let shown = said(&daemon, &["show", "127.0.0.9"]);
    assert!(shown.contains("dscp") && shown.contains("rack"), "{shown}");
}
