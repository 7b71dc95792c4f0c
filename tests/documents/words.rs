//! Plain technical English, as far as a list of words can hold it.

use crate::markdown::{document, documents, root};
use std::fs;
use std::path::{Path, PathBuf};

/// Words that hide who acts or what is meant: personification, bookkeeping as a metaphor, numbers without a unit.
const AVOIDED: [&str; 32] = [
    "anew",
    "any more",
    "as it stands",
    "ban",
    "banned",
    "bans",
    "bookkeeper",
    "bookkeeping",
    "books",
    "claim",
    "claimed",
    "claims",
    "declared",
    "desk",
    "everybody",
    "heir",
    "heirs",
    "keeper",
    "manner",
    "manners",
    "nobody",
    "riddle",
    "so long",
    "so many",
    "somebody",
    "tells",
    "that many",
    "told",
    "whoever",
    "wish",
    "wished",
    "wishes",
];

/// Occurrences in `src/`, names of identifiers included.
const MOST_IN_SOURCES: usize = 40;

/// Files that are not checked: dashboards, and texts that are made from the help of the options.
const NOT_CHECKED: [&str; 3] = [".json", "/meshping.toml", "/meshping.toml.5"];

/// The avoided words in a line.
fn avoided(line: &str) -> Vec<&'static str> {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> = line.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).collect();
    let text = format!(" {} ", words.join(" ").to_lowercase());
    let times = |word: &&'static str| {
        let found = text.matches(&format!(" {word} ")).count();
        std::iter::repeat_n(*word, found)
    };
    AVOIDED.iter().flat_map(times).collect()
}

fn found<'a>(path: &str, lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<String> {
    let each = |(number, line)| avoided(line).into_iter().map(move |word| format!("{path}:{number}: {word}"));
    lines.flat_map(each).collect()
}

/// The files below a directory, by path.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("readable").filter_map(Result::ok).map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    paths.sort();
    paths
}

/// The avoided words in all files below a directory of the repository.
fn found_below(directory: &str) -> Vec<String> {
    let paths = files(&root().join(directory)).into_iter();
    let is_checked = |path: &PathBuf| !NOT_CHECKED.iter().any(|end| path.to_string_lossy().ends_with(end));
    let in_file = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("text");
        let path = path.strip_prefix(root()).expect("below the root").display().to_string();
        found(&path, text.lines().enumerate().map(|(index, line)| (index + 1, line)))
    };
    paths.filter(is_checked).flat_map(in_file).collect()
}

#[test]
fn the_documents_avoid_words_that_hide_who_acts() {
    let all = documents().into_iter().chain([document("CHANGELOG.md")]);
    let found: Vec<String> =
        all.flat_map(|document| found(&document.path, document.prose().into_iter())).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_files_of_contrib_avoid_words_that_hide_who_acts() {
    let found = found_below("contrib");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_sources_mostly_avoid_words_that_hide_who_acts() {
    let found = found_below("src");
    assert!(found.len() <= MOST_IN_SOURCES, "{} of at most {MOST_IN_SOURCES}: {found:#?}", found.len());
}

#[test]
fn avoided_words_are_found_in_every_form_of_writing() {
    assert_eq!(avoided("/// So many are asked; nobody's books."), ["books", "nobody", "so many"]);
    assert_eq!(avoided("fn take_wishes() { say(\"bookshelf\") }"), [] as [&str; 0]);
}
