//! Clients that read a scrape slowly, and the scrapes that wait for them.

use crate::client::{Tls, request};
use crate::daemon::Daemon;
use crate::raw::Raw;
use crate::server::{Files, tls};
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// Number of targets: a scrape has more than ten megabytes, far more than all buffers between both programs.
const TARGETS: usize = 5_000;

/// A file with the targets, on loopback and hardly ever pinged.
fn targets() -> NamedTempFile {
    let mut list = String::new();
    for target in 0..TARGETS {
        let (third, fourth) = (target / 250, target % 250 + 1);
        writeln!(list, "127.9.{third}.{fourth}/86400 host-{target:05}.of-a-long-name.example")
            .expect("a string");
    }
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(list.as_bytes()).expect("written");
    file
}

fn start(options: &[&str]) -> (Daemon, NamedTempFile) {
    let file = targets();
    let path = file.path().to_str().expect("UTF-8").to_owned();
    let daemon = Daemon::start(&[&["--targets", &path], options].concat());
    crate::server::until("all targets", || crate::client::get(daemon.http(), "/-/ready").status == 200);
    (daemon, file)
}

/// What a client got of a body.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Whole,
    /// The connection was reset.
    Reset,
    /// The connection was closed in the middle of a chunk, or without the last one.
    Part,
    /// The connection was closed, and the end of the connection is the end of the body.
    Closed,
}

/// A scrape whose client has read the head and no more.
fn begin(daemon: &Daemon, version: &str) -> TcpStream {
    let mut stream = crate::client::connect(daemon.http()).expect("it listens");
    let ask = format!("GET /metrics HTTP/{version}\r\nHost: localhost\r\n\r\n");
    stream.write_all(ask.as_bytes()).expect("it reads");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("it answers");
    assert_eq!(&first[9..], b"200");
    stream
}

