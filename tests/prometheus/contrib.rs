//! What comes with meshping for Prometheus: the rules and the example of a configuration.

use crate::server::{Prometheus, contrib};
use std::process::Command;

/// Runs `promtool` with these arguments, in `contrib/prometheus`.
fn promtool(arguments: &[&str]) -> String {
    let promtool = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".into());
    let output = Command::new(&promtool).args(arguments).current_dir(contrib("prometheus")).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{promtool}: {error}. Run scripts/test, which unpacks Debian's promtool, or set PROMTOOL")
    });
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    said
}

#[test]
fn the_rules_and_the_example_are_what_prometheus_reads() {
    promtool(&["check", "rules", "meshping.rules.yml"]);
    promtool(&["check", "config", "prometheus.yml"]);
}

#[test]
fn the_rules_say_what_their_tests_say() {
    let said = promtool(&["test", "rules", "tests/targets.yml", "tests/daemon.yml"]);
    assert_eq!(said.matches("SUCCESS").count(), 2, "{said}");
}

/// Every rule is evaluated without an error, and the recorded ones are right.
pub fn rules_are_evaluated(prometheus: &Prometheus) {
    let recorded = "target:meshping_loss:ratio_rate5m{job=\"meshping\",name=\"lossy\"}";
    prometheus.wait_for("loss is recorded", recorded);
    prometheus.wait_for("an alert is pending", "ALERTS{alertname=\"MeshpingTargetDown\",name=\"silent\"}");
    let groups = prometheus.api("rules", &[]);
    for group in groups["groups"].as_array().expect("a list") {
        for rule in group["rules"].as_array().expect("a list") {
            assert_eq!(rule["health"], "ok", "{rule}");
        }
    }
    let loss = prometheus.value(recorded);
    assert!((loss - 0.3).abs() <= 0.04, "{loss}");
    // Of the daemon, not of its targets: nothing is wrong with it.
    let alerts = "ALERTS{alertstate=\"firing\",alertname!~\"MeshpingTarget.*\"}";
    let alerts = prometheus.query(alerts, None);
    assert!(alerts.is_empty(), "{alerts:?}");
}

/// The queries that docs/metrics.md shows, each on a line of its own, longer ones on indented lines more.
pub fn queries_of_the_document_are_answered(prometheus: &Prometheus) {
    let document = include_str!("../../docs/metrics.md");
    let block = document.split("```promql\n").nth(1).and_then(|rest| rest.split("```").next());
    let mut queries: Vec<String> = Vec::new();
    for line in block.expect("docs/metrics.md has queries").lines().filter(|line| !line.starts_with('#')) {
        match queries.last_mut().filter(|_| line.starts_with(' ')) {
            Some(query) => query.push_str(line),
            None => queries.push(line.to_owned()),
        }
    }
    assert!(queries.len() > 3, "{queries:?}");
    for query in queries {
        let series = prometheus.query(&query, None);
        assert!(!series.is_empty() || query.contains('>'), "{query}");
    }
}
