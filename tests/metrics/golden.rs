//! The exposition in each dialect, compared byte for byte with a golden file and checked by promtool.

use crate::EVIL;
use crate::fake::{names, status, target};
use crate::statistics::{busy_totals, wall};
use crate::{golden_file, promtool};
use meshping::actors::control_stats::ControlStats;
use meshping::actors::persistence::StoreStats;
use meshping::actors::supervisor::TargetRef;
use meshping::build_info::{REVISION, VERSION};
use meshping::measure::LifetimeStats;
use meshping::probe::scripted::ScriptedNetwork;
use meshping::target::{Labels, OptionOverrides, PacketOptions};
use meshping::web::FileState;
use meshping::web::WebStats;
use meshping::web::metrics::daemon::DaemonSnapshot;
use meshping::web::metrics::dialects::Dialect;
use meshping::web::metrics::exposition::{Columns, Exposition};
use meshping::web::metrics::snapshot::Snapshot;
use prometheus::Registry;
use std::sync::Arc;
use std::time::Duration;

/// Options of a target with labels of its own, some of them with names that a dialect uses.
fn options() -> OptionOverrides {
    let labels =
        [("site", "a\"b\\c\n"), ("host", "h"), ("ip", "i"), ("ip_version", "v"), ("tos", "t"), ("Rack", "7")];
    let packet = PacketOptions {
        source: "192.0.2.9".parse().ok(),
        dscp: "ef".parse().ok(),
        ..PacketOptions::default()
    };
    OptionOverrides { packet, labels: Labels::new(labels).unwrap(), ..OptionOverrides::default() }
}

/// The exposition of a target with statistics, one without, and one with options.
fn exposition(dialect: Dialect) -> String {
    let network = ScriptedNetwork::new();
    let labelled =
        TargetRef { overrides: Some(Arc::new(options())), ..target(&network, "198.51.100.7", "labelled") };
    let targets = [
        (target(&network, "192.0.2.1", EVIL), busy_totals()),
        (labelled, LifetimeStats::default()),
        (target(&network, "fe80::1%eth0", "new"), LifetimeStats::default()),
    ];
    let mut columns = Columns::new(dialect);
    for (target, totals) in targets {
        columns.push(&Snapshot::new(dialect.labels(&target), &target, totals, wall()));
    }
    let control = Some(ControlStats { answered: 7, ignored: [4, 3, 2, 1], unsent: 0 });
    let file = Some(FileState { successful: true, failures: 2 });
    let web = WebStats { file, rejected: [1, 2, 3, 4, 5, 6] };
    let rest = DaemonSnapshot { status: &status(), control, names: names(), web, stores: Some(stores()) }
        .render(dialect, &Registry::new())
        .unwrap();
    let pieces: Vec<u8> = Exposition::new(columns, rest).flatten().collect();
    let text = String::from_utf8(pieces).unwrap();
    let build = format!("revision=\"{REVISION}\",version=\"{VERSION}\"");
    let text = text.replace(&build, "revision=\"REVISION\",version=\"VERSION\"");
    text.replace(&format!("version=\"{VERSION}\""), "version=\"VERSION\"")
}

/// Fails unless the exposition equals the golden file and promtool objects to the style of only these families.
fn check(dialect: Dialect, file: &str, unusual: &[&str]) {
    let text = exposition(dialect);
    golden_file::check(file, &text);
    promtool::check_but(&text, unusual);
}

#[actix::test]
async fn the_exposition_equals_the_golden_file() {
    check(Dialect::Own, "exposition.txt", &[]);
}

#[actix::test]
async fn the_names_of_2017_equal_the_golden_file() {
    let counters = ["meshping_lost", "meshping_recv", "meshping_sent"];
    check(Dialect::Meshping2017, "meshping2017.txt", &counters);
}

#[actix::test]
async fn the_names_of_smokeping_prober_equal_the_golden_file() {
    check(Dialect::SmokepingProber, "smokeping_prober.txt", &[]);
}

#[actix::test]
async fn the_names_of_ping_exporter_equal_the_golden_file() {
    check(Dialect::PingExporter, "ping_exporter.txt", &[]);
}

fn stores() -> Vec<StoreStats> {
    let last_saved = Some(Duration::from_millis(1_763_856_000_250));
    let targets = StoreStats { database: "targets", works: true, errors: 0, last_saved, bytes: 24_576 };
    let statistics =
        StoreStats { database: "statistics", works: false, errors: 3, last_saved: None, bytes: 0 };
    vec![targets, statistics]
}
