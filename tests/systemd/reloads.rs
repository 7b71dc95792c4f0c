//! `systemctl reload` reports whether the configuration was applied, wherever the control socket is.

use crate::booted;
use crate::lab::Lab;

const FILE: &str = "/etc/meshping/meshping.toml";

fn list(lab: &Lab, control: &str) -> String {
    lab.run(&["meshpingctl", "--control", control, "list", "--json"])
}

/// Breaks the file, repairs it, and expects reloads to fail and to succeed.
fn check(lab: &Lab, control: &str) {
    lab.write(FILE, "[[target]]\nhost = \"127.0.0.3\"\n");
    lab.run(&["systemctl", "reload", "meshping"]);
    assert!(list(lab, control).contains("127.0.0.3"), "{}", list(lab, control));

    // A daemon that watches the file has refused it already when the reload is requested, or refuses it then.
    lab.write(FILE, "intervall = 5\ncontrol = \"127.0.0.1:1\"\n");
    lab.fail(&["systemctl", "reload", "meshping"]);
    let journal = lab.journal();
    assert!(journal.contains(": unknown key \"intervall\""), "{journal}");
    assert!(journal.contains("meshpingctl[") || journal.contains("meshpingctl: "), "{journal}");
    let status = lab.property("StatusText");
    assert!(
        status.contains("can't be loaded") && status.contains("meshping.toml:1: unknown key"),
        "{status}"
    );
    assert_eq!((lab.property("ActiveState"), lab.property("SubState")), ("active".into(), "running".into()));
    assert!(list(lab, control).contains("127.0.0.3"), "the present configuration stays in force");

    // Another address takes effect with the next start, and is not the one to ask.
    lab.write(FILE, "control = \"127.0.0.1:7\"\n[[target]]\nhost = \"127.0.0.4\"\n");
    lab.run(&["systemctl", "reload", "meshping"]);
    assert!(list(lab, control).contains("127.0.0.4"));
    lab.wait_for("a status without a problem", || !lab.property("StatusText").contains("loaded"));
}

#[test]
fn a_refused_reload_fails_with_the_reason_while_it_lasts() {
    let lab = booted("", "");
    check(&lab, "127.0.0.1:55432");
    lab.write(FILE, "target_files = [\"targets.d/*.json\"]\n");
    lab.write("/etc/meshping/targets.d/a.json", "[");
    lab.run(&["systemctl", "reload", "meshping"]);
    let status = lab.property("StatusText");
    assert!(status.contains("can't use a target file: /etc/meshping/targets.d/a.json: EOF"), "{status}");
    lab.write("/etc/meshping/targets.d/a.json", "[{\"targets\": [\"127.0.0.5\"]}]");
    lab.wait_for("a status without a problem", || {
        lab.property("StatusText").starts_with("pinging 1 target, ")
    });
    assert!(!lab.property("StatusText").contains(';'), "{}", lab.property("StatusText"));

    lab.write(FILE, "intervall = 5\n");
    lab.fail(&["systemctl", "restart", "meshping"]);
    assert_eq!(lab.property("ExecMainStatus"), "2", "a restart does not survive a broken file");
    assert_eq!(lab.property("ActiveState"), "failed");
}

#[test]
fn a_reload_asks_the_control_socket_that_the_daemon_has() {
    let lab = booted("MESHPING_OPTS=\"--control 127.0.0.2:7777\"\n", "");
    lab.write("/etc/default/meshping", "MESHPING_OPTS=\"--control 127.0.0.2:8888\"\n");
    check(&lab, "127.0.0.2:7777");
}

#[test]
fn without_a_control_socket_that_answers_a_signal_reloads() {
    for options in ["--control off", "--control 0.0.0.0:55432 --control-allow 10.0.0.0/8"] {
        let lab = booted(&format!("MESHPING_OPTS=\"{options}\"\n"), "");
        lab.write(FILE, "[[target]]\nhost = \"127.0.0.3\"\n");
        lab.run(&["systemctl", "reload", "meshping"]);
        lab.wait_for("the target", || lab.http("/metrics").contains("target=\"127.0.0.3\""));
        lab.write(FILE, "intervall = 5\n");
        lab.run(&["systemctl", "reload", "meshping"]);
        lab.wait_for("the status", || lab.property("StatusText").contains("unknown key"));
    }
}
