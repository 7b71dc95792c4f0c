//! Generates files for the package: `assets DIRECTORY` writes manual pages (`man/`) and completions for bash, zsh and fish
//! (`completions/`) from the definitions of the command lines.

use clap::Command;
use clap_complete::{Shell, generate_to};
use meshping::config::args;
use meshping::ctl;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or_else(|| Error::other("usage: assets DIRECTORY"))?;
    for command in [args::command(), ctl::command()] {
        write_pages(&command, &directory.join("man"))?;
        write_completions(command, &directory.join("completions"))?;
    }
    Ok(())
}

/// One page for the command and one for each subcommand: meshpingctl.1, meshpingctl-add.1 and so on.
fn write_pages(command: &Command, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command.clone(), directory)?;
    for page in fs::read_dir(directory)? {
        let path = page?.path();
        let text = fs::read_to_string(&path)?;
        fs::write(path, with_sections(&text))?;
    }
    Ok(())
}

/// clap_mangen writes the end of the help as one section of running text; this restores its headings and lines.
fn with_sections(page: &str) -> String {
    let Some((before, after)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let (extra, rest) = after.split_at(after.find(".SH ").unwrap_or(after.len()));
    let section = |line: &str| match line.strip_suffix(':') {
        Some(title) if !line.starts_with(' ') => format!(".fi\n.SH {}\n.nf\n", title.to_uppercase()),
        _ => format!("{line}\n"),
    };
    let extra: String = extra.lines().map(section).collect();
    format!("{before}{extra}.fi\n{rest}")
}

fn write_completions(mut command: Command, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, &name, directory)?;
    }
    Ok(())
}
