//! A daemon of the test's own, on ports that the system chose; stopped when it is dropped.

#![allow(dead_code, reason = "each test uses what it needs of it")]
#![allow(clippy::panic, reason = "it is part of tests")]

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A running meshping.
pub struct Daemon {
    child: Child,
    control: SocketAddr,
    http: SocketAddr,
    log: Arc<Mutex<String>>,
}

/// So long a daemon may take until it answers, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The contract promises every answer within this.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(400);

impl Daemon {
    /// Starts a daemon with these arguments, and waits until it answers.
    pub fn start(args: &[&str]) -> Self {
        // Between our closing a free port and the daemon's opening it somebody else may take it.
        let mut attempts = (0..3).map(|_| Self::attempt(args));
        let started = attempts.find_map(Result::ok);
        started.unwrap_or_else(|| panic!("no daemon: {}", Self::attempt(args).err().unwrap_or_default()))
    }

    /// Like [`Self::start`], by a program that gets the command line as its last arguments.
    pub fn start_by(program: &[&str], args: &[&str]) -> Self {
        Self::attempt_by(program, args).unwrap_or_else(|error| panic!("no daemon: {error}"))
    }

    fn attempt(args: &[&str]) -> Result<Self, String> {
        Self::attempt_by(&[], args)
    }

    fn attempt_by(program: &[&str], args: &[&str]) -> Result<Self, String> {
        let control = free_udp_port();
        let http = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let http = http.expect("a free port");
        let words: Vec<&str> = program.iter().copied().chain([env!("CARGO_BIN_EXE_meshping")]).collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(["--control", &control.to_string(), "--web.listen-address", &http.to_string()])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon can be run");
        let mut daemon = Self { child, control, http, log: Arc::default() };
        daemon.read_log();
        daemon.wait_until_listening()
    }

    fn read_log(&mut self) {
        let (stderr, log) = (self.child.stderr.take().expect("it is piped"), Arc::clone(&self.log));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = log.lock().expect("no panic");
                log.push_str(&line);
                log.push('\n');
            }
        });
    }

    fn wait_until_listening(mut self) -> Result<Self, String> {
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            if let Ok(Some(status)) = self.child.try_wait() {
                thread::sleep(Duration::from_millis(50));
                return Err(format!("it ended with {status}: {}", self.log()));
            }
            // The log, not a question: there may be a rule that nobody is answered.
            if self.log().contains("control socket listening") {
                return Ok(self);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("it does not listen: {}", self.log()))
    }

    /// Address of the control socket.
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Address of the HTTP server.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The daemon's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a service manager does, and waits until it has ended.
    pub fn terminate(mut self) -> ExitStatus {
        let told = Command::new("kill").arg(self.pid().to_string()).status().expect("kill runs");
        assert!(told.success(), "it runs");
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < give_up, "it does not end: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    /// Sends a request and reads the reply.
    pub fn ask(&self, request: &Value) -> Value {
        let reply = self.ask_text(&request.to_string());
        serde_json::from_str(&reply).unwrap_or_else(|error| panic!("{request}: {error}: {reply}"))
    }

    /// Sends a datagram and reads the reply as text.
    pub fn ask_text(&self, request: &str) -> String {
        // Longer than the contract allows, since the machine may be busy with other tests.
        let reply = self.ask_for(request.as_bytes(), 5 * ANSWER_WITHIN);
        let reply = reply.unwrap_or_else(|| panic!("no reply to {request:?}; the log: {}", self.log()));
        String::from_utf8(reply).expect("replies are UTF-8")
    }

    /// Sends a datagram; `None` if there is no reply as long as the contract allows.
    pub fn ask_raw(&self, request: &[u8]) -> Option<Vec<u8>> {
        self.ask_for(request, ANSWER_WITHIN)
    }

    fn ask_for(&self, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let socket = self.client();
        socket.set_read_timeout(Some(patience)).expect("a timeout");
        socket.send(request).expect("loopback takes it");
        let mut buffer = vec![0; 65_536];
        let length = socket.recv(&mut buffer).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }

    /// A socket connected to the control socket, which waits no longer than the contract allows.
    pub fn client(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.connect(self.control).expect("loopback");
        socket.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
        socket
    }

    /// Asks for the list until it satisfies `condition`, for at most ten seconds.
    pub fn list_until(&self, condition: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + Duration::from_secs(10);
        loop {
            let list = self.ask(&serde_json::json!({"cmd": "list"}));
            if condition(&list) {
                return list;
            }
            assert!(Instant::now() < give_up, "it never came: {list}; the log: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_udp_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}
