//! `add`: names, addresses, intervals and limits.

use super::frozen;
use crate::daemon::Daemon;
use crate::network::first_requests;
use crate::transcript::Transcript;

const NOTHING: [&str; 6] = [
    r#"{"cmd": "add"}"#,
    r#"{"cmd": "add", "name": null, "addr": null}"#,
    r#"{"cmd": "add", "name": "", "addr": ""}"#,
    r#"{"cmd": "add", "itv": 5, "host": "127.0.0.1"}"#,
    r#"{"cmd": "add", "name": 5}"#,
    r#"{"cmd": "add", "addr": ["127.0.0.1"]}"#,
];

const ADDRESSES: [&str; 13] = [
    r#"{"cmd": "add", "name": "127.0.0.1"}"#,
    r#"{"cmd": "add", "addr": "127.0.0.2"}"#,
    r#"{"cmd": "add", "name": "three", "addr": "127.0.0.3"}"#,
    r#"{"cmd": "add", "name": "", "addr": "127.0.0.4"}"#,
    r#"{"cmd": "add", "name": "127.0.0.5", "addr": ""}"#,
    r#"{"cmd": "add", "name": "Case.And.Dot.", "addr": "127.0.0.6"}"#,
    r#"{"cmd": "add", "name": "mapped", "addr": "::ffff:127.0.0.7"}"#,
    r#"{"cmd": "add", "name": "six", "addr": "FD00:0:0::0001"}"#,
    r#"{"cmd": "add", "name": "quote\" back\\slash \u001b[2J line\nbreak \u202e </script>", "addr": "127.0.0.8"}"#,
    r#"{"cmd": "add", "name": "hälf\ud83d\ude00", "addr": "127.0.0.9"}"#,
    r#"{"cmd": "add", "name": "again", "addr": "127.0.0.3", "itv": 7000}"#,
    r#"{"cmd": "add", "name": "no change", "addr": "127.0.0.3"}"#,
    r#"{"cmd": "add", "addr": "127.0.0.10/5"}"#,
];

const INTERVALS: [&str; 24] = [
    "null",
    "0.01",
    "86400",
    "86400.0",
    "1e3",
    "\"3600\"",
    "\" 3600.5 \"",
    "\"1e3\"",
    "\"7000\"",
    "0.009",
    "0",
    "-0",
    "-1",
    "86400.001",
    "1e999",
    "\"\"",
    "\"NaN\"",
    "\"inf\"",
    "\"five\"",
    "\"5s\"",
    "true",
    "[5]",
    "{}",
    "\"\\u001b[2J xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
];

const HOSTS: [&str; 24] = [
    "0.0.0.0",
    "::",
    "::ffff:0.0.0.0",
    "224.0.0.1",
    "239.255.255.255",
    "ff02::1",
    "255.255.255.255",
    "fe80::1",
    "127.0.0.1%lo",
    "fe80::1%",
    "fe80::1%a/b",
    "fe80::1%xxxxxxxxxxxxxxxxx",
    "[::1]",
    "127.1",
    "127.0.0.256",
    "1.2.3.4.5",
    "http://web/",
    "a b",
    "a..b",
    ".",
    "-",
    "a,b",
    "\\u001b[2J",
    "ä.golden",
];

const NAMES: [&str; 9] = [
    "never-there.invalid",
    "never-there.invalid.",
    "nxdomain.golden",
    "nodata.golden",
    "servfail.golden",
    "refused.golden",
    "silent.golden",
    "one.golden",
    "TWO.Golden.",
];

fn interval_of(list: &str) -> &str {
    let after = list.split("\"itv\":").nth(1);
    after.and_then(|after| after.split(',').next()).unwrap_or("of no target")
}

fn list(daemon: &Daemon, transcript: &mut Transcript) {
    transcript.ask_masked(daemon, r#"{"cmd": "list"}"#, super::measured);
}

#[test]
fn addresses_and_intervals_are_added() {
    let test = "control::add::addresses_and_intervals_are_added";
    frozen(test, "control/add.txt", &[], |daemon, transcript| {
        transcript.title("nothing to add");
        for request in NOTHING {
            transcript.ask(daemon, request);
        }
        transcript.title("addresses");
        for request in ADDRESSES {
            transcript.ask(daemon, request);
        }
        first_requests(daemon);
        list(daemon, transcript);
        transcript.title("intervals; null changes nothing, the last one that is given holds");
        for interval in INTERVALS {
            let add = format!(r#"{{"cmd": "add", "addr": "127.0.1.1", "itv": {interval}}}"#);
            transcript.ask(daemon, &add);
            let list = daemon.ask_text(r#"{"cmd": "list", "addr": "127.0.1.1"}"#);
            transcript.line(&format!("  itv {}", interval_of(&list)));
        }
    });
}

#[test]
fn what_cant_be_a_host_is_refused_and_names_are_followed() {
    let test = "control::add::what_cant_be_a_host_is_refused_and_names_are_followed";
    frozen(test, "control/hosts.txt", &[], |daemon, transcript| {
        transcript.title("what can't be a host");
        for host in HOSTS {
            transcript.ask(daemon, &format!(r#"{{"cmd": "add", "addr": "{host}"}}"#));
        }
        transcript.title("lengths of names: 253 bytes, 254, and the same of hosts");
        for (length, more) in [(253, ""), (254, ""), (253, ".."), (63, ".golden")] {
            let long = "x".repeat(length) + more;
            transcript.ask(daemon, &format!(r#"{{"cmd": "add", "name": "{long}", "addr": "127.0.0.1"}}"#));
            transcript.ask(daemon, &format!(r#"{{"cmd": "add", "addr": "{long}"}}"#));
        }
        transcript.title("DNS names");
        for name in NAMES {
            transcript.ask(daemon, &format!(r#"{{"cmd": "add", "name": "{name}"}}"#));
        }
        transcript.ask(daemon, r#"{"cmd": "add", "name": "called so", "addr": "one.golden", "itv": 7000}"#);
        first_requests(daemon);
        list(daemon, transcript);
    });
}

#[test]
fn more_than_max_targets_is_refused() {
    let test = "control::add::more_than_max_targets_is_refused";
    frozen(test, "control/max_targets.txt", &["--max-targets", "2"], |daemon, transcript| {
        for host in ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1", "one.golden"] {
            transcript.ask(daemon, &format!(r#"{{"cmd": "add", "addr": "{host}"}}"#));
        }
        transcript.ask(daemon, r#"{"cmd": "remove", "addr": "127.0.0.1"}"#);
        transcript.ask(daemon, r#"{"cmd": "add", "addr": "127.0.0.3"}"#);
        first_requests(daemon);
        list(daemon, transcript);
    });
}
