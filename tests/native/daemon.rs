//! A meshping daemon in the test's namespace, and how to talk to it.

use crate::metrics::Metrics;
use crate::sim::sys::{self, Denial};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// A running daemon; dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    socket: UdpSocket,
}

/// How to start a daemon; by default with every capability that there is in the namespace.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start<'a> {
    /// What `setpriv` is to change; nothing without it.
    pub setpriv: &'a [&'a str],
    /// What the kernel is to deny.
    pub denials: &'a [Denial],
    /// The command line.
    pub arguments: &'a [&'a str],
    /// Another daemon of the same namespace: it has another control socket, and no HTTP.
    pub second: bool,
    /// Where its log goes; with ours without it.
    pub log: Option<&'a Path>,
}

/// A target in `list`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct Row {
    pub sent: u64,
    pub recv: u64,
    pub errs: u64,
    pub lost: u64,
    #[serde(default)]
    pub void: u64,
    pub outd: u64,
    #[serde(default)]
    pub dups: u64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
}

/// A `list`, by address.
pub type Rows = HashMap<IpAddr, Row>;

const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 55_432);
const SECOND_CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 55_433);
const WEB: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9_922);

/// Nothing but the right to open raw sockets.
pub const RAW_ONLY: [&str; 2] = ["--bounding-set=-all,+net_raw", "--inh-caps=-all"];
/// No capability at all.
pub const NONE: [&str; 2] = ["--bounding-set=-all", "--inh-caps=-all"];

impl Start<'_> {
    fn command(self) -> Command {
        let meshping = env!("CARGO_BIN_EXE_meshping");
        let mut command = if self.setpriv.is_empty() {
            Command::new(meshping)
        } else {
            let mut command = Command::new("setpriv");
            command.args(self.setpriv).arg("--").arg(meshping);
            command
        };
        if self.second {
            command.args(["--control", &SECOND_CONTROL.to_string(), "--web.listen-address", "off"]);
        }
        command.args(self.arguments).stdin(Stdio::null()).stdout(Stdio::null());
        if let Some(log) = self.log {
            command.stderr(File::create(log).expect("a place for the log"));
        }
        if !self.denials.is_empty() {
            sys::deny(&mut command, self.denials);
        }
        sys::die_with_us(&mut command);
        command
    }

    /// Starts a daemon that is not expected to stay, and waits for its end.
    pub fn fail(self) -> Output {
        let command = &mut self.command();
        let mut child = command.stderr(Stdio::piped()).spawn().expect("meshping starts");
        wait_for_end(&mut child, Duration::from_secs(10));
        child.wait_with_output().expect("it has ended")
    }

    /// Starts a daemon, and waits until it answers.
    pub fn daemon(self) -> Daemon {
        let child = self.command().env("MESHPING_LOG", "warn").spawn().expect("meshping starts");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback is up");
        socket.connect(if self.second { SECOND_CONTROL } else { CONTROL }).expect("loopback is up");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("not 0");
        let mut daemon = Daemon { child, socket };
        daemon.wait_until_it_answers();
        daemon
    }
}

impl Daemon {
    /// Starts a daemon with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Start { arguments, ..Start::default() }.daemon()
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.try_ask(&json!({"cmd": "noop"})).is_none() {
            let ended = self.child.try_wait().expect("it is our child");
            assert_eq!(ended, None, "meshping ended at once");
            assert!(Instant::now() < deadline, "meshping does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn try_ask(&self, request: &Value) -> Option<Value> {
        let mut buffer = vec![0; 65_536];
        self.socket.send(request.to_string().as_bytes()).ok()?;
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(serde_json::from_slice(&buffer[..length]).expect("replies are JSON"))
    }

    /// Asks over the control socket.
    pub fn ask(&self, request: &Value) -> Value {
        self.try_ask(request).unwrap_or_else(|| panic!("no answer to {request}"))
    }

    /// Adds a host, or changes its interval.
    pub fn add(&self, host: IpAddr, interval: f64) {
        let reply = self.ask(&json!({"cmd": "add", "addr": host, "itv": interval}));
        assert_eq!(reply, json!({"status": "ok"}), "adding {host}");
    }

    /// Adds a host with these options, or changes them.
    pub fn add_with(&self, host: IpAddr, interval: f64, options: &Value) {
        let mut request = json!({"cmd": "add", "addr": host, "itv": interval});
        for (option, value) in options.as_object().expect("an object of options") {
            request[option] = value.clone();
        }
        assert_eq!(self.ask(&request), json!({"status": "ok"}), "{request}");
    }

    /// Lists every target, page by page.
    pub fn list(&self) -> Rows {
        let mut rows = Rows::new();
        let mut request = json!({"cmd": "list", "limit": 200});
        loop {
            // The JSON reader sorts by text, so the last one in address order is to be found.
            let page = rows_of(&self.ask(&request));
            let Some(last) = page.keys().max().copied() else { return rows };
            rows.extend(page);
            request["after"] = json!(last);
        }
    }

    /// Asks for one list.
    pub fn list_with(&self, request: &Value) -> Rows {
        rows_of(&self.ask(request))
    }

    /// Scrapes the metrics.
    #[expect(clippy::unused_self, reason = "the only daemon of the namespace is meant")]
    pub fn metrics(&self) -> Metrics {
        let mut stream = TcpStream::connect(WEB).expect("meshping serves HTTP");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("not 0");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            .expect("meshping reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer of text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.lines().next().is_some_and(|status| status.contains(" 200 ")), "{head}");
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if chunked { Metrics::parse(&unchunk(body)) } else { Metrics::parse(body) }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        sys::signal(self.pid(), signal).expect("it runs");
    }

    /// Waits for its end.
    pub fn wait(&mut self, at_most: Duration) -> ExitStatus {
        wait_for_end(&mut self.child, at_most)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for_end(child: &mut Child, at_most: Duration) -> ExitStatus {
    let deadline = Instant::now() + at_most;
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        assert!(Instant::now() < deadline, "meshping did not end within {at_most:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes the chunked coding (RFC 9112 §7.1) off a body.
fn unchunk(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size in hexadecimal");
        text.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    text
}

fn rows_of(reply: &Value) -> Rows {
    Rows::deserialize(reply).unwrap_or_else(|error| panic!("{error}: {reply}"))
}

impl Row {
    /// Requests sent and not settled yet.
    ///
    /// # Panics
    /// When more is settled than was sent.
    pub fn in_flight(&self) -> u64 {
        let settled = self.recv + self.errs + self.lost + self.void;
        self.sent.checked_sub(settled).unwrap_or_else(|| panic!("more settled than sent: {self:?}"))
    }

    /// What holds at every moment.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&self, host: IpAddr) {
        self.in_flight();
        if self.recv == 0 {
            assert_eq!((self.sum, self.min, self.max, self.last), (0.0, 0.0, 0.0, 0.0), "{host}");
            return;
        }
        // Whole microseconds, so that comparing is exact.
        let [sum, min, max, last] =
            [self.sum, self.min, self.max, self.last].map(|seconds| (seconds * 1e6).round());
        assert!(min >= 1.0 && min <= last && last <= max, "{host}: {self:?}");
        let recv = self.recv as f64;
        assert!(min * recv <= sum && sum <= max * recv, "{host}: {self:?}");
    }
}
