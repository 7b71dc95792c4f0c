//! The examples for DHCP servers with real servers, real clients, meshping and meshpingctl, on networks of the tests'
//! own. The programs are those that $DHCPD, $DHCLIENT and $KEA_DHCP4 name, or that scripts/test unpacked, or that
//! are installed.

#[path = "dhcp_hook/client.rs"]
mod client;
#[path = "dhcp_hook/host.rs"]
mod host;
#[path = "dhcp_hook/lease_lifecycle.rs"]
mod lease_lifecycle;
#[path = "dhcp_hook/load.rs"]
mod load;
mod own_network;
#[path = "dhcp_hook/script.rs"]
mod script;
#[path = "dhcp_hook/server.rs"]
mod server;

use own_network::{Running, ask, inside, start_meshping};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// v0, where the server listens, and v1, the clients' end of the cable.
const CABLE: &str = "ip link add v0 type veth peer name v1 && ip addr add 192.0.2.1/24 dev v0 &&
    ip addr add 192.0.2.254/32 dev v1 && ip link set v0 up && ip link set v1 up &&
    ip route add 255.255.255.255 dev v1";

/// Where the examples expect meshpingctl and the script.
const INSTALLED: &str = r#"
    mount -t tmpfs none "$PLACE" && mkdir "$PLACE/old" "$PLACE/new" || exit
    for directory in bin share; do
        mkdir "$PLACE/old/$directory" "$PLACE/new/$directory" &&
        mount --rbind "/usr/$directory" "$PLACE/old/$directory" &&
        ln -s "$PLACE/old/$directory"/* "$PLACE/new/$directory/" || exit
    done
    ln -sf "$MESHPINGCTL" "$PLACE/new/bin/meshpingctl" && rm -f "$PLACE/new/share/kea" &&
    mkdir -p "$PLACE/new/share/kea/scripts" && cp "$SCRIPT" "$PLACE/new/share/kea/scripts/" &&
    mount --rbind "$PLACE/new/bin" /usr/bin && mount --rbind "$PLACE/new/share" /usr/share"#;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/kea-meshping.sh");

/// Runs `body` on a network of the test's own with everything installed, and with a running meshping.
fn with_meshping(test: &str, body: impl FnOnce(&Path, Running)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = directory.path().to_str().expect("a path in UTF-8");
    let ctl = env!("CARGO_BIN_EXE_meshpingctl");
    let setup = format!("PLACE={place} MESHPINGCTL={ctl} SCRIPT={SCRIPT}; {INSTALLED} && {CABLE}");
    inside(test, &setup, || body(directory.path(), start_meshping(&["--web.listen-address", "off"])));
}

/// The program that the variable names, that scripts/test unpacked, or that is installed.
fn program(name: &str, variable: &str, package: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_meshping")).ancestors().nth(2).expect("target/debug/meshping");
    let roots = [target.join("tools"), "/".into()];
    let places = roots.iter().flat_map(|root| ["usr/sbin", "sbin"].map(|place| root.join(place).join(name)));
    let mut places = std::env::var_os(variable).map(PathBuf::from).into_iter().chain(places);
    let found = places.find(|path| path.exists());
    found
        .ok_or_else(|| format!("{package} is needed: scripts/test unpacks it, or set {variable}"))
        .expect(name)
}

/// Seconds, as in the examples.
const HOOK_INTERVAL: &str = "30";

#[derive(Debug)]
struct Target {
    addr: String,
    name: String,
    interval: String,
    sent: u64,
    recv: u64,
}

fn targets() -> Vec<Target> {
    let Some(reply) = ask(r#"{"cmd": "list"}"#) else { return Vec::new() };
    let list: Value = serde_json::from_str(&reply).expect("JSON");
    let list = list.as_object().expect("an object").values();
    list.map(|target| Target {
        addr: target["addr"].as_str().unwrap_or_default().to_owned(),
        name: target["name"].as_str().unwrap_or_default().to_owned(),
        interval: target["itv"].to_string(),
        sent: target["sent"].as_u64().unwrap_or_default(),
        recv: target["recv"].as_u64().unwrap_or_default(),
    })
    .collect()
}

/// Whether there is a target for that client, as the hooks add them.
fn is_pinged(addr: &str, name: &str) -> bool {
    targets()
        .iter()
        .any(|target| target.addr == addr && target.name == name && target.interval == HOOK_INTERVAL)
}

fn nobody_is_pinged() -> bool {
    ask(r#"{"cmd": "list"}"#).is_some_and(|reply| reply.trim() == "{}")
}

fn wait_for(what: &str, directory: &Path, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        let said = ["log", "dhclient.log"].map(|log| fs::read(directory.join(log)).unwrap_or_default());
        let said = said.map(|log| String::from_utf8_lossy(&log).into_owned()).join("\n");
        assert!(Instant::now() < deadline, "{what}: not within 30 s; {:?}\n{said}", targets());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_servers_accept_the_examples() {
    let leases = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut dhcpd = Command::new(server::dhcpd());
    dhcpd.args(["-t", "-cf", server::DHCPD_EXAMPLE, "-lf"]).arg(leases.path());
    let mut kea = Command::new(server::kea());
    kea.args(["-t", server::KEA_EXAMPLE]).env("KEA_LOCKFILE_DIR", "none");
    for mut command in [dhcpd, kea] {
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
