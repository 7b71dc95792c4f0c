//! Nothing that is sent to the daemon's sockets is lost while it restarts.

use super::lab::Lab;
use super::{ONE_TARGET, booted, received};

const CLIENT: &str = include_str!("client.py");
const SOCKET_UNITS: [&str; 2] = ["meshping-control.socket", "meshping-web.socket"];

/// Restarts the daemon several times while somebody asks all the time.
fn restart_under_requests(lab: &Lab) {
    let client = lab.spawn(&["python3", "-c", CLIENT]);
    for _ in 0..3 {
        lab.run(&["systemctl", "restart", "meshping"]);
        lab.wait_for("an answer", || lab.control(r#"{"cmd": "noop"}"#).contains("ok"));
    }
    let counts = client.finish();
    let counts: Vec<u32> = counts.split_whitespace().filter_map(|count| count.parse().ok()).collect();
    assert_eq!(counts.len(), 2, "the client said {counts:?}\n{}", lab.log());
    let (failed, asked) = (counts[0], counts[1]);
    assert!(asked > 20, "only {asked} requests");
    assert_eq!(failed, 0, "of {asked} requests\n{}", lab.journal());
}

#[test]
fn no_request_is_lost_over_a_restart() {
    let lab = booted(ONE_TARGET, "");
    restart_under_requests(&lab);
    assert_eq!(lab.property("NFileDescriptorStore"), "2");
}

#[test]
fn no_request_is_lost_over_a_restart_with_socket_units() {
    let lab = Lab::boot(ONE_TARGET, "");
    lab.run(&[&["systemctl", "start"][..], &SOCKET_UNITS].concat());
    assert_eq!(lab.property("ActiveState"), "inactive");
    assert_eq!(lab.control(r#"{"cmd": "noop"}"#).trim(), r#"{"status": "ok"}"#, "{}", lab.journal());
    assert!(lab.http("/-/healthy").contains("200 OK"));
    assert_eq!(lab.property("NFileDescriptorStore"), "0", "those of the units are not ours to keep");
    restart_under_requests(&lab);
}

#[test]
fn who_asks_a_daemon_that_is_not_there_is_answered_by_its_successor() {
    let lab = booted(ONE_TARGET, "[Service]\nRestartSec=2s\n");
    lab.wait_for("replies from 127.0.0.1", || received(&lab) >= 1);
    lab.run(&["kill", "-9", &lab.property("MainPID")]);
    lab.wait_for("its end", || lab.property("SubState") == "auto-restart");
    let metrics = lab.http("/metrics");
    assert!(metrics.contains("meshping_targets"), "{metrics}\n{}", lab.journal());
    assert_eq!(lab.property("NRestarts"), "1");
}

#[test]
fn other_options_need_no_other_socket_but_get_one() {
    let lab = booted("MESHPING_OPTS=--web.listen-address=127.0.0.1:9922\n", "");
    assert!(lab.http("/-/healthy").contains("200 OK"));
    lab.write("/etc/default/meshping", "MESHPING_OPTS=\"--web.listen-address=[::]:9922 --control off\"\n");
    lab.run(&["systemctl", "restart", "meshping"]);
    let listening = lab.run(&["ss", "-Hlntu"]);
    assert!(
        listening.contains("*:9922") && !listening.contains("127.0.0.1:"),
        "{listening}\n{}",
        lab.journal()
    );
    assert_eq!(lab.property("NFileDescriptorStore"), "1");
}

#[test]
fn a_socket_unit_decides_the_address_and_an_option_must_not_contradict() {
    let lab = Lab::boot("", "");
    let unit = "[Socket]\nListenDatagram=\nListenDatagram=127.0.0.1:55433\n";
    lab.write("/run/systemd/system/meshping-control.socket.d/address.conf", unit);
    lab.run(&["systemctl", "daemon-reload"]);
    lab.run(&["systemctl", "start", "meshping-control.socket", "meshping"]);
    let listening = lab.run(&["ss", "-Hlnu"]);
    assert!(listening.contains("127.0.0.1:55433") && !listening.contains(":55432"), "{listening}");
    lab.write("/etc/default/meshping", "MESHPING_OPTS=\"--control 127.0.0.1:55434\"\n");
    lab.try_run(&["systemctl", "restart", "meshping"]);
    let journal = lab.journal();
    assert!(journal.contains("127.0.0.1:55433, but --control is 127.0.0.1:55434"), "{journal}");
}