/// Reads to the end, 64 kB each half second if `slowly`.
fn read(mut stream: impl Read, slowly: bool, is_chunked: bool) -> Got {
    let (mut piece, mut last) = (vec![0; 65_536], Vec::new());
    loop {
        match stream.read(&mut piece) {
            Ok(0) if !is_chunked => return Got::Closed,
            Ok(0) => return Got::Part,
            Ok(length) => {
                last.extend_from_slice(&piece[..length]);
                last.drain(..last.len().saturating_sub(7));
                if is_chunked && last == b"\r\n0\r\n\r\n" {
                    return Got::Whole;
                }
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Got::Reset,
            Err(error) => panic!("{error}"),
        }
        if slowly {
            thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Status, Retry-After and number of targets of a scrape.
type Scrape = (u16, Option<String>, usize);

/// So many scrapes at once.
fn scrapes(daemon: &Daemon, number: usize) -> Vec<Scrape> {
    thread::scope(|scope| {
        let scrapes: Vec<_> = (0..number).map(|_| scope.spawn(|| scrape(daemon))).collect();
        scrapes.into_iter().map(|scrape| scrape.join().expect("no panic")).collect()
    })
}

fn scrape(daemon: &Daemon) -> Scrape {
    let mut raw = Raw::connect(daemon.http());
    raw.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = raw.response("GET").expect("a whole response");
    let text = String::from_utf8_lossy(&response.body);
    let targets = text.matches("\nmeshping_requests_total{").count();
    (response.status, response.field("retry-after").map(str::to_owned), targets)
}

#[test]
fn a_slow_reader_is_reset_for_a_scrape_that_waits() {
    let (daemon, _file) = start(&["--web.max-scrapes", "1"]);
    for (version, is_chunked) in [("1.1", true), ("1.0", false)] {
        let slow = begin(&daemon, version);
        let slow = thread::spawn(move || read(slow, true, is_chunked));
        assert_eq!(scrape(&daemon), (200, None, TARGETS), "HTTP/{version}");
        assert_eq!(slow.join().expect("no panic"), Got::Reset, "HTTP/{version}");
        let stalled = begin(&daemon, version);
        assert_eq!(scrape(&daemon), (200, None, TARGETS), "HTTP/{version}");
        assert_eq!(read(stalled, false, is_chunked), Got::Reset, "HTTP/{version}");
    }
}

#[test]
fn two_slow_readers_shut_out_no_scrape() {
    let (daemon, _file) = start(&[]);
    let slow = [begin(&daemon, "1.1"), begin(&daemon, "1.1")]
        .map(|stream| thread::spawn(move || read(stream, true, true)));
    for _ in 0..3 {
        assert_eq!(scrapes(&daemon, 2), [(200, None, TARGETS), (200, None, TARGETS)]);
    }
    // The one that no scrape has waited for ends now.
    drop(daemon);
    for reader in slow {
        assert_ne!(reader.join().expect("no panic"), Got::Whole);
    }
}

#[test]
fn a_slow_reader_with_tls_is_reset_too() {
    let (files, list) = (Files::new(), targets());
    files.configure(&tls(&[]));
    let (web, path) = (files.path("web.yml"), list.path().to_str().expect("UTF-8").to_owned());
    let web = web.to_str().expect("UTF-8");
    let daemon = Daemon::start(&["--web.max-scrapes", "1", "--targets", &path, "--web.config.file", web]);
    let client = Tls::new(&files.authority.pem(), None);
    crate::server::until("all targets", || {
        client.get(daemon.http(), "/-/ready").is_ok_and(|answer| answer.status == 200)
    });
    let begin = || {
        let mut stream = client.connect(daemon.http()).expect("a handshake");
        stream.write_all(request("GET", "/metrics", &[]).as_bytes()).expect("it reads");
        let mut first = [0; 12];
        stream.read_exact(&mut first).expect("it answers");
        assert_eq!(&first[9..], b"200");
        stream
    };
    let slow = begin();
    assert_eq!(read(begin(), false, true), Got::Whole);
    assert_eq!(read(slow, false, true), Got::Reset);
}

#[test]
fn fast_readers_keep_their_slots_and_a_third_scrape_waits_a_second_for_them() {
    let (daemon, _file) = start(&[]);
    // A reader of 5 MB/s.
    let steady = |mut stream: TcpStream, begun: &mpsc::Sender<()>| {
        begun.send(()).expect("it is awaited");
        let (start, mut length) = (Instant::now(), 0);
        let (mut piece, mut last) = (vec![0; 65_536], Vec::new());
        while last != b"\r\n0\r\n\r\n" {
            let read = stream.read(&mut piece).expect("it is not reset");
            assert!(read > 0, "a part of {length} bytes");
            length += read;
            last.extend_from_slice(&piece[..read]);
            last.drain(..last.len().saturating_sub(7));
            let due = start + Duration::from_micros(length as u64 / 5);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        start.elapsed()
    };
    let (sender, begun) = mpsc::channel();
    let (took, waited, answer) = thread::scope(|scope| {
        // Each reads as soon as it has begun.
        let readers = [sender.clone(), sender].map(|sender| {
            let daemon = &daemon;
            scope.spawn(move || steady(begin(daemon, "1.1"), &sender))
        });
        (0..2).for_each(|_| begun.recv().expect("both begin"));
        let start = Instant::now();
        let (answer, waited) = (scrape(&daemon), start.elapsed());
        (readers.map(|reader| reader.join().expect("no panic")), waited, answer)
    });
    assert!(took.iter().all(|took| *took > Duration::from_secs(2)), "too short to compare: {took:?}");
    assert_eq!((answer.0, answer.1.as_deref()), (503, Some("1")));
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert_eq!(scrape(&daemon), (200, None, TARGETS));
}

#[test]
fn slow_readers_take_their_time_while_none_waits() {
    let (daemon, _file) = start(&[]);
    let readers = [begin(&daemon, "1.1"), begin(&daemon, "1.1")];
    thread::sleep(Duration::from_secs(3));
    for reader in readers {
        assert_eq!(read(reader, false, true), Got::Whole);
    }
}

#[test]
fn the_number_of_scrapes_is_an_option() {
    for max in ["1", "3"] {
        let (daemon, _file) = start(&["--web.max-scrapes", max]);
        let max = max.parse().expect("a number");
        // So many are answered and none of them is reset.
        let readers: Vec<_> = (0..max).map(|_| begin(&daemon, "1.1")).collect();
        for reader in readers {
            assert_eq!(read(reader, false, true), Got::Whole, "{max}");
        }
        // One more, for which at least one that reads nothing is reset.
        let readers: Vec<_> = (0..max).map(|_| begin(&daemon, "1.1")).collect();
        assert_eq!(scrape(&daemon), (200, None, TARGETS), "{max}");
        drop((daemon, readers));
    }
    for value in ["0", "101", "-1", "many"] {
        let output = Command::new(env!("CARGO_BIN_EXE_meshping")).args(["--web.max-scrapes", value]).output();
        let output = output.expect("meshping runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{value}: {text}");
        assert!(value == "-1" || text.contains("a whole number from 1 to 100"), "{value}: {text}");
    }
}
