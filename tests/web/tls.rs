//! TLS, and the certificates of clients.

use crate::certificates::Authority;
use crate::client::{Tls, connect, get};
use crate::server::{Files, TIMEOUT, tls};
use rustls::crypto::SupportedKxGroup;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, NamedGroup, ProtocolVersion};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn every_page_is_served_over_tls_and_plain_requests_get_an_explanation() {
    let files = Files::new();
    let daemon = files.start(&tls(&[]));
    let client = Tls::new(&files.authority.pem(), None);
    for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
        let answer = client.get(daemon.http(), path).expect("a whole response");
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-security-policy").is_some(), "{path}");
    }
    let reply = get(daemon.http(), "/metrics");
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("https://"), "{reply:?}");
    let untrusting = Tls::new(&Authority::new("another authority").pem(), None);
    assert!(untrusting.get(daemon.http(), "/").is_err(), "the certificate is that of the file");
}

#[test]
fn versions_suites_and_groups_are_those_of_the_file() {
    let files = Files::new();
    let authority = files.authority.pem();
    let (old, new) = (Tls::of(&[&TLS12], &authority, None), Tls::of(&[&TLS13], &authority, None));
    let both = Tls::new(&authority, None);
    let cases: [(&[&str], [bool; 2]); 3] = [
        (&[], [true, true]),
        (&["min_version: TLS13"], [false, true]),
        (&["max_version: TLS12"], [true, false]),
    ];
    for (lines, expected) in cases {
        let daemon = files.start(&tls(lines));
        let served = [&old, &new].map(|client| client.get(daemon.http(), "/-/healthy").is_ok());
        assert_eq!(served, expected, "{lines:?}");
    }
    let lines = [
        "max_version: TLS12",
        "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
        "curve_preferences: [CurveP384]",
    ];
    let daemon = files.start(&tls(&lines));
    let session = both.connect(daemon.http()).expect("a handshake").conn;
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let suite = session.negotiated_cipher_suite().map(|suite| suite.suite());
    assert_eq!(
        suite,
        Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
        "the first one of ours"
    );
    let group = session.negotiated_key_exchange_group().map(SupportedKxGroup::name);
    assert_eq!(group, Some(NamedGroup::secp384r1));
}

/// The certificates that clients present.
const SHOWN: [&str; 5] = ["nothing", "good", "foreign", "expired", "another name"];

#[test]
fn certificates_of_clients_are_requested_and_checked_as_configured() {
    let files = Files::new();
    let (clients, foreign) = (Authority::new("the clients' authority"), Authority::new("another authority"));
    fs::write(files.path("clients.crt"), clients.pem()).expect("written");
    let identities = [
        None,
        Some(clients.client("prometheus.example")),
        Some(foreign.client("prometheus.example")),
        Some(clients.expired()),
        Some(clients.client("other.example")),
    ];
    let kinds = [
        ("NoClientCert", "", [true, true, true, true, true]),
        ("RequestClientCert", "", [true, true, true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true, true, true]),
        ("VerifyClientCertIfGiven", "client_ca_file: clients.crt", [true, true, false, false, true]),
        ("RequireAndVerifyClientCert", "client_ca_file: clients.crt", [false, true, false, false, true]),
        (
            "RequireAndVerifyClientCert",
            "client_ca_file: clients.crt\n  client_allowed_sans: [prometheus.example]",
            [false, true, false, false, false],
        ),
        (
            "RequireAndVerifyClientCert",
            "client_ca_file: clients.crt\n  client_allowed_sans: [x, 'spiffe://example/monitoring']",
            [false, true, false, false, true],
        ),
        ("RequireAnyClientCert", "client_allowed_sans: [other.example]", [false, false, false, false, true]),
    ];
    for (kind, further, expected) in kinds {
        let daemon = files.start(&tls(&[&format!("client_auth_type: {kind}"), further]));
        for versions in [&[&TLS12][..], &[&TLS13]] {
            for ((shown, identity), expected) in SHOWN.iter().zip(&identities).zip(expected) {
                let client = Tls::of(versions, &files.authority.pem(), identity.as_ref());
                let answer = client.get(daemon.http(), "/-/healthy");
                let is_served = answer.as_ref().is_ok_and(|answer| answer.status == 200);
                assert_eq!(is_served, expected, "{kind} {further}, {versions:?} with {shown}: {answer:?}");
            }
        }
    }
}

#[test]
fn every_connection_needs_the_certificate_again() {
    let files = Files::new();
    let clients = Authority::new("the clients' authority");
    fs::write(files.path("clients.crt"), clients.pem()).expect("written");
    let lines = ["client_auth_type: RequireAndVerifyClientCert", "client_ca_file: clients.crt"];
    let daemon = files.start(&tls(&lines));
    let client = Tls::new(&files.authority.pem(), Some(&clients.client("prometheus.example")));
    for _ in 0..3 {
        let mut stream = client.connect(daemon.http()).expect("a handshake");
        assert_eq!(stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
        let mut first = [0; 12];
        stream.read_exact(&mut first).expect("it answers");
        assert_eq!(&first, b"HTTP/1.1 200");
    }
}

#[test]
fn slow_handshakes_do_not_delay_others_and_end() {
    let files = Files::new();
    let daemon = files.start(&tls(&[]));
    let client = Tls::new(&files.authority.pem(), None);
    let mut silent = client.connect(daemon.http()).expect("a handshake");
    // More than the limit of handshakes, fewer than the limit of connections.
    let mut slow: Vec<TcpStream> = (0..150).map(|_| connect(daemon.http()).expect("it listens")).collect();
    for (index, stream) in slow.iter_mut().enumerate().filter(|(index, _)| index % 2 == 0) {
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").unwrap_or_else(|error| {
            // The oldest have been aborted.
            assert!(index < 100, "{error}");
        });
    }
    let start = Instant::now();
    for _ in 0..5 {
        assert_eq!(client.get(daemon.http(), "/-/healthy").expect("a whole response").status, 200);
    }
    // The time limit of a handshake is ten seconds.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    let text = client.get(daemon.http(), "/metrics").expect("a whole response").body;
    let aborted = text
        .lines()
        .find_map(|line| line.strip_prefix("meshping_http_refusals_total{reason=\"connection\"} "));
    let aborted: u32 = aborted.expect("it is counted").parse().expect("a number");
    assert!(aborted >= 86, "{aborted}");
    let mut end = Vec::new();
    let _ = silent.read_to_end(&mut end);
    assert!(end.is_empty() || end.starts_with(b"HTTP/1.1 408"), "a silent client is disconnected");
    let last = slow.last_mut().expect("there are some");
    last.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    assert_eq!(last.read(&mut [0; 100]).unwrap_or(0), 0, "a handshake that does not complete is ended");
}
