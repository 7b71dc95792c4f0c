//! Commands of the documents that no test can run as they stand, each with the reason.

/// Command, and why no test runs it. An entry that no document has is an error.
pub const NOT_RUN: &[(&str, &str)] = &[
    ("scripts/run 192.168.178.1 google.de/60 [2001:db8::1]/5", RUN),
    ("scripts/run 127.0.0.1", RUN),
    ("cargo build --release --locked", BUILD),
    ("cargo build --locked", BUILD),
    ("cargo test --locked --test web", "scripts/test runs each file of the tests so"),
    ("cargo test --test properties", "scripts/test runs each file of the tests so"),
    ("cargo doc --open", "opens a browser; scripts/test runs cargo doc"),
    ("scripts/package", PACKAGE),
    ("scripts/package --static", "a release build of its own; the tests of the package take a debug build"),
    ("rustup target add x86_64-unknown-linux-musl", "downloads a part of Rust"),
    ("scripts/test --fast", "takes minutes; .ci/run runs scripts/test"),
    ("scripts/bench --micro", "builds the benchmarks with optimisation; clippy compiles them"),
    ("scripts/fuzz", "needs a nightly Rust; tests/properties runs the same checks"),
    ("scripts/fuzz 600 request", "needs a nightly Rust; tests/properties runs the same checks"),
    ("scripts/release --dry-run 0.2.0", RELEASE),
    ("scripts/release --tested 0.2.0", RELEASE),
    ("scripts/bench --against BINARY", "takes minutes; scripts/benchmark has tests of its own"),
    ("apt install ./target/debian/meshping_*.deb", INSTALLED),
    ("apt install ./meshping_NEW.deb", INSTALLED),
    ("apt remove meshping", INSTALLED),
    ("apt purge meshping", INSTALLED),
    ("sysctl --system && systemctl daemon-reload && systemctl enable --now meshping", SERVICE),
    ("systemctl stop meshping", SERVICE),
    ("systemctl start meshping", SERVICE),
    ("systemctl enable --now meshping-control.socket", SERVICE),
    ("systemctl reload meshping", SERVICE),
    ("systemctl reload", SERVICE),
    ("systemctl status", SERVICE),
    ("systemd-analyze security", "scripts/test runs it with --offline and a threshold"),
    ("setcap cap_net_raw+p /usr/bin/meshping", "needs root; scripts/run does it with its own build"),
    ("apparmor_parser -r /etc/apparmor.d/usr.sbin.dhcpd", "needs root and a kernel with AppArmor"),
    ("meshpingctl reload", "tests/config.rs runs it with a configuration"),
    ("install -d -m 755 /etc/default /etc/sysctl.d", SERVICE),
    ("install -d -m 755 /etc/meshping /etc/meshping/targets.d", SERVICE),
    ("promtool test rules", "tests/prometheus runs it with the files"),
    ("kill -9", "names the signal; tests/state sends it"),
];

const RUN: &str = "builds a release; tests/fresh/run.sh runs scripts/run in a new Debian";
const RELEASE: &str = "tests/hygiene/release.rs runs it in a repository of its own";
const BUILD: &str = "what is tested here was built so";
const PACKAGE: &str = "builds a release; tests/systemd runs it with a debug build";
const INSTALLED: &str = "changes the system; tests/systemd does it in a Debian of its own, with dpkg";
const SERVICE: &str =
    "changes the system; tests/systemd runs the service and its sockets in a Debian of its own";
