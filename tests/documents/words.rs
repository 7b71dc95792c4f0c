//! Plain technical English, as far as a list of words can hold it.

use crate::markdown::documents;

/// Words that hide who acts or what is meant.
const AVOIDED: [&str; 14] = [
    "anew",
    "bookkeeping",
    "books",
    "everybody",
    "nobody",
    "so long",
    "so many",
    "somebody",
    "tells",
    "told",
    "whoever",
    "wish",
    "wished",
    "wishes",
];

#[test]
fn the_documents_avoid_words_that_hide_who_acts() {
    let mut found = Vec::new();
    for document in documents() {
        for (number, line) in document.prose() {
            let is_letter = |c: char| c.is_alphanumeric() || c == '_';
            let words: Vec<&str> = line.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).collect();
            let text = format!(" {} ", words.join(" ").to_lowercase());
            let avoided = AVOIDED.iter().filter(|word| text.contains(&format!(" {word} ")));
            found.extend(avoided.map(|word| format!("{}:{number}: {word}", document.path)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
