//! A golden file that no test reads freezes nothing.

use crate::golden;
use std::fs;
use std::path::{Path, PathBuf};

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a readable directory");
    let paths = entries.map(|entry| entry.expect("a readable directory").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_golden_file_is_named_by_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let sources = files(&tests).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let sources: Vec<String> = sources.map(|path| fs::read_to_string(path).expect("UTF-8")).collect();
    let golden = golden::directory();
    let names = files(&golden)
        .into_iter()
        .map(|path| path.strip_prefix(&golden).expect("below it").to_str().expect("UTF-8").to_owned());
    let unread = names.filter(|name| !sources.iter().any(|text| text.contains(&format!("\"{name}\""))));
    let unread: Vec<String> = unread.collect();
    assert!(unread.is_empty(), "no test names these files of tests/golden, delete them: {unread:?}");
}
