use super::*;
use std::path::PathBuf;

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
ttl = 9
dont_fragment = true
labels = { site = "berlin" }

[[target]]
host = "host.example/60"
"#;

#[test]
fn a_file_has_options_and_targets() {
    let ConfigFile { options, targets } = read(GOOD).unwrap();
    let patterns = ["/etc/targets.d/*.json", "/srv/*.json"].map(PathBuf::from);
    assert_eq!(options.target_files.as_deref(), Some(&patterns[..]), "relative to the file");
    let config = options.into_config(Vec::new()).unwrap();
    assert_eq!((config.interval.seconds(), config.timeout.get().as_millis()), (2.0, 1500));
    let networks: Vec<String> = config.control_allow.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);
    assert_eq!((config.web, config.max_targets), (vec!["127.0.0.1:9922".parse().unwrap()], 16));
    assert!(config.families.v6 && !config.families.v4 && config.quiet);
    let [router, host] = &targets[..] else { panic!("{targets:?}") };
    let options: Vec<String> = router.options.iter().map(|(key, text)| format!("{key}={text}")).collect();
    assert_eq!(options, ["interval=0.5", "size=1000", "ttl=9", "dont_fragment=true"]);
    assert_eq!((&*router.name, router.options.labels().next()), ("router", Some(("site", "berlin"))));
    assert_eq!((&*host.name, host.options.interval.map(|it| it.get().as_secs())), ("host.example", Some(60)));
}

#[test]
fn every_long_argument_of_the_command_line_is_a_key() {
    let command = crate::config::args::command();
    let long = command.get_arguments().filter_map(clap::Arg::get_long).map(|long| long.replace('-', "_"));
    let only_arguments =
        ["config", "config.check", "state.check", "state.backup", "state.restore", "help", "version"];
    let expected: Vec<String> = long.filter(|key| !only_arguments.contains(&key.as_str())).collect();
    let keys: Vec<&str> = ConfigOptions::KEYS.iter().copied().filter(|key| *key != "family").collect();
    assert_eq!(keys, expected);
}

#[test]
fn every_problem_is_reported_with_its_line_and_the_values_allowed() {
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
        (2, "unknown key \"intervall\"; the keys are interval, timeout,"),
        (3, "timeout \"100\" is not usable, it takes seconds from 0.05 to 60"),
        (4, "quiet \"maybe\" is not usable, it takes true or false"),
        (5, "engine takes text, a number, true or false"),
        (6, "control_allow \"everybody\" is not usable, it takes a network like 10.1.0.0/16"),
        (8, "unknown key \"web.port\""),
        (9, "a target needs a host"),
        (12, "\"0.0.0.0\": 0.0.0.0 is the unspecified address"),
        (15, "unknown key \"tos\"; a target has host, name, variant, interval, timeout, size"),
        (16, "ttl \"0\" is not usable, it takes a number from 1 to 255"),
        (17, "size takes a number of bytes"),
        (18, "\"a-b\" can't be a label"),
        (20, "host takes a text in quotes"),
        (22, "192.0.2.2 is no IPv6 address"),
        (26, "the target \"192.0.2.3\" is already in line 24"),
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
fn syntax_errors_are_reported_with_their_lines() {
    let problems = read("interval = \nquiet = yes\n[[target]\n").unwrap_err();
    assert!(
        problems.len() >= 2 && problems.iter().all(|problem| problem.contains("not TOML")),
        "{problems:?}"
    );
    assert!(problems[0].starts_with("/etc/m.toml:1: "), "{problems:?}");
}

#[test]
fn control_characters_are_escaped() {
    let problems = read("\"\\u001b[31m\" = 1\n").unwrap_err();
    assert!(!problems[0].contains('\u{1b}'), "{problems:?}");
}

#[test]
fn the_number_of_problems_is_limited() {
    let text: Vec<String> = (0..1_000).map(|number| format!("unknown{number} = 1\n")).collect();
    assert_eq!(read(&text.concat()).unwrap_err().len(), MAX_PROBLEMS);
}
