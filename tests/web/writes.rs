//! Which requests may reload the configuration.

use crate::certificates::Authority;
use crate::client::{Response, Tls, basic, plain, request};
use crate::daemon::Daemon;
use crate::own_network::{inside, start_meshping};
use crate::server::{Files, tls, user};
use std::fs;

/// Whether a request to reload was permitted; without a configuration file it has nothing to reload.
fn is_permitted(answer: &Response) -> bool {
    assert!(matches!(answer.status, 200 | 403 | 501), "{answer:?}");
    answer.status != 403
}

fn post(fields: &[&str]) -> String {
    request("POST", "/-/reload", fields)
}

#[test]
fn from_this_machine_a_program_may_and_a_page_may_not() {
    let daemon = Daemon::start(&[]);
    let cases: [(&[&str], bool); 10] = [
        (&[], true),
        (&["Host: 127.0.0.1:9922", "User-Agent: curl/8.5.0", "Accept: */*"], true),
        (&["Content-Length: 3\r\n\r\na=b"], true),
        (&["Host: localhost:9", "Origin: http://localhost:9", "Sec-Fetch-Site: same-origin"], true),
        (&["Host: rebound.example:9922"], false),
        (&["Host: rebound.example", "Origin: http://rebound.example", "Sec-Fetch-Site: same-origin"], false),
        (&["Origin: http://evil.example"], false),
        (&["Sec-Fetch-Site: cross-site"], false),
        (&["User-Agent: Mozilla/5.0 (Windows NT 5.1)"], false),
        (&["X-Forwarded-For: 192.0.2.1"], false),
    ];
    for (fields, expected) in cases {
        let answer = plain(daemon.http(), &post(fields));
        assert_eq!(is_permitted(&answer), expected, "{fields:?}: {answer:?}");
        assert!(expected || answer.body.starts_with("Refused: "), "{answer:?}");
        assert!(!expected || answer.body.starts_with("targets: "), "{answer:?}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let answer = plain(daemon.http(), &request(method, "/-/reload", &[]));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert!(answer.header("access-control-allow-origin").is_none());
    }
}

#[test]
fn from_another_machine_it_takes_a_password_or_a_certificate() {
    let setup = "ip addr add 10.9.9.9/32 dev lo";
    inside("writes::from_another_machine_it_takes_a_password_or_a_certificate", setup, || {
        let elsewhere = "10.9.9.9:9922".parse().expect("an address");
        let files = Files::new();
        let path = files.path("web.yml");
        let options = ["--web.config.file", path.to_str().expect("UTF-8")];
        {
            let _meshping = start_meshping(&[]);
            assert!(!is_permitted(&plain(elsewhere, &post(&["Host: 10.9.9.9:9922"]))));
            assert!(!is_permitted(&plain(elsewhere, &post(&["Host: localhost"]))));
        }
        {
            files.configure(&user("ada", "secret"));
            let _meshping = start_meshping(&options);
            let ada = basic("ada", "secret");
            assert_eq!(plain(elsewhere, &post(&[])).status, 401);
            assert_eq!(plain(elsewhere, &post(&[&basic("ada", "guess")])).status, 401);
            assert!(is_permitted(&plain(elsewhere, &post(&[&ada, "Host: meshping.example"]))));
            // The browser adds the password to the request of the page.
            assert!(!is_permitted(&plain(elsewhere, &post(&[&ada, "Origin: http://evil.example"]))));
        }
        certificates(&files, &options, elsewhere);
    });
}

fn certificates(files: &Files, options: &[&str], elsewhere: std::net::SocketAddr) {
    let clients = Authority::new("the clients' authority");
    fs::write(files.path("clients.crt"), clients.pem()).expect("written");
    let identity = clients.client("operator.example");
    let cases = [
        ("client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: clients.crt", Some(&identity), true),
        ("client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: clients.crt", None, false),
        // A certificate that is not verified does not identify a client.
        ("client_auth_type: RequireAnyClientCert\n  client_ca_file: clients.crt", Some(&identity), false),
        ("client_auth_type: RequestClientCert", Some(&identity), false),
    ];
    for (lines, identity, expected) in cases {
        files.configure(&tls(&[lines]));
        let _meshping = start_meshping(options);
        let client = Tls::new(&files.authority.pem(), identity);
        let answer = client.ask(elsewhere, &post(&[])).expect("a whole response");
        assert_eq!(is_permitted(&answer), expected, "{lines}: {answer:?}");
        let answer =
            client.ask(elsewhere, &post(&["Origin: https://evil.example"])).expect("a whole response");
        assert!(!is_permitted(&answer), "{lines}: {answer:?}");
    }
}
