//! The configuration file: TOML, every option of the daemon by its key, and `[[target]]` entries.
//!
//! A dot in a key is a table of TOML. All problems are collected, each with its line.

use super::options::ConfigOptions;
use super::partial::FileValue;
use crate::format::escape::shown;
use crate::target::{
    HostVariant, Label, Labels, OptionKey, TargetOptions, TargetSpec, Variant, VariantError,
};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The content of a configuration file.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    /// Its options; relative paths are below its directory.
    pub options: ConfigOptions,
    /// Its targets.
    pub targets: Vec<TargetSpec>,
}

/// A problem in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1; `None` if the problem has none.
    pub line: Option<usize>,
    /// The problem, and what is allowed.
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
/// All problems, in the order of the lines.
pub(super) fn parse(file: &Path, text: &str) -> Result<ConfigFile, Vec<Problem>> {
    let mut reader = FileReader { file: file.display().to_string(), text, problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.report(error.span(), format!("not TOML: {}", error.message()));
    }
    let mut content = ConfigFile::default();
    if reader.problems.is_empty() {
        content = reader.file(table.get_ref());
    }
    content.options.resolve_paths(file.parent().unwrap_or(Path::new("")));
    reader.problems.sort_by_key(|problem| problem.line);
    if reader.problems.is_empty() { Ok(content) } else { Err(reader.problems) }
}

/// Maximum number of problems that are reported.
const MAX_PROBLEMS: usize = 100;

type TomlValue<'a> = Spanned<DeValue<'a>>;

struct FileReader<'a> {
    file: String,
    text: &'a str,
    problems: Vec<Problem>,
}

impl FileReader<'_> {
    fn report(&mut self, at: Option<Range<usize>>, text: impl Into<String>) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let line = at.map(|span| 1 + self.text[..span.start].matches('\n').count());
        self.problems.push(Problem { file: self.file.clone(), line, text: text.into() });
    }

    fn file(&mut self, table: &DeTable<'_>) -> ConfigFile {
        let mut content = ConfigFile::default();
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("target", DeValue::Array(entries)) => content.targets = self.targets(entries.iter()),
                ("target", _) => self.report(Some(value.span()), "write each target as [[target]]"),
                (name, _) => self.option(name, key.span(), value, &mut content.options),
            }
        }
        content
    }

    /// Reads an option, or a table of options whose keys begin with the same part.
    fn option(&mut self, key: &str, at: Range<usize>, value: &TomlValue<'_>, options: &mut ConfigOptions) {
        match value.get_ref() {
            DeValue::Table(inner) if is_prefix(key) => {
                for (part, value) in inner {
                    self.option(&format!("{key}.{}", part.get_ref()), part.span(), value, options);
                }
            }
            _ => match options.set(key, file_value(value)) {
                Ok(true) => {}
                Ok(false) => self.report(Some(at), unknown(key)),
                Err(reason) => self.report(Some(value.span()), format!("{key} {reason}")),
            },
        }
    }

    fn targets<'a>(&mut self, entries: impl Iterator<Item = &'a TomlValue<'a>>) -> Vec<TargetSpec> {
        let mut known: HashMap<(Label, HostVariant), Range<usize>> = HashMap::new();
        let mut targets = Vec::new();
        for entry in entries {
            let DeValue::Table(table) = entry.get_ref() else {
                self.report(Some(entry.span()), "write each target as [[target]]");
                continue;
            };
            let Some(spec) = self.target(table, entry.span()) else { continue };
            let again = known.insert((Label::clone(&spec.name), spec.host_variant()), entry.span());
            if let Some(first) = again {
                let line = 1 + self.text[..first.start].matches('\n').count();
                let text = format!(
                    "the target {:?} is already in line {line}; a variant of its own distinguishes it",
                    &*spec.name
                );
                self.report(Some(entry.span()), text);
            }
            targets.push(spec);
        }
        targets
    }

    fn target(&mut self, table: &DeTable<'_>, at: Range<usize>) -> Option<TargetSpec> {
        let problems = self.problems.len();
        let (mut host, mut name, mut variant) = (None, None, Variant::default());
        let mut options = TargetOptions::default();
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            match (word, word.parse::<OptionKey>()) {
                ("host", _) => host = self.text(word, value),
                ("name", _) => name = self.text(word, value),
                ("variant", _) => variant = self.variant(value),
                ("labels", _) => options.set_labels(self.labels(value)),
                (_, Ok(key)) => self.set(&mut options, key, value),
                _ => self.report(Some(key.span()), unknown_in_target(word)),
            }
        }
        let Some(host) = host else {
            if !table.contains_key("host") {
                self.report(Some(at), "a target needs a host: an address or a DNS name");
            }
            return None;
        };
        match spec(&host, name.as_deref(), variant, &options) {
            Ok(spec) => (self.problems.len() == problems).then_some(spec),
            Err(text) => {
                let at = table.get("host").map_or(at, Spanned::span);
                self.report(Some(at), text);
                None
            }
        }
    }

    fn text(&mut self, key: &str, value: &TomlValue<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.report(Some(value.span()), format!("{key} takes a text in quotes"));
        }
        text
    }

    fn variant(&mut self, value: &TomlValue<'_>) -> Variant {
        let Some(text) = self.text("variant", value).filter(|text| !text.is_empty()) else {
            return Variant::default();
        };
        text.parse().unwrap_or_else(|error: VariantError| {
            self.report(Some(value.span()), format!("variant {text:?} is not usable: {error}"));
            Variant::default()
        })
    }

    fn set(&mut self, options: &mut TargetOptions, key: OptionKey, value: &TomlValue<'_>) {
        let Some(text) = text(value) else {
            return self.report(Some(value.span()), format!("{key} takes {}", key.expected()));
        };
        if let Err(error) = options.set(key, &text) {
            self.report(Some(value.span()), error.to_string());
        }
    }

    fn labels(&mut self, value: &TomlValue<'_>) -> Labels {
        let pairs = value.get_ref().as_table().and_then(|table| {
            let pair = |(name, value): (&Spanned<_>, &TomlValue<'_>)| {
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
            self.report(Some(value.span()), text);
            Labels::default()
        })
    }
}

