//! What the unit provides for the daemon, and what the daemon reports to systemd.

use super::lab::Lab;
use super::{ONE_TARGET, booted, received, status};

#[test]
fn the_unit_s_status_says_what_is_being_done() {
    let lab = booted(ONE_TARGET, "");
    lab.wait_for("a status", || lab.property("StatusText") == "pinging 1 target, following 0 names");
}

#[test]
fn a_reload_goes_on_with_the_same_daemon_and_the_service_manager_knows() {
    let lab = booted(ONE_TARGET, "");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
    let (pid, before) = (lab.property("MainPID"), received(&lab));
    let changed = || lab.property("StateChangeTimestampMonotonic");
    let first = changed();
    lab.run(&["kill", "-HUP", &pid]);
    lab.wait_for("reloading and ready again", || {
        changed() != first && lab.property("ActiveState") == "active"
    });
    lab.write("/etc/meshping/meshping.toml", "[[target]]\nhost = \"127.0.0.2\"\n");
    lab.run(&["systemctl", "reload", "meshping"]);
    let list = lab.control(r#"{"cmd": "list"}"#);
    assert!(list.contains("127.0.0.2"), "the reload was not over: {list}");
    assert_eq!((lab.property("ActiveState"), lab.property("MainPID")), ("active".into(), pid));
    lab.write("/etc/meshping/meshping.toml", "[[target]]\nhost = \"127.0.0.3\"\n");
    lab.wait_for("a file that changed", || lab.control(r#"{"cmd": "list"}"#).contains("127.0.0.3"));
    lab.wait_for("further replies", || received(&lab) > before);
    assert_eq!(lab.property("NRestarts"), "0");
}

#[test]
fn the_daemon_has_directories_of_its_own() {
    let lab = booted(ONE_TARGET, "");
    let ids =
        ["Uid", "Gid"].map(|id| status(&lab, id).split_whitespace().next().unwrap_or_default().to_owned());
    let pid = lab.property("MainPID");
    let in_its_place = |script: &str| {
        let as_it =
            format!("exec setpriv --reuid {} --regid {} --clear-groups sh -c '{script}'", ids[0], ids[1]);
        lab.run(&["nsenter", "--target", &pid, "--mount", "sh", "-c", &as_it])
    };
    assert_eq!(
        in_its_place("echo kept >/var/lib/meshping/file && cat /var/lib/meshping/file").trim(),
        "kept"
    );
    assert_eq!(in_its_place("touch /etc/meshping/file || ls -d /etc/meshping").trim(), "/etc/meshping");
    assert_eq!(lab.run(&["stat", "-c", "%a", "/var/lib/private/meshping"]).trim(), "750");
    lab.run(&["systemctl", "restart", "meshping"]);
    assert_eq!(
        lab.run(&["cat", "/var/lib/meshping/file"]).trim(),
        "kept",
        "another user may have come, the file stays"
    );
}

#[test]
fn a_secret_that_only_root_can_read_reaches_the_daemon() {
    let drop_in = "[Service]\nLoadCredential=targets:/etc/meshping/secret\n\
        ExecStart=\nExecStart=/usr/bin/meshping --targets %d/targets\n";
    let lab = Lab::boot("", drop_in);
    lab.write("/etc/meshping/secret", "127.0.0.1/0.1\n");
    lab.run(&["chmod", "600", "/etc/meshping/secret"]);
    lab.run(&["systemctl", "start", "meshping"]);
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 3);
}

#[test]
fn what_was_added_live_and_what_was_counted_outlasts_restarts_and_kills() {
    let lab = booted(ONE_TARGET, "");
    let added = lab.control(r#"{"cmd": "add", "name": "live", "addr": "127.0.0.9", "itv": 0.1}"#);
    assert_eq!(added.trim(), r#"{"status": "ok"}"#);
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 20);
    let before = received(&lab);
    lab.run(&["systemctl", "restart", "meshping"]);
    assert!(received(&lab) >= before, "the statistics begin anew");
    assert!(lab.control(r#"{"cmd": "list"}"#).contains(r#""name":"live""#));
    let pid = lab.property("MainPID");
    lab.run(&["kill", "-9", &pid]);
    lab.wait_for("a restart", || lab.property("NRestarts") == "1" && lab.property("ActiveState") == "active");
    assert!(lab.control(r#"{"cmd": "list"}"#).contains(r#""name":"live""#));
    assert!(received(&lab) >= before, "the statistics begin anew");
}

/// The commands of a document: the block of this kind after a heading.
fn block<'a>(document: &'a str, heading: &str, kind: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).expect("the heading");
    let (_, rest) = rest.split_once(&format!("```{kind}\n")).expect("the block");
    rest.split_once("\n```").expect("its end").0
}

#[test]
fn the_state_can_be_on_another_disk() {
    let lab = booted(ONE_TARGET, "");
    lab.control(r#"{"cmd": "add", "name": "kept", "addr": "127.0.0.9"}"#);
    lab.run(&["mount", "-t", "tmpfs", "tmpfs", "/srv"]);
    let commands = block(include_str!("../../docs/state.md"), "## On another disk", "text");
    lab.run(&["sh", "-euxc", commands]);
    let kept = || lab.control(r#"{"cmd": "list"}"#).contains("127.0.0.9");
    lab.wait_for("the saved target", kept);
    assert!(lab.run(&["sh", "-c", "echo /srv/meshping/*"]).contains("targets.db"));
    lab.control(r#"{"cmd": "add", "name": "new", "addr": "127.0.0.8"}"#);
    lab.run(&["systemctl", "restart", "meshping"]);
    lab.wait_for("the new target", || lab.control(r#"{"cmd": "list"}"#).contains("127.0.0.8"));
    lab.run(&["systemctl", "stop", "meshping", "var-lib-private-meshping.mount"]);
    assert_eq!(lab.run(&["stat", "-c", "%a", "/srv/meshping"]).trim(), "750");
    lab.run(&["systemctl", "start", "meshping"]);
    lab.wait_for("the disk is mounted again", kept);
}

#[test]
fn a_link_in_the_place_of_the_state_directory_fails_as_documented() {
    let lab = Lab::boot(ONE_TARGET, "");
    lab.run(&["sh", "-c", "mkdir -p /var/disk /var/lib && ln -s /var/disk /var/lib/meshping"]);
    lab.fail(&["systemctl", "start", "meshping"]);
    assert_eq!(lab.property("ExecMainStatus"), "238");
}

#[test]
fn installing_by_hand_works_whatever_the_umask_is() {
    let lab = Lab::boot("", "");
    let files = [
        ("meshping.service", include_str!("../../meshping.service")),
        ("contrib/meshping-control.socket", include_str!("../../contrib/meshping-control.socket")),
        ("contrib/meshping-web.socket", include_str!("../../contrib/meshping-web.socket")),
        ("contrib/meshping.default", include_str!("../../contrib/meshping.default")),
        ("contrib/60-meshping.conf", include_str!("../../contrib/60-meshping.conf")),
        ("contrib/meshping.toml", include_str!("../../contrib/meshping.toml")),
    ];
    for (name, text) in files {
        lab.write(&format!("/run/source/{name}"), text);
    }
    let prepare = "mkdir -p /run/source/target/release && mv /usr/bin/meshping /usr/bin/meshpingctl /run/source/target/release && \
                   rm -rf /etc/meshping /etc/default/meshping /run/systemd/system/meshping*";
    lab.run(&["sh", "-euxc", prepare]);
    let commands = block(include_str!("../../docs/operations.md"), "### Other systems with systemd", "sh");
    // The kernel's settings are the host's, and the binaries are built.
    let commands =
        commands.replace("cargo build --release --locked\n", "").replace("sysctl --system && ", "");
    lab.run(&["sh", "-euxc", &format!("umask 077; cd /run/source; {commands}")]);
    assert_eq!(lab.property("ActiveState"), "active");
    let targets = "umask 077; echo '[{\"targets\": [\"127.0.0.1\"]}]' > /etc/meshping/targets.d/a.json; \
                   chmod 644 /etc/meshping/targets.d/a.json; \
                   systemctl reload meshping";
    lab.run(&["sh", "-euxc", targets]);
    assert!(lab.control(r#"{"cmd": "list"}"#).contains("127.0.0.1"), "{}", lab.journal());
}

#[test]
fn root_backs_up_and_restores_the_state_of_the_service() {
    let lab = booted(ONE_TARGET, "");
    lab.control(r#"{"cmd": "add", "name": "kept", "addr": "127.0.0.9"}"#);
    lab.run(&["meshpingctl", "backup", "/run/backup"]);
    assert_eq!(
        lab.control(r#"{"cmd": "add", "name": "later", "addr": "127.0.0.8"}"#).trim(),
        r#"{"status": "ok"}"#
    );
    lab.run(&["systemctl", "stop", "meshping"]);
    lab.run(&["meshping", "--state-dir", "/var/lib/meshping", "--state.restore", "/run/backup"]);
    lab.run(&["systemctl", "start", "meshping"]);
    let list = lab.control(r#"{"cmd": "list"}"#);
    assert!(list.contains("127.0.0.9") && !list.contains("127.0.0.8"), "{list}");
    let added = lab.control(r#"{"cmd": "add", "name": "new", "addr": "127.0.0.7"}"#);
    assert_eq!(added.trim(), r#"{"status": "ok"}"#, "the service can write what root has restored");
    assert!(
        lab.run(&["meshping", "--state-dir", "/var/lib/meshping", "--state.check"])
            .contains("a running meshping")
    );
    assert!(!lab.journal().contains("the state is not saved"), "{}", lab.journal());
}
