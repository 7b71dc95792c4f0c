//! Changes of the web config file and its certificates apply without a restart; invalid content is ignored.

use crate::certificates::Authority;
use crate::client::{Tls, basic, connect, plain, request};
use crate::daemon::Daemon;
use crate::server::{Files, tls, until, user};
use std::fs;
use std::io::{Read, Write};

fn status(daemon: &Daemon, password: &str) -> u16 {
    plain(daemon.http(), &request("GET", "/-/healthy", &[&basic("ada", password)])).status
}

/// A metric's value, as the user with this password sees it.
fn metric(daemon: &Daemon, password: &str, name: &str) -> Option<u32> {
    let text = plain(daemon.http(), &request("GET", "/metrics", &[&basic("ada", password)])).body;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

const FAILURES: &str = "meshping_web_config_failures_total ";
const SUCCESSFUL: &str = "meshping_web_config_last_reload_successful ";

#[test]
fn users_change_with_the_file_in_place_and_by_rename() {
    let files = Files::new();
    let daemon = files.start(&user("ada", "first"));
    assert_eq!((status(&daemon, "first"), status(&daemon, "second")), (200, 401));
    files.configure(&user("ada", "second"));
    until("the second password", || status(&daemon, "second") == 200);
    assert_eq!(status(&daemon, "first"), 401, "the cached login of the old password is invalid");
    fs::write(files.path("new.yml"), user("ada", "third")).expect("written");
    fs::rename(files.path("new.yml"), files.path("web.yml")).expect("renamed");
    until("the third password", || status(&daemon, "third") == 200);
    assert_eq!(status(&daemon, "second"), 401);
    assert_eq!(metric(&daemon, "third", FAILURES), Some(0));
    assert_eq!(metric(&daemon, "third", SUCCESSFUL), Some(1));
}

#[test]
fn an_invalid_file_keeps_its_last_good_content_in_force_and_is_logged_once() {
    let files = Files::new();
    let daemon = files.start(&user("ada", "secret"));
    let errors = || daemon.log().matches("its last good content stays in force").count();
    let breaks: [(&str, &dyn Fn()); 4] = [
        ("no YAML", &|| files.configure("basic_auth_users: [\n")),
        ("empty", &|| files.configure("")),
        ("without users", &|| files.configure("rate_limit: {interval: 0}\n")),
        ("gone", &|| fs::remove_file(files.path("web.yml")).expect("it was there")),
    ];
    for (index, (case, act)) in (1..).zip(breaks) {
        act();
        until(case, || metric(&daemon, "secret", FAILURES) == Some(index));
        assert_eq!(metric(&daemon, "secret", SUCCESSFUL), Some(0), "{case}");
        assert_eq!(status(&daemon, "guess"), 401, "{case}");
    }
    assert_eq!(errors(), 4, "{}", daemon.log());
    files.configure(&user("ada", "new"));
    until("the new password", || status(&daemon, "new") == 200);
    assert_eq!(metric(&daemon, "new", SUCCESSFUL), Some(1));
    assert_eq!(errors(), 4, "{}", daemon.log());
}

#[test]
fn certificates_are_renewed_without_a_restart() {
    let files = Files::new();
    let daemon = files.start(&tls(&[]));
    let client = Tls::new(&files.authority.pem(), None);
    let shown = || {
        let stream = client.connect(daemon.http()).expect("a handshake");
        stream.conn.peer_certificates().expect("there is one")[0].to_vec()
    };
    let first = shown();
    assert_eq!(shown(), first);
    files.renew();
    until("the new certificate", || shown() != first);
    // A certificate without its key is ignored.
    let second = shown();
    fs::write(files.path("server.crt"), files.authority.server().0).expect("written");
    until("the error", || {
        assert_eq!(shown(), second);
        daemon.log().contains("cannot use cert with key")
    });
    // By rename, as programs that renew certificates do it.
    let (certificate, key) = files.authority.server();
    for (name, content) in [("server.crt", certificate), ("server.key", key)] {
        fs::write(files.path("renewed"), content).expect("written");
        fs::rename(files.path("renewed"), files.path(name)).expect("renamed");
    }
    until("the third certificate", || shown() != second);
}

#[test]
fn trusted_authorities_change_without_a_restart() {
    let files = Files::new();
    let authorities = [Authority::new("the first"), Authority::new("the second")];
    fs::write(files.path("clients.crt"), authorities[0].pem()).expect("written");
    let lines = ["client_auth_type: RequireAndVerifyClientCert", "client_ca_file: clients.crt"];
    let daemon = files.start(&tls(&lines));
    let clients = authorities
        .each_ref()
        .map(|it| Tls::new(&files.authority.pem(), Some(&it.client("prometheus.example"))));
    let served = || clients.each_ref().map(|client| client.get(daemon.http(), "/-/healthy").is_ok());
    assert_eq!(served(), [true, false]);
    fs::write(files.path("clients.crt"), authorities[1].pem()).expect("written");
    until("the second authority", || served() == [false, true]);
    files.configure(&user("ada", "secret"));
    until("the error", || {
        assert_eq!(served(), [false, true]);
        daemon.log().contains("tls_server_config is gone; if that is intended, restart meshping")
    });
}

#[test]
fn a_changed_policy_applies_to_open_connections() {
    let files = Files::new();
    let daemon = files.start("");
    let mut stream = connect(daemon.http()).expect("it listens");
    let mut ask = || {
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is kept open");
        let (mut answer, mut piece) = (String::new(), [0; 4096]);
        while !answer.ends_with(".\n") {
            let read = stream.read(&mut piece).expect("it answers");
            assert!(read > 0, "it is kept open");
            answer.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        answer
    };
    assert!(ask().starts_with("HTTP/1.1 200"));
    files.configure(&tls(&[]));
    let mut last = String::new();
    until("a refusal", || {
        last = ask();
        !last.starts_with("HTTP/1.1 200")
    });
    assert!(last.starts_with("HTTP/1.1 403"), "{last}");
    assert!(last.to_ascii_lowercase().contains("connection: close"), "{last}");
    assert_eq!(stream.read(&mut [0]).expect("it ends"), 0);
}
