//! What the programs say about themselves.

use crate::golden;
use crate::transcript::{Transcript, without_version};
use std::process::Command;

const PROGRAMS: [(&str, &str); 2] =
    [("meshping", env!("CARGO_BIN_EXE_meshping")), ("meshpingctl", env!("CARGO_BIN_EXE_meshpingctl"))];

/// A command whose output does not depend on who runs the test.
fn command(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).env_clear().env("COLUMNS", "100");
    command
}

/// The subcommands, by the program's own help.
fn subcommands(program: &str) -> Vec<String> {
    let output = command(program, &["-h"]).output().expect("it can be run");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    let first =
        lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    first.map(str::to_owned).collect()
}

fn transcript((name, program): (&str, &str)) -> Transcript {
    let mut transcript = Transcript::default();
    let mut run = |words: &[&str]| {
        let shown = format!("{name} {}", words.join(" "));
        transcript.title(&shown);
        transcript.run(&mut command(program, words), &shown, without_version);
    };
    for option in ["--version", "-V", "-h", "--help"] {
        run(&[option]);
    }
    for subcommand in subcommands(program) {
        run(&[&subcommand, "-h"]);
        run(&[&subcommand, "--help"]);
    }
    transcript
}

#[test]
fn the_help_of_the_daemon() {
    golden::check("help/meshping.txt", transcript(PROGRAMS[0]).text());
}

#[test]
fn the_help_of_meshpingctl_and_of_each_of_its_commands() {
    let subcommands = subcommands(PROGRAMS[1].1);
    assert!(subcommands.len() >= 7, "{subcommands:?}");
    golden::check("help/meshpingctl.txt", transcript(PROGRAMS[1]).text());
}
