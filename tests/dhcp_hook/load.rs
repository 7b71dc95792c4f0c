//! How long a server is held up, and many leases at once.

use super::client::{Client, Wire, leases};
use super::own_network::Running;
use super::server::Kind::{self, Dhcpd, Kea};
use super::{nobody_is_pinged, server, targets, wait_for, with_meshping};
use std::collections::BTreeSet;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long one lease may hold up the server.
const AT_MOST: Duration = Duration::from_millis(500);

fn signal(running: &Running, signal: &str) {
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
}

/// Ten clients, one after the other.
fn ten_leases(wire: &Wire, first: u8) {
    let clients = (first..first + 10).map(|number| Client::new(wire, number, None));
    let times: Vec<Duration> = clients.map(|client| client.lease().1).collect();
    println!("ten leases: {times:?}");
    assert!(times.iter().sum::<Duration>() < AT_MOST * 10, "{times:?}");
}

/// Meshping hangs, twenty clients come, and their leases expire at the same time; then it reads what it was told.
fn is_not_held_up(kind: Kind, test: &str) {
    with_meshping(test, |directory, meshping| {
        let _server = server::start(kind, directory, 4);
        let wire = Wire::new();
        signal(&meshping, "-STOP");
        ten_leases(&wire, 1);
        ten_leases(&wire, 11);
        let stays = Client::new(&wire, 99, None);
        let (addr, _) = stays.lease();
        let (start, mut slowest) = (Instant::now(), Duration::ZERO);
        while start.elapsed() < Duration::from_secs(7) {
            slowest = slowest.max(stays.confirm(&addr));
            thread::sleep(Duration::from_millis(200));
        }
        println!("while twenty leases expire: {slowest:?}");
        assert!(slowest < AT_MOST * 5, "leases that expire hold up the server: {slowest:?}");
        signal(&meshping, "-CONT");
        wait_for("what meshping was told", directory, || {
            stays.confirm(&addr);
            matches!(&targets()[..], [target] if target.addr == addr)
        });
        drop(meshping);
        ten_leases(&wire, 21);
    });
}

#[test]
fn dhcpd_is_not_held_up_by_a_meshping_that_does_not_answer() {
    is_not_held_up(Dhcpd, "load::dhcpd_is_not_held_up_by_a_meshping_that_does_not_answer");
}

#[test]
fn kea_is_not_held_up_by_a_meshping_that_does_not_answer() {
    is_not_held_up(Kea, "load::kea_is_not_held_up_by_a_meshping_that_does_not_answer");
}

/// Everybody comes and goes at the same time, as after a power cut.
fn has_each_of_many_clients_pinged(kind: Kind, test: &str) {
    with_meshping(test, |directory, _meshping| {
        let _server = server::start(kind, directory, 600);
        let wire = Wire::new();
        let clients: Vec<Client> = (1..=90).map(|number| Client::new(&wire, number, Some(b"same"))).collect();
        let start = Instant::now();
        let held = leases(&clients);
        println!("{} leases at once: {:?}", held.len(), start.elapsed());
        let expected: BTreeSet<String> = held.iter().map(ToString::to_string).collect();
        assert_eq!(expected.len(), clients.len());
        let are_pinged = || targets().into_iter().map(|target| target.addr).collect::<BTreeSet<_>>();
        wait_for("many targets", directory, || are_pinged() == expected);
        for (client, address) in clients.iter().zip(held) {
            client.release(&address.to_string());
        }
        wait_for("many releases", directory, nobody_is_pinged);
    });
}

#[test]
fn dhcpd_has_each_of_many_clients_pinged() {
    has_each_of_many_clients_pinged(Dhcpd, "load::dhcpd_has_each_of_many_clients_pinged");
}

#[test]
fn kea_has_each_of_many_clients_pinged() {
    has_each_of_many_clients_pinged(Kea, "load::kea_has_each_of_many_clients_pinged");
}
