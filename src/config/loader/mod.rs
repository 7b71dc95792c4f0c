//! Makes a configuration of the command line and the files that it names, at the start and whenever it is to be made
//! again. It is made whole or not at all.

use super::args::{Args, UsageError};
use super::early_exit::EarlyExit;
pub use super::file::Problem;
use super::file::{self, ConfigFile};
use super::{file_sd, keys, targets_file};
use crate::config::Config;
use crate::target::{Host, Label, OptionOverrides, TargetSpec};
use clap::ArgMatches;
use siphasher::sip::SipHasher13;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What it takes to make a configuration, and to make it again.
#[derive(Debug)]
pub struct Loader {
    /// Of the command line, without the program's name.
    words: Vec<OsString>,
    /// Targets that were read from what can be read once: standard input, a pipe.
    once: Option<Vec<TargetSpec>>,
    /// The last good content of each target file.
    good: HashMap<PathBuf, Vec<TargetSpec>>,
}

/// A configuration, with what is known about where it comes from.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Config,
    /// Files that were read, and patterns of files: what is to be watched.
    pub files: Vec<PathBuf>,
    /// Target files that can't be read at present; their last good content, if any, is in the configuration.
    pub broken: Vec<Problem>,
    /// One of them has no last good content: nobody knows which targets are meant.
    pub incomplete: bool,
    /// How many targets were named more than once, the last ones counting.
    pub repeated: usize,
    /// Of all texts that it was made of: equal for equal ones, less than 2^48.
    pub hash: u64,
}

/// Why there is no configuration; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The command line is wrong, or asks for help.
    #[error("{0}")]
    CommandLine(EarlyExit),
    /// Files are wrong, or what they add up to; never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Files(Vec<Problem>),
}

impl Loader {
    /// Reads the command line and its files for the first time; `further` says what else is wrong with what they
    /// refer to, if that is all that is asked.
    ///
    /// # Errors
    /// [`EarlyExit`]: the program is to end here, because something is wrong, or it was asked only whether anything is.
    pub fn start(
        words: impl IntoIterator<Item = OsString>,
        further: impl FnOnce(&Config) -> Result<(), String>,
    ) -> Result<(Self, LoadedConfig), EarlyExit> {
        let words = words.into_iter().skip(1).collect();
        let mut loader = Self { words, once: None, good: HashMap::new() };
        let checking = loader.is_checking();
        let reading = loader.load().map_err(|error| error.into_stop(checking))?;
        if checking {
            return Err(checked(&reading, further(&reading.config)));
        }
        Ok((loader, reading))
    }

    fn is_checking(&self) -> bool {
        let args = keys::matches(self.words.iter().cloned()).and_then(|matches| keys::args(&matches));
        args.is_ok_and(|args| args.check)
    }

    /// Makes the configuration, of the files as they are now.
    ///
    /// # Errors
    /// [`LoadError`]: everything that is wrong.
    pub fn load(&mut self) -> Result<LoadedConfig, LoadError> {
        let given = keys::matches(self.words.iter().cloned())?;
        let mut args = keys::args(&given)?;
        let mut sources = ConfigSources::default();
        let mut targets = Vec::new();
        if let Some(path) = args.config.take() {
            (args, targets) = with_file(&given, &self.words, &absolute(&path), &mut sources)?;
        }
        targets.extend(self.listed(&args, &mut sources)?);
        self.discovered(&args, &mut sources, &mut targets);
        // The last word counts, and that is the command line's.
        targets.append(&mut args.targets);
        let (targets, repeated) = merged(targets);
        let config = args.into_config(targets).map_err(|error| sources.problem(&error))?;
        let hash = sources.hash(&self.words);
        let ConfigSources { files, broken, incomplete, .. } = sources;
        Ok(LoadedConfig { config, files, broken, incomplete, repeated, hash })
    }

