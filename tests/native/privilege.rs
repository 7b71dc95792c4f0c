//! What the daemon makes of the permissions that it has.

use crate::daemon::{NONE, RAW_ONLY, Start};
use crate::errors;
use crate::metrics::equal;
use crate::run::Counts;
use crate::sim::behaviour::{byte, of_both_families};
use crate::sim::network::{add_empty_link, sysctl};
use crate::sim::{code, in_namespace};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Who may open datagram ICMP sockets; nobody in a fresh namespace.
const PING_GROUPS: &str = "net/ipv4/ping_group_range";

/// Checks that the daemon says it uses that kind of socket, and that all its figures are right with it.
fn check_socket(network: &crate::sim::Network, setpriv: &[&str], socket: &str) {
    let daemon = Start { setpriv, arguments: &["-t", "0.5"], ..Start::default() }.daemon();
    let metrics = daemon.metrics();
    assert_eq!(metrics.label("meshping_engine_info", "engine"), Some("native"));
    assert_eq!(metrics.label("meshping_engine_info", "socket"), Some(socket));
    errors::check_classes(&daemon, network, |host| socket == "raw" || !errors::is_for_raw_sockets_only(host));
}

#[test]
fn the_right_to_open_raw_sockets_is_enough() {
    in_namespace(|network| {
        check_socket(network, &RAW_ONLY, "raw");
    });
}

#[test]
fn without_capabilities_datagram_sockets_do_where_the_system_allows_them() {
    in_namespace(|network| {
        sysctl(PING_GROUPS, "0 0");
        check_socket(network, &NONE, "dgram");
    });
}

#[test]
fn datagram_sockets_tell_the_same_figures() {
    in_namespace(|network| {
        sysctl(PING_GROUPS, "0 0");
        let daemon = Start { setpriv: &NONE, arguments: &["-t", "0.5"], ..Start::default() }.daemon();
        let hosts = of_both_families(&[
            (code::DELAY_MS, 20, 1),
            (code::LOSS_EVERY, 3, 1),
            (code::COPIES, 1, 1),
            (code::ERROR_THEN_REPLY, 20, 1),
            (code::FLIPPED, byte::TOKEN, 1),
            (code::TTL, 9, 1),
        ]);
        for (outcome, case) in daemon.measure(network, &hosts, 0.1, 20).iter().zip((0..6).cycle()) {
            let (requests, none) = (outcome.requests(), Counts::default());
            outcome.expect(match case {
                1 => Counts { recv: outcome.replies(), lost: requests - outcome.replies(), ..none },
                2 => Counts { recv: requests, dups: requests, ..none },
                3 => Counts { errs: requests, ..none },
                4 => Counts { lost: requests, ..none },
                _ => Counts { recv: requests, ..none },
            });
            let ttl = daemon.metrics().of(outcome.host, "meshping_reply_ttl");
            assert!(case != 5 || equal(ttl, 9.0), "{}: {ttl}", outcome.host);
        }
    });
}

#[test]
fn datagram_sockets_are_told_which_neighbours_do_not_exist() {
    in_namespace(|network| {
        sysctl(PING_GROUPS, "0 0");
        add_empty_link();
        let daemon = Start { setpriv: &NONE, ..Start::default() }.daemon();
        errors::check_missing_neighbours(&daemon, network);
    });
}

#[test]
fn without_any_permission_the_start_fails_and_one_line_says_what_to_do() {
    in_namespace(|_| {
        let output = Start { setpriv: &NONE, ..Start::default() }.fail();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).expect("text");
        println!("{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        let words: BTreeSet<&str> = ["CAP_NET_RAW", "ping_group_range", "root"].into();
        assert!(words.iter().any(|word| text.contains(word)), "{text}");
    });
}

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
enum Started {
    /// It served metrics, which had this kind of socket, and ended when it was asked to.
    Served(String),
    /// It ended with this status and text.
    Ended(Option<i32>, String),
}

/// Starts the command, and ends the daemon once it has served metrics.
fn start(command: &mut Command) -> Started {
    command.args(["-q", "127.0.0.1"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program in front exists");
    let deadline = Instant::now() + Duration::from_secs(20);
    let (metrics, status) = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break (None, status);
        }
        if let Some(metrics) = metrics() {
            break (Some(metrics), terminate(&mut child));
        }
        assert!(Instant::now() < deadline, "it neither serves nor ends: {:?}", terminate(&mut child));
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut text = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut text).expect("text");
    let Some(metrics) = metrics else { return Started::Ended(status.code(), text) };
    assert_eq!(status.code(), Some(0), "{text}");
    let socket =
        metrics.lines().find_map(|line| line.strip_prefix("meshping_engine_info{")).expect("the engine");
    let socket =
        socket.split("socket=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its socket");
    Started::Served(socket.to_owned())
}

