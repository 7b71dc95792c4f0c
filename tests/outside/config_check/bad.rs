//! Configurations with which it does not.

use super::{CONFIG, Checks};
use std::process::Command;

/// The keys of a file, by the program's own complaint about another one.
fn keys() -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("m.toml");
    std::fs::write(&file, "no_such_key = 1\n").expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
    let output = command.arg("--config").arg(&file).arg("--config.check").output().expect("it can be run");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    let known = text.split("the keys are ").nth(1).and_then(|rest| rest.split(" and [[target]]").next());
    known.expect("it names the keys").split(", ").map(str::to_owned).collect()
}

/// Of every kind that TOML has.
const VALUES: [&str; 10] =
    ["\"text\"", "\"\"", "-1", "0", "1.5", "true", "[]", "[\"text\", 5, [7]]", "{ inner = 1 }", "1979-05-27"];

#[test]
fn every_key_with_every_kind_of_value() {
    let keys = keys();
    assert!(keys.len() >= 15, "{keys:?}");
    let mut checks = Checks::new();
    for key in keys {
        checks.transcript.title(&key);
        for value in VALUES {
            let text = format!("{key} = {value}");
            checks.transcript.line(&text);
            checks.check_unseen(&[("m.toml", &text)], &CONFIG);
        }
    }
    checks.freeze("config/keys.txt");
}

const TARGET_KEYS: [&str; 13] = [
    "host",
    "name",
    "interval",
    "timeout",
    "size",
    "dscp",
    "ttl",
    "source",
    "interface",
    "dont_fragment",
    "family",
    "labels",
    "no_such_key",
];

#[test]
fn every_key_of_a_target_with_every_kind_of_value() {
    let mut checks = Checks::new();
    for key in TARGET_KEYS {
        checks.transcript.title(key);
        for value in VALUES {
            let host = if key == "host" { "" } else { "host = \"192.0.2.1\"\n" };
            let text = format!("{key} = {value}");
            checks.transcript.line(&text);
            checks.check_unseen(&[("m.toml", &format!("[[target]]\n{host}{text}\n"))], &CONFIG);
        }
    }
    checks.freeze("config/target_keys.txt");
}

const FILES: [(&str, &str); 18] = [
    ("no TOML", "interval = \n[[target]\nhost = \"a\n"),
    ("a key twice", "interval = 1\ninterval = 2\n"),
    (
        "unknown keys, each is told",
        "intervall = 1\n[webb]\nport = 1\n[web]\nport = 1\n[[target]]\nhost = \"a\"\nhots = \"b\"\n",
    ),
    (
        "no long names but keys",
        "i = 1\nmax-targets = 5\nhelp = true\nconfig = \"x\"\n\"config.check\" = true\n",
    ),
    ("text that escapes", "\"quote\\\" \\u001b[2J line\\nbreak\" = 1\n"),
    ("a target that is no table", "target = \"192.0.2.1\"\n"),
    ("targets that are no tables", "target = [\"192.0.2.1\", 5]\n"),
    ("one table", "[target]\nhost = \"192.0.2.1\"\n"),
    ("targets without host", "[[target]]\n[[target]]\nname = \"a\"\n"),
    (
        "hosts that can't be",
        "[[target]]\nhost = \"0.0.0.0\"\n[[target]]\nhost = \"224.0.0.1/5\"\n[[target]]\nhost = \"a b\"\n[[target]]\nhost = \"web/0\"\n[[target]]\nhost = \"fe80::1\"\n",
    ),
    ("a target twice", "[[target]]\nhost = \"192.0.2.1\"\n\n[[target]]\nhost = \"192.0.2.1\"\n"),
    (
        "options that contradict",
        "[[target]]\nhost = \"192.0.2.1\"\nfamily = \"ipv6\"\n[[target]]\nhost = \"a\"\nsource = \"::1\"\nfamily = \"ipv4\"\n",
    ),
    (
        "labels that can't be",
        "[[target]]\nhost = \"a\"\nlabels = { name = \"x\" }\n[[target]]\nhost = \"b\"\nlabels = { \"si-te\" = \"x\" }\n[[target]]\nhost = \"c\"\nlabels = { a = 5 }\n",
    ),
    ("an open control socket", "control = \"0.0.0.0:55432\"\n"),
    ("off is not alone", "web.listen_address = [\"off\", \"127.0.0.1:9922\"]\n"),
    (
        "more targets than the limit",
        "max_targets = 1\n[[target]]\nhost = \"192.0.2.1\"\n[[target]]\nhost = \"192.0.2.2\"\n",
    ),
    ("a list that is not there", "targets = \"none.txt\"\n"),
    ("a web configuration that is not there", "web.config.file = \"none.yml\"\n"),
];

