//! Reads the file of `--web.config.file` and the files that it names.

use super::error::ConfigError;
use super::schema::WebConfigSchema;
use crate::file_change::FileFingerprint;
use crate::format::escape::shown;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Maximum size of a file in bytes; larger ones are mistakes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The file, and the files that it names, with their fingerprints when they were read.
pub struct WebConfigFiles {
    path: PathBuf,
    /// The files that were read; the fingerprint is taken before reading, so that no change is missed.
    pub(super) read: Vec<(PathBuf, Option<FileFingerprint>)>,
}

impl WebConfigFiles {
    /// The file at this path; reads nothing yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: Vec::new() }
    }

    /// Reads the file itself.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn schema(&mut self) -> Result<WebConfigSchema, ConfigError> {
        let text = self.read(&self.path.clone())?;
        let text = String::from_utf8(text).map_err(|_| self.invalid("is not UTF-8"))?;
        let options = serde_saphyr::options! { with_snippet: false };
        // An empty file protects nothing.
        let schema = serde_saphyr::from_str_with_options::<Option<WebConfigSchema>>(&text, options);
        schema.map(Option::unwrap_or_default).map_err(|error| self.parse_error(&error))
    }

    /// A value that is set as text, or in a file relative to the directory of the web config file.
    ///
    /// # Errors
    /// [`ConfigError`]: both are set, or the file cannot be read.
    pub fn text(
        &mut self,
        name: &str,
        text: Option<String>,
        file: Option<PathBuf>,
    ) -> Result<Option<Vec<u8>>, ConfigError> {
        let text = text.filter(|text| !text.is_empty());
        let file = file.filter(|file| !file.as_os_str().is_empty());
        match (text, file) {
            (Some(_), Some(_)) => Err(self.invalid(format!("set {name} or {name}_file, not both"))),
            (Some(text), None) => Ok(Some(text.into_bytes())),
            (None, Some(file)) => {
                let directory = self.path.parent().unwrap_or(Path::new(""));
                self.read(&directory.join(file)).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// An error of the file as a whole.
    pub fn invalid(&self, text: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { path: self.path.clone(), place: String::new(), text: text.into() }
    }

    fn parse_error(&self, error: &serde_saphyr::Error) -> ConfigError {
        let (mut place, text) = (String::new(), error.to_string());
        // The library's text is for Rust programmers.
        let mut text =
            text.replace("cannot deserialize null into string; use Option<String>", "the value is missing");
        if let Some(at) = error.location() {
            let (line, column) = (at.line(), at.column());
            place = format!(":{line}:{column}");
            // `place` has the position already.
            text = text.replace(&format!(" at line {line}, column {column}"), "");
        }
        ConfigError::Invalid { path: self.path.clone(), place, text: shown(&text).into_owned() }
    }

    fn read(&mut self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        self.read.push((path.to_owned(), FileFingerprint::of(path)));
        read(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe waits for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok(content)
}
