//! Errors of the web config file.

use std::io;
use std::path::PathBuf;

/// Why the file cannot be used; the operator sees this text.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file, or one that it names, cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The content is invalid.
    #[error("{}{place}: {text}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// `:LINE:COLUMN`, or empty if unknown.
        place: String,
        /// What is wrong, and what is allowed.
        text: String,
    },
}
