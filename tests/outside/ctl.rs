//! meshpingctl: what it writes, where, and its exit status.

use crate::daemon::Daemon;
use crate::golden;
use crate::network::{first_requests, known};
use crate::transcript::{Transcript, masked, without_version};
use std::ffi::OsStr;
use std::net::UdpSocket;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// Runs meshpingctl with a control socket that is not shown.
fn ctl(transcript: &mut Transcript, control: &str, words: &[&str]) {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    ctl_of_bytes(transcript, control, &words);
}

fn ctl_of_bytes(transcript: &mut Transcript, control: &str, words: &[&OsStr]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
    command.env_clear().args(["--control", control]).args(words);
    let shown = words.iter().map(|word| match word.to_str() {
        Some(word) if word.contains(|c: char| c.is_control() || " \"'$".contains(c)) => format!("{word:?}"),
        Some(word) => word.to_owned(),
        None => format!("b\"{}\"", word.as_bytes().escape_ascii()),
    });
    let shown = format!("meshpingctl {}", shown.collect::<Vec<_>>().join(" "));
    transcript.run(&mut command, &shown, |text| without_measurements(text, control));
}

/// Members of JSON, and times of tables and blocks, with a `#` for each digit.
fn without_measurements(text: &str, control: &str) -> String {
    let members = [
        "sum", "min", "max", "last", "stddev", "jitter", "p50", "p90", "p99", "avg15m", "avg6h", "avg24h",
        "since", "hour", "duration",
    ]
    .map(|member| format!("\"{member}\":"));
    let text = masked(text, &members.each_ref().map(String::as_str));
    let text = without_version(&text.replace(control, "CONTROL"));
    text.lines().map(|line| without_times(line) + "\n").collect()
}

/// A row of a table, or a line of a block, with `#` for the digits of times, where anything was measured.
fn without_times(line: &str) -> String {
    let blocks = ["  rtt ", "  quantiles ", "  average ", "  outage ", "  longest "];
    if blocks.iter().any(|start| line.starts_with(start)) {
        let words = line.split(' ').map(|word| if is_time(word) && word != "0.000" { "#.###" } else { word });
        return words.collect::<Vec<_>>().join(" ");
    }
    if let Some((state, rest)) = line.split_once(" since ").filter(|_| line.starts_with("  name ")) {
        let addresses = rest.split(", ").nth(1).unwrap_or_default();
        return format!("{state} since YYYY-MM-DD, {addresses}, next look-up #.#");
    }
    let line = match line.split_once(":00 ") {
        Some((hour, rest)) if hour.len() == "2026-11-30 17".len() => format!("YYYY-MM-DD HH:00 {rest}"),
        _ => line.to_owned(),
    };
    match line.rsplit_once("% ") {
        Some((counters, times)) if line.starts_with("fd00::") || counters.ends_with("   0.00") => {
            format!("{counters}% {}", hidden(times))
        }
        _ => line,
    }
}

fn is_time(word: &str) -> bool {
    word.contains('.') && word.parse::<f64>().is_ok()
}

