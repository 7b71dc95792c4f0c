//! The engines, each with both kinds of sockets, and what a list says of a target.

use crate::daemon::{Daemon, NONE, Start};
use crate::sim::network::sysctl;
use serde_json::{Value, json};

/// An engine and a kind of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineKind {
    /// `native` or `portable`.
    pub engine: &'static str,
    /// `raw` or `dgram`.
    pub socket: &'static str,
}

pub const NATIVE_RAW: EngineKind = EngineKind { engine: "native", socket: "raw" };
pub const NATIVE_DATAGRAM: EngineKind = EngineKind { engine: "native", socket: "dgram" };
pub const PORTABLE_RAW: EngineKind = EngineKind { engine: "portable", socket: "raw" };
pub const PORTABLE_DATAGRAM: EngineKind = EngineKind { engine: "portable", socket: "dgram" };

impl EngineKind {
    pub fn is_native(self) -> bool {
        self.engine == "native"
    }

    pub fn is_raw(self) -> bool {
        self.socket == "raw"
    }

    /// Starts a daemon with this engine and such sockets.
    pub fn start(self, timeout: &str) -> Daemon {
        sysctl("net/ipv4/ping_group_range", "0 0");
        let setpriv: &[&str] = if self.is_raw() { &[] } else { &NONE };
        let arguments = ["--engine", self.engine, "-t", timeout];
        let daemon = Start { setpriv, arguments: &arguments, ..Start::default() }.daemon();
        let metrics = daemon.metrics();
        assert_eq!(metrics.label("meshping_engine_info", "engine"), Some(self.engine));
        assert_eq!(metrics.label("meshping_engine_info", "socket"), Some(self.socket));
        daemon
    }
}

/// Adds a target, or changes its options.
pub fn add(daemon: &Daemon, address: &str, interval: f64, options: &Value) {
    let mut request = json!({"cmd": "add", "addr": address, "itv": interval});
    for (option, value) in options.as_object().expect("an object of options") {
        request[option] = value.clone();
    }
    assert_eq!(daemon.ask(&request), json!({"status": "ok"}), "{request}");
}

/// The counters of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    pub sent: u64,
    pub recv: u64,
    pub errs: u64,
    pub lost: u64,
    pub void: u64,
}

impl Counters {
    /// Those of a target in a list.
    pub fn of(rows: &Value, address: &str) -> Self {
        let row = &rows[address];
        let count = |member: &str| row.get(member).and_then(Value::as_u64).unwrap_or(0);
        let [sent, recv, errs, lost, void] = ["sent", "recv", "errs", "lost", "void"].map(count);
        Self { sent, recv, errs, lost, void }
    }

    pub fn is_settled(self) -> bool {
        self.sent == self.recv + self.errs + self.lost + self.void
    }
}

/// The targets, with their counters.
pub fn list(daemon: &Daemon) -> Value {
    daemon.ask(&json!({"cmd": "list"}))
}
