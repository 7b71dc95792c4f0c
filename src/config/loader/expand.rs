//! Finds the files that match a pattern, and the directories and links on the way that can't be read.
//!
//! The iterator of the crate `glob` leaves out what it can't look at, so that an unreadable directory would be the same
//! as an empty one; its patterns match the single components here.

use glob::{MatchOptions, Pattern};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// The files that match patterns.
#[derive(Debug, Default)]
pub(super) struct MatchingFiles {
    /// The files, without directories.
    pub files: Vec<PathBuf>,
    /// Files, directories and links that can't be read, with the reason: files that match may be behind them.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Maximum number of directories that `**` descends into, so that a link to an ancestor does not loop.
const MAX_DEPTH: usize = 32;

impl MatchingFiles {
    /// Adds the files that match an absolute pattern.
    pub(super) fn find(&mut self, pattern: &Path) {
        let components: Vec<&OsStr> = pattern.components().map(Component::as_os_str).collect();
        self.walk(PathBuf::new(), &components, 0);
    }

    fn walk(&mut self, base: PathBuf, components: &[&OsStr], depth: usize) {
        let Some((component, rest)) = components.split_first() else { return self.end(base) };
        let text = component.to_string_lossy();
        if text == "**" {
            self.walk(base.clone(), rest, depth);
            let directories = self.entries(&base).into_iter().filter(|path| path.is_dir());
            for directory in directories.filter(|_| depth < MAX_DEPTH).collect::<Vec<_>>() {
                self.walk(directory, components, depth + 1);
            }
        } else if let Some(pattern) = Pattern::new(&text).ok().filter(|_| text.contains(['*', '?', '['])) {
            let matches = |path: &PathBuf| {
                let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
                pattern.matches_with(&name, MatchOptions::new())
            };
            for path in self.entries(&base).into_iter().filter(matches).collect::<Vec<_>>() {
                self.walk(path, rest, depth);
            }
        } else {
            self.walk(base.join(component), rest, depth);
        }
    }

    /// The paths in a directory; none if it is missing.
    fn entries(&mut self, directory: &Path) -> Vec<PathBuf> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                self.note(directory, error);
                return Vec::new();
            }
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.note(directory, error),
            }
        }
        paths.sort();
        paths
    }

    fn end(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => self.files.push(path),
            Err(error) => self.note(&path, error),
        }
    }

    /// Notes a path that can't be read. A missing one, or one below a file, is known, unless a link on the way has no target.
    fn note(&mut self, path: &Path, error: io::Error) {
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
            return self.unreadable.push((path.to_owned(), error));
        }
        if let Some(link) = dangling_link(path) {
            self.unreadable.push((link, io::Error::other("the target of the link does not exist")));
        }
    }
}

/// The first link on the way to a path, or the path itself, whose target does not exist.
fn dangling_link(path: &Path) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.reverse();
    let is_dangling = |path: &&&Path| path.is_symlink() && !path.exists();
    ancestors.iter().find(is_dangling).map(|path| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn found(directory: &Path, pattern: &str) -> (Vec<String>, Vec<String>) {
        let mut matching = MatchingFiles::default();
        matching.find(&directory.join(pattern));
        let name = |path: &PathBuf| path.strip_prefix(directory).unwrap().display().to_string();
        let unreadable = matching.unreadable.iter().map(|(path, _)| name(path)).collect();
        (matching.files.iter().map(name).collect(), unreadable)
    }

    #[test]
    fn what_can_not_be_read_is_not_missing() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("d/sub/deep")).unwrap();
        for name in ["d/b.json", "d/a.json", "d/a.txt", "d/sub/c.json", "d/sub/deep/d.json", "file"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("d/x.json")).unwrap();
        symlink(at("d"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(at("nowhere"), at("d/sub/lost.json")).unwrap();
        symlink("loop", at("loop")).unwrap();
        let cases: [(&str, &[&str], &[&str]); 12] = [
            ("d/*.json", &["d/a.json", "d/b.json"], &[]),
            ("link/[a-b].json", &["link/a.json", "link/b.json"], &[]),
            ("d/a.json", &["d/a.json"], &[]),
            (
                "d/**/*.json",
                &["d/a.json", "d/b.json", "d/sub/c.json", "d/sub/deep/d.json"],
                &["d/sub/lost.json"],
            ),
            ("*/sub/?.json", &["d/sub/c.json", "link/sub/c.json"], &["dangling", "loop/sub"]),
            ("missing/*.json", &[], &[]),
            ("missing.json", &[], &[]),
            ("file/*.json", &[], &[]),
            ("dangling/*.json", &[], &["dangling"]),
            ("dangling", &[], &["dangling"]),
            ("loop/*.json", &[], &["loop"]),
            ("d/sub/lost.json", &[], &["d/sub/lost.json"]),
        ];
        for (pattern, files, unreadable) in cases {
            let (found_files, found_unreadable) = found(directory.path(), pattern);
            assert_eq!((found_files, found_unreadable), (strings(files), strings(unreadable)), "{pattern}");
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn a_link_to_an_ancestor_ends() {
        let directory = tempfile::tempdir().unwrap();
        symlink(directory.path(), directory.path().join("again")).unwrap();
        fs::write(directory.path().join("a.json"), "").unwrap();
        assert!(!found(directory.path(), "**/a.json").0.is_empty());
    }
}
