//! Configurations that the documents show, and options that they must name.

use crate::markdown::{Block, document, documents, root};
use meshping::target::OptionKey;
use std::fs;
use std::process::Command;

fn blocks(language: &str) -> Vec<Block> {
    let all = documents().into_iter().flat_map(|document| document.blocks());
    all.filter(|block| block.language == language).collect()
}

#[test]
fn the_configuration_is_good_together_with_the_target_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (configurations, target_files) = (blocks("toml"), blocks("json"));
    assert_eq!((configurations.len(), target_files.len()), (2, 1), "check each of them here");
    let text: Vec<String> = configurations.iter().map(Block::text).collect();
    fs::write(directory.path().join("meshping.toml"), text.join("\n")).expect("it can be written");
    fs::create_dir(directory.path().join("targets.d")).expect("it can be made");
    fs::write(directory.path().join("targets.d/a.json"), target_files[0].text()).expect("it can be written");
    let checks = crate::commands::beginning("meshping --config ");
    assert!(!checks.is_empty());
    for check in checks {
        let said = crate::commands::shell(&check.replace("/etc/meshping/", ""), directory.path());
        assert!(said.ends_with("the configuration is good, with 6 targets\n"), "{check}: {said}");
    }
}

/// The lines of YAML that mean something.
fn significant(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).collect()
}

#[test]
fn scrape_configurations_are_excerpts_of_the_tested_one() {
    let tested = fs::read_to_string(root().join("contrib/prometheus/prometheus.yml")).expect("it is there");
    let tested = significant(&tested);
    let shown = blocks("yaml");
    assert!(shown.len() > 2, "only {} blocks", shown.len());
    for block in shown {
        let text = block.text();
        // The example of the web config file: tests/web starts a daemon with it.
        let is_web = text.starts_with("tls_server_config:");
        let lines = significant(&text);
        assert!(is_web || tested.windows(lines.len()).any(|excerpt| excerpt == lines), "{text}");
    }
}

/// The long options in the help of a program.
fn options(program: &str, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program).args(arguments).arg("--help").output().expect("it runs");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = help.split([' ', ',', '.', ':', ';', ')', '\n', '=', '[', ']']);
    let long = words.filter(|word| word.starts_with("--") && !["--help", "--version"].contains(word));
    long.map(str::to_owned).collect()
}

#[test]
fn every_option_of_the_daemon_is_in_the_configuration_document() {
    let text = document("docs/configuration.md").text;
    let options = options(env!("CARGO_BIN_EXE_meshping"), &[]);
    let missing: Vec<String> = options.into_iter().filter(|option| !text.contains(option)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_option_of_the_client_is_in_the_operations_document() {
    let text = document("docs/operations.md").text;
    for command in ["list", "show", "add", "remove", "reset", "export", "history", "reload", "backup"] {
        let options = options(env!("CARGO_BIN_EXE_meshpingctl"), &[command]);
        assert!(!options.is_empty() && text.contains(&format!("`{command}`")), "{command}: {options:?}");
        let missing: Vec<String> = options.into_iter().filter(|option| !text.contains(option)).collect();
        assert!(missing.is_empty(), "{command}: {missing:?}");
    }
}

/// The options of a target have the same names, limits and texts everywhere: their table makes the help.
#[test]
fn every_option_of_a_target_is_documented_with_its_limits() {
    let page = fs::read_to_string(root().join("contrib/meshping.toml.5")).expect("it is there");
    let table = document("docs/configuration.md").text;
    for key in OptionKey::ALL {
        let (row, member) = (key.row(), format!("`{}`", key.row().member));
        let paragraph = format!(".B {}\n{} ({}).\n", row.name, row.help, row.expected);
        assert!(page.contains(&paragraph), "contrib/meshping.toml.5 lacks {paragraph}");
        let cells = format!("| `{}` | {} | ", row.name, row.expected);
        assert!(table.contains(&cells), "docs/configuration.md lacks {cells}");
        assert!(document("docs/control-protocol.md").text.contains(&member), "{member}");
    }
}

#[test]
fn the_manual_page_lists_every_key_of_the_configuration_file() {
    let page = fs::read_to_string(root().join("contrib/meshping.toml.5")).expect("it is there");
    let only_arguments =
        ["config", "config.check", "state.check", "state.backup", "state.restore", "help", "version"];
    let command = meshping::config::args::command();
    let long =
        command.get_arguments().filter_map(clap::Arg::get_long).filter(|long| !only_arguments.contains(long));
    let keys: Vec<String> = long.map(|long| long.replace('-', "_")).chain(["family".to_owned()]).collect();
    let sentence = format!("The keys are {}.", keys.join(", "));
    assert!(page.contains(&sentence), "contrib/meshping.toml.5 lacks {sentence}");
}
