//! Listen addresses, limits of requests, headers of responses, and invalid files at the start.

use crate::certificates::Authority;
use crate::client::{Tls, get, plain, request};
use crate::daemon::Daemon;
use crate::server::Files;
use std::fs;
use std::net::TcpListener;
use std::process::Command;

#[test]
fn every_address_is_served() {
    let free =
        || TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    let further = [free(), format!("127.0.0.2:{}", free().port()).parse().expect("an address")];
    let words = further.map(|address| address.to_string());
    let daemon = Daemon::start(&["--web.listen-address", &words[0], "--web.listen-address", &words[1]]);
    for address in [daemon.http(), further[0], further[1]].repeat(3) {
        assert_eq!(get(address, "/-/healthy").status, 200, "{address}");
    }
}

#[test]
fn bodies_are_short() {
    let files = Files::new();
    let daemon = files.start("");
    let cases = [
        ("GET", "/metrics", "Content-Length: 4096".to_owned(), "x".repeat(4096), 200),
        ("GET", "/metrics", "Content-Length: 4097".into(), "x".repeat(4097), 413),
        ("GET", "/", "Transfer-Encoding: chunked".into(), "0\r\n\r\n".into(), 200),
        ("POST", "/-/reload", "Content-Length: 1000000000000".into(), String::new(), 413),
        ("POST", "/-/reload", "Transfer-Encoding: chunked".into(), "5\r\nhello\r\n0\r\n\r\n".into(), 200),
        (
            "POST",
            "/-/reload",
            "Transfer-Encoding: chunked".into(),
            format!("1001\r\n{}\r\n", "x".repeat(4097)),
            413,
        ),
        ("POST", "/nothing", "Content-Length: 5000".into(), String::new(), 413),
    ];
    for (method, path, field, body, expected) in cases {
        let answer = plain(daemon.http(), &(request(method, path, &[&field]) + &body));
        assert_eq!(answer.status, expected, "{method} {path} {field}");
    }
    let many = vec!["X: y"; 200];
    assert_eq!(plain(daemon.http(), &request("GET", "/", &many)).status / 100, 4);
    let long = format!("X: {}", "y".repeat(200_000));
    assert_eq!(plain(daemon.http(), &request("GET", "/", &[&long])).status / 100, 4);
}

#[test]
fn requests_over_the_rate_limit_are_asked_to_come_back() {
    let files = Files::new();
    let daemon = files.start("rate_limit: {interval: 1h, burst: 3}\n");
    let statuses = [(); 5].map(|()| get(daemon.http(), "/-/healthy").status);
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(get(daemon.http(), "/metrics").header("retry-after"), Some("1"));
}

#[test]
fn headers_of_the_file_add_to_our_own_or_replace_them() {
    let files = Files::new();
    let daemon = files.start(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection: \"0\"\n    \
         Strict-Transport-Security: max-age=60\n    Content-Security-Policy: default-src 'self'\n",
    );
    for path in ["/", "/metrics", "/nothing"] {
        let answer = get(daemon.http(), path);
        let expected = [
            ("x-frame-options", "deny"),
            ("x-xss-protection", "0"),
            ("strict-transport-security", "max-age=60"),
            ("content-security-policy", "default-src 'self'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
    }
}

#[test]
fn the_example_in_the_documentation_works() {
    let files = Files::new();
    let clients = Authority::new("the clients' authority");
    fs::write(files.path("clients.crt"), clients.pem()).expect("written");
    let blocks = include_str!("../../docs/http.md").split("```yaml\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let example = blocks.find(|block| block.starts_with("tls_server_config:")).expect("there is one");
    let daemon = files.start(example);
    let client = Tls::new(&files.authority.pem(), Some(&clients.client("prometheus.example")));
    // The password of the example is not known.
    assert_eq!(client.get(daemon.http(), "/metrics").expect("a whole response").status, 401);
}

#[test]
fn an_invalid_file_ends_the_start_with_one_line() {
    let files = Files::new();
    let cases = [
        ("tls_server_config:\n  cert_file: none.crt\n  key_file: server.key\n", "none.crt: No such file"),
        ("tls_server_confg: {}\n", "web.yml:1:1: unknown field"),
        ("http_server_config:\n  http2: true\n", "HTTP/1.1 only"),
    ];
    for (content, expected) in cases {
        files.configure(content);
        let output = Command::new(env!("CARGO_BIN_EXE_meshping"))
            .args(["-q", "--control", "off", "--web.listen-address", "127.0.0.1:0", "--web.config.file"])
            .arg(files.path("web.yml"))
            .output()
            .expect("meshping runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
        let checked = Command::new(env!("CARGO_BIN_EXE_meshping"))
            .args(["--config.check", "--web.config.file"])
            .arg(files.path("web.yml"))
            .output()
            .expect("meshping runs");
        let checked_text = String::from_utf8_lossy(&checked.stderr);
        assert!(!checked.status.success() && checked_text.contains(expected), "{checked:?}");
        assert!(
            stderr.starts_with("meshping: can't use the web config file: ") && stderr.contains(expected),
            "{stderr}"
        );
    }
}
