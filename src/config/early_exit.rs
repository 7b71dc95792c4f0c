//! Messages of a program that ends before it starts: errors of the command line and of files, help, version.

use crate::format::escape::shown;
use clap::error::{ContextKind, ErrorKind};
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a program ends before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlyExit {
    /// The help, the version, or a result that was asked for: for standard output, exit status 0.
    Asked(String),
    /// An error of the command line, in one line: for standard error, exit status 2.
    Usage(String),
    /// Problems in files, a line each: for standard error, exit status 2.
    Problems(Vec<String>),
    /// A command on the state in a directory.
    State(StateCommand, PathBuf),
}

/// A command on a state, instead of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateCommand {
    /// Reports whether it is whole.
    Check,
    /// Copies it into this directory.
    Backup(PathBuf),
    /// Replaces it by the backup in this directory.
    Restore(PathBuf),
}

impl EarlyExit {
    /// What clap reports about the command line of `program`.
    pub fn from_clap(error: &clap::Error, program: &str) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Self::Asked(error.render().to_string()),
            _ => Self::Usage(one_line(error, program)),
        }
    }

    /// Prints the message, and returns the exit status.
    pub fn report(&self) -> ExitCode {
        self.report_of("meshping")
    }

    /// Prints the message with the name of a program, and returns the exit status.
    pub fn report_of(&self, program: &str) -> ExitCode {
        // An error of writing can't be reported anywhere.
        match self {
            Self::Asked(text) => {
                let _ = write!(io::stdout(), "{text}");
                ExitCode::SUCCESS
            }
            // The caller runs it, and has its own report.
            Self::State(..) => ExitCode::FAILURE,
            Self::Usage(_) | Self::Problems(_) => {
                for line in self.to_string().lines() {
                    let _ = writeln!(io::stderr(), "{program}: {line}");
                }
                ExitCode::from(2)
            }
        }
    }
}

impl fmt::Display for EarlyExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(text) => f.write_str(text),
            Self::Usage(text) => f.write_str(&shown(text)),
            Self::Problems(lines) => f.write_str(&lines.join("\n")),
            Self::State(command, directory) => write!(f, "{command:?} of {}", directory.display()),
        }
    }
}

impl From<clap::Error> for EarlyExit {
    fn from(error: clap::Error) -> Self {
        Self::from_clap(&error, "meshping")
    }
}

/// The message of clap without its usage lines, escaped.
fn one_line(error: &clap::Error, program: &str) -> String {
    let message =
        match (error.kind(), error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue)) {
            // clap leaves out escape sequences of the value.
            (ErrorKind::ValueValidation, Some(option), Some(value)) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                format!("invalid value '{value}' for '{option}': {reason}")
            }
            _ => rendered(error),
        };
    format!("{} (see {program} --help)", shown(&message))
}

/// Line breaks in arguments are escaped, those of clap's layout become spaces.
fn rendered(error: &clap::Error) -> String {
    let arguments = [ContextKind::InvalidArg, ContextKind::InvalidValue].map(|kind| error.get(kind));
    let mut text = error.render().to_string();
    for argument in arguments.into_iter().flatten().map(ToString::to_string) {
        text = text.replace(&argument, &shown(&argument));
    }
    let layout = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more information");
    let lines = text.lines().map(str::trim).take_while(|line| !layout(line));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}
