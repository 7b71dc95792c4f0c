//! Builds the configuration from the command line and the files that it names, at the start and at every reload.
//!
//! The command line overrides the environment, which overrides the file. A configuration is built whole or not at all.

mod check;
mod expand;
mod merge;
mod sources;
mod watched;

use super::args::CommandLine;
use super::early_exit::EarlyExit;
pub use super::file::Problem;
use super::file::{self, ConfigFile};
use super::options::ConfigOptions;
use super::targets_file;
use crate::config::Config;
use crate::target::{Defaults, EntryConflict, TargetSpec};
use expand::MatchingFiles;
use merge::MergedTargets;
use sources::{ConfigSources, FileProblem, absolute};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
pub use watched::{Fingerprints, WatchedFiles};

/// Builds the configuration, and builds it again for a reload.
#[derive(Debug)]
pub struct Loader {
    /// Arguments without the program's name, for the hash.
    arguments: Vec<OsString>,
    command_line: CommandLine,
    /// Targets from a source that can be read only once: standard input, a pipe.
    read_once: Option<Vec<TargetSpec>>,
    /// The last good content of each target file.
    last_good: HashMap<PathBuf, Vec<TargetSpec>>,
}

/// A configuration and facts about its sources.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Config,
    /// The files, to be watched.
    pub watched: WatchedFiles,
    /// Problems of target files; the configuration has the last good content of the files and entries, if any.
    pub broken: Vec<Problem>,
    /// Whether a target file or an entry is unusable and has no last good content, so that targets may be missing.
    pub incomplete: bool,
    /// Number of targets that occur more than once; later options override earlier ones.
    pub repeated: usize,
    /// Options that have no effect, because another entry for the same target has other ones.
    pub conflicts: Vec<EntryConflict>,
    /// A text for each label of targets that meshping's own metrics leave out.
    pub reserved_labels: Vec<String>,
    /// Hash of the arguments and the content of all files, less than 2^48.
    pub hash: u64,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The command line is wrong, or asks for help.
    #[error("{0}")]
    CommandLine(EarlyExit),
    /// Problems of files or of the whole configuration; never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Files(Vec<Problem>),
}

impl LoadedConfig {
    /// Number of target files with problems.
    pub fn broken_files(&self) -> usize {
        self.broken.iter().map(|problem| &problem.file).collect::<HashSet<_>>().len()
    }
}

impl Loader {
    /// Parses the command line and loads the configuration for the first time.
    ///
    /// With `--config.check` the program ends here; `check` then looks for problems in what the configuration refers
    /// to.
    ///
    /// # Errors
    /// [`EarlyExit`], if something is wrong, or with the result of `--config.check`.
    pub fn start(
        words: impl IntoIterator<Item = OsString>,
        check: impl FnOnce(&Config) -> Result<(), String>,
    ) -> Result<(Self, LoadedConfig), EarlyExit> {
        let arguments: Vec<OsString> = words.into_iter().skip(1).collect();
        let command_line = CommandLine::parse_from_arguments(arguments.iter().cloned())?;
        if let Some(command) = command_line.state_command() {
            let directory = state_directory(&command_line)?;
            return Err(EarlyExit::State(command, directory));
        }
        let is_check = command_line.check;
        let mut loader = Self { arguments, command_line, read_once: None, last_good: HashMap::new() };
        let loaded_config = loader.load().map_err(|error| error.into_early_exit(is_check))?;
        if is_check {
            Err(check::result(&loaded_config, check(&loaded_config.config)))
        } else {
            Ok((loader, loaded_config))
        }
    }

    /// Builds the configuration from the present content of the files.
    ///
    /// # Errors
    /// [`LoadError`], with every problem.
    pub fn load(&mut self) -> Result<LoadedConfig, LoadError> {
        let mut sources = ConfigSources::default();
        let ConfigFile { options, mut targets } = match &self.command_line.config {
            Some(path) => read_config_file(&absolute(path), &mut sources)?,
            None => ConfigFile::default(),
        };
        let options = self.command_line.options.clone().merged_over(options);
        targets.extend(self.read_target_list(&options, &mut sources)?);
        self.read_target_files(&options, &mut sources, &mut targets);
        // Later ones override earlier ones, so those of the command line are last.
        targets.extend(self.command_line.targets.iter().cloned());
        let mut merged = MergedTargets::new(targets);
        let targets = std::mem::take(&mut merged.targets);
        let mut config = options.into_config(targets).map_err(|error| sources.problem(&error))?;
        merged.targets = std::mem::take(&mut config.targets);
        let conflicts = merged.conflicts(&Defaults { interval: config.interval, timeout: config.timeout });
        let reserved_labels = merged.reserved_labels();
        let MergedTargets { targets, repeated, .. } = merged;
        config.targets = targets;
        let hash = sources.hash(&self.arguments);
        let ConfigSources { watched, broken, incomplete, .. } = sources;
        Ok(LoadedConfig { config, watched, broken, incomplete, repeated, conflicts, reserved_labels, hash })
    }