/// The target of a host as written, a name, a variant and options.
pub(super) fn spec(
    host: &str,
    name: Option<&str>,
    variant: Variant,
    options: &TargetOptions,
) -> Result<TargetSpec, String> {
    let spec: TargetSpec = host.parse().map_err(|error| format!("{host:?}: {error}"))?;
    let spec = match name {
        Some(name) if !name.is_empty() => spec.with_name(name).map_err(|error| error.to_string())?,
        _ => spec,
    };
    let options = options.merged_over(&spec.options);
    options.check(&spec.host).map_err(|error| error.to_string())?;
    Ok(TargetSpec { variant, options, ..spec })
}

/// A text, a number or a truth value as a text.
fn text(value: &TomlValue<'_>) -> Option<String> {
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

fn file_value(value: &TomlValue<'_>) -> FileValue {
    match value.get_ref() {
        DeValue::Array(values) => {
            values.iter().map(text).collect::<Option<_>>().map_or(FileValue::Other, FileValue::List)
        }
        _ => text(value).map_or(FileValue::Other, FileValue::One),
    }
}

/// Whether there are options whose keys begin with these parts.
fn is_prefix(parts: &str) -> bool {
    let begins = |key: &&str| key.strip_prefix(parts).is_some_and(|rest| rest.starts_with('.'));
    ConfigOptions::KEYS.iter().any(begins)
}

fn unknown(key: &str) -> String {
    format!("unknown key {key:?}; the keys are {} and [[target]]", ConfigOptions::KEYS.join(", "))
}

fn unknown_in_target(key: &str) -> String {
    let options = OptionKey::ALL.map(OptionKey::as_str).join(", ");
    format!("unknown key {key:?}; a target has host, name, variant, {options}, labels")
}

#[cfg(test)]
mod tests;
