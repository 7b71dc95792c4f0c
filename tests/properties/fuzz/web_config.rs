//! The file of `--web.config.file`.

use super::input::{is_printable, with_file};
use meshping::web::Protection;

/// A file is accepted, or refused with one line that can be shown on a terminal.
pub fn check(bytes: &[u8]) {
    with_file("web.yml", bytes, |path| match Protection::read(path) {
        Ok(protection) => {
            assert!(protection.state().is_some_and(|state| state.successful && state.failures == 0));
            assert!(Protection::read(path).is_ok(), "the file has not changed");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(is_printable(&text) && text.lines().count() == 1, "{text:?}");
        }
    });
}
