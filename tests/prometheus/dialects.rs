//! Dashboards, rules and alerts for other exporters on the dialects: queries of their kind, and whether the values are
//! what happened.

use crate::scenario::{Host, Scenario};
use crate::server::{Prometheus, value};
use crate::sim::{code, in_namespace};
use meshping::target::Family;
use serde_json::json;
use std::thread::sleep;
use std::time::{Duration, Instant};

const HOSTS: [Host; 10] = [
    Host("lossy", Family::V4, code::LOSS_PERCENT, 30),
    Host("steady", Family::V4, code::DELAY_MS, 20),
    Host("near", Family::V4, code::DELAY_MS, 33),
    Host("far", Family::V6, code::DELAY_MS, 65),
    Host("slow", Family::V4, code::DELAY_100_MS, 5),
    // Slower after fifteen seconds.
    Host("slower", Family::V4, code::SLOWER_LATER, 15),
    Host("flapping", Family::V4, code::FLAPPING, 15),
    Host("silent", Family::V4, code::SILENT, 7),
    Host("dual", Family::V4, code::TTL, 42),
    Host("dual", Family::V6, code::TTL, 42),
];

/// Windows of ping_exporter: its own default, and one that covers the periods of `flapping`.
const JOBS: &str = r#"
  - job_name: window-10
    params: {dialect: [ping_exporter]}
    static_configs: [{targets: ["127.0.0.1:9922"]}]
  - job_name: window-60
    params: {dialect: [ping_exporter], window: ["60"]}
    static_configs: [{targets: ["127.0.0.1:9922"]}]
"#;

/// A rule and an alert on one bucket of smokeping_prober.
const RULES: &str = r#"
groups:
  - name: foreign
    rules:
      - record: host:smokeping_over_100ms:ratio
        expr: >
          1 - rate(smokeping_response_duration_seconds_bucket{le="0.1024"}[10s])
          / ignoring(le) rate(smokeping_response_duration_seconds_count[10s])
      - alert: SlowHost
        expr: host:smokeping_over_100ms:ratio > 0.5
      - alert: LossyHost
        expr: min_over_time(ping_loss_ratio{job="meshping-ping-exporter"}[5s]) > 0.2
"#;

/// A query, what the one series that it gives shall be, and by how much it may differ.
struct Expected(String, f64, f64);

fn expect(query: impl Into<String>, value: f64, tolerance: f64) -> Expected {
    Expected(query.into(), value, tolerance)
}

/// How long a value may take to be right: scrapes can be too slow on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails with all queries whose values stay wrong.
fn check(prometheus: &Prometheus, expected: Vec<Expected>) {
    let deadline = Instant::now() + PATIENCE;
    let mut left = expected;
    loop {
        let mut wrong = Vec::new();
        left.retain(|Expected(query, expected, tolerance)| {
            let values: Vec<f64> = prometheus.query(query, None).iter().map(value).collect();
            let right = matches!(values[..], [one] if (one - expected).abs() <= *tolerance);
            if !right {
                wrong.push(format!("{values:?} and not {expected}: {query}"));
            }
            !right
        });
        if wrong.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{} wrong values:\n{}", wrong.len(), wrong.join("\n"));
        sleep(Duration::from_millis(200));
    }
}

#[test]
fn dashboards_of_other_exporters_show_what_happened() {
    in_namespace(|_| {
        // Each but the first is reserved in one dialect or another.
        let labels =
            json!({"site": "a\"b", "class": "c", "le": "l", "name": "n", "quantile": "q", "target": "t"});
        let _scenario = Scenario::of(&HOSTS, &labels);
        let prometheus = Prometheus::start_with(JOBS, RULES);
        prometheus.wait_for(
            "\"slower\" was slow for ten seconds",
            "increase(meshping_rtt_seconds_bucket{job=\"meshping\",name=\"slower\",le=\"+Inf\"}[1m]) \
             - ignoring(le) increase(meshping_rtt_seconds_bucket{job=\"meshping\",name=\"slower\",le=\"0.0625\"}[1m]) > 100",
        );
        let mut all = meshping2017();
        all.extend(smokeping_prober());
        all.extend(ping_exporter());
        all.extend(own_labels());
        check(&prometheus, all);
        for group in prometheus.api("rules", &[])["groups"].as_array().expect("a list") {
            for rule in group["rules"].as_array().expect("a list") {
                assert_eq!(rule["health"], "ok", "{rule}");
            }
        }
    });
}

