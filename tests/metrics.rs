//! The HTTP server: the exposition, compared with a golden file and checked by promtool, and clients of every kind.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

#[path = "metrics/dialects.rs"]
mod dialects;
#[path = "metrics/fake.rs"]
mod fake;
#[path = "metrics/golden.rs"]
mod golden;
#[path = "support/golden.rs"]
mod golden_file;
#[path = "metrics/http.rs"]
mod http;
#[path = "metrics/promtool.rs"]
mod promtool;
#[path = "metrics/query.rs"]
mod query;
#[path = "metrics/reload.rs"]
mod reload;
#[path = "metrics/server.rs"]
mod server;
#[path = "metrics/statistics.rs"]
mod statistics;

use actix::clock::timeout;
use fake::{Fake, many, start, target};
use http::{DEADLINE, exchange, get, get_until, request};
use meshping::build_info::VERSION;
use meshping::measure::Histogram;
use meshping::probe::scripted::{ScriptedNetwork, reply, reply_micros, silence};
use meshping::web::HttpLimits;
use meshping::web::metrics::dialects::Dialect;
use meshping::web::metrics::exposition::{Columns, Exposition};
use meshping::web::metrics::snapshot::Snapshot;
use statistics::{busy_totals, wall};
use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

const EVIL: &str = "</script>\"\\\n\u{1b}[31m#{}\0";

#[actix::test]
async fn a_large_exposition_comes_in_chunks_that_add_up() {
    let network = ScriptedNetwork::new();
    let target = target(&network, "192.0.2.1", "one");
    let mut columns = Columns::new(Dialect::Own);
    (0..2000).for_each(|_| {
        columns.push(&Snapshot::new(Dialect::Own.labels(&target), &target, busy_totals(), wall()));
    });
    let pieces: Vec<_> = Exposition::new(columns, "the rest\n".into()).collect();
    assert!(pieces.len() > 10, "{} pieces", pieces.len());
    assert!(pieces.iter().all(|piece| piece.len() <= 80 * 1024));
    let text = String::from_utf8(pieces.concat()).unwrap();
    assert_eq!(text.matches("meshping_requests_total{").count(), 2000);
    assert_eq!(text.matches("meshping_rtt_seconds_bucket{").count(), 2000 * (Histogram::BUCKETS + 1));
    assert!(text.ends_with("\nthe rest\n"));
}

