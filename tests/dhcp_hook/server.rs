//! The two DHCP servers, with the examples as they are shipped. What a test needs otherwise (short leases) comes from
//! a configuration around them.

use super::own_network::Running;
use super::{program, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const DHCPD_EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/dhcpd.conf");
pub const KEA_EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/kea-dhcp4.conf");

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Dhcpd,
    Kea,
}

pub fn dhcpd() -> PathBuf {
    program("dhcpd", "DHCPD", "isc-dhcp-server")
}

pub fn kea() -> PathBuf {
    program("kea-dhcp4", "KEA_DHCP4", "kea-dhcp4-server")
}

/// A server that leases addresses for that many seconds, on v0.
pub fn start(kind: Kind, directory: &Path, seconds: u32) -> Running {
    let (mut command, ready) = match kind {
        Kind::Dhcpd => (dhcpd_command(directory, seconds), "Server starting service"),
        Kind::Kea => (kea_command(directory, seconds), "DHCP4_STARTED"),
    };
    let log = fs::File::create(directory.join("log")).expect("writable");
    let output = log.try_clone().expect("a second handle");
    let child = command.current_dir(directory).stdin(Stdio::null()).stdout(output).stderr(log).spawn();
    let running = Running(child.expect("the server runs"));
    let log = || fs::read_to_string(directory.join("log")).unwrap_or_default();
    wait_for("the server", directory, || log().contains(ready));
    running
}

fn dhcpd_command(directory: &Path, seconds: u32) -> Command {
    let config = format!(
        "ping-check false; include \"{DHCPD_EXAMPLE}\";
        min-lease-time {seconds}; default-lease-time {seconds}; max-lease-time {seconds};"
    );
    fs::write(directory.join("dhcpd.conf"), config).expect("writable");
    fs::write(directory.join("leases"), "").expect("writable");
    let mut command = with_few_privileges(&copied(&dhcpd(), directory));
    command.args(["-4", "-f", "-d", "--no-pid", "-cf", "dhcpd.conf", "-lf", "leases", "v0"]);
    command
}

fn kea_command(directory: &Path, seconds: u32) -> Command {
    let mut config = kea_example();
    let dhcp4 = &mut config["Dhcp4"];
    dhcp4["interfaces-config"]["interfaces"] = json!(["v0"]);
    // Kea would take out of names what is not a letter or a digit; ours must stand them as they are.
    dhcp4["hostname-char-set"] = "".into();
    dhcp4["valid-lifetime"] = seconds.into();
    dhcp4["lease-database"] = json!({"type": "memfile", "persist": false});
    dhcp4["expired-leases-processing"] = json!({"reclaim-timer-wait-time": 1, "hold-reclaimed-time": 0});
    fs::write(directory.join("kea.conf"), config.to_string()).expect("writable");
    let mut command = with_few_privileges(&copied(&kea(), directory));
    command.args(["-c", "kea.conf"]).env("KEA_PIDFILE_DIR", directory).env("KEA_LOCKFILE_DIR", "none");
    command
}

/// A copy that no profile of AppArmor's is about: where the program is installed, it may not read what we tell it to.
pub fn copied(program: &Path, directory: &Path) -> PathBuf {
    let copy = directory.join(program.file_name().expect("a program has a name"));
    fs::copy(program, &copy).expect("writable");
    copy
}

/// No more than a DHCP server needs, which is what the hooks get.
fn with_few_privileges(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--no-new-privs", "--bounding-set", "-all,+net_bind_service,+net_raw"]).arg(program);
    command
}

/// The example without its comments, for this architecture.
fn kea_example() -> Value {
    let text = fs::read_to_string(KEA_EXAMPLE).expect("the example");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("//")).collect();
    let mut config: Value = serde_json::from_str(&lines.join("\n")).expect("JSON");
    let library = &mut config["Dhcp4"]["hooks-libraries"][0]["library"];
    let path = library.as_str().expect("a path").replace("x86_64", std::env::consts::ARCH);
    *library = path.into();
    config
}
