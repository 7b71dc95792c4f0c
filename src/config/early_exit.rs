//! The end of the program before it began: what a bad command line, or one that asks for help, is answered.

use crate::format::escape::shown;
use clap::error::{ContextKind, ErrorKind};
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The program ends before it began: with a line about a bad command line, or with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlyExit {
    /// The help or the version: for standard output, exit status 0.
    Asked(String),
    /// What is wrong, in one line: for standard error, exit status 2.
    Usage(String),
    /// What is wrong with files, a line each: for standard error, exit status 2.
    Faults(Vec<String>),
}

impl EarlyExit {
    /// What clap found in the command line of `program`.
    pub fn from_clap(error: &clap::Error, program: &str) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Self::Asked(error.render().to_string()),
            _ => Self::Usage(one_line(error, program)),
        }
    }

    /// Says it, and returns the exit status.
    pub fn report(&self) -> ExitCode {
        self.report_of("meshping")
    }

    /// Says it in the name of that program, and returns the exit status.
    pub fn report_of(&self, program: &str) -> ExitCode {
        // When nobody listens there is nobody to tell.
        match self {
            Self::Asked(text) => {
                let _ = write!(io::stdout(), "{text}");
                ExitCode::SUCCESS
            }
            Self::Usage(_) | Self::Faults(_) => {
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
            Self::Faults(lines) => f.write_str(&lines.join("\n")),
        }
    }
}

impl From<clap::Error> for EarlyExit {
    fn from(error: clap::Error) -> Self {
        Self::from_clap(&error, "meshping")
    }
}

/// What clap has to say, without its usage lines, escaped.
fn one_line(error: &clap::Error, program: &str) -> String {
    let said = match (error.kind(), error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    {
        // clap would leave out what it takes for colours.
        (ErrorKind::ValueValidation, Some(option), Some(value)) => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            format!("invalid value '{value}' for '{option}': {reason}")
        }
        _ => rendered(error),
    };
    format!("{} (see {program} --help)", shown(&said))
}

/// Line breaks that were given are escaped, those of clap's layout become spaces.
fn rendered(error: &clap::Error) -> String {
    let given = [ContextKind::InvalidArg, ContextKind::InvalidValue].map(|kind| error.get(kind));
    let mut text = error.render().to_string();
    for given in given.into_iter().flatten().map(ToString::to_string) {
        text = text.replace(&given, &shown(&given));
    }
    let layout = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more information");
    let said = text.lines().map(str::trim).take_while(|line| !layout(line));
    let said: Vec<&str> = said.filter(|line| !line.is_empty()).collect();
    said.join(" ").trim_start_matches("error: ").to_owned()
}
