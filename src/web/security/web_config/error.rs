//! Why the web config file can't be used.

use std::io;
use std::path::PathBuf;

/// Why the file can't be used; the operator sees this text as it stands.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It, or one that it names, can't be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It is not what it should be.
    #[error("{}{place}: {text}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// `:LINE:COLUMN`, if that is known.
        place: String,
        /// What is wrong, and what would be right.
        text: String,
    },
}
