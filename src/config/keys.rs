//! The options of the command line as others see them: the keys of a configuration file, and what they take.

use super::args::Args;
use super::early_exit::EarlyExit;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, ValueHint};
use std::ffi::OsString;
use std::path::Path;

/// What only a command line can say.
const NOT_IN_FILES: [&str; 4] = ["help", "version", "config", "config.check"];

/// The key for `-4` and `-6`, which have no long names.
const FAMILY: &str = "family";

/// An option that a file can set.
#[derive(Debug, Clone)]
pub(super) struct FileOption {
    /// What the command line's parser calls it.
    pub id: String,
    /// Whether it can have several values.
    pub many: bool,
    long: String,
    flag: bool,
    path: bool,
}

/// The option with a key; `None` if there is none.
pub(super) fn option(key: &str) -> Option<FileOption> {
    if key == FAMILY {
        let (id, long) = (FAMILY.to_owned(), FAMILY.to_owned());
        return Some(FileOption { id, many: false, long, flag: false, path: false });
    }
    let command = Args::command();
    let arg = command.get_arguments().find(|arg| self::key(arg).is_some_and(|own| own == key))?;
    Some(FileOption {
        id: arg.get_id().to_string(),
        many: matches!(arg.get_action(), ArgAction::Append),
        long: arg.get_long()?.to_owned(),
        flag: matches!(arg.get_action(), ArgAction::SetTrue),
        path: matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath),
    })
}

/// Every key that a file can have, in the order of the help.
pub(super) fn keys() -> Vec<String> {
    let command = Args::command();
    command.get_arguments().filter_map(key).chain([FAMILY.to_owned()]).collect()
}

/// Whether there are options whose keys begin with these parts.
pub(super) fn begins(parts: &str) -> bool {
    keys().iter().any(|key| key.strip_prefix(parts).is_some_and(|rest| rest.starts_with('.')))
}

fn key(arg: &Arg) -> Option<String> {
    let long = arg.get_long().filter(|long| !NOT_IN_FILES.contains(long))?;
    Some(long.replace('-', "_"))
}

impl FileOption {
    /// The words of a command line that mean these values; relative paths are below `directory`.
    ///
    /// # Errors
    /// What the option takes instead.
    pub(super) fn words(&self, values: &[String], directory: &Path) -> Result<Vec<String>, String> {
        let word = |value: &String| {
            if self.path && value != "-" {
                return format!("--{}={}", self.long, directory.join(value).display());
            }
            format!("--{}={value}", self.long)
        };
        let words = match (values, self.id.as_str()) {
            ([value], FAMILY) => match value.to_ascii_lowercase().as_str() {
                "ipv4" => vec!["-4".to_owned()],
                "ipv6" => vec!["-6".to_owned()],
                "both" => Vec::new(),
                _ => return Err(format!("{value:?} is not usable, it takes ipv4, ipv6 or both")),
            },
            ([value], _) if self.flag => match value.as_str() {
                "true" => vec![format!("--{}", self.long)],
                "false" => Vec::new(),
                _ => return Err(format!("{value:?} is not usable, it takes true or false")),
            },
            _ => values.iter().map(word).collect(),
        };
        match matches(words.iter().map(OsString::from)) {
            Ok(_) => Ok(words),
            Err(error) => Err(said(&error)),
        }
    }

    /// Whether the command line or the environment has said it already: then a file is not asked.
    pub(super) fn is_given(&self, given: &ArgMatches) -> bool {
        let of = |id: &str| match given.value_source(id) {
            Some(ValueSource::CommandLine) => true,
            // A variable that is set to nothing, as in a file of the service manager, is not set.
            Some(ValueSource::EnvVariable) => {
                given.get_raw(id).is_some_and(|mut raw| raw.any(|value| !value.is_empty()))
            }
            _ => false,
        };
        if self.id == FAMILY { of("v4") || of("v6") } else { of(&self.id) }
    }
}

/// What clap makes of the words after the program's name.
pub(super) fn matches(words: impl Iterator<Item = OsString>) -> Result<ArgMatches, clap::Error> {
    Args::command().try_get_matches_from(std::iter::once("meshping".into()).chain(words))
}

/// What clap made of them, as the arguments.
pub(super) fn args(matches: &ArgMatches) -> Result<Args, clap::Error> {
    Args::from_arg_matches(matches)
}

fn said(error: &clap::Error) -> String {
    EarlyExit::from_clap(error, "meshping").to_string().trim_end_matches(" (see meshping --help)").to_owned()
}
