//! Requests of every version, method and framing, byte for byte, and what becomes of the connection.

use crate::daemon::Daemon;
use crate::raw::{End, Raw};
use crate::server::{Files, user};
use std::net::SocketAddr;

const HOST: &str = "Host: localhost\r\n";
const CLOSE: &str = "Connection: close\r\n";
const GET: &str = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A request with these lines and this body.
fn request(method: &str, target: &str, version: &str, lines: &str, body: &str) -> String {
    format!("{method} {target} HTTP/{version}\r\n{lines}\r\n{body}")
}

fn get(target: &str, lines: &str) -> String {
    request("GET", target, "1.1", &format!("{HOST}{lines}"), "")
}

/// What becomes of the connection after the last response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It takes the next request.
    Open,
    /// The server closes it, and the last response has said so.
    Closed,
}
use Then::{Closed, Open};

/// Methods of requests, and the statuses of their responses.
type Statuses<'a> = &'a [(&'a str, u16)];

/// Sends bytes, and compares the responses.
fn check(server: SocketAddr, name: &str, bytes: &[u8], expected: Statuses, then: Then) {
    let mut raw = Raw::connect(server);
    raw.send(bytes);
    let mut last = None;
    for (method, status) in expected {
        let response = raw.response(method).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(response.status, *status, "{name}: {response:?}");
        assert!(response.status < 200 || response.field("date").is_some(), "{name}: {response:?}");
        last = Some(response);
    }
    let last = last.expect("one at least");
    let connection = last.field("connection");
    let is_10 = last.version == "HTTP/1.0";
    if then == Open {
        assert_eq!(connection, is_10.then_some("keep-alive"), "{name}: {last:?}");
        raw.send(GET);
        let next = raw.response("GET").unwrap_or_else(|error| panic!("{name}, and then: {error}"));
        assert_eq!(next.status, 200, "{name}, and then: {next:?}");
    } else {
        assert_eq!(connection, (!is_10).then_some("close"), "{name}: {last:?}");
        assert_eq!(raw.end(), Ok(End::Closed), "{name}");
    }
}

#[test]
fn connections_are_kept_as_each_version_says() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    let files = Files::new();
    let protected = files.start("");
    let with = |target: &str, version, lines: &str| request("GET", target, version, lines, "");
    for server in [daemon.http(), protected.http()] {
        for target in ["/", "/metrics", "/-/healthy", "/-/ready"] {
            check(server, target, get(target, "").as_bytes(), &[("GET", 200)], Open);
            check(server, target, get(target, CLOSE).as_bytes(), &[("GET", 200)], Closed);
            check(server, target, with(target, "1.0", "").as_bytes(), &[("GET", 200)], Closed);
            let lines = "Connection: keep-alive\r\n";
            // The body of /metrics has no length: for HTTP/1.0 the end of the connection ends it.
            let then = if target == "/metrics" { Closed } else { Open };
            check(server, target, with(target, "1.0", lines).as_bytes(), &[("GET", 200)], then);
            check(server, target, get(target, "Accept-Encoding: gzip\r\n").as_bytes(), &[("GET", 200)], Open);
        }
        let cases = [
            ("two options", "Connection: keep-alive, close\r\n", Closed),
            ("two fields", "Connection: close\r\nConnection: keep-alive\r\n", Closed),
            ("another option", "Connection: x\r\n", Open),
            ("any case", "connection: CLOSE\r\n", Closed),
        ];
        for (name, lines, then) in cases {
            check(server, name, get("/-/healthy", lines).as_bytes(), &[("GET", 200)], then);
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_turn_each_with_its_own_framing() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    let server = daemon.http();
    let metrics = get("/metrics", "");
    let head = |target: &str| request("HEAD", target, "1.1", HOST, "");
    let old = |lines: &str| request("GET", "/-/healthy", "1.0", lines, "");
    let (ok, head_ok) = (("GET", 200), ("HEAD", 200));
    let bad = b"\x00\x01 nonsense\r\n\r\n";
    let cases: [(&str, Vec<u8>, Statuses, Then); 9] = [
        ("forty", GET.repeat(40).into_bytes(), &[ok; 40], Open),
        ("ten scrapes", metrics.repeat(10).into_bytes(), &[ok; 10], Open),
        ("HEAD after a scrape", (metrics.clone() + &head("/")).into_bytes(), &[ok, head_ok], Open),
        ("a scrape after HEAD", (head("/metrics") + &metrics).into_bytes(), &[head_ok, ok], Open),
        ("1.0 after a scrape", (metrics.clone() + &old("")).into_bytes(), &[ok, ok], Closed),
        ("1.1 after 1.0", (old("Connection: keep-alive\r\n") + &metrics).into_bytes(), &[ok, ok], Open),
        ("close after a scrape", (metrics.clone() + &get("/", CLOSE)).into_bytes(), &[ok, ok], Closed),
        ("anything after close", (get("/metrics", CLOSE) + GET).into_bytes(), &[ok], Closed),
        ("nonsense after a scrape", [metrics.as_bytes(), bad].concat(), &[ok, ("?", 400)], Closed),
    ];
    for (name, bytes, expected, then) in cases {
        check(server, name, &bytes, expected, then);
    }
    // Byte by byte it is the same.
    let mut raw = Raw::connect(server);
    for byte in (head("/") + &metrics).bytes() {
        raw.send([byte]);
    }
    assert_eq!(raw.response("HEAD").map(|response| response.status), Ok(200));
    assert_eq!(raw.response("GET").map(|response| response.status), Ok(200));
}

#[test]
fn head_is_get_without_the_body() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    let files = Files::new();
    let protected = files.start(&user("ada", "secret"));
    for server in [daemon.http(), protected.http()] {
        for target in ["/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/nothing", "/metrics?x=y"] {
            for lines in [HOST.to_owned(), format!("{HOST}Accept-Encoding: gzip\r\n")] {
                let mut raw = Raw::connect(server);
                let mut ask = |method: &str| {
                    raw.send(request(method, target, "1.1", &lines, ""));
                    raw.response(method).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
                };
                let (head, get) = (ask("HEAD"), ask("GET"));
                assert_eq!(head.status, get.status, "{target}");
                // The length may be missing, never wrong (RFC 9110, section 9.3.2). The page grows as it counts.
                if let Some(length) = head.field("content-length").filter(|_| target != "/") {
                    assert_eq!(length, get.body.len().to_string(), "{target}");
                }
                for name in ["content-type", "allow", "www-authenticate", "content-security-policy"] {
                    assert_eq!(head.field(name), get.field(name), "{name} of {target}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_request_of_http_1_is_refused() {
    let daemon = Daemon::start(&[]);
    let cases: [(&str, Vec<u8>, u16, Then); 33] = [
        ("0.9", b"GET /\r\n".to_vec(), 400, Closed),
        ("0.9 with a version", request("GET", "/", "0.9", HOST, "").into(), 400, Closed),
        ("2.0", request("GET", "/", "2.0", HOST, "").into(), 400, Closed),
        (
            "a TLS handshake",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00".to_vec(),
            400,
            Closed,
        ),
        ("an empty line first", [b"\r\n", GET.as_bytes()].concat(), 200, Open),
        ("line feeds only", b"GET /-/healthy HTTP/1.1\nHost: x\n\n".to_vec(), 200, Open),
        ("no Host", request("GET", "/", "1.1", "", "").into(), 400, Closed),
        ("two Hosts", request("GET", "/", "1.1", "Host: a\r\nHost: a\r\n", "").into(), 400, Closed),
        ("an invalid Host", request("GET", "/", "1.1", "Host: a b\r\n", "").into(), 400, Closed),
        ("an invalid Host for 1.0", request("GET", "/", "1.0", "Host: a b\r\n", "").into(), 400, Closed),
        ("an empty Host", request("GET", "/-/healthy", "1.1", "Host:\r\n", "").into(), 200, Open),
        ("an absolute target", get("http://other:1/-/healthy", "").into(), 200, Open),
        ("an absolute target without Host", request("GET", "http://x/", "1.1", "", "").into(), 400, Closed),
        ("another scheme", get("ftp://other/-/healthy", "").into(), 400, Closed),
        ("an authority", get("other:80", "").into(), 400, Closed),
        ("no slash", get("metrics", "").into(), 400, Closed),
        ("GET *", get("*", "").into(), 400, Closed),
        ("OPTIONS *", request("OPTIONS", "*", "1.1", HOST, "").into(), 204, Open),
        ("OPTIONS", request("OPTIONS", "/", "1.1", HOST, "").into(), 405, Open),
        ("TRACE", request("TRACE", "/metrics", "1.1", HOST, "").into(), 405, Open),
        (
            "PUT with a body",
            request("PUT", "/", "1.1", &format!("{HOST}Content-Length: 1\r\n"), "x").into(),
            405,
            Open,
        ),
        ("CONNECT", request("CONNECT", "other:80", "1.1", HOST, "\x16\x03\x01").into(), 501, Closed),
        ("an unknown method", request("FOO", "/", "1.1", HOST, "").into(), 501, Closed),
        ("a method in small letters", request("get", "/", "1.1", HOST, "").into(), 501, Closed),
        ("an unknown path", request("POST", "/nothing", "1.1", HOST, "").into(), 404, Open),
        ("a space before the colon", get("/", "X : y\r\n").into(), 400, Closed),
        ("a folded line", get("/", "X: y\r\n z\r\n").into(), 400, Closed),
        ("a control character", get("/", "X: \x01\r\n").into(), 400, Closed),
        ("100 fields", get("/", &"X: y\r\n".repeat(100)).into(), 431, Closed),
        ("a long field", get("/", &format!("X: {}\r\n", "y".repeat(200_000))).into(), 431, Closed),
        (
            "a long head without an end",
            format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(500_000)).into(),
            431,
            Closed,
        ),
        ("a long target", get(&format!("/{}", "y".repeat(70_000)), "").into(), 414, Closed),
        ("an upgrade", get("/-/healthy", "Connection: upgrade\r\nUpgrade: websocket\r\n").into(), 200, Open),
    ];
    for (name, bytes, status, then) in cases {
        let method = if name.contains("HEAD") { "HEAD" } else { "GET" };
        check(daemon.http(), name, &bytes, &[(method, status)], then);
    }
    let mut raw = Raw::connect(daemon.http());
    raw.send(request("OPTIONS", "*", "1.1", HOST, ""));
    let options = raw.response("OPTIONS").expect("a response");
    assert_eq!((options.field("allow"), options.field("content-length")), (Some("GET, HEAD, POST"), None));
}

#[test]
fn the_host_of_an_absolute_target_counts() {
    let daemon = Daemon::start(&[]);
    // A foreign Host may not reload; the one of the target replaces it.
    let cases = [
        ("/-/reload", "rebound.example", 403),
        ("http://localhost/-/reload", "rebound.example", 200),
        ("http://rebound.example/-/reload", "localhost", 403),
    ];
    for (target, host, status) in cases {
        let bytes = request("POST", target, "1.1", &format!("Host: {host}\r\n"), "");
        check(daemon.http(), target, bytes.as_bytes(), &[("POST", status)], Open);
    }
}

#[test]
fn request_bodies_end_where_their_framing_says() {
    let daemon = Daemon::start(&[]);
    let post = |lines: &str, body: &str| request("POST", "/-/reload", "1.1", &format!("{HOST}{lines}"), body);
    let chunked = "Transfer-Encoding: chunked\r\n";
    let long = format!("1001\r\n{}\r\n0\r\n\r\n", "x".repeat(4097));
    let ok: Statuses = &[("POST", 200)];
    let bad: Statuses = &[("POST", 400)];
    let cases: [(&str, String, Statuses, Then); 22] = [
        ("no body", post("", ""), ok, Open),
        ("a length of zero", post("Content-Length: 0\r\n", ""), ok, Open),
        ("a length", post("Content-Length: 5\r\n", "hello"), ok, Open),
        (
            "a body that looks like a request",
            post(&format!("Content-Length: {}\r\n", GET.len()), GET),
            ok,
            Open,
        ),
        (
            "a body of GET",
            request("GET", "/metrics", "1.1", &format!("{HOST}Content-Length: 5\r\n"), "hello"),
            ok,
            Open,
        ),
        (
            "a body of HEAD",
            request("HEAD", "/", "1.1", &format!("{HOST}Content-Length: 5\r\n"), "hello"),
            &[("HEAD", 200)],
            Open,
        ),
        ("the longest", post("Content-Length: 4096\r\n", &"x".repeat(4096)), ok, Open),
        ("too long", post("Content-Length: 4097\r\n", &"x".repeat(4097)), &[("POST", 413)], Closed),
        ("chunks", post(chunked, "5;x=\"y\"\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), ok, Open),
        ("chunks with a trailer", post(chunked, "5\r\nhello\r\n0\r\nX: y\r\n\r\n"), ok, Open),
        ("too long in chunks", post(chunked, &long), &[("POST", 413)], Closed),
        ("chunks without a size", post(chunked, "zz\r\nhello\r\n0\r\n\r\n"), bad, Closed),
        ("chunks that are longer than their size", post(chunked, "2\r\nhello\r\n0\r\n\r\n"), bad, Closed),
        ("two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), bad, Closed),
        ("a signed length", post("Content-Length: +5\r\n", "hello"), bad, Closed),
        ("a negative length", post("Content-Length: -1\r\n", "hello"), bad, Closed),
        ("no number", post("Content-Length: 0x5\r\n", "hello"), bad, Closed),
        ("a length beyond numbers", post("Content-Length: 99999999999999999999\r\n", ""), bad, Closed),
        (
            "another coding",
            post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
            &[("POST", 501)],
            Closed,
        ),
        ("no chunks at last", post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), bad, Closed),
        (
            "chunks for 1.0",
            request("POST", "/-/reload", "1.0", &format!("{HOST}{chunked}"), "0\r\n\r\n"),
            bad,
            Closed,
        ),
        (
            "1.0 with a length",
            request("POST", "/-/reload", "1.0", &format!("{HOST}Content-Length: 5\r\n"), "hello"),
            ok,
            Closed,
        ),
    ];
    for (name, bytes, expected, then) in cases {
        check(daemon.http(), name, bytes.as_bytes(), expected, then);
    }
    // With both framings the length does not count, and nothing after the request does (RFC 9112, section 6.3).
    for lines in [
        "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    ] {
        let bytes = post(lines, "0\r\n\r\n") + GET;
        check(daemon.http(), lines, bytes.as_bytes(), ok, Closed);
    }
}

#[test]
fn a_client_may_wait_for_leave_to_send_the_body() {
    let daemon = Daemon::start(&[]);
    let files = Files::new();
    let protected = files.start(&user("ada", "secret"));
    let expect = |length: usize| {
        format!("POST /-/reload HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n")
    };
    let mut raw = Raw::connect(daemon.http());
    raw.send(expect(5));
    assert_eq!(raw.response("POST").map(|response| response.status), Ok(100));
    raw.send("hello");
    assert_eq!(raw.response("POST").map(|response| response.status), Ok(200));
    raw.send(GET);
    assert_eq!(raw.response("GET").map(|response| response.status), Ok(200));
    // It is not asked for what is refused anyway.
    check(daemon.http(), "too long", expect(4097).as_bytes(), &[("POST", 413)], Closed);
    check(protected.http(), "no user", expect(5).as_bytes(), &[("POST", 401)], Closed);
    let without = get("/-/healthy", "Expect: 100-continue\r\n");
    check(daemon.http(), "no body", without.as_bytes(), &[("GET", 200)], Open);
    let old = request(
        "POST",
        "/-/reload",
        "1.0",
        &format!("{HOST}Expect: 100-continue\r\nContent-Length: 5\r\n"),
        "hello",
    );
    check(daemon.http(), "1.0", old.as_bytes(), &[("POST", 200)], Closed);
}

#[test]
fn a_client_may_close_its_side_before_it_reads() {
    let daemon = Daemon::start(&["127.0.0.1"]);
    for target in ["/metrics", "/", "/-/healthy"] {
        let mut raw = Raw::connect(daemon.http());
        raw.send(get(target, ""));
        raw.finish();
        assert_eq!(raw.response("GET").map(|response| response.status), Ok(200), "{target}");
        assert_eq!(raw.end(), Ok(End::Closed), "{target}");
    }
    // An incomplete request gets no response of success.
    for part in ["GET / HT", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel"] {
        let mut raw = Raw::connect(daemon.http());
        raw.send(part);
        raw.finish();
        let status = raw.response("POST").map(|response| response.status);
        assert!(status.is_err() || status == Ok(400), "{part:?}: {status:?}");
    }
}