/// No reply is earlier than its delay; on a busy machine some are later, so shares may be off by a tenth.
const BUSY: f64 = 0.1;

fn meshping2017() -> Vec<Expected> {
    let of = |name: &str| format!("{{job=\"meshping-2017\",name=\"{name}\"}}[10s]");
    let (lossy, near, steady) = (of("lossy"), of("near"), of("steady"));
    // The upper edge of a bin in milliseconds.
    let bucket = |name: &str, edge: i16, seconds: u32| {
        let edge = (f64::from(edge) / 8.0).exp2() * 1_000.0;
        let selector = format!("{{job=\"meshping-2017\",name=\"{name}\",le=\"{edge}\"}}[{seconds}s]");
        format!("increase(meshping_pings_bucket{selector})")
    };
    let quantile = |q: f64, of: &str| format!("histogram_quantile({q}, rate(meshping_pings_bucket{of}))");
    // The bin of 20 ms, 18.6 to 20.3 ms, and that of 80 ms, 74.3 to 81.1 ms; both were hit by one host in half a minute.
    let replies = "increase(meshping_rtt_seconds_count{job=\"meshping\",name=\"slower\"}[30s])";
    let fast = "increase(meshping_rtt_seconds_bucket{job=\"meshping\",name=\"slower\",le=\"0.0625\"}[30s])";
    vec![
        expect(format!("rate(meshping_lost{lossy}) / rate(meshping_sent{lossy})"), 0.3, 0.04),
        expect(format!("rate(meshping_pings_sum{near}) / rate(meshping_pings_count{near})"), 41.0, 8.0),
        // The middle of the bin is 33.9 ms.
        expect(quantile(0.5, &near), 34.0, 1.5),
        // At least 20 ms: the middle of the next two bins.
        expect(quantile(0.5, &steady), 20.3, 1.8),
        // A heat map: the share of a bucket is its increase less that of the bucket below.
        expect(
            format!(
                "1 - {} / ignoring(le) increase(meshping_pings_count{steady})",
                bucket("steady", -42, 10)
            ),
            0.0,
            BUSY,
        ),
        expect(format!("{} / on (name) ({fast})", bucket("slower", -32, 30)), 1.0, 2.0 * BUSY),
        expect(
            format!(
                "({} - ignoring(le) {}) / on (name) ({replies} - ignoring(le) ({fast}))",
                bucket("slower", -24, 30),
                bucket("slower", -32, 30)
            ),
            1.0,
            2.0 * BUSY,
        ),
        expect("count(meshping_sent{job=\"meshping-2017\",name=\"dual\"})", 2.0, 0.0),
    ]
}

fn smokeping_prober() -> Vec<Expected> {
    let share = |host: &str, le: &str| {
        let bucket =
            format!("smokeping_response_duration_seconds_bucket{{host=\"{host}\",le=\"{le}\"}}[10s]");
        let count = format!("smokeping_response_duration_seconds_count{{host=\"{host}\"}}[10s]");
        format!("increase({bucket}) / ignoring(le) increase({count})")
    };
    let loss = |host: &str| {
        let count = format!("increase(smokeping_response_duration_seconds_count{{host=\"{host}\"}}[10s])");
        format!("1 - {count} / increase(smokeping_requests_total{{host=\"{host}\"}}[10s])")
    };
    let shares = [
        ("steady", "0.0128", 0.0),
        ("steady", "0.0256", 1.0),
        ("near", "0.0256", 0.0),
        ("near", "0.0512", 1.0),
        ("far", "0.0512", 0.0),
        ("far", "0.1024", 1.0),
        ("slow", "0.4096", 0.0),
        ("slow", "0.8192", 1.0),
        ("slow", "26.2144", 1.0),
    ];
    let shares = shares.iter().map(|(host, le, expected)| {
        // Never before its delay.
        expect(share(host, le), *expected, if *expected == 0.0 { 1e-9 } else { BUSY })
    });
    let rate = "rate(smokeping_response_duration_seconds_bucket{host=\"near\"}[10s])";
    let infinite = "smokeping_response_duration_seconds_bucket{host=\"near\",le=\"+Inf\"}";
    shares
        .chain([
            expect("count(smokeping_response_duration_seconds_bucket{host=\"silent\"})", 21.0, 0.0),
            expect(
                format!(
                    "{infinite} - ignoring(le) smokeping_response_duration_seconds_count{{host=\"near\"}}"
                ),
                0.0,
                0.0,
            ),
            expect(format!("histogram_quantile(0.5, sum by (le, host) ({rate}))"), 0.0384, 0.0128),
            expect("host:smokeping_over_100ms:ratio{host=\"slow\"}", 1.0, 1e-9),
            expect("host:smokeping_over_100ms:ratio{host=\"far\"}", 0.0, BUSY),
            expect("count(ALERTS{alertname=\"SlowHost\",alertstate=\"firing\"})", 1.0, 0.0),
            expect(loss("lossy"), 0.3, 0.04),
            expect("rate(smokeping_requests_total{host=\"near\"}[10s])", 10.0, 1.0),
            expect("smokeping_response_ttl{host=\"silent\"}", 0.0, 0.0),
            expect("smokeping_response_ttl{host=\"dual\",ip=~\"10[.].*\"}", 42.0, 0.0),
            expect("count(smokeping_requests_total{host=\"dual\"})", 2.0, 0.0),
            expect("count(smokeping_prober_build_info{version=~\".+\"})", 1.0, 0.0),
        ])
        .collect()
}

