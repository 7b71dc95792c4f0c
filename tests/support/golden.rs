//! Golden files: what the programs write, frozen below tests/golden. A change of one is a decision, and shows in a commit.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Set to anything, golden files are written instead of compared.
pub const UPDATE: &str = "MESHPING_UPDATE_GOLDEN";

/// Where the golden files are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Fails unless the text is that of the golden file; `path` is below tests/golden.
pub fn check(path: &str, text: &str) {
    let file = directory().join(path);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("tests/golden is writable");
        return std::fs::write(&file, text).expect("tests/golden is writable");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == golden,
        "tests/golden/{path} differs (- golden, + now):\n{}\nIf this is meant, update it: \
         {UPDATE}=1 cargo test --test {} -- --test-threads=1",
        difference(&golden, text),
        env!("CARGO_CRATE_NAME")
    );
}

/// The lines that differ, with their numbers in the golden file, and a line of context before each block.
fn difference(golden: &str, now: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (golden.lines().collect(), now.lines().collect());
    let common = common_lines(&old, &new);
    let (mut text, mut i, mut j, mut same) = (String::new(), 0, 0, true);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j, same) = (i + 1, j + 1, true);
            continue;
        }
        if same && i > 0 {
            let _ = writeln!(text, "{i:>5}   {}", old[i - 1]);
        }
        same = false;
        if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(text, "{:>5} - {}", i + 1, old[i]);
            i += 1;
        } else {
            let _ = writeln!(text, "      + {}", new[j]);
            j += 1;
        }
    }
    if text.is_empty() { "only the ends of lines differ".into() } else { text }
}

/// For each pair of places how many lines the rests have in common.
fn common_lines(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let skip = common[i + 1][j].max(common[i][j + 1]);
            common[i][j] = if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { skip };
        }
    }
    common
}
