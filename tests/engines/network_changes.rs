//! After a change of the network, every engine pings again within five seconds, without a restart.

use crate::daemon::Daemon;
use crate::kind::{
    Counters, EngineKind, NATIVE_DATAGRAM, NATIVE_RAW, PORTABLE_DATAGRAM, PORTABLE_RAW, add, list,
};
use crate::sim::network::{ip, sysctl, take_down};
use crate::sim::responder::Responder;
use crate::sim::{Network, in_namespace, sys};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Time within which every target has to be answered again.
const RECOVERY: Duration = Duration::from_secs(5);

/// The device that changes.
const CHANGING: &str = "net0";
/// The device that gets its routes.
const OTHER: &str = "net1";

/// A target, by its address.
#[derive(Clone, Copy)]
pub struct Target {
    pub address: &'static str,
    pub options: fn() -> Value,
    /// Whether it names the interface.
    pub bound: bool,
}

pub const fn target(address: &'static str) -> Target {
    Target { address, options: || json!({}), bound: false }
}

const fn bound(address: &'static str) -> Target {
    Target { address, options: || json!({"interface": CHANGING}), bound: true }
}

/// A host of each kind, as far as the engine can ping it.
fn targets(kind: EngineKind) -> Vec<Target> {
    let zoned = Target { bound: true, ..target("fe80::1:0:1%net0") };
    let every = [target("10.1.0.1"), target("fd77::1:0:1"), zoned, bound("fe80::1:0:2")];
    let native = [bound("10.1.0.2"), bound("fd77::1:0:2")];
    every.into_iter().chain(native.into_iter().filter(|_| kind.is_native())).collect()
}

impl Target {
    fn host(self) -> IpAddr {
        self.address.split('%').next().and_then(|ip| ip.parse().ok()).expect("an address")
    }
}

/// Makes a device, on which all hosts answer.
fn make(device: &str) -> Responder {
    let tun = sys::open_tun(device).unwrap_or_else(|error| panic!("no TUN device {device}: {error}"));
    sysctl(&format!("net/ipv6/conf/{device}/addr_gen_mode"), "1");
    sysctl(&format!("net/ipv4/conf/{device}/rp_filter"), "0");
    Responder::start(tun)
}

/// Gives a device its addresses and routes, as an administrator or a daemon does after a change; `own` is the end of
/// each address.
fn configure(device: &str, own: u8) {
    ip(&format!("link set {device} up"));
    ip(&format!("address replace 10.0.0.{own}/32 dev {device}"));
    ip(&format!("address replace fd77::{own}/128 dev {device} nodad"));
    ip(&format!("address replace fe80::{own}/64 dev {device} nodad"));
    route_to(device, own);
}

/// Routes to all hosts; those by the other device are preferred, as long as there are any.
fn route_to(device: &str, own: u8) {
    ip(&format!("route replace 10.1.0.0/16 dev {device} src 10.0.0.{own}"));
    let metric = if device == OTHER { 100 } else { 1_000 };
    ip(&format!("-6 route replace fd77::/64 dev {device} src fd77::{own} metric {metric}"));
}

/// A daemon that pings some targets while the network changes.
pub struct Trial<'a> {
    daemon: Daemon,
    network: &'a Network,
    targets: Vec<Target>,
}

impl<'a> Trial<'a> {
    /// Starts a daemon of that kind with the targets.
    pub fn start(kind: EngineKind, network: &'a Network, targets: Vec<Target>) -> Self {
        let trial = Self { daemon: kind.start("1"), network, targets };
        for target in &trial.targets {
            add(&trial.daemon, target.address, 0.1, &(target.options)());
        }
        trial
    }

    fn counters(&self) -> Vec<Counters> {
        let rows = list(&self.daemon);
        self.targets.iter().map(|target| Counters::of(&rows, target.address)).collect()
    }

