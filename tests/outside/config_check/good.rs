//! Configurations with which the daemon starts.

use super::{CONFIG, Checks};

const EVERYTHING: &str = r#"interval = 2.5
timeout = "3"
target_files = ["a.json", "b*.json"]
targets = "list.txt"
control = "127.0.0.1:5000"
control_allow = ["127.0.0.0/8", "10.1.2.3"]
max_targets = 1000
engine = "portable"
state_dir = "state"
history_days = 7
quiet = true
log_level = "debug"
family = "ipv4"

[web]
listen_address = ["127.0.0.1:9922", "[::1]:9922"]

[[target]]
host = "192.0.2.1/5"
name = "router"
interval = 0.2
timeout = 0.5
size = 1472
dscp = "EF"
ttl = 9
source = "192.0.2.2"
interface = "eth0"
dont_fragment = true
family = "ipv4"
labels = { site = "berlin", rack = "7" }

[[target]]
host = "web.example"
"#;

const GROUPS: &str = r#"[
  {"targets": ["192.0.2.1", "host.example/5"], "labels": {"site": "B", "__meta_x": "1", "__meshping_dscp": "EF"}},
  {"targets": ["[2001:db8::1]"], "labels": {"__meshping_name": "six", "__meshping_interval": "0.5"}},
  {"targets": []}
]
"#;

const LIST: &str = "# a comment\n192.0.2.7/5 a name of its own\n\nweb.example # another\n";

#[test]
fn good_configurations() {
    let mut checks = Checks::new();
    checks.check("no file at all", &[], &[]);
    checks.check("targets of the command line", &[], &["192.0.2.1", "web.example/60", "[2001:db8::1]/5"]);
    checks.check("an empty file", &[("m.toml", "")], &CONFIG);
    let files = [("m.toml", EVERYTHING), ("a.json", GROUPS), ("b1.json", "[]\n"), ("list.txt", LIST)];
    checks.check("every key, with target files", &files, &CONFIG);
    let twice = "[[target]]\nhost = \"192.0.2.1\"\n[[target]]\nhost = \"192.0.2.1\"\nname = \"other\"\n";
    checks.check("a host with two names", &[("m.toml", twice)], &CONFIG);
    checks.check(
        "what is named again on the command line",
        &[("m.toml", twice)],
        &[CONFIG[0], CONFIG[1], "192.0.2.1/5"],
    );
    let shadowed = "interval = 5\nfamily = \"ipv6\"\nquiet = false\n";
    checks.check(
        "the command line goes before the file",
        &[("m.toml", shadowed)],
        &[CONFIG[0], CONFIG[1], "-i", "7", "-4"],
    );
    checks.check("a pattern that means no file", &[("m.toml", "target_files = \"none-*.json\"\n")], &CONFIG);
    checks.check("a list of targets", &[("list.txt", LIST)], &["--targets", "list.txt"]);
    checks.check("off", &[("m.toml", "control = \"off\"\nweb.listen_address = \"off\"\n")], &CONFIG);
    checks.freeze("config/good.txt");
}