#[actix::test]
async fn counters_of_running_targets_add_up() {
    let (fast, mixed) = ("127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap());
    let network = ScriptedNetwork::new().host(fast, [reply_micros(300)]).host(mixed, [reply(2), silence()]);
    let targets = vec![target(&network, "127.0.0.2", "fast"), target(&network, "127.0.0.3", EVIL)];
    let (server, handle) = start(Fake::new(targets), HttpLimits::default()).await;
    let replied = async {
        loop {
            let scrape = get(server, "/metrics").await;
            let text = scrape.text();
            for target in ["127.0.0.2", "127.0.0.3"].map(|address| format!("target=\"{address}\"")) {
                let sum = |family: &str| promtool::sum(text, family, &[&target]);
                let settled = ["replies_total", "errors_total", "lost_total", "void_requests_total"];
                let parts: u64 = settled.iter().map(|family| sum(&format!("meshping_{family}"))).sum();
                assert_eq!(
                    sum("meshping_requests_total"),
                    parts + sum("meshping_pending_requests"),
                    "{text}"
                );
                assert_eq!(sum("meshping_rtt_seconds_count"), sum("meshping_replies_total"), "{text}");
            }
            if promtool::sum(text, "meshping_replies_total", &["127.0.0.3"]) > 0 {
                return scrape;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let scrape = timeout(DEADLINE, replied).await.expect("the targets are answered");
    assert_eq!(scrape.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(scrape.text().contains(r#"name="</script>\"\\\n"#), "{}", scrape.text());
    let mut heads = HashSet::new();
    for head in scrape.text().lines().filter(|line| line.starts_with("# ")) {
        let words: Vec<&str> = head.split(' ').take(3).collect();
        assert!(heads.insert(words.join(" ")), "twice: {head}");
    }
    for family in ["process_cpu_seconds_total", "process_resident_memory_bytes", "meshping_targets"] {
        assert!(heads.contains(&format!("# TYPE {family}")), "{family}: {heads:?}");
    }
    promtool::check(scrape.text());
    handle.stop();
}

/// The output of a program for this input.
fn filter(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads");
    assert!(output.status.success(), "{program}: {}", output.status);
    output.stdout
}

#[actix::test]
async fn an_exposition_is_compressed_for_those_who_accept_it() {
    let network = ScriptedNetwork::new();
    let (server, handle) = start(Fake::new(many(&network, 500)), HttpLimits::default()).await;
    let accepting = |coding: &str| request("GET", "/metrics", &format!("Accept-Encoding: {coding}\r\n"));
    let zipped = exchange(server, &accepting("gzip")).await.expect("a whole response");
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let text = String::from_utf8(filter("gzip", &["-dc"], &zipped.body)).unwrap();
    assert_eq!(text.matches("meshping_requests_total{").count(), 500);
    assert!(zipped.body.len() * 10 < text.len(), "{} of {}", zipped.body.len(), text.len());
    let plain = exchange(server, &accepting("br;q=1.0, identity")).await.expect("a whole response");
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.text().contains("meshping_requests_total{"));
    handle.stop();
}

#[actix::test]
async fn a_third_concurrent_scrape_is_answered_with_503() {
    let gate = Arc::new(Semaphore::new(0));
    let network = ScriptedNetwork::new();
    let fake = Fake { gate: Arc::clone(&gate), ..Fake::new(vec![target(&network, "::1", "one")]) };
    let mut asked = fake.asked.subscribe();
    let (server, handle) = start(fake, HttpLimits::default()).await;
    let scrapes = [0; 2].map(|_| actix_rt::spawn(get(server, "/metrics")));
    timeout(DEADLINE, asked.wait_for(|&asked| asked == 2)).await.expect("both are under way").unwrap();
    let third = get(server, "/metrics").await;
    assert_eq!((third.status, third.header("retry-after")), (503, Some("1")));
    assert_eq!(get(server, "/-/healthy").await.status, 200, "other pages are not delayed");
    gate.add_permits(100);
    for scrape in scrapes {
        assert_eq!(scrape.await.unwrap().status, 200);
    }
    get_until(server, "/metrics", 200).await;
    handle.stop();
}

/// Requests a scrape and reads only its first bytes.
async fn begin_scrape(server: std::net::SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    stream.write_all(&request("GET", "/metrics", "")).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[actix::test]
async fn a_client_that_disconnects_frees_its_scrape_slot() {
    let network = ScriptedNetwork::new();
    // Nothing waits, so no slow reader is reset.
    let limits = HttpLimits { slot_timeout: Duration::ZERO, ..HttpLimits::default() };
    let (server, handle) = start(Fake::new(many(&network, 10_000)), limits).await;
    let clients = [begin_scrape(server).await, begin_scrape(server).await];
    assert_eq!(get(server, "/metrics").await.status, 503);
    drop(clients);
    let scrape = get_until(server, "/metrics", 200).await;
    assert_eq!(scrape.text().matches("meshping_requests_total{").count(), 10_000);
    handle.stop();
}

#[actix::test]
async fn a_client_that_stops_reading_loses_its_scrape_slot() {
    let network = ScriptedNetwork::new();
    let slot_timeout = Duration::ZERO;
    let limits = HttpLimits { scrape_timeout: Duration::from_secs(3), slot_timeout, ..HttpLimits::default() };
    let (server, handle) = start(Fake::new(many(&network, 10_000)), limits).await;
    let mut clients = [begin_scrape(server).await, begin_scrape(server).await];
    get_until(server, "/metrics", 200).await;
    for client in &mut clients {
        let mut rest = Vec::new();
        let end = timeout(DEADLINE, client.read_to_end(&mut rest)).await.expect("the connection ends");
        let whole = rest.ends_with(b"\r\n0\r\n\r\n");
        assert!(end.is_err() || !whole, "an aborted scrape must not look complete");
    }
    handle.stop();
}

#[actix::test]
async fn the_kernel_ends_the_connection_of_a_client_whose_window_stays_closed() {
    let network = ScriptedNetwork::new();
    let slot_timeout = Duration::ZERO;
    let limits = HttpLimits { client_timeout: Duration::from_secs(2), slot_timeout, ..HttpLimits::default() };
    let (server, handle) = start(Fake::new(many(&network, 10_000)), limits).await;
    let _clients = [begin_scrape(server).await, begin_scrape(server).await];
    get_until(server, "/metrics", 200).await;
    handle.stop();
}

/// Computes the hash of a style for a Content-Security-Policy.
const DIGEST: &str = "import sys, hashlib, base64
print(base64.b64encode(hashlib.sha256(sys.stdin.buffer.read()).digest()).decode())";

#[actix::test]
async fn the_page_shows_names_as_text_under_a_strict_policy() {
    let network = ScriptedNetwork::new();
    let targets = vec![target(&network, "127.0.0.1", EVIL), target(&network, "::1", "<img src=x>")];
    let (server, handle) = start(Fake::new(targets), HttpLimits::default()).await;
    let page = get(server, "/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let html = page.text();
    assert!(html.contains("2 targets") && html.contains("href=\"/metrics\"") && html.contains(VERSION));
    assert!(html.contains("&lt;/script&gt;&quot;") && html.contains("&lt;img src=x&gt;"), "{html}");
    assert!(!html.contains("</script>") && !html.contains("<img") && !html.contains('\u{1b}'), "{html}");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let style = html.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).unwrap();
    let digest = String::from_utf8(filter("python3", &["-c", DIGEST], style.as_bytes())).unwrap();
    assert!(policy.contains(&format!("'sha256-{}'", digest.trim())), "{policy} needs {digest}");
    handle.stop();
}

#[actix::test]
async fn the_page_stops_after_a_thousand_rows() {
    let network = ScriptedNetwork::new();
    let (server, handle) = start(Fake::new(many(&network, 1_234)), HttpLimits::default()).await;
    let page = get(server, "/").await;
    let (targets, names) = page.text().split_once("<h2>Names without an address</h2>").expect("both tables");
    assert_eq!(targets.matches("<tr><td>").count(), 1_000);
    assert!(
        names
            .contains("<tr><td>gone.test#wan2</td><td>a&quot;b\\n</td><td>waiting for the first answer</td>"),
        "{names}"
    );
    assert!(!names.contains("up.test"), "it has targets: {names}");
    assert!(page.text().contains("1234 targets") && page.text().contains("And 234 more"));
    handle.stop();
}

#[actix::test]
async fn health_is_a_line_and_readiness_is_the_daemons() {
    for (ready, status) in [(true, 200), (false, 503)] {
        let (server, handle) = start(Fake { ready, ..Fake::new(Vec::new()) }, HttpLimits::default()).await;
        for (path, status) in [("/-/healthy", 200), ("/-/ready", status)] {
            let answer = get(server, path).await;
            assert_eq!((answer.status, answer.text().lines().count()), (status, 1), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        }
        assert_eq!(
            get(server, "/metrics").await.status,
            200,
            "metrics are served before the daemon is ready"
        );
        handle.stop();
    }
}

#[actix::test]
async fn requests_end_with_503_when_the_daemon_does_not_answer() {
    let limits = HttpLimits { answer_timeout: Duration::from_millis(100), ..HttpLimits::default() };
    let fake = Fake { gate: Arc::new(Semaphore::new(0)), ..Fake::new(Vec::new()) };
    let (server, handle) = start(fake, limits).await;
    for path in ["/", "/metrics"] {
        assert_eq!(get(server, path).await.status, 503, "{path}");
    }
    assert_eq!(get(server, "/-/healthy").await.status, 200);
    handle.stop();
}

#[actix::test]
async fn a_long_scrape_may_take_longer_than_one_answer() {
    let limits = HttpLimits { answer_timeout: Duration::from_secs(2), ..HttpLimits::default() };
    let (gate, network) = (Arc::new(Semaphore::new(0)), ScriptedNetwork::new());
    let fake = Fake { gate: Arc::clone(&gate), ..Fake::new(many(&network, 2_000)) };
    let mut asked = fake.asked.subscribe();
    let (server, handle) = start(fake, limits).await;
    let scrape = actix_rt::spawn(get(server, "/metrics"));
    // Four pages, and a fifth request that finds no more.
    for page in 1..=5 {
        timeout(DEADLINE, asked.wait_for(|&asked| asked == page)).await.expect("it is asked for").unwrap();
        tokio::time::sleep(limits.answer_timeout / 4).await;
        gate.add_permits(1);
    }
    assert_eq!(scrape.await.unwrap().status, 200);
    handle.stop();
}

#[actix::test]
async fn only_known_paths_can_be_read_and_only_with_get_and_head() {
    let (server, handle) = start(Fake::new(Vec::new()), HttpLimits::default()).await;
    for path in ["/nothing", "/metrics/", "/-/", "//", "/%2e%2e/etc/passwd", "/metrics%00", "/?q=%3Cb%3E"] {
        let answer = get(server, path).await;
        let expected = if path.starts_with("/?") { 200 } else { 404 };
        assert_eq!(answer.status, expected, "{path}");
        assert!(
            expected == 200 || answer.text().contains("/metrics /-/healthy /-/ready /-/reload"),
            "{path}"
        );
        assert!(answer.header("content-security-policy").is_some(), "{path}");
    }
    for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = exchange(server, &request(method, path, "Content-Length: 0\r\n")).await;
            let answer = answer.expect("a whole response");
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
        let head = exchange(server, &request("HEAD", path, "")).await;
        // A response to HEAD announces chunks and has none.
        assert!(head.is_none_or(|head| head.status == 200 && head.body.is_empty()), "{path}");
    }
    handle.stop();
}

#[actix::test]
async fn hostile_clients_get_an_error_or_nothing_and_do_not_delay_others() {
    let limits = HttpLimits { client_timeout: Duration::from_secs(2), ..HttpLimits::default() };
    let (server, handle) = start(Fake::new(Vec::new()), limits).await;
    let long_path = format!("/{}", "a".repeat(200_000));
    let cases: [(&str, Vec<u8>); 9] = [
        ("nothing", Vec::new()),
        ("noise", (0..=255).cycle().take(100_000).collect()),
        ("a head without end", b"GET / HTTP/1.1\r\nX: ".to_vec()),
        ("a long path", request("GET", &long_path, "")),
        ("a long field", request("GET", "/", &format!("X: {}\r\n", "y".repeat(1_000_000)))),
        ("many fields", request("GET", "/", &"X: y\r\n".repeat(10_000))),
        ("two lengths", request("GET", "/", "Content-Length: 5\r\nContent-Length: 6\r\n")),
        ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
    ];
    let talks = cases.map(|(case, bytes)| async move {
        let answer = exchange(server, &bytes).await;
        assert!(answer.is_none_or(|answer| (400..500).contains(&answer.status)), "{case}");
        assert_eq!(get(server, "/-/healthy").await.status, 200, "after {case}");
    });
    let others = async { assert_eq!(get(server, "/metrics").await.status, 200, "meanwhile") };
    futures_util::join!(futures_util::future::join_all(talks), others);
    handle.stop();
}
