//! A client is pinged while it obtains, keeps, changes and loses its lease.

use super::client::{Client, Wire};
use super::host::Host;
use super::own_network::ask;
use super::server::Kind::{self, Dhcpd, Kea};
use super::{Target, is_pinged, nobody_is_pinged, server, targets, wait_for, with_meshping};

/// A dhclient that answers pings.
fn is_pinged_while_it_has_a_lease(kind: Kind, test: &str) {
    with_meshping(test, |directory, _meshping| {
        let _server = server::start(kind, directory, 6);
        let host = Host::new(directory);
        let dhclient = host.ask_for_an_address();
        let answered = |target: &Target| target.name == "printer" && target.recv > 0;
        wait_for("an answer of the client", directory, || targets().iter().any(answered));
        let addr = targets()[0].addr.clone();
        let faster = format!(r#"{{"cmd": "add", "addr": "{addr}", "name": "printer", "itv": 0.05}}"#);
        wait_for("some requests", directory, || ask(&faster).is_some() && targets()[0].sent > 5);
        // The hook of the renewal says 30 s again.
        wait_for("a renewal", directory, || is_pinged(&addr, "printer"));
        let target = &targets()[0];
        assert!(target.sent > 5 && target.recv > 5, "a renewal keeps the statistics: {target:?}");
        host.release();
        drop(dhclient);
        wait_for("a release", directory, nobody_is_pinged);
        let dhclient = host.ask_for_an_address();
        wait_for("another lease", directory, || targets().iter().any(|target| target.name == "printer"));
        drop(dhclient);
        wait_for("the lease to expire", directory, nobody_is_pinged);
    });
}

#[test]
fn dhcpd_has_a_dhclient_pinged_while_it_has_a_lease() {
    is_pinged_while_it_has_a_lease(
        Dhcpd,
        "lease_lifecycle::dhcpd_has_a_dhclient_pinged_while_it_has_a_lease",
    );
}

#[test]
fn kea_has_a_dhclient_pinged_while_it_has_a_lease() {
    is_pinged_while_it_has_a_lease(Kea, "lease_lifecycle::kea_has_a_dhclient_pinged_while_it_has_a_lease");
}

/// What clients call themselves, and what Kea makes of it when that is more than lower case: it drops names that it
/// can't read as domain names.
const NAMES: [(&[u8], Option<&str>); 9] = [
    (b"printer", None),
    (b"", None),
    (b"-rf", None),
    (b"--help", None),
    (b"it's \"quoted\" $(id)", None),
    (b"`id`;*\\n%s\\", Some("")),
    (b"a\nb\x1b[2J", None),
    (b"M\xfcller", None),
    (&[b'x'; 255], Some("")),
];

/// All of them. Who has no name, or none that can be had, is called by the address.
fn are_pinged_whatever_they_are_called(kind: Kind, test: &str) {
    with_meshping(test, |directory, _meshping| {
        let _server = server::start(kind, directory, 600);
        let wire = Wire::new();
        for (number, (name, by_kea)) in (1..).zip(NAMES) {
            let client = Client::new(&wire, number, Some(name).filter(|name| !name.is_empty()));
            let (addr, _) = client.lease();
            let sent = String::from_utf8_lossy(&name[..name.len().min(253)]).into_owned();
            let heard = match kind {
                Dhcpd => sent,
                Kea => by_kea.map_or_else(|| sent.to_lowercase(), str::to_owned),
            };
            let called = if heard.is_empty() { &addr } else { &heard };
            wait_for(called, directory, || is_pinged(&addr, called));
            client.release(&addr);
            wait_for("a release", directory, nobody_is_pinged);
        }
    });
}

#[test]
fn clients_of_dhcpd_are_pinged_whatever_they_are_called() {
    are_pinged_whatever_they_are_called(
        Dhcpd,
        "lease_lifecycle::clients_of_dhcpd_are_pinged_whatever_they_are_called",
    );
}

#[test]
fn clients_of_kea_are_pinged_whatever_they_are_called() {
    are_pinged_whatever_they_are_called(
        Kea,
        "lease_lifecycle::clients_of_kea_are_pinged_whatever_they_are_called",
    );
}

/// Two clients, and the address of one becomes that of the other.
fn has_its_own_name_at_another_s_address(kind: Kind, test: &str) {
    with_meshping(test, |directory, _meshping| {
        let _server = server::start(kind, directory, 600);
        let wire = Wire::new();
        let [first, second] = [(1, b"first".as_slice()), (2, b"second")]
            .map(|(number, name)| Client::new(&wire, number, Some(name)));
        let (old, _) = first.lease();
        wait_for("a lease", directory, || is_pinged(&old, "first"));
        first.release(&old);
        wait_for("a release", directory, nobody_is_pinged);
        assert_eq!(second.wanting(&old).lease().0, old);
        wait_for("the same address", directory, || is_pinged(&old, "second"));
        let (new, _) = first.lease();
        wait_for("another address", directory, || is_pinged(&new, "first"));
        assert!(new != old && is_pinged(&old, "second") && targets().len() == 2, "{:?}", targets());
        if kind == Dhcpd {
            Client::new(&wire, 2, Some(b"renamed")).confirm(&old);
            wait_for("another name", directory, || is_pinged(&old, "renamed"));
            assert_eq!(targets().len(), 2);
        }
    });
}

#[test]
fn a_client_of_dhcpd_has_its_own_name_at_another_s_address() {
    has_its_own_name_at_another_s_address(
        Dhcpd,
        "lease_lifecycle::a_client_of_dhcpd_has_its_own_name_at_another_s_address",
    );
}

#[test]
fn a_client_of_kea_has_its_own_name_at_another_s_address() {
    has_its_own_name_at_another_s_address(
        Kea,
        "lease_lifecycle::a_client_of_kea_has_its_own_name_at_another_s_address",
    );
}
