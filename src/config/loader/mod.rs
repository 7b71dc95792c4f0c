//! Builds the configuration from the command line and the files that it names, at the start and at every reload.
//!
//! The command line overrides the environment, which overrides the file. A configuration is built whole or not at all.

mod check;
mod expand;
mod merge;
mod watched;

use super::args::CommandLine;
use super::early_exit::EarlyExit;
pub use super::file::Problem;
use super::file::{self, ConfigFile};
use super::options::{ConfigOptions, UsageError};
use super::{file_sd, targets_file};
use crate::config::Config;
use crate::target::{Defaults, EntryConflict, TargetSpec};
use expand::MatchingFiles;
use merge::MergedTargets;
use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, BufReader, ErrorKind, Read};
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
    /// Problems of target files; the configuration has the last good content of the files, if any.
    pub broken: Vec<Problem>,
    /// Whether a target file is unusable and has no last good content, so that targets may be missing.
    pub incomplete: bool,
    /// Number of targets that occur more than once; later options override earlier ones.
    pub repeated: usize,
    /// Options that have no effect, because another entry for the same target has other ones.
    pub conflicts: Vec<EntryConflict>,
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
        let MergedTargets { targets, repeated, .. } = merged;
        config.targets = targets;
        let hash = sources.hash(&self.arguments);
        let ConfigSources { watched, broken, incomplete, .. } = sources;
        Ok(LoadedConfig { config, watched, broken, incomplete, repeated, conflicts, hash })
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
                Ok(good) => drop(before.insert(path.clone(), good)),
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

/// Why a target file is unusable.
enum FileProblem {
    /// It can't be read; trying again may help.
    Unreadable(io::Error),
    /// Its content is wrong.
    Content(String),
}

/// An absolute path; "-" stays as it is.
fn absolute(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        return path.to_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
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

/// The files of a configuration.
#[derive(Default)]
struct ConfigSources {
    config: Option<PathBuf>,
    watched: WatchedFiles,
    broken: Vec<Problem>,
    incomplete: bool,
    hasher: SipHasher13,
}

/// Maximum size of a file, in bytes; 100 000 targets take a tenth of it.
const MAX_FILE_SIZE: u64 = 256 << 20;

impl ConfigSources {
    /// Opens a file that must exist.
    fn open(&mut self, path: &Path) -> Result<HashedFile<'_>, LoadError> {
        self.watched.note(path);
        path.hash(&mut self.hasher);
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(HashedFile { file, hasher: &mut self.hasher })
    }

    /// Reads a file that must exist.
    fn read(&mut self, path: &Path) -> Result<String, LoadError> {
        self.watched.note(path);
        self.read_text(path).map_err(|error| unreadable(path, &error))
    }

    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        path.hash(&mut self.hasher);
        let mut text = String::new();
        let hashed = HashedFile { file: File::open(path)?, hasher: &mut self.hasher };
        let length = hashed.take(MAX_FILE_SIZE + 1).read_to_string(&mut text)?;
        if u64::try_from(length).is_ok_and(|length| length > MAX_FILE_SIZE) {
            return Err(io::Error::other(format!("it has more than {MAX_FILE_SIZE} bytes")));
        }
        Ok(text)
    }

    fn read_target_file(&mut self, path: &Path) -> Result<Vec<TargetSpec>, FileProblem> {
        // Opening a pipe blocks until there is a writer.
        if !path.is_file() {
            return Err(FileProblem::Content("it is not a regular file".into()));
        }
        let text = self.read_text(path).map_err(|error| match error.kind() {
            // Too large, or not UTF-8: reading it again would not help.
            ErrorKind::Other | ErrorKind::InvalidData => FileProblem::Content(error.to_string()),
            _ => FileProblem::Unreadable(error),
        })?;
        file_sd::parse(path, &text).map_err(FileProblem::Content)
    }

    /// The files that match patterns, sorted, without duplicates.
    fn matching(&mut self, patterns: &[PathBuf]) -> MatchingFiles {
        let mut matching = MatchingFiles::default();
        for pattern in patterns.iter().map(|pattern| absolute(pattern)) {
            self.watched.patterns.push(pattern.clone());
            self.watched.paths.push(pattern.clone());
            match glob::Pattern::new(&pattern.to_string_lossy()) {
                Ok(_) => matching.find(&pattern),
                Err(error) => self.note_broken(&pattern, format!("not a pattern of files: {error}")),
            }
        }
        matching.files.sort();
        matching.files.dedup();
        self.watched.fingerprints.insert(&matching);
        matching
    }

    fn note_broken(&mut self, path: &Path, text: String) {
        self.broken.push(Problem { file: path.display().to_string(), line: None, text });
    }

    /// Notes a path that is to be tried again; only once, because several patterns can lead to it.
    fn note_unreadable(&mut self, path: &Path, error: &io::Error) {
        if !self.watched.unreadable.iter().any(|known| known == path) {
            self.note_broken(path, format!("can't be read: {error}"));
            self.watched.unreadable.push(path.to_owned());
        }
    }

    /// A problem of the configuration as a whole.
    fn problem(&self, error: &UsageError) -> LoadError {
        match &self.config {
            None => LoadError::CommandLine(EarlyExit::Usage(error.to_string())),
            Some(path) => {
                let (file, text) = (path.display().to_string(), error.to_string());
                LoadError::Files(vec![Problem { file, line: None, text }])
            }
        }
    }

    fn hash(&self, arguments: &[OsString]) -> u64 {
        let mut hasher = self.hasher;
        arguments.hash(&mut hasher);
        // A sample of Prometheus represents integers of this size exactly.
        hasher.finish() >> 16
    }
}

/// A file whose content is hashed while it is read.
struct HashedFile<'a> {
    file: File,
    hasher: &'a mut SipHasher13,
}

impl Read for HashedFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.hasher.write(&buffer[..length]);
        Ok(length)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> LoadError {
    let (file, text) = (path.display().to_string(), format!("can't be read: {error}"));
    LoadError::Files(vec![Problem { file, line: None, text }])
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
