//! The daemon's command line and its terminal, from outside.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

#[path = "dns/namespace.rs"]
mod namespace;
#[path = "cli/pty.rs"]
mod pty;

use meshping::format::table::HEADER;
use namespace::inside;
use pty::{Session, wait_until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

fn meshping(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
    command.args(arguments).env_remove("MESHPING_LOG");
    command
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read all of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// What a bad command line is answered: one line on standard error, nothing on standard output, status 2.
fn complaint(arguments: &[&str], input: &[u8]) -> String {
    let output = run(&mut meshping(arguments), input);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {said}");
    let line = said.strip_suffix('\n').unwrap_or_default();
    assert!(line.starts_with("meshping: ") && !line.contains(char::is_control), "{said:?}");
    line.to_owned()
}

#[test]
fn a_bad_command_line_is_answered_by_one_line_and_status_2() {
    let cases: [(&[&str], &str); 8] = [
        (&["--no-such-option"], "--no-such-option"),
        (&["0.0.0.0"], "unspecified"),
        (&["127.0.0.1/0"], "0.01 to 86400"),
        (&["two words"], "can't be in a host name"),
        (&["\u{1b}[31mred\nline"], "\\u{1b}[31mred\\nline"),
        (&["-4", "-6"], "cannot be used with"),
        (&["--control", "0.0.0.0:55432"], "--control-allow"),
        (&["--targets", "/nonexistent/hosts"], "/nonexistent/hosts"),
    ];
    for (arguments, reason) in cases {
        let line = complaint(arguments, b"");
        assert!(line.contains(reason), "{line}");
    }
    let mut loud = meshping(&[]);
    let output = run(loud.env("MESHPING_LOG", "loud"), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("error, warn, info, debug, trace"));
    let output = run(meshping(&["--targets", "/nonexistent/hosts"]).env("MESHPING_LOG", ""), b"");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("/nonexistent/hosts"),
        "set to nothing is not set"
    );
}

#[test]
fn a_bad_list_of_targets_is_named_by_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hosts");
    let file = path.to_str().unwrap();
    let cases: [(&[u8], &str); 4] = [
        (b"# good\n127.0.0.1 a name\n0.0.0.0\n", ":3: "),
        (b"127.0.0.1\n127.0.0.1 \xff\xfe\n", ":2: not UTF-8"),
        (b"127.0.0.1/5 name\n127.0.0.2/x\n", ":2: "),
        (&b"x".repeat(1_000_000), ":1: longer than"),
    ];
    for (text, place) in cases {
        std::fs::write(&path, text).unwrap();
        let line = complaint(&["--targets", file], b"");
        assert!(line.contains(&format!("{file}{place}")), "{line}");
        let line = complaint(&["--targets", "-"], text);
        assert!(line.contains(&format!("standard input{place}")), "{line}");
    }
    assert!(complaint(&["--targets", "/dev/zero"], b"").contains("/dev/zero:1: longer than"));
    assert!(complaint(&["--targets", directory.path().to_str().unwrap()], b"").contains("directory"));
    let many = "127.0.0.1\n".repeat(200_000);
    assert!(complaint(&["--max-targets", "1", "--targets", "-"], many.as_bytes()).contains("--max-targets"));
}

#[test]
fn help_and_version_go_to_standard_output() {
    let version = concat!("meshping ", env!("CARGO_PKG_VERSION"), "\n");
    for (option, expected) in
        [("--help", "Exit status:"), ("-h", "--web.listen-address"), ("--version", version)]
    {
        let output = run(&mut meshping(&[option]), b"");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected), "{option}");
    }
    let help = String::from_utf8(run(&mut meshping(&["--help"]), b"").stdout).unwrap();
    let options = ["-i, --interval", "-t, --timeout", "--targets", "--control ", "--control-allow"];
    let more = ["--max-targets", "-4", "-6", "--engine", "-q, --quiet", "--log-level", "MESHPING_LOG"];
    for option in options.into_iter().chain(more) {
        assert!(help.contains(option), "{option}: {help}");
    }
}

const WIDE: (u16, u16) = (120, 24);

