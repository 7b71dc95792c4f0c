//! A neighbour in a namespace of its own, where the kernel answers.

use crate::sim::network::ip;
use crate::sim::sys;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A link of 1280 bytes to a namespace of its own, where the kernel answers: 192.168.8.2 and fd88::2.
pub fn add_peer() -> Peer {
    let mut command = Command::new("unshare");
    let peer = sys::die_with_us(command.args(["-n", "sleep", "120"])).spawn().expect("unshare (util-linux)");
    let pid = peer.id();
    let peer = Peer(peer);
    let ours = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|theirs| theirs == ours) {
        assert!(Instant::now() < deadline, "unshare takes its time");
        std::thread::sleep(Duration::from_millis(5));
    }
    peer.link();
    peer
}

/// Brings our end up, with its addresses.
pub fn bring_up_near() {
    ip("address replace 192.168.8.1/24 dev near0");
    ip("link set near0 up");
    ip("address replace fd88::1/64 dev near0 nodad");
    ip("address replace fe80::1/64 dev near0 nodad");
}

/// The namespace; dropping it ends it.
pub struct Peer(Child);

impl Peer {
    /// Makes the link; it must not exist.
    pub fn link(&self) {
        let pid = self.0.id();
        ip(&format!("link add near0 mtu 1280 type veth peer name far0 mtu 1280 netns {pid}"));
        bring_up_near();
        self.bring_up_far();
    }

    /// Brings the other end up, with its addresses.
    pub fn bring_up_far(&self) {
        self.run(
            "ip address replace 192.168.8.2/24 dev far0 && ip link set far0 up \
             && ip address replace fd88::2/64 dev far0 nodad && ip address replace fe80::2/64 dev far0 nodad",
        );
    }

    /// Runs a shell command in the namespace.
    pub fn run(&self, script: &str) {
        let pid = self.0.id().to_string();
        let status = Command::new("nsenter").args(["-t", &pid, "-n", "sh", "-c", script]).status();
        assert!(status.is_ok_and(|status| status.success()), "nsenter (util-linux): {script}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
