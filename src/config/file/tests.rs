use super::*;

fn read(text: &str) -> Result<ConfigFile, Vec<String>> {
    let problems = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect();
    parse(Path::new("/etc/m.toml"), text).map_err(problems)
}

const GOOD: &str = r#"
interval = 2
timeout = "1.5"
control_allow = ["10.0.0.0/8", "::1"]
web.listen_address = "127.0.0.1:9922"
max_targets = 0x10
family = "ipv6"
quiet = true
target_files = ["targets.d/*.json", "/srv/*.json"]

[[target]]
host = "192.0.2.1"
name = "router"
interval = 0.5
size = 1_000
dscp = "EF"
dont_fragment = true
labels = { site = "berlin" }

[[target]]
host = "host.example/60"
"#;

#[test]
fn options_become_words_and_tables_targets() {
    let file = read(GOOD).unwrap();
    let words: Vec<String> = file.options.iter().flat_map(|(_, words)| words.clone()).collect();
    let expected = [
        "--interval=2",
        "--timeout=1.5",
        "--control-allow=10.0.0.0/8",
        "--control-allow=::1",
        "--web.listen-address=127.0.0.1:9922",
        "--max-targets=16",
        "-6",
        "--quiet",
        "--target-files=/etc/targets.d/*.json",
        "--target-files=/srv/*.json",
    ];
    let mut sorted = words.clone();
    sorted.sort();
    let mut wanted = expected.to_vec();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted, "{words:?}");
    let [router, host] = &file.targets[..] else { panic!("{:?}", file.targets) };
    let options: Vec<String> = router.options.iter().map(|(key, text)| format!("{key}={text}")).collect();
    assert_eq!(options, ["interval=0.5", "size=1000", "dscp=46", "dont_fragment=true"]);
    assert_eq!((&*router.name, router.options.labels().next()), ("router", Some(("site", "berlin"))));
    assert_eq!((&*host.name, host.options.interval.map(|it| it.get().as_secs())), ("host.example", Some(60)));
}

#[test]
fn every_option_of_the_command_line_is_a_key() {
    let keys = keys::keys();
    for key in [
        "interval",
        "timeout",
        "targets",
        "target_files",
        "control",
        "control_allow",
        "web.listen_address",
        "web.config.file",
        "max_targets",
        "engine",
        "quiet",
        "log_level",
        "family",
    ] {
        assert!(keys.iter().any(|known| known == key), "{key}: {keys:?}");
    }
    assert!(!keys.iter().any(|key| key.starts_with("config") || key == "help"), "{keys:?}");
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line_and_what_is_allowed() {
    let text = r#"
intervall = 5
timeout = 100
quiet = "maybe"
engine = ["native"]
control_allow = ["10.0.0.0/8", "everybody"]
[web]
port = 80
[[target]]
name = "nobody"
[[target]]
host = "0.0.0.0"
[[target]]
host = "192.0.2.1"
tos = 4
ttl = 0
size = []
labels = { a-b = "x" }
[[target]]
host = 5
[[target]]
host = "192.0.2.2"
family = "ipv6"
[[target]]
host = "192.0.2.3"
[[target]]
host = "192.0.2.3"
"#;
    let expected = [
        (2, "unknown key \"intervall\"; there are interval, timeout,"),
        (
            3,
            "timeout: invalid value '100' for '--timeout <SECONDS>': timeout 100 is not usable, it takes seconds from 0.05 to 60",
        ),
        (4, "quiet: \"maybe\" is not usable, it takes true or false"),
        (5, "engine takes a text, a number or true or false"),
        (6, "give a network like 10.1.0.0/16"),
        (8, "unknown key \"web.port\""),
        (9, "a target needs its host"),
        (12, "\"0.0.0.0\": 0.0.0.0 is the unspecified address"),
        (15, "unknown key \"tos\"; a target has host, name, interval, timeout, size, dscp"),
        (16, "ttl \"0\" is not usable, it takes a number from 1 to 255"),
        (17, "size takes a number of bytes"),
        (18, "\"a-b\" can't be a label"),
        (20, "host takes a text in quotes"),
        (22, "192.0.2.2 is no IPv6 address"),
        (26, "the target \"192.0.2.3\" is in line 24 already"),
    ];
    let problems = read(text).unwrap_err();
    for (problem, (line, reason)) in problems.iter().zip(expected) {
        assert!(
            problem.starts_with(&format!("/etc/m.toml:{line}: ")) && problem.contains(reason),
            "{line}: {problem}"
        );
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn what_is_no_toml_is_told_with_its_lines() {
    let problems = read("interval = \nquiet = yes\n[[target]\n").unwrap_err();
    assert!(
        problems.len() >= 2 && problems.iter().all(|problem| problem.contains("no TOML")),
        "{problems:?}"
    );
    assert!(problems[0].starts_with("/etc/m.toml:1: "), "{problems:?}");
}

#[test]
fn strangers_text_is_shown_not_sent() {
    let problems = read("\"\\u001b[31m\" = 1\n").unwrap_err();
    assert!(!problems[0].contains('\u{1b}'), "{problems:?}");
}

#[test]
fn a_file_with_nothing_but_faults_is_told_up_to_a_limit() {
    let text: Vec<String> = (0..1_000).map(|number| format!("unknown{number} = 1\n")).collect();
    assert_eq!(read(&text.concat()).unwrap_err().len(), MOST_PROBLEMS);
}
