//! The Debian package, in a Debian with a systemd that runs: installed, upgraded, removed, purged.

use super::lab::Lab;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Standard output of one of our scripts.
pub fn script(name: &str, arguments: &[&str]) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(here.join("scripts").join(name));
    // With what cargo tells a test, some of the libraries would be built again.
    let told = |name: &String| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for variable in std::env::vars().map(|(name, _)| name).filter(told) {
        command.env_remove(variable);
    }
    let output = command.args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The package of the binaries of the present tests, as that version.
pub fn package(directory: &Path, version: &str) -> PathBuf {
    let output = directory.to_str().expect("UTF-8");
    script("package", &["--debug", "--version", version, "--output", output]);
    let found =
        std::fs::read_dir(directory).expect("a directory").filter_map(Result::ok).map(|file| file.path());
    found.into_iter().find(|path| path.to_string_lossy().contains(version)).expect("a package")
}

/// Every file of the system but those that systemd and dpkg write for themselves.
fn files(lab: &Lab) -> BTreeSet<String> {
    let list = lab.run(&["find", "/", "-xdev", "!", "-type", "s"]);
    let changing = ["/var/lib/dpkg/", "/var/log/", "/var/lib/systemd/", "/var/cache/", "/var/lib/private"];
    let ours = |path: &&str| !changing.iter().any(|start| path.starts_with(start));
    list.lines().filter(ours).map(str::to_owned).collect()
}

fn is_there(lab: &Lab, path: &str) -> bool {
    lab.try_run(&["stat", "-c", "%n", path]).trim() == path
}

fn replies(lab: &Lab) -> u64 {
    let list: serde_json::Value =
        serde_json::from_str(&lab.try_run(&["meshpingctl", "list", "--json"])).unwrap_or_default();
    list["127.0.0.1"]["recv"].as_u64().unwrap_or_default()
}

const INSTALLED: [&str; 19] = [
    "/usr/bin/meshping",
    "/usr/bin/meshpingctl",
    "/usr/lib/systemd/system/meshping.service",
    "/usr/lib/systemd/system/meshping-control.socket",
    "/usr/lib/systemd/system/meshping-web.socket",
    "/usr/lib/sysctl.d/60-meshping.conf",
    "/usr/share/man/man1/meshping.1.gz",
    "/usr/share/man/man1/meshpingctl.1.gz",
    "/usr/share/man/man5/meshping.toml.5.gz",
    "/usr/share/man/man1/meshpingctl-add.1.gz",
    "/usr/share/bash-completion/completions/meshping",
    "/usr/share/bash-completion/completions/meshpingctl",
    "/usr/share/zsh/vendor-completions/_meshping",
    "/usr/share/fish/vendor_completions.d/meshpingctl.fish",
    "/usr/share/doc/meshping/README.md",
    "/usr/share/doc/meshping/docs/operations.md",
    "/usr/share/doc/meshping/copyright",
    "/usr/share/doc/meshping/changelog.gz",
    "/usr/share/doc/meshping/examples/dhcpd.conf",
];
const CONFIGURATION: [&str; 3] =
    ["/etc/default/meshping", "/etc/meshping/meshping.toml", "/etc/meshping/targets.d/README"];

fn is_installed_and_runs(lab: &Lab) {
    lab.run(&["sh", "-c", "dpkg --install /packages/meshping_1.0-1_*.deb"]);
    let missing: Vec<_> =
        INSTALLED.iter().chain(&CONFIGURATION).filter(|path| !is_there(lab, path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let configuration = lab.run(&["dpkg-query", "--show", "--showformat=${Conffiles}", "meshping"]);
    for file in CONFIGURATION {
        assert!(configuration.contains(file), "{file} is no conffile: {configuration}");
    }
    assert_eq!(lab.run(&["dpkg", "--verify", "meshping"]), "");
    let version = concat!("meshping ", env!("CARGO_PKG_VERSION"));
    assert_eq!(lab.run(&["meshping", "--version"]).trim(), version);
    assert_eq!(lab.property("ActiveState"), "active", "{}", lab.journal());
    assert_eq!(lab.run(&["systemctl", "is-enabled", "meshping"]).trim(), "enabled");
    assert_eq!(lab.try_run(&["systemctl", "is-enabled", "meshping-control.socket"]).trim(), "disabled");
    lab.run(&["meshpingctl", "add", "127.0.0.1/0.1"]);
    lab.wait_for("replies from 127.0.0.1", || replies(lab) >= 3);
}

fn is_upgraded_with_its_configuration(lab: &Lab) {
    let changed = "target_files = [\"targets.d/*.json\"]\ninterval = 0.1\n";
    lab.write("/etc/meshping/meshping.toml", changed);
    lab.write("/etc/meshping/targets.d/here.json", r#"[{"targets": ["127.0.0.1"]}]"#);
    let before = lab.property("MainPID");
    lab.run(&["sh", "-c", "dpkg --install /packages/meshping_1.1-1_*.deb"]);
    assert_eq!(lab.run(&["cat", "/etc/meshping/meshping.toml"]), changed);
    assert_eq!(lab.property("ActiveState"), "active", "{}", lab.journal());
    assert_ne!(lab.property("MainPID"), before);
    lab.wait_for("replies from 127.0.0.1", || replies(lab) >= 3);
}

fn is_removed_but_for_what_is_the_operator_s(lab: &Lab) {
    lab.write("/var/lib/meshping/state", "kept");
    lab.run(&["systemctl", "enable", "meshping-control.socket"]);
    lab.run(&["dpkg", "--remove", "meshping"]);
    assert_eq!(lab.property("ActiveState"), "inactive");
    let left: Vec<_> = INSTALLED.iter().filter(|path| is_there(lab, path)).collect();
    assert!(left.is_empty(), "{left:?}");
    for kept in
        [&CONFIGURATION[..], &["/etc/meshping/targets.d/here.json", "/var/lib/meshping/state"]].concat()
    {
        assert!(is_there(lab, kept), "{kept} is gone");
    }
}

#[test]
fn the_package_comes_and_goes_without_a_trace() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let packages = ["1.0-1", "1.1-1"].map(|version| package(directory.path(), version));
    let lab = Lab::debian(&script("debian-root", &[]), &packages);
    let before = files(&lab);
    assert!(before.len() > 1000, "only {} files?", before.len());
    is_installed_and_runs(&lab);
    is_upgraded_with_its_configuration(&lab);
    is_removed_but_for_what_is_the_operator_s(&lab);
    lab.run(&["dpkg", "--purge", "meshping"]);
    let after = files(&lab);
    let left: Vec<_> = after.symmetric_difference(&before).collect();
    assert!(left.is_empty(), "not as before: {left:?}");
    let hidden =
        lab.run(&["find", "/var/lib/private", "/var/lib/systemd", "/var/cache", "-name", "*meshping*"]);
    assert_eq!(hidden, "");
}
