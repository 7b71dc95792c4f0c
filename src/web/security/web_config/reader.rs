//! Reads the file of `--web.config.file` and those that it names, and says what is wrong with them.

use super::error::ConfigError;
use super::schema::WebConfigSchema;
use crate::file_change::FileFingerprint;
use crate::format::escape::shown;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longer ones are mistakes.
const LONGEST: u64 = 1 << 20;

/// The file, and those that it names. Remembers what they looked like when they were read.
pub struct WebConfigFiles {
    path: PathBuf,
    /// Taken before reading, so that no change is missed.
    pub(super) seen: Vec<(PathBuf, Option<FileFingerprint>)>,
}

impl WebConfigFiles {
    /// Nothing is read yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: Vec::new() }
    }

    /// Reads the file itself.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn schema(&mut self) -> Result<WebConfigSchema, ConfigError> {
        let text = self.read(&self.path.clone())?;
        let text = String::from_utf8(text).map_err(|_| self.unusable("is not UTF-8"))?;
        let options = serde_saphyr::options! { with_snippet: false };
        // An empty file is one that demands nothing.
        let schema = serde_saphyr::from_str_with_options::<Option<WebConfigSchema>>(&text, options);
        schema.map(Option::unwrap_or_default).map_err(|error| self.misspelt(&error))
    }

    /// What is given as text or in a file, whose name is relative to the directory of ours.
    ///
    /// # Errors
    /// [`ConfigError`]: both are given, or the file can't be read.
    pub fn text(
        &mut self,
        name: &str,
        text: Option<String>,
        file: Option<PathBuf>,
    ) -> Result<Option<Vec<u8>>, ConfigError> {
        let text = text.filter(|text| !text.is_empty());
        let file = file.filter(|file| !file.as_os_str().is_empty());
        match (text, file) {
            (Some(_), Some(_)) => Err(self.unusable(format!("give {name} or {name}_file, not both"))),
            (Some(text), None) => Ok(Some(text.into_bytes())),
            (None, Some(file)) => {
                let directory = self.path.parent().unwrap_or(Path::new(""));
                self.read(&directory.join(file)).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// The file as a whole is not what it should be.
    pub fn unusable(&self, text: impl Into<String>) -> ConfigError {
        ConfigError::Unusable { path: self.path.clone(), place: String::new(), text: text.into() }
    }

    fn misspelt(&self, error: &serde_saphyr::Error) -> ConfigError {
        let (mut place, text) = (String::new(), error.to_string());
        // Written for those who write Rust.
        let mut text =
            text.replace("cannot deserialize null into string; use Option<String>", "the value is missing");
        if let Some(at) = error.location() {
            let (line, column) = (at.line(), at.column());
            place = format!(":{line}:{column}");
            // It is told once.
            text = text.replace(&format!(" at line {line}, column {column}"), "");
        }
        ConfigError::Unusable { path: self.path.clone(), place, text: shown(&text).into_owned() }
    }

    fn read(&mut self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        self.seen.push((path.to_owned(), FileFingerprint::of(path)));
        read(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // To open a pipe would wait for somebody to write.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("this is not a file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LONGEST {
        return Err(io::Error::other("this is too long"));
    }
    Ok(content)
}