#[test]
fn bad_files() {
    let mut checks = Checks::new();
    for (title, text) in FILES {
        checks.check(title, &[("m.toml", text)], &CONFIG);
    }
    let many: Vec<String> = (0..120).map(|key| format!("k{key} = 1\n")).collect();
    let many = many.concat();
    checks.transcript.title("more than a hundred problems");
    checks.check_unseen(&[("m.toml", &many)], &CONFIG);
    checks.check("a file that is not there", &[], &CONFIG);
    checks.check("a directory", &[], &["--config", "."]);
    checks.freeze("config/bad.txt");
}

const TARGET_FILES: [&str; 17] = [
    "",
    "[",
    "5",
    "{\"targets\": []}",
    "[5]",
    "[{\"target\": []}]",
    "[{\"labels\": {}}]",
    "[{\"targets\": \"192.0.2.1\"}]",
    "[{\"targets\": [5]}]",
    "[{\"targets\": [], \"labels\": []}]",
    "[{\"targets\": [], \"labels\": {\"site\": 5}}]",
    "[{\"targets\": []},\n{\"targets\": [\"192.0.2.1\", \"0.0.0.0\"]}]",
    "[{\"targets\": [\"web.example\"], \"labels\": {\"name\": \"x\"}}]",
    "[{\"targets\": [\"web.example\"], \"labels\": {\"__meshping_tos\": \"x\"}}]",
    "[{\"targets\": [\"web.example\"], \"labels\": {\"__meshping_ttl\": \"0\"}}]",
    "[{\"targets\": [\"::1\"], \"labels\": {\"__meshping_family\": \"ipv4\"}}]",
    "[{\"targets\": [\"\\u001b[2J\"]}]",
];

#[test]
fn bad_target_files_and_lists() {
    let mut checks = Checks::new();
    for text in TARGET_FILES {
        let files = [("a.json", text)];
        checks.check("a target file", &files, &["--target-files", "*.json"]);
    }
    checks.check(
        "a good one and a bad one",
        &[("a.json", "[]"), ("b.json", "[")],
        &["--target-files", "*.json"],
    );
    for text in ["0.0.0.0\n", "192.0.2.1\n\nhost/5s x\n", "\u{1b}[2Jx\n", "[::1\n", "192.0.2.1 \u{7f}\n"] {
        checks.check("a list", &[("list.txt", &text.escape_debug().to_string())], &["--targets", "list.txt"]);
        checks.check_unseen(&[("list.txt", text)], &["--targets", "list.txt"]);
    }
    let long = format!("192.0.2.1 {}\n", "x".repeat(254));
    checks.check_unseen(&[("list.txt", &long)], &["--targets", "list.txt"]);
    let long = format!("# {}\n", "x".repeat(5_000));
    checks.check_unseen(&[("list.txt", &long)], &["--targets", "list.txt"]);
    checks.freeze("config/target_files.txt");
}

const COMMAND_LINES: [&[&str]; 26] = [
    &["--no-such-option"],
    &["-x"],
    &["0.0.0.0"],
    &["web/0"],
    &["a b"],
    &["\u{1b}[2J"],
    &["-i"],
    &["-i", "0"],
    &["-i", "-1"],
    &["-i", "soon"],
    &["-t", "0.01"],
    &["-t", "61"],
    &["-i", "1", "-i", "2"],
    &["-4", "-6"],
    &["--control", "nowhere"],
    &["--control", "0.0.0.0"],
    &["--control", "0.0.0.0", "--control-allow", "10.0.0.0/8"],
    &["--control-allow", "everybody"],
    &["--web.listen-address", "127.0.0.1:99999"],
    &["--web.listen-address", "off", "--web.listen-address", ":9922"],
    &["--max-targets", "0"],
    &["--max-targets", "1", "192.0.2.1", "192.0.2.2"],
    &["--engine", "warp"],
    &["--history-days", "367"],
    &["--log-level", "loud"],
    &["--targets", "none.txt"],
];

#[test]
fn bad_command_lines() {
    let mut checks = Checks::new();
    for words in COMMAND_LINES {
        checks.transcript.line("");
        checks.check_unseen(&[], words);
    }
    checks.freeze("config/command_lines.txt");
}
