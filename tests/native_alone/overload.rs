//! Asked for more than the machine can.

use crate::daemon::Daemon;
use crate::metrics::{Metrics, equal};
use crate::sim::in_namespace;
use serde_json::json;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// A hundred times a second each: half a million requests a second.
const TARGETS: u32 = 5_000;

fn total(metrics: &Metrics, what: &str) -> f64 {
    metrics.sum(&format!("meshping_{what}"), &[])
}

#[test]
fn who_is_asked_for_too_much_skips_says_so_and_answers_all_the_same() {
    let _alone = crate::alone();
    in_namespace(|_| {
        let first = u32::from(std::net::Ipv4Addr::new(127, 9, 0, 1));
        let file = tempfile::NamedTempFile::new().expect("a directory for temporary files");
        let targets = (first..first + TARGETS).fold(String::new(), |mut text, address| {
            writeln!(text, "{}/0.01", std::net::Ipv4Addr::from(address)).expect("memory");
            text
        });
        std::fs::write(file.path(), targets).expect("room for a small file");
        let daemon = Daemon::start(&["--targets", file.path().to_str().expect("a plain path")]);
        let mut metrics = daemon.metrics();
        let deadline = Instant::now() + Duration::from_secs(60);
        while total(&metrics, "skipped_requests_total") < f64::from(10 * TARGETS) {
            assert!(Instant::now() < deadline, "this machine can do all that is asked for, or nothing");
            // A refusal would be no list, and would fail the test.
            let rows = daemon.list_with(&json!({"cmd": "list", "limit": 100}));
            assert_eq!(rows.len(), 100);
            metrics = daemon.metrics();
        }
        let [sent, skipped] = ["requests_total", "skipped_requests_total"].map(|what| total(&metrics, what));
        println!("{sent} sent, {skipped} skipped");
        assert!(sent > f64::from(TARGETS), "{sent}");
        let [lost, errors] = ["lost_total", "errors_total"].map(|what| total(&metrics, what));
        assert!(equal(lost + errors, 0.0), "{lost} lost, {errors} errors");
    });
}
