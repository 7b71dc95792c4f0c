//! A directory for the state, and daemons that come and go on it.

use crate::daemon::Daemon;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes longer, unless something is broken.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A directory for the state.
pub struct Fixture(TempDir);

impl Fixture {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A daemon on it. Dropped, it is killed as by `kill -9`.
    pub fn daemon(&self, args: &[&str]) -> Daemon {
        let directory = self.path().to_str().expect("UTF-8");
        Daemon::start(&[&["--state-dir", directory, "-i", "60"], args].concat())
    }
}

/// Sends an add.
pub fn add(daemon: &Daemon, name: &str, addr: &str, itv: &str) -> Value {
    daemon.ask(&json!({"cmd": "add", "name": name, "addr": addr, "itv": itv}))
}

/// What the daemon lists: address, name and interval.
pub fn listed(daemon: &Daemon) -> Vec<(String, String, f64)> {
    let (mut all, mut after, give_up) = (Vec::new(), String::new(), Instant::now() + DEADLINE);
    loop {
        let page = daemon.ask(&json!({"cmd": "list", "limit": 1000, "after": after}));
        let page = page.as_object().expect("an object");
        // Just started, with many targets, it may be busy.
        if page.contains_key("status") {
            assert!(Instant::now() < give_up, "{page:?}");
            continue;
        }
        if page.is_empty() {
            return all;
        }
        for (address, target) in page {
            let name = target["name"].as_str().expect("a name").to_owned();
            all.push((address.clone(), name, target["itv"].as_f64().expect("a number")));
        }
        // serde_json sorts them as texts.
        let last = page.keys().max_by_key(|address| address.parse::<std::net::IpAddr>().expect("an address"));
        last.expect("there is one").clone_into(&mut after);
    }
}

/// Waits for a condition.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < give_up, "it never came: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The answer to a change that was made, and is not on disk.
pub fn assert_not_saved(reply: &Value) {
    let message = reply["errmessage"].as_str().unwrap_or_default();
    assert!(reply["status"] == "error" && message.starts_with("applied, not saved: "), "{reply}");
    assert!(message.len() > "applied, not saved: ".len(), "it does not say why: {message}");
}