fn ping_exporter() -> Vec<Expected> {
    let of = |job: &str, target: &str| format!("{{job=\"{job}\",target=\"{target}\"}}");
    let default = |target: &str| of("window-10", target);
    let (flapping, swinging) = (of("window-60", "flapping"), default("flapping"));
    vec![
        expect(format!("ping_loss_ratio{}", default("silent")), 1.0, 0.0),
        expect(format!("avg_over_time(ping_loss_ratio{}[10s])", default("lossy")), 0.3, BUSY),
        expect(format!("ping_loss_ratio{}", of("meshping-ping-exporter", "lossy")), 0.3, 0.03),
        expect("count(ALERTS{alertname=\"LossyHost\",alertstate=\"firing\",target=\"lossy\"})", 1.0, 0.0),
        // Sixty requests are two of its periods; ten are a part of one.
        expect(format!("min_over_time(ping_loss_ratio{flapping}[6s])"), 0.5, 0.05),
        expect(format!("max_over_time(ping_loss_ratio{flapping}[6s])"), 0.5, 0.05),
        expect(
            format!(
                "max_over_time(ping_loss_ratio{swinging}[6s]) - min_over_time(ping_loss_ratio{swinging}[6s]) > bool 0.2"
            ),
            1.0,
            0.0,
        ),
        expect(format!("ping_rtt_mean_seconds{}", default("near")), 0.041, 0.008),
        expect(
            format!("ping_rtt_best_seconds{} >= bool 0.033", of("meshping-ping-exporter", "near")),
            1.0,
            0.0,
        ),
        expect("count(ping_rtt_worst_seconds{job=\"meshping-ping-exporter\",ip_version=\"6\"})", 2.0, 0.0),
        expect("count(ping_loss_ratio{job=\"meshping-ping-exporter\",target=\"dual\"})", 2.0, 0.0),
        expect("ping_up{job=\"meshping-ping-exporter\"}", 1.0, 0.0),
    ]
}

/// Labels of the targets are in every dialect that has none of that name.
fn own_labels() -> Vec<Expected> {
    let site = "site=\"a\\\"b\"";
    [
        format!("meshping_requests_total{{job=\"meshping\",name=\"near\",{site},class=\"\",le=\"\",quantile=\"\"}}"),
        format!(
            "smokeping_requests_total{{host=\"near\",{site},class=\"c\",name=\"n\",quantile=\"q\",target=\"t\",le=\"\"}}"
        ),
        format!(
            "ping_loss_ratio{{job=\"window-10\",target=\"near\",{site},class=\"c\",name=\"n\",quantile=\"q\",le=\"l\"}}"
        ),
        "meshping_sent{job=\"meshping-2017\",name=\"near\",site=\"\",class=\"\"}".to_owned(),
    ]
    .map(|series| expect(format!("count({series})"), 1.0, 0.0))
    .into()
}