    /// The targets of the file of `--targets`.
    fn read_target_list(
        &mut self,
        options: &ConfigOptions,
        sources: &mut ConfigSources,
    ) -> Result<Vec<TargetSpec>, LoadError> {
        let Some(path) = &options.target_list else { return Ok(Vec::new()) };
        let limit = options.max_lines();
        if let Some(targets) = &self.read_once {
            return Ok(targets.clone());
        }
        let path = &absolute(path);
        if path.as_os_str() == "-" {
            let read = targets_file::read(io::stdin().lock(), limit);
            let targets = read.map_err(|error| in_target_list(Path::new("standard input"), &error))?;
            self.read_once = Some(targets.clone());
            return Ok(targets);
        }
        let file = BufReader::new(sources.open(path)?);
        let targets = targets_file::read(file, limit).map_err(|error| in_target_list(path, &error))?;
        if !path.is_file() {
            self.read_once = Some(targets.clone());
        }
        Ok(targets)
    }

    /// Appends the targets of all target files; the last good ones of a file that is unusable, or whose directory can't be
    /// read: its content is then unknown.
    fn read_target_files(
        &mut self,
        options: &ConfigOptions,
        sources: &mut ConfigSources,
        targets: &mut Vec<TargetSpec>,
    ) {
        let mut before = std::mem::take(&mut self.last_good);
        let patterns = options.target_files.as_deref().unwrap_or_default();
        let MatchingFiles { files, unreadable } = sources.matching(patterns);
        for (path, error) in unreadable {
            sources.note_unreadable(&path, &error);
            // There may be files that were never read.
            sources.incomplete = true;
            for (path, good) in before.extract_if(|file, _| file.starts_with(&path)) {
                targets.extend(good.iter().cloned());
                self.last_good.insert(path, good);
            }
        }
        for path in files {
            match sources.read_target_file(&path) {
                Ok(file) => {
                    let earlier = before.remove(&path);
                    before.extend(sources.usable(&path, file, earlier).map(|good| (path.clone(), good)));
                }
                Err(FileProblem::Unreadable(error)) => sources.note_unreadable(&path, &error),
                Err(FileProblem::Content(text)) => sources.note_broken(&path, text),
            }
            if let Some(good) = before.remove(&path) {
                targets.extend(good.iter().cloned());
                self.last_good.insert(path, good);
            } else {
                sources.incomplete = true;
            }
        }
    }
}

/// The state directory of the command line, or else of the configuration file.
fn state_directory(command_line: &CommandLine) -> Result<PathBuf, EarlyExit> {
    if let Some(directory) = &command_line.options.state_dir {
        return Ok(directory.clone());
    }
    let file = command_line
        .config
        .as_ref()
        .map(|path| read_config_file(&absolute(path), &mut ConfigSources::default()));
    let file = file.transpose().map_err(|error| error.into_early_exit(false))?;
    let directory = file.and_then(|file| file.options.state_dir);
    directory.ok_or_else(|| {
        let text = "name the state with --state-dir, or with --config a file that has state_dir (see meshping --help)";
        EarlyExit::Usage(text.to_owned())
    })
}

fn read_config_file(path: &Path, sources: &mut ConfigSources) -> Result<ConfigFile, LoadError> {
    let text = sources.read(path)?;
    sources.config = Some(path.to_owned());
    file::parse(path, &text).map_err(LoadError::Files)
}

fn in_target_list(path: &Path, error: &targets_file::TargetsFileError) -> LoadError {
    let (line, text) = (Some(error.line), error.error.to_string());
    LoadError::Files(vec![Problem { file: path.display().to_string(), line, text }])
}

impl LoadError {
    /// The message of a program that can't start: the first problem in one line, or all of them.
    fn into_early_exit(self, all: bool) -> EarlyExit {
        match self {
            Self::CommandLine(exit) => exit,
            Self::Files(problems) if all => {
                EarlyExit::Problems(problems.iter().map(ToString::to_string).collect())
            }
            Self::Files(problems) => {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                let more = problems.len().saturating_sub(1);
                let rest = format!(" (and {more} more, --config.check reports all)");
                EarlyExit::Problems(vec![if more > 0 { first + &rest } else { first }])
            }
        }
    }
}

#[cfg(test)]
mod tests;
