//! A network of the test's own: the test runs again under `unshare`, where it is root and alone.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const INSIDE: &str = "MESHPING_OWN_NETWORK";

/// Runs `body` in the namespaces, after the shell commands of `setup`; `test` is the name of the calling test.
pub fn inside(test: &str, setup: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let status = Command::new("unshare")
        .args(["-rnmp", "--fork", "--kill-child", "--mount-proc", "--"])
        .args(["sh", "-c", &format!("ip link set lo up && {setup} && exec \"$@\""), "sh"])
        .arg(std::env::current_exe().expect("a test knows its binary"))
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare (util-linux) runs");
    assert!(status.success(), "{test} failed in its namespace: {status}");
}

/// A process that ends with the value.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One reply of the daemon's control socket, if there is one within a second.
pub fn ask(request: &str) -> Option<String> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    socket.connect("127.0.0.1:55432").ok()?;
    socket.send(request.as_bytes()).ok()?;
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).ok()?;
    String::from_utf8(buffer[..length].to_vec()).ok()
}

/// The daemon, answering.
pub fn start_meshping(arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
    let running =
        Running(command.arg("-q").args(arguments).stdin(Stdio::null()).spawn().expect("meshping runs"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask(r#"{"cmd": "noop"}"#).is_none() {
        assert!(Instant::now() < deadline, "meshping does not answer");
        thread::sleep(Duration::from_millis(50));
    }
    running
}
