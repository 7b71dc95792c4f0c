//! `--config.check`: what is said of good configurations and of bad ones.

mod bad;
mod good;
mod web;

use crate::golden;
use crate::transcript::Transcript;
use std::process::Command;
use tempfile::TempDir;

/// Configurations that are written, shown and checked, one after the other.
struct Checks {
    directory: TempDir,
    transcript: Transcript,
}

impl Checks {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), transcript: Transcript::default() }
    }

    /// Writes the files, shows them, and checks with these words.
    fn check(&mut self, title: &str, files: &[(&str, &str)], words: &[&str]) {
        self.transcript.title(title);
        for (name, text) in files {
            self.transcript.line(&format!("--- {name}"));
            for line in text.lines() {
                self.transcript.line(line);
            }
        }
        if !files.is_empty() {
            self.transcript.line("---");
        }
        self.check_unseen(files, words);
    }

    /// The same, but the files are not shown.
    fn check_unseen(&mut self, files: &[(&str, &str)], words: &[&str]) {
        for (name, text) in files {
            std::fs::write(self.directory.path().join(name), text).expect("writable");
        }
        let directory = self.directory.path().to_str().expect("UTF-8").to_owned();
        let words = [words, &["--config.check"]].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshping"));
        command.args(&words).env_clear().current_dir(&directory);
        let shown = format!("meshping {}", words.join(" "));
        self.transcript.run(&mut command, &shown, |text| text.replace(&directory, "DIRECTORY"));
        for (name, _) in files {
            drop(std::fs::remove_file(self.directory.path().join(name)));
        }
    }

    fn freeze(&self, file: &str) {
        golden::check(file, self.transcript.text());
    }
}

/// With the file that most checks are about.
const CONFIG: [&str; 2] = ["--config", "m.toml"];
