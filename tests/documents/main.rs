//! What README.md tells people to type works as it stands there.

mod own_network;

use own_network::{inside, start_meshping};
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");

/// The hosts that the examples name.
const HOSTS: &str = "ip addr add 9.9.9.9/32 dev lo && ip addr add 192.168.178.1/32 dev lo";

/// The indented lines that begin so.
fn commands(start: &str) -> Vec<&'static str> {
    let indented = README.lines().filter_map(|line| line.strip_prefix("    "));
    indented.filter(|line| line.starts_with(start)).collect()
}

/// Standard output of a command line that must succeed.
fn shell(line: &str, directory: &Path) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_meshpingctl")).parent().expect("a directory").display();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh").args(["-c", line]).current_dir(directory).env("PATH", path).output();
    let output = output.expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{line}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_requests_of_the_readme_are_answered_and_none_is_refused() {
    inside("the_requests_of_the_readme_are_answered_and_none_is_refused", HOSTS, || {
        let state = tempfile::tempdir().expect("a directory");
        let _meshping = start_meshping(&["--state-dir", state.path().to_str().expect("UTF-8")]);
        let lines = commands("echo '{");
        assert!(lines.len() > 5, "{lines:?}");
        for line in lines {
            let reply: serde_json::Value = serde_json::from_str(&shell(line, Path::new("/"))).expect(line);
            assert_ne!(reply["status"], "error", "{line}: {reply}");
        }
    });
}

#[test]
fn the_client_s_commands_of_the_readme_succeed() {
    inside("the_client_s_commands_of_the_readme_succeed", HOSTS, || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let state = directory.path().join("state");
        let _meshping = start_meshping(&["--state-dir", state.to_str().expect("UTF-8")]);
        let lines = commands("meshpingctl ");
        assert!(lines.len() > 5, "{lines:?}");
        for line in lines {
            shell(line, directory.path());
        }
        shell("sh targets.sh", directory.path());
    });
}

#[test]
fn the_configuration_of_the_readme_is_good() {
    let (_, after) = README.split_once("```toml\n").expect("there is one");
    let (text, _) = after.split_once("```").expect("it ends");
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("m.toml"), text).expect("it can be written");
    let targets = README.lines().find_map(|line| line.strip_prefix("    [{")).expect("a target file");
    std::fs::create_dir(directory.path().join("targets.d")).expect("it can be made");
    std::fs::write(directory.path().join("targets.d/a.json"), format!("[{{{targets}"))
        .expect("it can be written");
    let said = shell("meshping --config m.toml --config.check", directory.path());
    assert_eq!(said, "the configuration is good, with 4 targets\n");
}

#[test]
fn the_readme_names_every_option() {
    let help =
        Command::new(env!("CARGO_BIN_EXE_meshping")).arg("--help").output().expect("meshping runs").stdout;
    let help = String::from_utf8_lossy(&help);
    let words = help.split([' ', ',', '.', '\n', '=', '[', ']']).filter(|word| word.starts_with("--"));
    let missing: Vec<&str> =
        words.filter(|word| !["--help", "--version"].contains(word) && !README.contains(*word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
