//! examples/dhcpd.conf with a real dhcpd, a real client's packets, meshping and meshpingctl, on a network of the
//! test's own. dhcpd is the one that $DHCPD names, or that scripts/test unpacked, or that is installed.

#[path = "dhcp_hook/client.rs"]
mod client;
mod own_network;

use client::Client;
use own_network::{Running, ask, inside, start_meshping};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// v0, where dhcpd listens, and v1, the clients' end of the cable.
const CABLE: &str = "ip link add v0 type veth peer name v1 && ip addr add 192.0.2.1/24 dev v0 &&
    ip addr add 192.0.2.254/32 dev v1 && ip link set v0 up && ip link set v1 up &&
    ip route add 255.255.255.255 dev v1";

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/dhcpd.conf");

fn dhcpd() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_meshping")).ancestors().nth(2).expect("target/debug/meshping");
    let unpacked = target.join("tools/usr/sbin/dhcpd");
    let places =
        [std::env::var_os("DHCPD").map(PathBuf::from), Some(unpacked), Some("/usr/sbin/dhcpd".into())];
    let found = places.into_iter().flatten().find(|path| path.exists());
    found.expect("isc-dhcp-server is needed: scripts/test unpacks it, or set DHCPD to its dhcpd")
}

/// The names of the targets, by address.
fn targets() -> Vec<(String, String, f64)> {
    let Some(reply) = ask(r#"{"cmd": "list"}"#) else { return Vec::new() };
    let list: Value = serde_json::from_str(&reply).expect("JSON");
    let list = list.as_object().expect("an object").values();
    list.map(|target| {
        let text = |member: &str| target[member].as_str().unwrap_or_default().to_owned();
        (text("addr"), text("name"), target["itv"].as_f64().unwrap_or_default())
    })
    .collect()
}

fn wait_for(what: &str, log: &Path, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        let said = fs::read_to_string(log).unwrap_or_default();
        assert!(Instant::now() < deadline, "{what}: not within 20 s; {:?}\n{said}", targets());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Starts dhcpd with the example, changed so that leases are short and our own meshpingctl is called.
fn start_dhcpd(directory: &Path, lease_seconds: u32) -> Running {
    let example = fs::read_to_string(EXAMPLE).expect("the example");
    assert!(example.contains("/usr/bin/meshpingctl"));
    let config = example
        .replace("/usr/bin/meshpingctl", env!("CARGO_BIN_EXE_meshpingctl"))
        .replace("3600", &lease_seconds.to_string())
        .replace("7200", &lease_seconds.to_string());
    fs::write(directory.join("dhcpd.conf"), format!("ping-check false;\n{config}")).expect("writable");
    fs::write(directory.join("leases"), "").expect("writable");
    let log = fs::File::create(directory.join("log")).expect("writable");
    let child = Command::new(dhcpd())
        .args(["-4", "-f", "-d", "--no-pid", "-cf", "dhcpd.conf", "-lf", "leases", "v0"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("dhcpd runs");
    let running = Running(child);
    let ready =
        || fs::read_to_string(directory.join("log")).unwrap_or_default().contains("Server starting service");
    wait_for("dhcpd", &directory.join("log"), ready);
    running
}

#[test]
fn dhcpd_accepts_the_example() {
    let leases = tempfile::NamedTempFile::new().expect("a temporary file");
    let output = Command::new(dhcpd())
        .args(["-t", "-cf", EXAMPLE, "-lf"])
        .arg(leases.path())
        .output()
        .expect("dhcpd runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn clients_are_pinged_while_they_hold_a_lease_whatever_they_are_called() {
    inside("clients_are_pinged_while_they_hold_a_lease_whatever_they_are_called", CABLE, || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("log");
        let _meshping = start_meshping(&["--web.listen-address", "off"]);
        let _dhcpd = start_dhcpd(directory.path(), 5);
        let names = [Some("printer"), None, Some("-rf"), Some("--help"), Some("it's \"quoted\" $(id)")];
        for (number, name) in (1..).zip(names) {
            let client = Client::new(number, name);
            let address = client.lease(&log);
            let called = name.unwrap_or(&address).to_owned();
            wait_for(&called, &log, || targets().contains(&(address.clone(), called.clone(), 30.0)));
            if number == 1 {
                client.release(&address);
                wait_for("a release", &log, || targets().iter().all(|(listed, ..)| *listed != address));
            }
        }
        assert_eq!(targets().len(), names.len() - 1);
        wait_for("every lease to expire", &log, || targets().is_empty());
    });
}