fn metrics() -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", 9_922)).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.starts_with("HTTP/1.0 200 ").then_some(text)
}

fn terminate(child: &mut Child) -> ExitStatus {
    Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
    child.wait().expect("it is our child")
}

/// Sets capabilities of the file of a program.
fn set_capabilities(program: &Path, capabilities: &str) {
    let done = Command::new("setcap").arg(capabilities).arg(program).status();
    assert!(done.expect("setcap (libcap2-bin) runs").success(), "{capabilities}");
}

#[test]
fn a_permitted_capability_of_the_binary_is_raised_and_may_be_missing() {
    in_namespace(|_| {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let program = directory.path().join("meshping");
        fs::copy(env!("CARGO_BIN_EXE_meshping"), &program).expect("a copy");
        let (all, none) = ("-all,+net_raw,+net_bind_service", "-all");
        let served = |socket: &str| Started::Served(socket.to_owned());
        let cases = [
            ("cap_net_raw+ep", all, "1 0", served("raw")),
            ("cap_net_raw+p", all, "1 0", served("raw")),
            ("cap_net_raw+p", all, "0 0", served("raw")),
            ("cap_net_raw+p", none, "0 0", served("dgram")),
            ("cap_net_raw,cap_net_bind_service+p", all, "1 0", served("raw")),
        ];
        // Nobody may open datagram sockets in a fresh namespace.
        for (capabilities, bounding, groups, expected) in cases {
            set_capabilities(&program, capabilities);
            if groups == "0 0" {
                sysctl(PING_GROUPS, groups);
            }
            let mut command = confined(bounding, &program);
            if capabilities.contains("bind") {
                command.args([
                    "--web.listen-address",
                    "127.0.0.1:80",
                    "--web.listen-address",
                    "127.0.0.1:9922",
                ]);
            }
            assert_eq!(start(&mut command), expected, "{capabilities} within {bounding}, {groups}");
        }
        // Why the documents recommend +p: execve fails.
        set_capabilities(&program, "cap_net_raw+ep");
        let refused = start(&mut confined(none, &program));
        assert!(
            matches!(&refused, Started::Ended(Some(126), text) if text.contains("not permitted")),
            "{refused:?}"
        );
    });
}

#[test]
fn a_missing_capability_without_datagram_sockets_is_one_line() {
    in_namespace(|_| {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let program = directory.path().join("meshping");
        fs::copy(env!("CARGO_BIN_EXE_meshping"), &program).expect("a copy");
        set_capabilities(&program, "cap_net_raw+p");
        let refused = start(&mut confined("-all", &program));
        let Started::Ended(Some(1), text) = &refused else { panic!("{refused:?}") };
        assert!(text.lines().count() == 1 && text.contains("setcap cap_net_raw+p"), "{text}");
    });
}

/// The program as an ordinary user starts it: the capabilities of its file count, within these bounds.
fn confined(bounding: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let bounding = format!("--bounding-set={bounding}");
    command.args(["--securebits=+noroot", "--inh-caps=-all", &bounding, "--"]).arg(program);
    command
}

/// The daemon with this limit of open files, soft and hard.
fn with_files(soft: u32, hard: u32, options: &[&str]) -> Started {
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--nofile={soft}:{hard}"))
        .arg("--")
        .arg(env!("CARGO_BIN_EXE_meshping"))
        .args(options);
    start(&mut command)
}

#[test]
fn a_start_with_too_few_files_fails_with_one_line_whatever_the_limit() {
    in_namespace(|_| {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("state");
        let state = ["--state-dir", state.to_str().expect("UTF-8"), "--web.listen-address", "127.0.0.1:9922"];
        for (options, step) in [(&[][..], 1), (&state, 4)] {
            let mut enough = None;
            for limit in (4..=100).step_by(step) {
                match with_files(limit, limit, options) {
                    Started::Served(socket) => {
                        enough = enough.or(Some(limit));
                        assert_eq!(socket, "raw", "{limit}");
                    }
                    Started::Ended(status, text) => {
                        assert_eq!((status, text.lines().count()), (Some(1), 1), "{limit}: {text}");
                        let says = format!("{limit} open files are too few");
                        assert!(text.contains(&says) && text.contains("ulimit -n"), "{limit}: {text}");
                        assert_eq!(enough, None, "{limit} are too few");
                    }
                }
            }
            println!("{options:?}: {enough:?} are enough");
            assert!(enough.is_some());
        }
        assert_eq!(with_files(4, 1024, &[]), Started::Served("raw".to_owned()), "the soft limit is raised");
    });
}
