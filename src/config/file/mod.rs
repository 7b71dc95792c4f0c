//! The configuration file: TOML, every option of the command line by its name, and `[[target]]` entries.
//!
//! An option's key is its long name with `_` for `-`; a dot in it is a table of TOML. What a key takes is what the
//! option takes, because the command line's own parser reads it.

use super::keys::{self, FileOption};
use crate::format::escape::shown;
use crate::target::{Label, Labels, OptionKey, TargetOptions, TargetSpec};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a configuration file says.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    /// Its options, each with the words of a command line that say the same.
    pub options: Vec<(FileOption, Vec<String>)>,
    /// Its targets.
    pub targets: Vec<TargetSpec>,
}

/// What is wrong somewhere in a file; the operator sees this text as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, the first one is 1; `None` where it does not matter or is not known.
    pub line: Option<usize>,
    /// What is wrong, and what is allowed.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", shown(&self.text))
    }
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the lines.
pub(super) fn parse(file: &Path, text: &str) -> Result<ConfigFile, Vec<Problem>> {
    let directory = file.parent().map(Path::to_owned).unwrap_or_default();
    let mut reader = FileReader { file: file.display().to_string(), directory, text, problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.complain(error.span(), format!("no TOML: {}", error.message()));
    }
    let read = if reader.problems.is_empty() { reader.file(table.get_ref()) } else { ConfigFile::default() };
    reader.problems.sort_by_key(|problem| problem.line);
    if reader.problems.is_empty() { Ok(read) } else { Err(reader.problems) }
}

/// So many are told at once.
const MOST_PROBLEMS: usize = 100;

type Value<'a> = Spanned<DeValue<'a>>;

struct FileReader<'a> {
    file: String,
    /// Relative paths are below it.
    directory: PathBuf,
    text: &'a str,
    problems: Vec<Problem>,
}

