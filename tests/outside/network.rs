//! A network of the test's own in which everything is known beforehand: IPv4 never answers, IPv6 does at once, names
//! come from a hosts file and from a DNS server that fails in the way that the first label of a name says.

use crate::daemon::Daemon;
use crate::own_network::inside;
use serde_json::{Value, json};
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

/// In front of the shell's `exec`.
const SETUP: &str = "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all
    ip -6 address add fd00::1/128 dev lo && ip -6 address add fd00::2/128 dev lo
    mount -t tmpfs tmpfs /mnt
    printf '127.0.0.1 localhost\n127.0.0.31 one.golden\n127.0.0.32 two.golden\nfd00::2 two.golden\n' >/mnt/hosts
    printf 'nameserver 127.0.0.1\n' >/mnt/resolv.conf
    mount --bind /mnt/hosts /etc/hosts && mount --bind /mnt/resolv.conf /etc/resolv.conf";

/// Runs `body` in it; `test` is the path of the calling test.
pub fn known(test: &str, body: impl FnOnce()) {
    inside(test, SETUP, || {
        let server = UdpSocket::bind("127.0.0.1:53").expect("we are root here");
        thread::spawn(move || serve(&server));
        body();
    });
}

fn serve(server: &UdpSocket) {
    let mut query = [0; 512];
    while let Ok((length, client)) = server.recv_from(&mut query) {
        if let Some(reply) = reply(&query[..length]) {
            let _ = server.send_to(&reply, client);
        }
    }
}

/// The question again, with the code that its first label names; no answer for other names.
fn reply(query: &[u8]) -> Option<Vec<u8>> {
    let label = query.get(13..13 + usize::from(*query.get(12)?))?;
    let code = match label.to_ascii_lowercase().as_slice() {
        b"nodata" => 0,
        b"servfail" => 2,
        b"nxdomain" => 3,
        b"refused" => 5,
        _ => return None,
    };
    let labels = query[12..].iter().position(|&byte| byte == 0)?;
    let question = query.get(12..12 + labels + 5)?;
    let head = [query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0];
    Some([&head, question].concat())
}

/// Waits until each target has sent its first request, and what will become of it within five seconds is known.
pub fn first_requests(daemon: &Daemon) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let list = daemon.ask(&json!({"cmd": "list", "detail": true}));
        if list.as_object().expect("targets").values().all(is_known) {
            return;
        }
        assert!(Instant::now() < give_up, "not known: {list}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn is_known(target: &Value) -> bool {
    let answers = target["af"] == 10;
    let no_route = target["addr"].as_str().is_some_and(|addr| addr.starts_with("192.0.2."));
    let stays_pending = target["timeout"].as_f64().is_none_or(|timeout| timeout > 5.0);
    let settled = ["recv", "errs", "lost"].iter().filter_map(|member| target[member].as_u64()).sum::<u64>();
    let is_settled =
        settled == 1 || (stays_pending && !answers && !no_route && target["interface"] != "eth0");
    target["sent"] == 1 && is_settled
}
