//! Scrapes with the names of other exporters: `?dialect=…`.

use crate::fake::{Fake, start, target};
use crate::http::{exchange, get, request};
use crate::{EVIL, promtool};
use actix::clock::timeout;
use meshping::actors::supervisor::TargetRef;
use meshping::measure::Histogram;
use meshping::probe::scripted::{ScriptedNetwork, reply, silence};
use meshping::target::{Labels, OptionOverrides};
use meshping::web::HttpLimits;
use meshping::web::metrics::dialects::Dialect;
use std::time::Duration;

/// Each dialect, a family of its targets, and a label of 127.0.0.2.
const DIALECTS: [(&str, &str, &str); 3] = [
    ("meshping2017", "meshping_sent", "target=\"127.0.0.2\""),
    ("smokeping_prober", "smokeping_requests_total", "ip=\"127.0.0.2\""),
    ("ping_exporter", "ping_loss_ratio", "ip=\"127.0.0.2\""),
];

#[actix::test]
async fn a_dialect_has_only_its_own_families_of_the_selected_targets() {
    let hosts = ["127.0.0.2", "127.0.0.3"];
    let network = hosts
        .iter()
        .fold(ScriptedNetwork::new(), |network, host| network.host(host.parse().unwrap(), [reply(2)]));
    let targets = vec![target(&network, hosts[0], EVIL), target(&network, hosts[1], "other")];
    let (server, handle) = start(Fake::new(targets), HttpLimits::default()).await;
    for (dialect, family, series) in DIALECTS {
        let whole = format!("/metrics?dialect={dialect}");
        let both = async {
            while get(server, &whole).await.text().matches(&format!("\n{family}{{")).count() < 2 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(crate::http::DEADLINE, both).await.expect(dialect);
        let one = get(server, &format!("{whole}&target=127.0.0.2")).await;
        let text = one.text();
        assert!(text.contains(series) && !text.contains("127.0.0.3"), "{text}");
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            assert!(dialect == "meshping2017" || !line.contains(" meshping_"), "{dialect}: {line}");
            assert!(
                line.contains("smokeping_prober_build_info") || !line.contains("_info"),
                "{dialect}: {line}"
            );
            assert!(!line.contains(" process_"), "{dialect}: {line}");
        }
        if dialect != "meshping2017" {
            promtool::check(text);
        }
    }
    handle.stop();
}

/// Labels that one dialect or another has, and one that none has.
const LABELS: [&str; 10] =
    ["class", "host", "ip", "ip_version", "le", "name", "quantile", "site", "source", "target"];

#[actix::test]
async fn an_own_label_is_in_every_dialect_that_has_none_of_its_name() {
    let network = ScriptedNetwork::new();
    let labels = Labels::new(LABELS.map(|label| (label, "own"))).unwrap();
    let overrides = OptionOverrides { labels, ..OptionOverrides::default() };
    let target = TargetRef { overrides: Some(overrides.into()), ..target(&network, "127.0.0.2", "the name") };
    let cases = [
        (Dialect::Own, &["name", "target", "class", "le", "quantile"][..]),
        (Dialect::SmokepingProber, &["host", "ip", "source", "le"]),
        (Dialect::PingExporter, &["target", "ip", "ip_version"]),
        (Dialect::Meshping2017, &LABELS),
    ];
    for (dialect, taken) in cases {
        let labels = dialect.labels(&target);
        let own: Vec<&str> =
            labels.as_str().split(',').filter_map(|pair| pair.strip_suffix("=\"own\"")).collect();
        let expected: Vec<&str> = LABELS.into_iter().filter(|label| !taken.contains(label)).collect();
        assert_eq!(own, expected, "{dialect:?}");
    }
    let (server, handle) = start(Fake::new(vec![target]), HttpLimits::default()).await;
    for (dialect, family, _) in DIALECTS {
        let scrape = get(server, &format!("/metrics?dialect={dialect}")).await;
        for line in scrape.text().lines().filter(|line| line.starts_with(family)) {
            for label in LABELS {
                let begins = [format!("{{{label}=\""), format!(",{label}=\"")];
                let times: usize = begins.iter().map(|begin| line.matches(begin.as_str()).count()).sum();
                assert!(times <= 1, "{label} {times} times: {line}");
            }
        }
    }
    handle.stop();
}

