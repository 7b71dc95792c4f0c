//! The same on an Ethernet link, to whose neighbour the kernels have to find the way again.

use crate::kind::{EngineKind, NATIVE_DATAGRAM, NATIVE_RAW, PORTABLE_DATAGRAM, PORTABLE_RAW};
use crate::network_changes::{Target, Trial, every, target};
use crate::peer::{add_peer, bring_up_near};
use crate::sim::network::{ip, take_down};
use crate::sim::{Network, in_namespace};
use serde_json::json;

const fn bound(address: &'static str) -> Target {
    Target { options: || json!({"interface": "near0"}), bound: true, ..target(address) }
}

fn check(network: &Network, kind: EngineKind) {
    take_down();
    let peer = add_peer();
    let targets = [target("192.168.8.2"), target("fd88::2"), target("fe80::2%near0"), bound("fe80::2")];
    let trial = Trial::start(kind, network, targets.to_vec());
    trial.recovered("at the start");

    peer.run("ip link set far0 down");
    trial.broken("no carrier", every);
    peer.bring_up_far();
    trial.recovered("carrier");

    ip("link set near0 down");
    trial.broken("link down", every);
    bring_up_near();
    trial.recovered("link up");

    peer.run("ip address flush dev far0");
    trial.broken("no such neighbour", every);
    peer.bring_up_far();
    trial.recovered("a neighbour");

    ip("link del near0");
    trial.broken("link deleted", every);
    peer.link();
    trial.recovered("link made again, with other MAC addresses");
}

#[test]
fn native_raw_sockets_find_a_neighbour_again() {
    in_namespace(|network| check(network, NATIVE_RAW));
}

#[test]
fn native_datagram_sockets_find_a_neighbour_again() {
    in_namespace(|network| check(network, NATIVE_DATAGRAM));
}

#[test]
fn portable_raw_sockets_find_a_neighbour_again() {
    in_namespace(|network| check(network, PORTABLE_RAW));
}

#[test]
fn portable_datagram_sockets_find_a_neighbour_again() {
    in_namespace(|network| check(network, PORTABLE_DATAGRAM));
}
