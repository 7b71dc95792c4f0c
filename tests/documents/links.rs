//! Links between documents, and paths that they name.

use crate::markdown::{Document, document, documents, root};
use std::path::Path;

/// Every document of the reference. README.md leads to each.
const REFERENCE: [&str; 16] = [
    "docs/architecture.md",
    "docs/benchmark.md",
    "docs/configuration.md",
    "docs/control-protocol.md",
    "docs/design.md",
    "docs/dhcp.md",
    "docs/dns.md",
    "docs/engines.md",
    "docs/glossary.md",
    "docs/http.md",
    "docs/metrics.md",
    "docs/operations.md",
    "docs/releasing.md",
    "docs/state.md",
    "docs/style.md",
    "docs/threat-model.md",
];

/// Directories of the repository that documents name files of.
const DIRECTORIES: [&str; 9] =
    [".ci/", "benches/", "contrib/", "docs/", "examples/", "fuzz/", "scripts/", "src/", "tests/"];

/// Why a link of a document leads nowhere.
fn fault(from: &Document, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let directory = Path::new(&from.path).parent().expect("a file is in a directory");
    let path = if file.is_empty() { Path::new(&from.path).to_owned() } else { directory.join(file) };
    if !root().join(&path).is_file() {
        return Some(format!("{}: no file {link}", from.path));
    }
    let is_there =
        anchor.is_empty() || document(path.to_str().expect("UTF-8")).anchors().contains(&anchor.to_owned());
    (!is_there).then(|| format!("{}: no heading {link}", from.path))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let all: Vec<Document> = documents().into_iter().chain([document("CHANGELOG.md")]).collect();
    let count: usize = all.iter().map(|document| document.links().len()).sum();
    assert!(count > 50, "only {count} links?");
    let faults_of = |from: &Document| -> Vec<String> {
        from.links().iter().filter_map(|link| fault(from, link)).collect()
    };
    let faults: Vec<String> = all.iter().flat_map(faults_of).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_reference_is_complete_and_the_readme_leads_to_each_document() {
    let paths = documents().into_iter().map(|document| document.path);
    let there: Vec<String> = paths.filter(|path| path.starts_with("docs/")).collect();
    let links = document("README.md").links();
    for path in REFERENCE {
        assert!(there.iter().any(|document| document == path), "{path} is missing");
    }
    for path in &there {
        assert!(REFERENCE.contains(&path.as_str()), "{path} is not in the list of this test");
        assert!(links.contains(path), "README.md has no link to {path}");
    }
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        for span in document.spans() {
            let path = span.split([' ', '*']).next().expect("a split has a first part");
            let is_ours = DIRECTORIES.iter().any(|directory| path.starts_with(directory));
            if is_ours && !root().join(path).exists() {
                missing.push(format!("{}: {path}", document.path));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
