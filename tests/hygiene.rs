//! What we depend on: locked, from the registry, under licences that we may pass on. The lists are deny.toml's.

#[path = "hygiene/programs.rs"]
mod programs;
#[path = "hygiene/release.rs"]
mod release;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).expect(file)
}

/// The texts in quotes that follow `start`, one a line, up to the closing bracket.
fn list(text: &str, start: &str) -> Vec<String> {
    let (_, after) = text.split_once(start).expect("deny.toml has this list");
    let lines = after.lines().skip(1).take_while(|line| !line.starts_with(']'));
    lines.filter_map(|line| line.split('"').nth(1).map(str::to_owned)).collect()
}

/// The packages that this platform's build takes; fails when Cargo.lock is absent or does not fit Cargo.toml.
fn packages() -> Vec<Value> {
    let host = host_triple();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version=1", "--filter-platform", &host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata --locked: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages").clone();
    assert!(packages.len() > 50, "only {} packages?", packages.len());
    packages
}

fn host_triple() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// Whether an SPDX expression can be satisfied with the allowed licences. `/` is an old way to write OR.
fn permitted(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut tokens: Vec<String> = Vec::new();
    for word in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match tokens.last_mut() {
            Some(last) if word == "WITH" || last.ends_with(" WITH") => *last = format!("{last} {word}"),
            _ => tokens.push(word.to_owned()),
        }
    }
    let mut tokens = tokens.into_iter().peekable();
    any_of(&mut tokens, allowed)
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<String>>;

fn any_of(tokens: &mut Tokens, allowed: &[String]) -> bool {
    let mut good = all_of(tokens, allowed);
    while tokens.next_if(|token| token == "OR").is_some() {
        good |= all_of(tokens, allowed);
    }
    good
}

fn all_of(tokens: &mut Tokens, allowed: &[String]) -> bool {
    let mut good = one(tokens, allowed);
    while tokens.next_if(|token| token == "AND").is_some() {
        good &= one(tokens, allowed);
    }
    good
}

fn one(tokens: &mut Tokens, allowed: &[String]) -> bool {
    let token = tokens.next().unwrap_or_default();
    if token != "(" {
        return allowed.contains(&token);
    }
    let good = any_of(tokens, allowed);
    tokens.next_if(|token| token == ")").is_some() && good
}

#[test]
fn every_crate_has_a_licence_that_we_may_pass_on() {
    let allowed = list(&read("deny.toml"), "[licenses]");
    let refused: Vec<String> = packages()
        .iter()
        .filter(|package| !permitted(package["license"].as_str().unwrap_or("none"), &allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
}

#[test]
fn no_crate_is_banned_or_comes_from_elsewhere_than_the_registry() {
    let deny = read("deny.toml");
    let banned = list(&deny, "\ndeny = [");
    assert!(banned.contains(&"openssl-sys".to_owned()), "{banned:?}");
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        assert!(!banned.contains(&name.to_owned()), "{name} is banned by deny.toml");
        let source = package["source"].as_str().unwrap_or("registry+ here");
        assert!(name == "meshping" || source.starts_with("registry+"), "{name} comes from {source}");
    }
}

#[test]
fn the_lock_file_is_part_of_the_repository() {
    assert!(read("Cargo.lock").contains("name = \"meshping\""));
    assert!(!read(".gitignore").contains("Cargo.lock"), "a program's Cargo.lock is committed");
}

/// Name and version of each package in a lock file.
fn locked(file: &str) -> Vec<(String, String)> {
    let value = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let text = read(file);
    let packages = text.split("[[package]]").skip(1);
    packages.map(|package| (value(line(package, "name")), value(line(package, "version")))).collect()
}

fn line<'a>(package: &'a str, key: &str) -> &'a str {
    package.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap_or_default()
}

#[test]
fn what_is_fuzzed_has_the_libraries_of_the_package() {
    let package = locked("Cargo.lock");
    assert!(
        package.len() > 100 && package.iter().all(|(name, version)| !name.is_empty() && !version.is_empty())
    );
    let names: BTreeSet<&String> = package.iter().map(|(name, _)| name).collect();
    let others: Vec<(String, String)> = locked("fuzz/Cargo.lock")
        .into_iter()
        .filter(|entry| names.contains(&entry.0) && !package.contains(entry))
        .collect();
    assert!(others.is_empty(), "cp Cargo.lock fuzz/Cargo.lock && scripts/fuzz 0: {others:?}");
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR GPL-3.0) AND ISC",
        "Apache-2.0 WITH LLVM-exception OR X",
    ] {
        assert!(permitted(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "", "(MIT AND X) OR Y", "Apache-2.0", "X WITH Y"] {
        assert!(!permitted(bad, &allowed), "{bad}");
    }
}