    /// The targets of the file of `--targets`.
    fn listed(&mut self, args: &Args, sources: &mut ConfigSources) -> Result<Vec<TargetSpec>, LoadError> {
        let Some(path) = &args.file else { return Ok(Vec::new()) };
        let limit = args.file_limit();
        if let Some(listed) = &self.once {
            return Ok(listed.clone());
        }
        let path = &absolute(path);
        if path.as_os_str() == "-" {
            let read = targets_file::read(io::stdin().lock(), limit);
            self.once = Some(read.map_err(|error| of_list(Path::new("standard input"), &error))?);
            return Ok(self.once.clone().unwrap_or_default());
        }
        let file = BufReader::new(sources.open(path)?);
        let listed = targets_file::read(file, limit).map_err(|error| of_list(path, &error))?;
        if !path.is_file() {
            self.once = Some(listed.clone());
        }
        Ok(listed)
    }

    /// The targets of all target files; of those that are broken the last good ones.
    fn discovered(&mut self, args: &Args, sources: &mut ConfigSources, targets: &mut Vec<TargetSpec>) {
        let mut before = std::mem::take(&mut self.good);
        for path in sources.matching(&args.target_files) {
            // Who opens a pipe waits until somebody writes.
            let is_file = path.is_file().then_some(()).ok_or("it is no file");
            let read = is_file.map_err(io::Error::other).and_then(|()| sources.read_text(&path));
            let read = read.map_err(|error| error.to_string());
            match read.and_then(|text| file_sd::parse(&text)) {
                Ok(read) => drop(before.insert(path.clone(), read)),
                Err(text) => {
                    let file = path.display().to_string();
                    sources.broken.push(Problem { file, line: None, text });
                }
            }
            if let Some(good) = before.remove(&path) {
                targets.extend(good.iter().cloned());
                self.good.insert(path, good);
            } else {
                sources.incomplete = true;
            }
        }
    }
}