/// Each number in as many places as before.
fn hidden(times: &str) -> String {
    let words = times.split(' ').map(|word| {
        let width = word.len();
        if is_time(word) { format!("{:>width$}", "#.##") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn at(daemon: &Daemon) -> String {
    daemon.control().to_string()
}

const READING: [&[&str]; 6] = [
    &["list"],
    &["list", "--json"],
    &["show", "--json", "127.0.0.9"],
    &["show", "127.0.0.9"],
    &["history", "127.0.0.9"],
    &["export"],
];

#[test]
fn of_no_targets() {
    known("ctl::of_no_targets", || {
        let daemon = Daemon::start(&[]);
        let mut transcript = Transcript::default();
        for words in READING {
            ctl(&mut transcript, &at(&daemon), words);
        }
        golden::check("ctl/no_targets.txt", transcript.text());
    });
}

const CHANGES: [&[&str]; 21] = [
    &["add", "127.0.0.9"],
    &["add", "fd00::1/7000"],
    &["add", "[fd00::2]/7000", "-i", "5"],
    &["add", "127.0.0.10", "--name", "ten"],
    &["add", "eleven", "--addr", "127.0.0.11"],
    &["-q", "add", "--addr", "127.0.0.12", "--name=-weird", "-i", "7000"],
    &[
        "add",
        "--addr",
        "127.0.0.13",
        "--name",
        "quote\" back\\slash \u{1b}[2J line\nbreak $(reboot) `x` ' \u{202e}",
    ],
    &["add", "--addr", "127.0.0.14", "--name="],
    &["add", "two.golden"],
    &["add", "one.golden", "--family", "ipv4"],
    &["add", "192.0.2.1"],
    &["add", "127.0.0.15", "--timeout=0.05", "--size", "1472", "--dscp=EF", "--ttl=9", "--dont-fragment"],
    &[
        "add",
        "127.0.0.16",
        "--source=127.0.0.1",
        "--interface=lo",
        "--label=site=berlin",
        "--label=evil=a\"b \u{1b}[2J",
    ],
    &["add", "127.0.0.9", "--name", "second name", "-i", "7200"],
    &["add", "127.0.0.17", "--no-wait"],
    &["add", "never-there.invalid"],
    &["add", "nodata.golden"],
    &["add", "silent.golden"],
    &["add", "--name", "x", "--addr", "224.0.0.1"],
    &["add", "--addr", "127.0.0.1", "--label", "si-te=x"],
    &["add", "127.0.0.1", "--source", "::1"],
];

const READING_MANY: [&[&str]; 18] = [
    &["list"],
    &["list", "--json"],
    &["show", "127.0.0.9"],
    &["show", "second name"],
    &["show", "127.0.0.13"],
    &["show", "127.0.0.15"],
    &["show", "127.0.0.16"],
    &["show", "192.0.2.1"],
    &["show", "two.golden"],
    &["show", "--json", "127.0.0.16"],
    &["show", "--json", "--name", "two.golden"],
    &["show", "--addr", "fd00::1"],
    &["show", "never-there"],
    &["-q", "show", "never-there"],
    &["history", "127.0.0.9"],
    &["history", "--json", "127.0.0.9"],
    &["export"],
    &["-q", "export"],
];

const ENDING: [&[&str]; 11] = [
    &["reset", "127.0.0.15"],
    &["reset", "--name", "second name"],
    &["-q", "reset", "never-there"],
    &["list", "--json", "--reset"],
    &["reset"],
    &["remove", "127.0.0.15"],
    &["remove", "two.golden"],
    &["remove", "--name=-weird"],
    &["remove", "quote\" back\\slash \u{1b}[2J line\nbreak $(reboot) `x` ' \u{202e}"],
    &["-q", "remove", "--addr", "127.0.0.16"],
    &["export"],
];

#[test]
fn of_targets_of_every_kind() {
    known("ctl::of_targets_of_every_kind", || {
        let daemon = Daemon::start(&["-i", "86400", "-t", "60"]);
        let mut transcript = Transcript::default();
        let mut run =
            |words: &[&[&str]]| words.iter().for_each(|words| ctl(&mut transcript, &at(&daemon), words));
        run(&CHANGES);
        first_requests(&daemon);
        run(&READING_MANY);
        run(&ENDING);
        let words =
            [b"add".as_slice(), b"--addr", b"127.0.0.18", b"--name=M\xfcller\xff"].map(OsStr::from_bytes);
        ctl_of_bytes(&mut transcript, &at(&daemon), &words);
        ctl(&mut transcript, &at(&daemon), &["export"]);
        golden::check("ctl/targets.txt", transcript.text());
    });
}

#[test]
fn the_history_of_a_state() {
    known("ctl::the_history_of_a_state", || {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().to_str().expect("UTF-8");
        let daemon =
            Daemon::start(&["-i", "86400", "-t", "0.2", "--state-dir", state, "127.0.0.9", "fd00::1"]);
        let asked = |addr: &str| daemon.ask(&serde_json::json!({"cmd": "history", "addr": addr}));
        daemon.list_until(|_| {
            ["127.0.0.9", "fd00::1"].iter().all(|addr| asked(addr)["history"][0]["sent"] == 1)
        });
        let mut transcript = Transcript::default();
        for words in [
            &["history", "127.0.0.9"][..],
            &["history", "fd00::1"],
            &["history", "127.0.0.99"],
            &["history", "--name", "never-there"],
            &["history", "--json", "127.0.0.9"],
            &["history", "--json", "127.0.0.99"],
        ] {
            ctl(&mut transcript, &at(&daemon), words);
        }
        golden::check("ctl/history.txt", transcript.text());
    });
}

const BAD: [&[&str]; 46] = [
    &[],
    &["lsit"],
    &["help"],
    &["list", "-x"],
    &["list", "too", "much"],
    &["list", "--no-wait"],
    &["show"],
    &["show", ""],
    &["show", "--no-wait", "a"],
    &["export", "--no-wait"],
    &["history"],
    &["history", "--name="],
    &["history", "--no-wait", "a"],
    &["add"],
    &["add", "--name="],
    &["add", "--name", "web", "--addr="],
    &["add", "web", "--name", "web", "--addr", "10.0.0.1"],
    &["add", "web/5", "-i", "5"],
    &["add", "0.0.0.0"],
    &["add", "a b"],
    &["add", "\u{1b}[2J"],
    &["add", "--addr", "224.0.0.1", "--name", "x"],
    &["add", "web/0"],
    &["add", "web", "-i", "-1"],
    &["add", "web", "-i"],
    &["add", "web", "-i", "soon"],
    &["add", "web", "--timeout", "-1"],
    &["add", "web", "--size", "15"],
    &["add", "web", "--dscp", "EG"],
    &["add", "web", "--ttl", "0"],
    &["add", "web", "--source", "web"],
    &["add", "web", "--interface", "a/b"],
    &["add", "web", "--dont-fragment=yes"],
    &["add", "web", "--family", "both"],
    &["add", "web", "--label", "site"],
    &["add", "web", "--label", "si-te=x"],
    &["add", "web", "--label=a=1", "--label=a=2"],
    &["remove"],
    &["remove", ""],
    &["remove", "--name="],
    &["remove", "web", "--name", "web"],
    &["reset", ""],
    &["reset", "--name=", "--addr="],
    &["reset", "a", "b"],
    &["list", "--control", "off"],
    &["list", "--control", "127.0.0.1:99999"],
];

#[test]
fn bad_command_lines_and_no_answer() {
    known("ctl::bad_command_lines_and_no_answer", || {
        let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let control = silent.local_addr().expect("it is bound").to_string();
        let mut transcript = Transcript::default();
        transcript.title("bad command lines");
        for words in BAD {
            // Here the option stands among the words, or not at all.
            let mut command = Command::new(env!("CARGO_BIN_EXE_meshpingctl"));
            let shown = format!("meshpingctl {}", words.join(" ").escape_debug());
            transcript.run(command.env_clear().args(words), &shown, str::to_owned);
        }
        transcript.title("no answer");
        for words in [&["-q", "list"][..], &["-q", "add", "127.0.0.1"], &["add", "--no-wait", "127.0.0.1"]] {
            ctl(&mut transcript, &control, words);
        }
        drop(silent);
        transcript.title("no listener");
        for words in [&["-q", "list"][..], &["add", "127.0.0.1"], &["add", "--no-wait", "127.0.0.1"]] {
            ctl(&mut transcript, &control, words);
        }
        golden::check("ctl/errors.txt", transcript.text());
    });
}
