//! The package of the latest release runs, and is upgraded to this build: no target and no counter is lost.

use super::lab::Lab;
use super::package::{package, script};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// In tests/releases, where a README says how it was made.
const RELEASED: &str = "tests/releases/meshping_0.1.0-1_amd64.deb";

/// Targets of every kind, which only the state directory knows after a restart.
const LIVE: [&[&str]; 8] = [
    &["add", "127.0.0.1/0.1"],
    &["add", "--addr", "127.0.0.1", "--name", "second name"],
    &[
        "add",
        "127.0.0.2",
        "--name",
        "quote\" line\nbreak",
        "-i",
        "0.2",
        "--timeout=2",
        "--size=100",
        "--label=site=berlin",
    ],
    &["add", "::1/0.1"],
    &["add", "localhost/0.5"],
    &["add", "192.0.2.1/0.5"],
    &["add", "127.0.0.9"],
    &["remove", "127.0.0.9"],
];

fn metrics(lab: &Lab) -> String {
    let ask = "exec 3<>/dev/tcp/127.0.0.1/9922 && printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3";
    lab.try_run(&["bash", "-c", ask])
}

/// Every counter of every target, by its series.
fn counters(metrics: &str) -> BTreeMap<String, f64> {
    let of_targets = metrics.lines().filter(|line| line.contains(",target=\""));
    let pairs = of_targets.filter_map(|line| line.rsplit_once(' '));
    let counters = pairs.filter(|(series, _)| {
        let family = series.split('{').next().unwrap_or_default();
        ["_total", "_bucket", "_sum", "_count"].iter().any(|end| family.ends_with(end))
    });
    counters.map(|(series, value)| (series.to_owned(), value.parse().expect("a number"))).collect()
}

fn sum(metrics: &str, family: &str) -> f64 {
    let lines =
        metrics.lines().filter(|line| line.starts_with(&format!("{family}{{")) && line.contains(",target="));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

fn list(lab: &Lab) -> Value {
    serde_json::from_str(&lab.try_run(&["meshpingctl", "list", "--json"])).unwrap_or_default()
}

/// What was told about each target, and what was counted.
fn told(list: &Value) -> BTreeMap<String, (String, f64)> {
    let targets = list.as_object().expect("targets").iter();
    let name = |target: &Value| target["name"].as_str().expect("a name").to_owned();
    targets
        .map(|(address, target)| (address.clone(), (name(target), target["itv"].as_f64().expect("seconds"))))
        .collect()
}

fn assert_none_went_back(before: &Value, after: &Value) {
    for (address, target) in before.as_object().expect("targets") {
        for member in ["sent", "recv", "errs", "lost", "sum"] {
            let (old, new) = (&target[member], &after[address][member]);
            assert!(new.as_f64() >= old.as_f64(), "{address}: {member} went from {old} to {new}: {after}");
        }
    }
}

fn assert_adds_up(metrics: &str) {
    let settled = ["replies_total", "errors_total", "lost_total", "void_requests_total"];
    let settled: f64 = settled.iter().map(|family| sum(metrics, &format!("meshping_{family}"))).sum();
    let requests = sum(metrics, "meshping_requests_total");
    let pending = sum(metrics, "meshping_pending_requests");
    assert!(
        (requests - settled - pending).abs() < 0.5,
        "{requests} requests: {settled} settled, {pending} pending"
    );
}

/// Whether this machine can run the release; if not that is said, and under CI it is a failure.
fn can_run() -> bool {
    let can = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    if !can {
        eprintln!("NOT TESTED: {RELEASED} is for amd64, so its upgrade can't be tried on this machine");
        assert!(std::env::var_os("CI").is_none(), "under CI this has to run on amd64");
    }
    can
}

fn is_installed_and_pings(lab: &Lab) {
    lab.run(&["sh", "-c", "dpkg --install /packages/meshping_0.1.0-1_*.deb"]);
    assert_eq!(lab.run(&["meshping", "--version"]).trim(), "meshping 0.1.0");
    assert_eq!(lab.property("ActiveState"), "active", "{}", lab.journal());
    for words in LIVE {
        lab.run(&[&["meshpingctl"], words].concat());
    }
    lab.wait_for("replies and errors", || {
        let list = list(lab);
        list["127.0.0.1"]["recv"].as_u64() >= Some(20)
            && list["::1"]["recv"].as_u64() >= Some(20)
            && list["192.0.2.1"]["errs"].as_u64() >= Some(3)
    });
}

#[test]
fn an_upgrade_over_a_running_release_loses_no_target_and_no_counter() {
    if !can_run() {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let version = concat!(env!("CARGO_PKG_VERSION"), "+upgrade-1");
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join(RELEASED);
    let packages: [PathBuf; 2] = [released, package(directory.path(), version)];
    let lab = Lab::debian(&script("debian-root", &[]), &packages);
    is_installed_and_pings(&lab);

    let (listed, metrics_before) = (list(&lab), metrics(&lab));
    let pid = lab.property("MainPID");
    lab.run(&["sh", "-c", "dpkg --install /packages/meshping_*+upgrade-1_*.deb"]);
    assert_eq!(lab.run(&["dpkg-query", "--show", "--showformat=${Version}", "meshping"]), version);
    assert_eq!(lab.property("ActiveState"), "active", "{}", lab.journal());
    assert_ne!(lab.property("MainPID"), pid);
    // Followed names are looked up again first.
    lab.wait_for("every target", || {
        list(&lab).as_object().map(serde_json::Map::len) == Some(told(&listed).len())
    });
    assert_eq!(told(&list(&lab)), told(&listed));
    assert_eq!(lab.run(&["meshpingctl", "export"]), EXPORTED);
    assert_none_went_back(&listed, &list(&lab));

    let metrics_after = metrics(&lab);
    let (before, after) = (counters(&metrics_before), counters(&metrics_after));
    assert!(before.len() > 100, "only {} counters: {metrics_before}", before.len());
    let lost = before.iter().filter(|(series, old)| after.get(*series).is_none_or(|new| new < *old));
    let lost: Vec<String> =
        lost.map(|(series, old)| format!("{series} {old}: {:?}", after.get(series))).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_adds_up(&metrics_before);
    assert_adds_up(&metrics_after);
    let replies = sum(&metrics_after, "meshping_replies_total");
    lab.wait_for("more replies", || sum(&metrics(&lab), "meshping_replies_total") > replies + 10.0);
}

/// What was configured and added before the upgrade. The release that is upgraded exported the addresses of the moment.
const EXPORTED: &str = "\
meshpingctl add --addr 127.0.0.1 -i 0.1
meshpingctl add --addr 127.0.0.1 --name='second name' -i 1
meshpingctl add --addr 127.0.0.2 --name='quote\" line\nbreak' -i 0.2 --timeout=2 --size=100 --label='site=berlin'
meshpingctl add --addr 192.0.2.1 -i 0.5
meshpingctl add --addr ::1 -i 0.1
meshpingctl add --addr localhost -i 0.5 --unresolved
";
