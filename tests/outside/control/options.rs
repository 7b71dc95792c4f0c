//! The options of a target in `add`, and in a list with `detail`.

use super::frozen;
use crate::network::first_requests;

/// Each with values that are taken, and others.
const OPTIONS: [(&str, &[&str]); 9] = [
    ("interval", &["5", "\"soon\""]),
    (
        "timeout",
        &["0.05", "60", "\"2.5\"", "\" 3 \"", "null", "\"\"", "0.049", "61", "-1", "\"NaN\"", "true", "[1]"],
    ),
    ("size", &["16", "65507", "\"1472\"", "15", "65508", "1472.5", "-1", "\"big\"", "{}"]),
    ("dscp", &["0", "63", "\"EF\"", "\"cs7\"", "\"af43\"", "46", "64", "-1", "\"EG\"", "1.5", "false"]),
    ("ttl", &["1", "255", "\"9\"", "0", "256", "\"many\"", "null"]),
    (
        "source",
        &["\"127.0.0.1\"", "\"127.0.0.99\"", "\"::1\"", "\"web\"", "\"0.0.0.0\"", "\"fe80::1%lo\"", "127"],
    ),
    ("interface", &["\"lo\"", "\"1\"", "\"eth0\"", "\"a/b\"", "\"\"", "\"a interface that is long\"", "7"]),
    ("dont_fragment", &["true", "false", "\"true\"", "\"false\"", "\"yes\"", "1", "0", "null"]),
    ("family", &["\"ipv4\"", "\"IPv4\"", "\"ipv6\"", "\"both\"", "4", "\"\""]),
];

const LABELS: [&str; 16] = [
    r#"{"site": "berlin", "rack": "7"}"#,
    r#"{"evil": "quote\" back\\slash \u001b[2J line\nbreak </script>"}"#,
    "{}",
    "null",
    r#"{"site": ""}"#,
    r#"{"site": 5}"#,
    r#"["site"]"#,
    r#""site=berlin""#,
    r#"{"": "x"}"#,
    r#"{"7site": "x"}"#,
    r#"{"si-te": "x"}"#,
    r#"{"__site": "x"}"#,
    r#"{"name": "x"}"#,
    r#"{"target": "x"}"#,
    r#"{"le": "x"}"#,
    r#"{"class": "x"}"#,
];

const TOGETHER: [&str; 9] = [
    r#""addr": "127.0.3.1", "timeout": 0.05, "size": 1472, "dscp": "EF", "ttl": 9, "dont_fragment": true, "labels": {"site": "berlin"}"#,
    r#""addr": "127.0.3.2", "source": "127.0.0.9", "interface": "lo", "family": "ipv4""#,
    r#""addr": "::1", "source": "::1", "family": "ipv6", "size": 16, "dont_fragment": false"#,
    r#""addr": "127.0.3.3", "family": "ipv6""#,
    r#""addr": "::1", "source": "127.0.0.1""#,
    r#""addr": "127.0.3.3", "source": "::1", "family": "ipv4""#,
    r#""addr": "fe80::1%lo", "interface": "eth0""#,
    r#""addr": "127.0.3.1", "ttl": 7"#,
    r#""addr": "two.golden", "family": "ipv6", "labels": {"of": "a name"}"#,
];

#[test]
fn every_option_has_values_that_are_taken_and_others() {
    let test = "control::options::every_option_has_values_that_are_taken_and_others";
    frozen(test, "control/options.txt", &[], |daemon, transcript| {
        let mut host = 0;
        let mut add = |option: &str, value: &str| {
            host += 1;
            transcript
                .ask(daemon, &format!(r#"{{"cmd": "add", "addr": "127.0.2.{host}", "{option}": {value}}}"#));
        };
        for (option, values) in OPTIONS {
            for value in values {
                add(option, value);
            }
        }
        for labels in LABELS {
            add("labels", labels);
        }
        let many = |count: u32| (0..count).map(|label| format!(r#""label{label}": "x""#)).collect::<Vec<_>>();
        add("labels", &format!("{{{}}}", many(65).join(", ")));
        add("labels", &format!(r#"{{"long": "{}"}}"#, "x".repeat(5_000)));
        first_requests(daemon);
        transcript.title("what was added");
        transcript.ask_masked(daemon, r#"{"cmd": "list"}"#, super::measured);
        transcript.ask_masked(daemon, r#"{"cmd": "list", "detail": true}"#, super::measured);
    });
}

#[test]
fn options_contradict_each_other_or_stand_together() {
    let test = "control::options::options_contradict_each_other_or_stand_together";
    frozen(test, "control/options_together.txt", &[], |daemon, transcript| {
        for members in TOGETHER {
            transcript.ask(daemon, &format!(r#"{{"cmd": "add", {members}}}"#));
        }
        first_requests(daemon);
        daemon.list_until(|list| list["127.0.3.1"]["lost"] == 1);
        for request in [r#"{"cmd": "list"}"#, r#"{"cmd": "list", "detail": true}"#] {
            transcript.ask_masked(daemon, request, super::measured);
        }
    });
}
