//! A real Prometheus scrapes a real meshping that pings simulated hosts: what its queries say is what happened.
//!
//! All of it in a network namespace of the test's own. What comes with meshping is tried on the way: the rules, and
//! every query of every dashboard.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]
#![allow(dead_code, reason = "shared with another test target, which uses more")]

mod contrib;
#[path = "../native/daemon.rs"]
mod daemon;
mod dashboards;
mod dialects;
#[path = "../native/metrics.rs"]
mod metrics;
mod scenario;
mod server;
#[path = "../sim/mod.rs"]
mod sim;

use dashboards::Dashboard;
use scenario::{LEAVING, LOSSY, Scenario};
use server::Prometheus;
use sim::in_namespace;
use std::time::Duration;

/// Loss by the query of docs/metrics.md, over enough seconds for one request to be a percent.
fn loss(name: &str) -> String {
    let selector = format!("{{job=\"meshping\",name=\"{name}\"}}[10s]");
    format!(
        "1 - rate(meshping_replies_total{selector}) / (rate(meshping_replies_total{selector}) \
         + rate(meshping_lost_total{selector}) + sum without (class) (rate(meshping_errors_total{selector})))"
    )
}

#[test]
fn what_prometheus_says_is_what_happened() {
    in_namespace(|network| {
        let scenario = Scenario::start();
        let prometheus = Prometheus::start();
        prometheus.wait_for(
            "there are fifteen seconds of scrapes",
            "count_over_time(meshping_requests_total{job=\"meshping\",name=\"lossy\"}[1m]) >= 15",
        );
        losses_are_right(&prometheus);
        round_trip_times_are_right(&prometheus);
        odd_replies_are_counted(&prometheus);
        contrib::rules_are_evaluated(&prometheus);
        contrib::queries_of_the_document_are_answered(&prometheus);
        for dashboard in Dashboard::all() {
            dashboard.every_query_has_an_answer(&prometheus);
        }
        assert!(network.responder.requests(LOSSY.address()) >= 100);
        a_target_that_went_away_has_a_past_and_no_present(&scenario, &prometheus);
    });
}

fn losses_are_right(prometheus: &Prometheus) {
    // Of about a hundred requests the first and the last two may be on the other side of the window's edge.
    let cases =
        [("lossy", 0.3, 0.05), ("silent", 1.0, 1e-9), ("unreachable", 1.0, 1e-9), ("near", 0.0, 1e-9)];
    for (name, expected, tolerance) in cases {
        let said = prometheus.value(&loss(name));
        assert!((said - expected).abs() <= tolerance, "{name}: a loss of {said}");
    }
    assert_eq!(prometheus.labels("meshping_requests_total{job=\"meshping\"}", "site"), ["a\"b"]);
    let classes = prometheus.labels("meshping_errors_total{job=\"meshping\"} > 0", "class");
    assert_eq!(classes, ["host_unreachable", "send", "ttl_exceeded"]);
}

fn round_trip_times_are_right(prometheus: &Prometheus) {
    for (name, delay, octave) in [("near", 0.033, -4), ("far", 0.065, -3)] {
        let selector = format!("{{job=\"meshping\",name=\"{name}\"}}[10s]");
        let buckets = format!("rate(meshping_rtt_seconds_bucket{selector})");
        let median = prometheus.value(&format!("histogram_quantile(0.5, {buckets})"));
        let (from, to) = (f64::from(octave - 1).exp2(), f64::from(octave).exp2());
        assert!(from < median && median <= to, "{name}: a median of {median}, not within its bucket");
        let sum = format!("rate(meshping_rtt_seconds_sum{selector})");
        let mean = prometheus.value(&format!("{sum} / rate(meshping_rtt_seconds_count{selector})"));
        // No reply was earlier, and on a busy machine some are later.
        assert!(mean >= delay && mean <= to, "{name}: a mean of {mean}");
    }
}

fn odd_replies_are_counted(prometheus: &Prometheus) {
    // Since the beginning: at least a hundred, of which the last few may not have come.
    for (family, of, name, expected) in [
        ("meshping_duplicates_total", "meshping_replies_total", "twice", 1.0),
        ("meshping_outdated_total", "meshping_replies_total", "reordered", 0.5),
        ("meshping_late_total", "meshping_lost_total", "late", 1.0),
    ] {
        let selector = format!("{{job=\"meshping\",name=\"{name}\"}}");
        let said = prometheus.value(&format!("{family}{selector} / {of}{selector}"));
        assert!(said <= expected + 0.01 && said >= expected - 0.1, "{name}: a share of {said}");
    }
}

fn a_target_that_went_away_has_a_past_and_no_present(scenario: &Scenario, prometheus: &Prometheus) {
    let present = "meshping_requests_total{job=\"meshping\",name=\"leaving\"}";
    let before = prometheus.now();
    assert!(prometheus.value(present) > 50.0, "it was pinged");
    scenario.remove(LEAVING);
    prometheus.wait_for("its series are gone", &format!("absent({present})"));
    for (job, family) in [
        ("meshping-2017", "meshping_sent{name=\"leaving\"}"),
        ("meshping-smokeping", "smokeping_requests_total{host=\"leaving\"}"),
        ("meshping-ping-exporter", "ping_loss_ratio{target=\"leaving\"}"),
    ] {
        prometheus.wait_for(job, &format!("absent({family})"));
    }
    assert!(prometheus.value_at(&loss("leaving"), Some(before)) <= 1e-9, "its past is what it was");
    // A window that begins after its end.
    std::thread::sleep(Duration::from_secs(1));
    losses_are_right(prometheus);
}
