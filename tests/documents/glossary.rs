//! docs/glossary.md: its terms are in alphabetical order, and the types that it names exist.

use crate::markdown::{document, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The cells of each row, without the heading.
fn rows() -> Vec<Vec<String>> {
    let text = document("docs/glossary.md").text;
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Every name that a line of Rust defines as a type.
fn types(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("readable").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            types(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("readable");
            for keyword in ["struct ", "enum ", "trait ", "type "] {
                let after = source.lines().filter_map(|line| line.split_once(keyword));
                let public =
                    after.filter(|(before, _)| before.trim().is_empty() || before.trim().starts_with("pub"));
                let name =
                    |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("").to_owned();
                found.extend(public.map(|(_, rest)| name(rest)));
            }
        }
    }
}

#[test]
fn every_type_of_the_glossary_exists() {
    let mut existing = BTreeSet::new();
    types(&root().join("src"), &mut existing);
    let rows = rows();
    let last = rows.iter().map(|cells| cells.last().expect("a row has cells"));
    let named: Vec<&str> = last.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 50 && existing.len() > 200, "{} of {}", named.len(), existing.len());
    let missing: Vec<&str> = named.into_iter().filter(|name| !existing.contains(*name)).collect();
    assert!(missing.is_empty(), "no type of src/ is called {missing:?}");
}

#[test]
fn the_glossary_is_in_alphabetical_order_and_has_each_term_once() {
    let terms: Vec<String> = rows().into_iter().map(|cells| cells[0].to_lowercase()).collect();
    let unordered: Vec<&[String]> = terms.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
    assert!(unordered.is_empty(), "{unordered:?}");
}