#[actix::test]
async fn a_target_that_never_answered_has_every_bucket_and_a_ttl_of_zero() {
    let network = ScriptedNetwork::new();
    let fake = Fake::new(vec![target(&network, "127.0.0.2", "silent")]);
    let (server, handle) = start(fake, HttpLimits::default()).await;
    let smokeping = get(server, "/metrics?dialect=smokeping_prober").await;
    let text = smokeping.text();
    assert!(
        text.contains("\nsmokeping_response_ttl{ip=\"127.0.0.2\",host=\"silent\",source=\"\",tos=\"0\"} 0\n")
    );
    for le in ["5e-05", "0.0001", "0.1024", "0.8192", "26.2144", "+Inf"] {
        assert!(text.contains(&format!("tos=\"0\",le=\"{le}\"}} 0\n")), "{le}: {text}");
    }
    assert_eq!(text.matches("_bucket{").count(), 21);
    assert!(text.contains("\nsmokeping_prober_build_info{revision=\""));
    let old = get(server, "/metrics?dialect=meshping2017").await;
    assert_eq!(old.text().matches("meshping_pings_bucket{").count(), Histogram::BINS.count() + 1);
    handle.stop();
}

#[actix::test]
async fn ping_exporter_covers_as_many_requests_as_the_scrape_asks_for() {
    let network = ScriptedNetwork::new().host("127.0.0.2".parse().unwrap(), [reply(2), silence()]);
    let fake = Fake::new(vec![target(&network, "127.0.0.2", "half")]);
    let limits = HttpLimits { ping_exporter_window: "40".parse().unwrap(), ..HttpLimits::default() };
    let (server, handle) = start(fake, limits).await;
    let loss = async |query: &str| {
        let scrape = get(server, &format!("/metrics?dialect=ping_exporter{query}")).await;
        assert_eq!(scrape.status, 200, "{}", scrape.text());
        let line = scrape.text().lines().find(|line| line.starts_with("ping_loss_ratio{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    // Requests are settled out of order: replies at once, losses after the timeout.
    let settled = async {
        loop {
            let (forty, one) = (loss("").await, loss("&window=1").await);
            if forty.is_some_and(|ratio| ratio > 0.0 && ratio < 1.0) {
                assert!(one == Some(0.0) || one == Some(1.0), "{one:?}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(crate::http::DEADLINE, settled).await.expect("both are settled");
    let cases = [
        ("dialect=ping_exporter&window=0", "from 1 to 100"),
        ("dialect=ping_exporter&window=101", "from 1 to 100"),
        ("dialect=ping_exporter&window=x", "from 1 to 100"),
        ("dialect=ping_exporter&window=1&window=1", "more than one window"),
        ("dialect=smokeping_prober&window=42", "dialect=ping_exporter only"),
        ("window=42", "dialect=ping_exporter only"),
    ];
    for (query, allowed) in cases {
        for method in ["GET", "HEAD"] {
            let answer = exchange(server, &request(method, &format!("/metrics?{query}"), "")).await;
            let answer = answer.expect("a whole response");
            assert_eq!(answer.status, 400, "{method} {query}");
            assert!(method == "HEAD" || answer.text().contains(allowed), "{query}: {}", answer.text());
        }
    }
    handle.stop();
}

#[actix::test]
async fn an_unknown_dialect_is_an_error_that_lists_the_known_ones() {
    let (server, handle) = start(Fake::new(Vec::new()), HttpLimits::default()).await;
    let known = DIALECTS.map(|(dialect, _, _)| dialect).join(", ");
    let cases = [
        ("dialect=smokeping", &*known),
        ("dialect=", &known),
        ("dialect", &known),
        ("dialect=PING_EXPORTER&name=a", &known),
        ("dialect=ping_exporter&dialect=meshping2017", "allowed is one"),
    ];
    for (query, allowed) in cases {
        for method in ["GET", "HEAD"] {
            let answer = exchange(server, &request(method, &format!("/metrics?{query}"), "")).await;
            let answer = answer.expect("a whole response");
            assert_eq!(answer.status, 400, "{method} {query}");
            assert!(method == "HEAD" || answer.text().contains(allowed), "{query}: {}", answer.text());
        }
    }
    handle.stop();
}