    /// Waits until it holds for every target, of its counters at the beginning and now.
    fn wait(&self, what: &str, at_most: Duration, holds: impl Fn(Target, Counters, Counters) -> bool) {
        let (before, deadline) = (self.counters(), Instant::now() + at_most);
        loop {
            let now = self.counters();
            let all = self.targets.iter().zip(before.iter().zip(&now));
            let left: Vec<String> = all
                .filter(|(target, (before, now))| !holds(**target, **before, **now))
                .map(|(target, (before, now))| format!("{}: {before:?}, {now:?}", target.address))
                .collect();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "{what}, not within {at_most:?}:\n{}", left.join("\n"));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until nothing of these targets is answered any more.
    pub fn broken(&self, change: &str, concerns: impl Fn(Target) -> bool) {
        self.wait(&format!("{change}: no answers"), Duration::from_secs(10), |target, before, now| {
            !concerns(target) || now.errs + now.lost >= before.errs + before.lost + 3
        });
    }

    /// Waits until every target is answered again.
    pub fn recovered(&self, change: &str) {
        self.wait(&format!("{change}: answers"), RECOVERY, |_, before, now| now.recv >= before.recv + 3);
    }

    /// Waits until every target of `concerns` gets requests on the device, from this source if it is given.
    fn arrives(&self, change: &str, device: &Responder, concerns: impl Fn(Target) -> bool, own: Option<u8>) {
        let before: Vec<usize> = self.targets.iter().map(|target| device.requests(target.host())).collect();
        let is_own = |source: IpAddr| match (own, source) {
            (None, _) => true,
            (Some(own), IpAddr::V4(v4)) => v4.octets()[3] == own,
            (Some(own), IpAddr::V6(v6)) => v6.segments()[7] == u16::from(own),
        };
        self.network.wait_until(change, RECOVERY, |_| {
            self.targets.iter().zip(&before).all(|(target, before)| {
                let log = device.host(target.host());
                let new = log.requests.iter().skip(*before);
                !concerns(*target) || new.filter(|request| is_own(request.look.source)).count() >= 3
            })
        });
    }

    /// Replaces addresses, routes, and at last the interface, which gets another name.
    fn check_replacements(&self, device: &Responder) {
        configure(CHANGING, 6);
        for old in ["10.0.0.5/32", "fd77::5/128", "fe80::5/64"] {
            ip(&format!("address del {old} dev {CHANGING}"));
        }
        self.arrives("another address", device, every, Some(6));
        self.recovered("another address");

        let other = make(OTHER);
        configure(OTHER, 7);
        self.arrives("another route", &other, |target| !target.bound, Some(7));
        self.arrives("another route, for others", device, |target| target.bound, None);
        self.recovered("another route");
        drop(other);
        configure(CHANGING, 6);
        self.recovered("the route back");

        ip(&format!("link set {CHANGING} down"));
        ip(&format!("link set {CHANGING} name former0"));
        ip("link set former0 up");
        let renamed = make(CHANGING);
        configure(CHANGING, 8);
        self.arrives("another interface of the name", &renamed, every, Some(8));
        self.recovered("another interface of the name");
    }
}

pub fn every(_: Target) -> bool {
    true
}

fn is_v6(target: Target) -> bool {
    target.host().is_ipv6()
}

/// Every change, one after the other.
fn check(network: &Network, kind: EngineKind) {
    // No other route is to answer for the device that changes.
    take_down();
    let disable_ipv6 = |of: &str, value| sysctl(&format!("net/ipv6/conf/{of}/disable_ipv6"), value);
    disable_ipv6("all", "1");
    disable_ipv6("default", "1");
    let trial = Trial::start(kind, network, targets(kind));
    trial.broken("no interface, no IPv6", every);
    disable_ipv6("default", "0");
    disable_ipv6("all", "0");
    let device = make(CHANGING);
    configure(CHANGING, 5);
    trial.recovered("the first interface");

    ip(&format!("link set {CHANGING} down"));
    trial.broken("link down", every);
    configure(CHANGING, 5);
    trial.recovered("link up");

    for scope in [CHANGING, "all"] {
        disable_ipv6(scope, "1");
        trial.broken("IPv6 disabled", is_v6);
        disable_ipv6(scope, "0");
        configure(CHANGING, 5);
        trial.recovered("IPv6 enabled");
    }

    drop(device);
    trial.broken("interface deleted", every);
    let device = make(CHANGING);
    configure(CHANGING, 5);
    trial.recovered("interface made again");
    trial.check_replacements(&device);
}

#[test]
fn native_raw_sockets_get_over_changes_of_the_network() {
    in_namespace(|network| check(network, NATIVE_RAW));
}

#[test]
fn native_datagram_sockets_get_over_changes_of_the_network() {
    in_namespace(|network| check(network, NATIVE_DATAGRAM));
}

#[test]
fn portable_raw_sockets_get_over_changes_of_the_network() {
    in_namespace(|network| check(network, PORTABLE_RAW));
}

#[test]
fn portable_datagram_sockets_get_over_changes_of_the_network() {
    in_namespace(|network| check(network, PORTABLE_DATAGRAM));
}