impl FileReader<'_> {
    fn complain(&mut self, at: Option<Range<usize>>, text: impl Into<String>) {
        if self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let line = at.map(|span| 1 + self.text[..span.start].matches('\n').count());
        self.problems.push(Problem { file: self.file.clone(), line, text: text.into() });
    }

    fn file(&mut self, table: &DeTable<'_>) -> ConfigFile {
        let mut read = ConfigFile::default();
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("target", DeValue::Array(entries)) => read.targets = self.targets(entries.iter()),
                ("target", _) => self.complain(Some(value.span()), "write each target as [[target]]"),
                (name, _) => self.option(name, key.span(), value, &mut read.options),
            }
        }
        read
    }

    /// An option, or a table of options whose names begin alike.
    fn option(
        &mut self,
        path: &str,
        at: Range<usize>,
        value: &Value<'_>,
        options: &mut Vec<(FileOption, Vec<String>)>,
    ) {
        if let DeValue::Table(inner) = value.get_ref() {
            if !keys::begins(path) {
                return self.complain(Some(at), unknown(path));
            }
            for (key, value) in inner {
                self.option(&format!("{path}.{}", key.get_ref()), key.span(), value, options);
            }
            return;
        }
        let Some(option) = keys::option(path) else { return self.complain(Some(at), unknown(path)) };
        let Some(texts) = self.texts(path, value, option.many) else { return };
        match option.words(&texts, &self.directory) {
            Ok(words) => options.push((option, words)),
            Err(text) => self.complain(Some(value.span()), format!("{path}: {text}")),
        }
    }

    /// One text, or several where the option can be repeated.
    fn texts(&mut self, key: &str, value: &Value<'_>, many: bool) -> Option<Vec<String>> {
        let values: Vec<&Value<'_>> = match value.get_ref() {
            DeValue::Array(values) if many => values.iter().collect(),
            _ => vec![value],
        };
        let texts: Vec<String> = values.iter().filter_map(|value| text(value)).collect();
        if texts.len() < values.len() {
            let lists = if many { " or a list of them" } else { "" };
            let expected = format!("{key} takes a text, a number or true or false{lists}");
            self.complain(Some(value.span()), expected);
            return None;
        }
        Some(texts)
    }

    fn targets<'a>(&mut self, entries: impl Iterator<Item = &'a Value<'a>>) -> Vec<TargetSpec> {
        let mut known: HashMap<(Label, String), Range<usize>> = HashMap::new();
        let mut targets = Vec::new();
        for entry in entries {
            let DeValue::Table(table) = entry.get_ref() else {
                self.complain(Some(entry.span()), "write each target as [[target]]");
                continue;
            };
            let Some(spec) = self.target(table, entry.span()) else { continue };
            let again = known.insert((Label::clone(&spec.name), spec.host.to_string()), entry.span());
            if let Some(first) = again {
                let line = 1 + self.text[..first.start].matches('\n').count();
                let text = format!("the target {:?} is in line {line} already", &*spec.name);
                self.complain(Some(entry.span()), text);
            }
            targets.push(spec);
        }
        targets
    }

    fn target(&mut self, table: &DeTable<'_>, at: Range<usize>) -> Option<TargetSpec> {
        let problems = self.problems.len();
        let (mut host, mut name, mut terms) = (None, None, TargetOptions::default());
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            match (word, word.parse::<OptionKey>()) {
                ("host", _) => host = self.text(word, value),
                ("name", _) => name = self.text(word, value),
                ("labels", _) => terms.set_labels(self.labels(value)),
                (_, Ok(key)) => self.set(&mut terms, key, value),
                _ => self.complain(Some(key.span()), unknown_of_target(word)),
            }
        }
        let Some(host) = host else {
            if !table.contains_key("host") {
                self.complain(Some(at), "a target needs its host: an address or a DNS name");
            }
            return None;
        };
        match spec(&host, name.as_deref(), &terms) {
            Ok(spec) => (self.problems.len() == problems).then_some(spec),
            Err(text) => {
                let at = table.get("host").map_or(at, Spanned::span);
                self.complain(Some(at), text);
                None
            }
        }
    }

    fn text(&mut self, key: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.complain(Some(value.span()), format!("{key} takes a text in quotes"));
        }
        text
    }

    fn set(&mut self, terms: &mut TargetOptions, key: OptionKey, value: &Value<'_>) {
        let Some(text) = text(value) else {
            return self.complain(Some(value.span()), format!("{key} takes {}", key.expected()));
        };
        if let Err(error) = terms.set(key, &text) {
            self.complain(Some(value.span()), error.to_string());
        }
    }

    fn labels(&mut self, value: &Value<'_>) -> Labels {
        let pairs = value.get_ref().as_table().and_then(|table| {
            let pair = |(name, value): (&Spanned<_>, &Value<'_>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                Some((name.to_string(), value.get_ref().as_str()?.to_owned()))
            };
            table.iter().map(pair).collect::<Option<Vec<_>>>()
        });
        let labels = match pairs {
            Some(pairs) => Labels::new(pairs).map_err(|error| error.to_string()),
            None => Err("labels take texts by name, like { site = \"berlin\" }".to_owned()),
        };
        labels.unwrap_or_else(|text| {
            self.complain(Some(value.span()), text);
            Labels::default()
        })
    }
}

/// A target of these texts.
pub(super) fn spec(host: &str, name: Option<&str>, options: &TargetOptions) -> Result<TargetSpec, String> {
    let spec: TargetSpec = host.parse().map_err(|error| format!("{host:?}: {error}"))?;
    let spec = match name {
        Some(name) if !name.is_empty() => spec.with_name(name).map_err(|error| error.to_string())?,
        _ => spec,
    };
    let options = options.merged_over(&spec.options);
    options.check(&spec.host).map_err(|error| error.to_string())?;
    Ok(TargetSpec { options, ..spec })
}

fn text(value: &Value<'_>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            Some(i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Array(_) | DeValue::Table(_) | DeValue::Datetime(_) => None,
    }
}

fn unknown(key: &str) -> String {
    format!("unknown key {key:?}; there are {} and [[target]]", keys::keys().join(", "))
}

fn unknown_of_target(key: &str) -> String {
    let options = OptionKey::ALL.map(OptionKey::as_str).join(", ");
    format!("unknown key {key:?}; a target has host, name, {options}, labels")
}

#[cfg(test)]
mod tests;
