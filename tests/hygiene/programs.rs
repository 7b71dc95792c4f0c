//! What tests and scripts run is there on a minimal Debian, or in the list of what a script installs. That the lists
//! are complete is shown by scripts/test-fresh, which takes long; this finds most of what is missing at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What follows names a program.
const CALLS: [&str; 8] = [
    "Command::new(\"",
    "as_root(\"",
    "namespace::run(\"",
    "filter(\"",
    "run(&[\"",
    "spawn(&[\"",
    "output(&[\"",
    "inside(&[\"",
];

/// Of the packages that every Debian has (`Essential: yes`), apt among them; those of Rust, which the scripts check; ours;
/// sudo, which no script runs where it is not there.
const THERE: &str = "apt-config apt-get awk bash cat chmod chroot cp cut date dpkg dpkg-deb dpkg-query env find getent grep gzip id
    install ln mkdir mkfifo mknod mktemp mv pivot_root rm rmdir script sed sh sleep sort stat tar timeout touch umount
    cargo rustc rustup meshping meshpingctl sudo";

/// Words of the shell.
const SHELL: &str =
    "break case cd command continue declare do done echo elif else esac eval exec exit export fi for if local
    printf read return set shift then time trap unset until wait while";

/// Run by an ignored test only, which makes files for a new version.
const BY_HAND: &str = "faketime";

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// All files below these directories with that end of their names.
fn files(directories: &[&str], end: &str) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> =
        directories.iter().map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("readable").filter_map(Result::ok);
            open.extend(entries.map(|entry| entry.path()));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found
}

fn scripts() -> Vec<PathBuf> {
    let is_script = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| text.starts_with('#'));
    let ours = files(&["scripts", ".ci"], "").into_iter().filter(is_script);
    ours.chain(files(&["tests"], ".sh")).collect()
}

/// The programs that a file in Rust names where it runs them.
fn run_by_rust(source: &str) -> BTreeSet<String> {
    let compact: String = source.split_whitespace().collect();
    let after = |call: &&str| compact.split(*call).skip(1).map(str::to_owned).collect::<Vec<_>>();
    let names = CALLS.iter().flat_map(after).filter_map(|text| text.split('"').next().map(str::to_owned));
    names.collect()
}

/// The first words of a script's lines that are neither the shell's nor functions of scripts.
fn run_by_shell(script: &str, functions: &BTreeSet<String>) -> BTreeSet<String> {
    let lines = script.replace("\\\n", " ");
    let first = lines.lines().filter_map(|line| line.split_whitespace().next());
    let is_name = |word: &&str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        word.chars().all(plain) && word.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let names: BTreeSet<String> = first.filter(is_name).map(str::to_owned).collect();
    names.into_iter().filter(|name| !functions.contains(name) && !words(SHELL).contains(name)).collect()
}

fn functions(script: &str) -> BTreeSet<String> {
    let names = script.lines().filter_map(|line| line.split_once("() {"));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

/// COMMAND of each COMMAND:PACKAGE after a `need`.
fn needed(script: &str) -> BTreeSet<String> {
    let lines = script.replace("\\\n", " ");
    let needs = lines.lines().filter_map(|line| line.split_once("need "));
    let pairs = needs.flat_map(|(_, pairs)| pairs.split_whitespace().map_while(|pair| pair.split_once(':')));
    pairs.map(|(command, _)| command.to_owned()).collect()
}

#[test]
fn every_program_that_is_run_is_there_or_installed() {
    let read = |path: &PathBuf| fs::read_to_string(path).expect("readable");
    let scripts: Vec<(PathBuf, String)> =
        scripts().into_iter().map(|path| (path.clone(), read(&path))).collect();
    let mut known = words(THERE);
    known.extend(words(BY_HAND));
    known.extend(scripts.iter().flat_map(|(_, text)| needed(text)));
    assert!(known.contains("socat") && known.contains("shellcheck"), "{known:?}");
    let functions: BTreeSet<String> = scripts.iter().flat_map(|(_, text)| functions(text)).collect();

    let mut run: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    let rust = files(&["tests", "src", "examples"], ".rs").into_iter();
    let by_rust = rust.filter(|path| !path.ends_with("hygiene/programs.rs"));
    let by_rust = by_rust.map(|path| (run_by_rust(&read(&path)), path));
    let by_shell = scripts.iter().map(|(path, text)| (run_by_shell(text, &functions), path.clone()));
    for (names, path) in by_rust.chain(by_shell) {
        for name in names {
            run.entry(name).or_default().insert(path.clone());
        }
    }
    assert!(run.contains_key("unshare") && run.contains_key("systemctl"), "{run:?}");
    run.retain(|name, _| !known.contains(name));
    assert!(run.is_empty(), "neither on every Debian nor in a list of what is needed: {run:#?}");
}

#[test]
fn programs_are_found_in_both_languages() {
    let rust = "let a = Command::new(\n    \"kill\"); lab.run(&[\"ss\", \"-H\"]); run(&argument)";
    assert_eq!(run_by_rust(rust), words("kill ss"));
    let shell = "f() {\n    ip link \\\n  socat\n}\nif true; then\n    f\n    A=1\nfi\npython3 -c x";
    assert_eq!(run_by_shell(shell, &functions(shell)), words("ip python3"));
    assert_eq!(needed("    need a:b,c d:e \\\n  /x/y:z || status=1\n"), words("a d /x/y"));
}