/// A path that is the same wherever it is told from; "-" is none.
fn absolute(path: &Path) -> PathBuf {
    if path.as_os_str() == "-" {
        return path.to_owned();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The arguments, with what a file says where neither the command line nor the environment say anything; and the
/// targets of the file.
fn with_file(
    given: &ArgMatches,
    words: &[OsString],
    path: &Path,
    sources: &mut ConfigSources,
) -> Result<(Args, Vec<TargetSpec>), LoadError> {
    let text = sources.read(path)?;
    let ConfigFile { options, targets } = file::parse(path, &text).map_err(LoadError::Files)?;
    sources.config = Some(path.to_owned());
    let asked = options.iter().filter(|(option, _)| !option.is_given(given));
    let of_file = asked.flat_map(|(_, words)| words).map(OsString::from);
    let matches = keys::matches(of_file.chain(words.iter().cloned()))?;
    Ok((keys::args(&matches)?, targets))
}

fn of_list(path: &Path, error: &targets_file::TargetsFileError) -> LoadError {
    let (line, text) = (Some(error.line), error.fault.to_string());
    LoadError::Files(vec![Problem { file: path.display().to_string(), line, text }])
}

/// Each target once: what is named again has the terms of both, the later ones first. And how many were named again.
fn merged(targets: Vec<TargetSpec>) -> (Vec<TargetSpec>, usize) {
    let all = targets.len();
    let mut places: HashMap<(Label, Host), usize> = HashMap::with_capacity(all);
    let mut merged: Vec<TargetSpec> = Vec::with_capacity(all);
    for target in targets {
        let place = *places.entry((target.name.clone(), target.host.clone())).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(earlier) => earlier.options = target.options.merged_over(&earlier.options),
            None => merged.push(target),
        }
    }
    share_options(&mut merged);
    let repeated = all - merged.len();
    (merged, repeated)
}

/// Keeps equal options once: a whole file of targets often has the same.
fn share_options(targets: &mut [TargetSpec]) {
    let mut known: HashSet<Arc<OptionOverrides>> = HashSet::new();
    for options in targets.iter_mut().filter_map(|target| target.options.overrides.as_mut()) {
        match known.get(options) {
            Some(same) => *options = Arc::clone(same),
            None => drop(known.insert(Arc::clone(options))),
        }
    }
}

/// The files that a configuration is made of.
#[derive(Default)]
struct ConfigSources {
    config: Option<PathBuf>,
    files: Vec<PathBuf>,
    broken: Vec<Problem>,
    incomplete: bool,
    hasher: SipHasher13,
}

/// No file is larger than this, in bytes: 100 000 targets take a tenth of it.
const LARGEST: u64 = 256 << 20;

impl ConfigSources {
    /// Opens a file that must be there.
    fn open(&mut self, path: &Path) -> Result<NotedFile<'_>, LoadError> {
        self.files.push(path.to_owned());
        path.hash(&mut self.hasher);
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(NotedFile { file, hasher: &mut self.hasher })
    }

    /// Reads a file that must be there.
    fn read(&mut self, path: &Path) -> Result<String, LoadError> {
        self.files.push(path.to_owned());
        self.read_text(path).map_err(|error| unreadable(path, &error))
    }

    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        path.hash(&mut self.hasher);
        let mut text = String::new();
        let noted = NotedFile { file: File::open(path)?, hasher: &mut self.hasher };
        let length = noted.take(LARGEST + 1).read_to_string(&mut text)?;
        if u64::try_from(length).is_ok_and(|length| length > LARGEST) {
            return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
        }
        Ok(text)
    }

    /// The files that patterns mean, each once, in order.
    fn matching(&mut self, patterns: &[PathBuf]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for pattern in patterns.iter().map(|pattern| absolute(pattern)) {
            self.files.push(pattern.clone());
            match glob::glob(&pattern.to_string_lossy()) {
                Ok(paths) => found.extend(paths.flatten().filter(|path| !path.is_dir())),
                Err(error) => {
                    let (file, text) =
                        (pattern.display().to_string(), format!("no pattern of files: {error}"));
                    self.broken.push(Problem { file, line: None, text });
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// What is wrong with the whole.
    fn problem(&self, error: &UsageError) -> LoadError {
        match &self.config {
            None => LoadError::CommandLine(EarlyExit::Usage(error.to_string())),
            Some(path) => {
                let (file, text) = (path.display().to_string(), error.to_string());
                LoadError::Files(vec![Problem { file, line: None, text }])
            }
        }
    }

    fn hash(&self, words: &[OsString]) -> u64 {
        let mut hasher = self.hasher;
        words.hash(&mut hasher);
        // As much as a sample of Prometheus holds exactly.
        hasher.finish() >> 16
    }
}

/// A file whose content is noted while it is read.
struct NotedFile<'a> {
    file: File,
    hasher: &'a mut SipHasher13,
}

impl Read for NotedFile<'_> {
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
    /// The end of a program that can't start with it: in one line, or with everything that is wrong.
    fn into_stop(self, everything: bool) -> EarlyExit {
        match self {
            Self::CommandLine(stop) => stop,
            Self::Files(problems) if everything => {
                EarlyExit::Faults(problems.iter().map(ToString::to_string).collect())
            }
            Self::Files(problems) => {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                let more = problems.len().saturating_sub(1);
                let rest = format!(" (and {more} more, --config.check tells all)");
                EarlyExit::Faults(vec![if more > 0 { first + &rest } else { first }])
            }
        }
    }
}

impl From<clap::Error> for LoadError {
    fn from(error: clap::Error) -> Self {
        Self::CommandLine(error.into())
    }
}

/// What `--config.check` has to say about files that can be read.
fn checked(reading: &LoadedConfig, further: Result<(), String>) -> EarlyExit {
    let broken = reading.broken.iter().map(ToString::to_string);
    let faults: Vec<String> = broken.chain(further.err()).collect();
    if !faults.is_empty() {
        return EarlyExit::Faults(faults);
    }
    let again = match reading.repeated {
        0 => String::new(),
        repeated => format!(", {repeated} of them named more than once"),
    };
    EarlyExit::Asked(format!(
        "the configuration is good, with {} targets{again}\n",
        reading.config.targets.len()
    ))
}

#[cfg(test)]
mod tests;
