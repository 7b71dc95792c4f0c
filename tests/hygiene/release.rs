//! `scripts/release`, in a repository of its own that has the files which hold the version.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const FILES: [&str; 7] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "contrib/debian/changelog",
    "fuzz/Cargo.lock",
    "scripts/lib.sh",
    "scripts/release",
];

struct Repository(TempDir);

impl Repository {
    /// A repository whose only commit has the files of the present tree and something unreleased.
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary directory"));
        for file in FILES {
            let path = repository.path().join(file);
            fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("writable");
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), path).expect(file);
        }
        repository.write("CHANGELOG.md", CHANGELOG);
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit();
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).expect(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).expect(file);
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path());
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "a test");
            command.env(format!("GIT_{who}_EMAIL"), "test@example.net");
        }
        command.output().expect(program)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.run("git", arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a change"]);
    }

    /// Standard output, or why it refuses.
    fn release(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.run("scripts/release", arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something.\n";

#[test]
fn a_release_sets_the_version_everywhere_and_is_tagged() {
    let repository = Repository::new();
    let said = repository.release(&["--tested", "--no-package", "90.1.2"]).expect("it succeeds");
    assert!(said.contains("git push origin main v90.1.2"), "{said}");
    assert!(repository.read("Cargo.toml").contains("\nname = \"meshping\"\nversion = \"90.1.2\"\n"));
    for file in ["Cargo.lock", "fuzz/Cargo.lock"] {
        assert!(repository.read(file).contains("name = \"meshping\"\nversion = \"90.1.2\"\n"), "{file}");
        assert_eq!(repository.read(file).matches("90.1.2").count(), 1, "{file}");
    }
    let debian = repository.read("contrib/debian/changelog");
    assert!(debian.starts_with("meshping (90.1.2-1) unstable"), "{debian}");
    assert!(debian.contains("\n\nmeshping (0.1.0-1) unstable"), "the entries before stay: {debian}");
    let changelog = repository.read("CHANGELOG.md");
    let (unreleased, released) =
        changelog.split_once("\n## [90.1.2] - 20").expect("a section of the version");
    assert!(unreleased.ends_with("## [Unreleased]\n") && released.ends_with("### Added\n\n- Something.\n"));
    assert_eq!(repository.git(&["cat-file", "-t", "v90.1.2"]), "tag", "it is annotated");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(
        repository.git(&["log", "-1", "--format=%s %D"]).split(" HEAD").next(),
        Some("release: set version 90.1.2")
    );
    let error = repository.release(&["--tested", "90.1.3"]).expect_err("nothing is unreleased");
    assert!(error.contains("nothing below"), "{error}");
}

#[test]
fn a_dry_run_shows_the_changes_and_makes_none() {
    let repository = Repository::new();
    let before = repository.git(&["rev-parse", "HEAD"]);
    let said = repository.release(&["--dry-run", "90.1.2"]).expect("it succeeds");
    for line in ["+version = \"90.1.2\"", "+meshping (90.1.2-1) unstable", "+## [90.1.2] - 20"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(repository.git(&["status", "--porcelain"]) + &repository.git(&["tag"]), "");
}

#[test]
fn a_release_is_refused_with_a_reason() {
    let repository = Repository::new();
    let refused = |arguments: &[&str], reason: &str| {
        let error = repository.release(arguments).expect_err(reason);
        assert!(error.contains(reason), "{arguments:?}: {error}");
    };
    refused(&[], "usage: ");
    refused(&["--tested", "1.0"], "three numbers");
    refused(&["--tested", "0.0.1"], "older than");
    refused(&["90.1.2"], "then add --tested");
    repository.git(&["tag", "v90.0.0"]);
    refused(&["--tested", "90.0.0"], "the tag v90.0.0 exists already");
    repository.git(&["switch", "--quiet", "--create", "other"]);
    refused(&["--tested", "90.1.2"], "git switch main");
    repository.write("new", "");
    refused(&["--tested", "90.1.2"], "the working tree has changes");
}
