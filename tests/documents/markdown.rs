//! Reads Markdown just well enough: fenced blocks, code spans, headings, links.

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document of the repository.
pub struct Document {
    /// Its path below [`root`].
    pub path: String,
    pub text: String,
}

/// Lines between fences.
pub struct Block {
    pub language: String,
    pub lines: Vec<String>,
}

impl Block {
    pub fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

/// The document with that path.
pub fn document(path: &str) -> Document {
    Document { path: path.to_owned(), text: fs::read_to_string(root().join(path)).expect(path) }
}

/// README.md first, then everything else that users and contributors read.
pub fn documents() -> Vec<Document> {
    let is_markdown = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let files = fs::read_dir(root().join("docs")).expect("docs is a directory").filter_map(Result::ok);
    let mut names: Vec<String> = files
        .map(|entry| entry.path())
        .filter(is_markdown)
        .filter_map(|path| Some(format!("docs/{}", path.file_name()?.to_str()?)))
        .collect();
    names.sort();
    let first = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned);
    first.into_iter().chain(names).map(|name| document(&name)).collect()
}

impl Document {
    /// Its fenced blocks, in their order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for line in self.text.lines() {
            match (line.strip_prefix("```"), open.as_mut()) {
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(language), None) => {
                    open = Some(Block { language: language.to_owned(), lines: Vec::new() });
                }
                (None, Some(block)) => block.lines.push(line.to_owned()),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: the last fence is not closed", self.path);
        blocks
    }

    /// Its lines outside fences, with their numbers.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_inside = false;
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let is_fence = line.starts_with("```");
            is_inside ^= is_fence;
            if !is_inside && !is_fence {
                lines.push((index + 1, line));
            }
        }
        lines
    }

    /// What stands between backquotes in the prose. A span ends on its line.
    pub fn spans(&self) -> Vec<&str> {
        let mut spans = Vec::new();
        for (number, line) in self.prose() {
            assert!(line.matches('`').count().is_multiple_of(2), "{}:{number}: an open `", self.path);
            spans.extend(line.split('`').skip(1).step_by(2));
        }
        spans
    }

    /// Where its links lead.
    pub fn links(&self) -> Vec<String> {
        let mut links = Vec::new();
        for (_, line) in self.prose() {
            let outside: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
            let targets = outside.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.extend(targets.map(str::to_owned));
        }
        links
    }

    /// The anchors of its headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose().into_iter().filter(|(_, line)| line.starts_with('#'));
        headings.map(|(_, line)| anchor(line.trim_start_matches('#').trim())).collect()
    }
}

fn anchor(heading: &str) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(is_kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}
