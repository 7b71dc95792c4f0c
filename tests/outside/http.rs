//! What the web server answers: statuses, fields and bodies.

use crate::daemon::Daemon;
use crate::golden;
use crate::network::{first_requests, known};
use crate::transcript::{Transcript, masked};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Sends a request, and writes down the answer: its fields in order of their names, its body as it is.
fn ask(transcript: &mut Transcript, daemon: &Daemon, method: &str, path: &str, fields: &str) {
    transcript.line("");
    transcript.line(&format!("> {method} {path}"));
    for field in fields.lines() {
        transcript.line(&format!("> {field}"));
    }
    let host = if fields.contains("Host:") { "" } else { "Host: localhost\r\n" };
    let mut stream = TcpStream::connect(daemon.http()).expect("it listens");
    let request = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("UTF-8");
    let mut lines = head.lines();
    transcript.line(&format!("< {}", lines.next().expect("a status")));
    let mut names: Vec<&str> = lines.filter(|line| !line.starts_with("date: ")).collect();
    names.sort_unstable();
    for line in names {
        transcript.line(&format!("< {line}"));
    }
    body(transcript, &head, &answer[end + 4..]);
}

fn body(transcript: &mut Transcript, head: &str, body: &[u8]) {
    if head.contains("content-encoding") {
        return transcript.line("(an encoded body)");
    }
    let whole = if head.contains("transfer-encoding: chunked") { dechunked(body) } else { body.to_vec() };
    let text = String::from_utf8(whole).expect("UTF-8");
    for line in text.lines() {
        transcript.line(&without_measurements(line));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        transcript.line("(no end of line)");
    }
}

fn dechunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").expect("a size");
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..end]).expect("text"), 16).expect("hexadecimal");
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

/// Families of the daemon itself, whose values are different every time.
const OF_THE_DAEMON: [&str; 8] = [
    "process_",
    "meshping_config_hash",
    "meshping_config_last_reload_success_timestamp_seconds",
    "meshping_send_",
    "meshping_start_",
    "meshping_control_requests_total{outcome=\"answered\"}",
    "meshping_wakeups_total",
    "smokeping_prober_config_last_reload_success_timestamp_seconds",
];

/// A line with placeholders for what is different every time.
fn without_measurements(line: &str) -> String {
    let line = line.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let line = without_revision(&line);
    if line.starts_with('#') {
        return line;
    }
    if line.starts_with("<tr><td>fd00::") {
        return masked(&line, &["<td>"]);
    }
    let Some((series, value)) =
        line.rsplit_once(' ').filter(|(series, _)| series.starts_with(|c: char| c.is_ascii_lowercase()))
    else {
        return line;
    };
    let is_measured = series.contains("fd00::1") && value.parse::<f64>().is_ok();
    let is_bucket = series.contains("_bucket{") && !series.contains("+Inf");
    match value {
        _ if is_measured && is_bucket => format!("{series} <0 or 1>"),
        _ if OF_THE_DAEMON.iter().any(|family| series.starts_with(family)) => format!("{series} <number>"),
        _ if is_measured && value.contains('.') => format!("{series} <float>"),
        _ => line,
    }
}

fn without_revision(line: &str) -> String {
    let mut text = line.to_owned();
    for (before, after) in [("revision=\"", "\""), ("revision ", ".")] {
        if let Some((head, rest)) = text.split_once(before)
            && let Some((_, tail)) = rest.split_once(after)
        {
            text = format!("{head}{before}REVISION{after}{tail}");
        }
    }
    text
}

#[test]
fn every_page_without_targets() {
    known("http::every_page_without_targets", || {
        let daemon = Daemon::start(&[]);
        let mut transcript = Transcript::default();
        let mut ask =
            |method: &str, path: &str, fields: &str| ask(&mut transcript, &daemon, method, path, fields);
        for path in ["/", "/-/healthy", "/-/ready", "/metrics"] {
            ask("GET", path, "");
            ask("HEAD", path, "");
            for method in ["POST", "DELETE", "OPTIONS"] {
                ask(method, path, "");
            }
        }
        ask("GET", "/-/healthy", "Accept-Encoding: gzip\r\n");
        ask("GET", "/metrics", "Accept-Encoding: gzip\r\n");
        for path in ["/favicon.ico", "/metrics/", "//", "/-/", "/-/quit"] {
            ask("GET", path, "");
        }
        golden::check("http/pages.txt", transcript.text());
    });
}

#[test]
fn reloads_and_who_may_ask_for_them() {
    known("http::reloads_and_who_may_ask_for_them", || {
        let daemon = Daemon::start(&["127.0.0.9/86400"]);
        let mut transcript = Transcript::default();
        ask(&mut transcript, &daemon, "GET", "/-/reload", "");
        for fields in [
            "",
            "Origin: http://localhost\r\n",
            "Host: meshping.example\r\n",
            "X-Forwarded-For: 127.0.0.1\r\n",
            "Origin: http://evil.example\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "User-Agent: Mozilla/5.0\r\n",
        ] {
            ask(&mut transcript, &daemon, "POST", "/-/reload", fields);
        }
        golden::check("http/reload.txt", transcript.text());
    });
}

#[test]
fn queries_of_metrics_that_choose_nothing() {
    known("http::queries_of_metrics_that_choose_nothing", || {
        let daemon = Daemon::start(&[]);
        let mut transcript = Transcript::default();
        let many = vec!["name=a"; 101].join("&");
        let long = format!("name={}", "x".repeat(254));
        for query in [
            "no_such=1",
            "dialect=smokeping",
            "dialect=",
            "dialect",
            "dialect=%1b[2J",
            "dialect=ping_exporter&dialect=meshping2017",
            "target=web",
            "target=224.0.0.1",
            "target=",
            "target=fe80::1%25lo",
            "name=",
            &long,
            &many,
            "name=%ff",
            "=",
            "&&",
        ] {
            ask(&mut transcript, &daemon, "HEAD", &format!("/metrics?{query}"), "");
            if !query.starts_with("name=%ff") && !query.starts_with('&') && query != "target=fe80::1%25lo" {
                ask(&mut transcript, &daemon, "GET", &format!("/metrics?{query}"), "");
            }
        }
        golden::check("http/queries.txt", transcript.text());
    });
}

const EVIL: &str = r#"{"cmd": "add", "addr": "127.0.0.8", "name": "quote\" back\\slash \u001b[2J line\nbreak </script>",
    "timeout": 0.05, "dscp": "EF", "size": 100, "labels": {"site": "a\"b"}}"#;

#[test]
fn targets_on_the_page_and_in_the_metrics_of_each_dialect() {
    known("http::targets_on_the_page_and_in_the_metrics_of_each_dialect", || {
        let daemon = Daemon::start(&["-i", "86400", "-t", "60", "127.0.0.9", "fd00::1", "192.0.2.1"]);
        daemon.ask_text(EVIL);
        first_requests(&daemon);
        let mut transcript = Transcript::default();
        for path in [
            "/",
            "/metrics",
            "/metrics?dialect=meshping2017",
            "/metrics?dialect=smokeping_prober",
            "/metrics?dialect=ping_exporter",
            "/metrics?dialect=ping_exporter&target=127.0.0.9&name=192.0.2.1",
            "/metrics?dialect=meshping2017&name=never-there",
        ] {
            ask(&mut transcript, &daemon, "GET", path, "");
        }
        golden::check("http/targets.txt", transcript.text());
    });
}
