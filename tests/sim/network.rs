//! The simulated network of one namespace: loopback, a TUN device with addresses and routes, the responder.

use super::responder::Responder;
use super::sys;
use std::process::Command;
use std::time::{Duration, Instant};

/// A simulated network, up and answering.
#[derive(Debug)]
pub struct Network {
    /// Who answers.
    pub responder: Responder,
}

/// The TUN device.
pub const DEVICE: &str = "sim0";

impl Network {
    /// Builds the network in the namespace that the process is in, which has to be a fresh one.
    pub fn start() -> Self {
        let tun = sys::open_tun(DEVICE).unwrap_or_else(|error| panic!("no TUN device to be had: {error}"));
        for (key, value) in SYSCTLS {
            sysctl(key, value);
        }
        ip("link set lo up");
        let network = Self { responder: Responder::start(tun) };
        bring_up();
        network
    }

    /// Waits until `condition` holds, for at most `at_most`.
    ///
    /// # Panics
    /// When it does not come to hold; `what` says what was waited for.
    pub fn wait_until(&self, what: &str, at_most: Duration, mut condition: impl FnMut(&Responder) -> bool) {
        let deadline = Instant::now() + at_most;
        while !condition(&self.responder) {
            assert!(Instant::now() < deadline, "not within {at_most:?}: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Takes the interface down: its IPv6 addresses and all its routes go.
pub fn take_down() {
    ip(&format!("link set {DEVICE} down"));
}

/// Brings the interface up, with its addresses and routes.
pub fn bring_up() {
    ip(&format!("link set {DEVICE} txqueuelen 100000 mtu 1500 up"));
    ip(&format!("address replace 10.0.0.1/32 dev {DEVICE}"));
    ip(&format!("route replace 10.0.0.0/8 dev {DEVICE} src 10.0.0.1"));
    ip(&format!("address replace fd77::1/64 dev {DEVICE} nodad"));
    ip(&format!("address replace fe80::1/64 dev {DEVICE} nodad"));
}

/// Adds an ordinary link, `link0` with 192.168.7.1/24, fd78::1/64 and fe80::1, on which there is nobody else: our
/// own kernel will say that hosts are unreachable.
pub fn add_empty_link() {
    ip("link add link0 type veth peer name link1");
    ip("link set link0 addrgenmode none");
    ip("link set link1 addrgenmode none up");
    ip("link set link0 up");
    ip("address add 192.168.7.1/24 dev link0");
    ip("address add fd78::1/64 dev link0 nodad");
    ip("address add fe80::1/64 dev link0 nodad");
}

/// Adds a second TUN device with a responder of its own: 10.0.0.3 and fd77::3, and routes that nobody prefers. It
/// lasts as long as what is returned.
pub fn add_second_device() -> Responder {
    let tun = sys::open_tun(SECOND).unwrap_or_else(|error| panic!("no second TUN device: {error}"));
    sysctl("net/ipv6/conf/sim1/addr_gen_mode", "1");
    // Where a packet comes in need not be where its answer would go.
    for device in ["all", DEVICE, SECOND] {
        sysctl(&format!("net/ipv4/conf/{device}/rp_filter"), "0");
    }
    ip(&format!("link set {SECOND} txqueuelen 100000 mtu 1500 up"));
    ip(&format!("address add 10.0.0.3/32 dev {SECOND}"));
    ip(&format!("route add 10.0.0.0/8 dev {SECOND} metric 99999 src 10.0.0.3"));
    ip(&format!("address add fd77::3/128 dev {SECOND} nodad"));
    ip(&format!("route add fd77::/64 dev {SECOND} metric 99999"));
    Responder::start(tun)
}

/// The second TUN device.
pub const SECOND: &str = "sim1";

/// Nobody but the tests is to send anything, and what routers say is not to change our routes.
const SYSCTLS: [(&str, &str); 8] = [
    ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_ra", "0"),
    ("net/ipv6/conf/default/router_solicitations", "0"),
    ("net/ipv6/conf/sim0/accept_ra", "0"),
    ("net/ipv6/conf/sim0/addr_gen_mode", "1"),
    ("net/ipv6/conf/sim0/accept_redirects", "0"),
    ("net/ipv4/conf/all/accept_redirects", "0"),
    ("net/ipv4/conf/sim0/accept_redirects", "0"),
];

/// Sets a parameter of the kernel for this namespace.
pub fn sysctl(key: &str, value: &str) {
    std::fs::write(format!("/proc/sys/{key}"), value).unwrap_or_else(|error| panic!("sysctl {key}: {error}"));
}

/// How many packets have left a link so far.
pub fn packets_out(link: &str) -> u64 {
    let table = std::fs::read_to_string("/proc/net/dev").expect("there is a network");
    let prefix = format!("{link}:");
    let mut lines = table.lines().filter_map(|line| line.trim_start().strip_prefix(&prefix));
    let figures = lines.next().unwrap_or_else(|| panic!("no link {link}: {table}"));
    // Eight figures of what was received come first, then bytes and packets that were sent.
    figures.split_whitespace().nth(9).and_then(|packets| packets.parse().ok()).expect("a number")
}

/// Runs `ip` (iproute2) with these arguments.
pub fn ip(arguments: &str) {
    iproute2("ip", arguments);
}

/// Runs `tc` (iproute2) with these arguments.
pub fn tc(arguments: &str) {
    iproute2("tc", arguments);
}

fn iproute2(program: &str, arguments: &str) {
    let output = Command::new(program).args(arguments.split(' ')).output().expect("iproute2 is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {text}");
}