/// The answer of the daemon in this namespace.
fn http(path: &str) -> Option<String> {
    let mut stream = TcpStream::connect("127.0.0.1:9922").ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Requests sent so far, to all targets together.
fn requests() -> u64 {
    let metrics = http("/metrics").unwrap_or_default();
    let samples = metrics.lines().filter(|line| line.starts_with("meshping_requests_total{"));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// The second column of the table's rows.
fn sent(session: &Session) -> Vec<u64> {
    let screen = session.screen();
    let rows = screen.table().unwrap_or_default().iter().skip(1);
    rows.filter_map(|row| row.split_whitespace().nth(1)?.parse().ok()).collect()
}

#[test]
fn the_table_is_redrawn_in_place_below_the_log_and_stays_at_the_end() {
    inside("the_table_is_redrawn_in_place_below_the_log_and_stays_at_the_end", || {
        let arguments = ["127.0.0.2/0.1", "127.0.0.1", "::1", "\u{202e}.invalid"];
        let mut session = Session::start(meshping(&arguments), WIDE, false);
        session.read();
        wait_until("three rows that count", || sent(&session).len() == 3 && sent(&session)[1] > 15);
        let screen = session.screen();
        assert!(screen.cursor_hidden);
        let table = screen.table().unwrap();
        assert_eq!(table[0], HEADER);
        let first: Vec<&str> = table[1..].iter().map(|row| row.split_whitespace().next().unwrap()).collect();
        assert_eq!(first, ["127.0.0.1", "127.0.0.2", "::1"]);
        let log = &screen.lines[..screen.lines.len() - table.len()];
        assert!(log.iter().any(|line| line.contains("meshping started")), "{log:#?}");
        session.terminate();
        assert_eq!(session.end().code(), Some(0));
        wait_until("the cursor is back", || !session.screen().cursor_hidden);
        assert_eq!(session.screen().table().map(<[String]>::len), Some(4), "{:#?}", session.screen());
    });
}

#[test]
fn the_table_fits_a_terminal_that_changes_its_size() {
    inside("the_table_fits_a_terminal_that_changes_its_size", || {
        let hosts: Vec<String> = (1..=30).map(|host| format!("127.0.0.{host}/0.2")).collect();
        let arguments: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let mut session = Session::start(meshping(&arguments), WIDE, false);
        session.read();
        let last =
            |text: &str| session.screen().table().and_then(<[String]>::last).is_some_and(|l| l == text);
        wait_until("a table of 23 lines", || last("and 9 more"));
        assert_eq!(session.screen().table().unwrap().len(), 23);
        session.resize((40, 6));
        wait_until("a table of 5 lines", || last("and 27 more"));
        let screen = session.screen();
        assert!(screen.table().unwrap().iter().all(|line| line.len() <= 40), "{screen:#?}");
        assert_eq!(screen.table().unwrap().len(), 5);
        session.type_in(b"\x03");
        assert_eq!(session.end().code(), Some(0), "^C is SIGINT");
        wait_until("the cursor is back", || !session.screen().cursor_hidden);
    });
}

#[test]
fn nothing_is_shown_when_it_is_not_wanted() {
    inside("nothing_is_shown_when_it_is_not_wanted", || {
        let mut session = Session::start(meshping(&["-q", "127.0.0.1/0.1"]), WIDE, false);
        session.read();
        wait_until("it pings", || requests() > 15);
        assert_eq!(session.screen().table(), None);
        assert!(!session.screen().cursor_hidden);
        session.terminate();
        assert_eq!(session.end().code(), Some(0));
        let mut silent =
            meshping(&["127.0.0.1/0.1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("it pings", || requests() > 15);
        namespace::run("kill", &["-TERM", &silent.id().to_string()]);
        let mut shown = String::new();
        silent.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        assert_eq!((shown.as_str(), silent.wait().unwrap().code()), ("", Some(0)));
    });
}

#[test]
fn a_terminal_that_nobody_reads_holds_nothing_up() {
    inside("a_terminal_that_nobody_reads_holds_nothing_up", || {
        let hosts: Vec<String> = (1..=100).map(|host| format!("127.0.0.{host}/0.1")).collect();
        let mut arguments: Vec<&str> = hosts.iter().map(String::as_str).collect();
        arguments.push("--log-level=trace");
        // One such table is more than a terminal's buffer takes.
        let mut session = Session::start(meshping(&arguments), (200, 100), false);
        wait_until("it pings and answers all the same", || requests() > 3_000);
        session.terminate();
        assert_eq!(session.end().code(), Some(0));
    });
}

#[test]
fn a_terminal_that_goes_away_does_not_end_the_daemon() {
    inside("a_terminal_that_goes_away_does_not_end_the_daemon", || {
        // As under nohup: without it, to hang up is to end.
        let mut session = Session::start(meshping(&["127.0.0.1/0.1", "::1"]), WIDE, true);
        wait_until("it pings", || requests() > 5);
        session.hang_up();
        let before = requests();
        wait_until("it goes on for some tables", || requests() > before + 30);
        session.terminate();
        assert_eq!(session.end().code(), Some(0));
    });
}

#[test]
fn a_daemon_in_the_foreground_ends_with_its_terminal() {
    inside("a_daemon_in_the_foreground_ends_with_its_terminal", || {
        let mut session = Session::start(meshping(&["127.0.0.1/0.1"]), WIDE, false);
        wait_until("it pings", || requests() > 5);
        session.hang_up();
        assert_eq!(session.end().code(), Some(0));
    });
}
