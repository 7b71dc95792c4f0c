//! Holds the shape of the tree: who may import whom, who stays pure, where `unsafe` lives, how long a file gets.

#[path = "architecture/source.rs"]
mod source;

use source::{code_only, without_tests};
use std::fs;
use std::path::{Path, PathBuf};

const PURE: &[&str] = &["target", "measure", "protocol"];
const PORTS: &[&str] = &["probe", "resolve"];

/// What each module may import, beside itself: edges → actors → ports → pure, never the other way.
const MAY_IMPORT: &[(&str, &[&[&str]])] = &[
    ("target", &[]),
    ("measure", &[&["target"]]),
    ("protocol", &[&["target", "measure"]]),
    ("probe", &[&["target", "measure"]]),
    ("resolve", &[&["target"]]),
    ("config", &[PURE, PORTS]),
    ("actors", &[PURE, PORTS]),
    ("control", &[PURE, PORTS, &["actors", "config"]]),
    ("web", &[PURE, PORTS, &["actors", "config", "control", "cli"]]),
    ("cli", &[PURE, PORTS, &["actors", "config", "control"]]),
    ("state", &[PURE, &["actors", "config"]]),
    ("daemon", &[PURE, PORTS, &["actors", "config", "control", "web", "cli", "state"]]),
    ("main", &[PURE, PORTS, &["actors", "config", "control", "web", "cli", "state", "daemon"]]),
    ("meshpingctl", &[PURE, &["cli", "control"]]),
    ("lib", &[]),
];

/// Crates that only some modules know: what they do stays behind a trait, or at one edge.
const CONFINED: &[(&str, &[&str])] = &[
    ("actix", &["actors", "control", "web", "cli", "state", "daemon", "main"]),
    ("actix_http", &["web"]),
    ("actix_service", &["web"]),
    ("actix_web", &["web"]),
    ("base64", &["web"]),
    ("bcrypt", &["web"]),
    ("clap", &["cli", "config", "main", "meshpingctl"]),
    ("crossterm", &["cli"]),
    ("hickory_resolver", &["resolve"]),
    ("libc", &["probe"]),
    ("listenfd", &["daemon"]),
    ("prometheus", &["web"]),
    ("rusqlite", &["state"]),
    ("rustls", &["web"]),
    ("sd_notify", &["daemon"]),
    ("serde_saphyr", &["web"]),
    ("surge_ping", &["probe"]),
    ("tokio_rustls", &["web"]),
];

/// The only crates that compute; all others read clocks, do I/O or run things.
const COMPUTING_CRATES: &[&str] = &["serde", "serde_json", "siphasher", "thiserror"];

/// Names from `std` by which a clock is read or the world is touched.
const IMPURE: &[&str] = &[
    "Instant::now",
    ".elapsed(",
    "SystemTime",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "ToSocketAddrs",
    "std::fs",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "std::env",
    "std::os",
    "std::process",
    "std::thread",
    "thread_local!",
    "print!",
    "println!",
    "eprintln!",
];

/// The one module with `unsafe`: the system calls of the native engine, in one file or in a directory.
const UNSAFE: &[&str] = &["src/probe/native/sys.rs", "src/probe/native/sys/"];

const LONGEST_FILE: usize = 400;

fn module_of(path: &str) -> &str {
    let inner = path.trim_start_matches("src/").trim_start_matches("bin/");
    inner.split(['/', '.']).next().unwrap_or(inner)
}

fn is_pure(path: &str) -> bool {
    PURE.contains(&module_of(path)) || path == "src/probe/wire.rs"
}

/// What is wrong with one source file.
fn violations(path: &str, source: &str) -> Vec<String> {
    let code = without_tests(&code_only(source));
    let mut found = imports(path, &code);
    found.extend(foreign_crates(path, &code));
    if is_pure(path) {
        let names = IMPURE.iter().filter(|name| occurs(&code, name));
        found.extend(names.map(|name| format!("{path}: computes only, so no {name}")));
    }
    if !UNSAFE.iter().any(|place| path.starts_with(place))
        && (occurs(&code, "unsafe") || occurs(&code, "unsafe_code"))
    {
        found.push(format!("{path}: `unsafe` belongs into {UNSAFE:?}"));
    }
    if code.contains(".unwrap()") && !path.ends_with("tests.rs") {
        found.push(format!("{path}: unwrap() outside of tests"));
    }
    let lines = source.lines().count();
    if lines > LONGEST_FILE {
        found
            .push(format!("{path}: {lines} lines, more than {LONGEST_FILE}: look for the second idea in it"));
    }
    found
}

fn imports(path: &str, code: &str) -> Vec<String> {
    let module = module_of(path);
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: the module {module} is not in the table of this test")];
    };
    let allowed = |name: &str| name == module || allowed.iter().any(|set| set.contains(&name));
    let modules = used_modules(code).into_iter().filter(|name| !allowed(name));
    modules.map(|name| format!("{path}: {module} must not import {name}")).collect()
}

fn foreign_crates(path: &str, code: &str) -> Vec<String> {
    let module = module_of(path);
    let used = dependencies().into_iter().filter(|name| occurs(code, &format!("{name}::")));
    used.filter(|name| {
        let confined = CONFINED.iter().any(|(only, modules)| only == name && !modules.contains(&module));
        confined || (is_pure(path) && !COMPUTING_CRATES.contains(&name.as_str()))
    })
    .map(|name| format!("{path}: {module} must not know the crate {name}"))
    .collect()
}

/// The modules of this package that the code names, in `use` or in the middle of an expression.
fn used_modules(code: &str) -> Vec<String> {
    let known = |name: &String| MAY_IMPORT.iter().any(|(module, _)| module == name);
    let starts = ["crate::", "meshping::", "super::super::"].into_iter();
    let paths =
        starts.flat_map(|start| code.match_indices(start).map(move |(at, _)| &code[at + start.len()..]));
    paths.flat_map(first_segments).filter(known).collect()
}

/// `a::b` begins with `a`; `{a::b, c::{d, e}}` with `a` and `c`.
fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else { return vec![identifier(path)] };
    let mut depth = 0_i32;
    let mut segments = vec![identifier(group)];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(identifier(&group[at + 1..])),
            _ => {}
        }
    }
    segments
}

fn identifier(text: &str) -> String {
    text.trim_start().chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect()
}

/// Whether the name occurs as a word of its own.
fn occurs(code: &str, name: &str) -> bool {
    let inside_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(inside_word) && name.starts_with(inside_word);
        let after =
            code[at + name.len()..].chars().next().is_some_and(inside_word) && name.ends_with(inside_word);
        !before && !after
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates that Cargo.toml names under `[dependencies]`, as the code spells them.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the package has a manifest");
    let (_, after) = manifest.split_once("[dependencies]\n").expect("the package has dependencies");
    let names =
        after.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" ="));
    names.map(|(name, _)| name.trim().replace('-', "_")).collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a readable directory");
    let paths = entries.map(|entry| entry.expect("a readable directory").path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned()
}

#[test]
fn the_tree_is_the_architecture() {
    let files = sources(&root().join("src"));
    assert!(files.len() > 10, "too few sources found: {files:?}");
    let found: Vec<String> = files
        .iter()
        .flat_map(|path| violations(&relative(path), &fs::read_to_string(path).expect("readable")))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn tests_stay_as_short_as_the_code() {
    let long: Vec<String> = ["tests", "examples"]
        .iter()
        .flat_map(|directory| sources(&root().join(directory)))
        .map(|path| (relative(&path), fs::read_to_string(&path).expect("readable").lines().count()))
        .filter(|&(_, lines)| lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn every_kind_of_violation_is_noticed() {
    let cases = [
        (
            "src/measure/a.rs",
            "use crate::{target::Address, actors::{pinger, survey}};",
            "must not import actors",
        ),
        ("src/actors/a.rs", "fn f() { crate::web::serve() }", "must not import web"),
        ("src/probe/native/a.rs", "use super::super::resolve;", "must not import resolve"),
        ("src/main.rs", "use meshping::unheard_of;", ""),
        ("src/novelty/a.rs", "", "not in the table"),
        ("src/protocol/a.rs", "use tokio::net::UdpSocket;", "the crate tokio"),
        ("src/probe/wire.rs", "let now = Instant::now();", "Instant::now"),
        ("src/target.rs", "let age = start.elapsed();", ".elapsed("),
        ("src/control/a.rs", "use actix_web::App;", "the crate actix_web"),
        ("src/web/a.rs", "use actix_web::App; // unsafe { x.unwrap() } in a comment", ""),
        ("src/web/a.rs", "let a = \"unsafe\"; let b = r#\"x.unwrap() \"\"#; let c = '\"';", ""),
        ("src/web/a.rs", "fn f<'a>(x: &'a str) { unsafe { g(x) } }", "`unsafe` belongs into"),
        ("src/web/a.rs", "x.unwrap();", "unwrap() outside of tests"),
        ("src/web/a.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }", ""),
        ("src/web/a/tests.rs", "fn f() { x.unwrap(); }", ""),
        (
            "src/web/a.rs",
            "#[cfg(test)]\nmod tests { fn f() {} }\nfn g() { x.unwrap() }",
            "unwrap() outside of tests",
        ),
        ("src/web/a.rs", &"\n".repeat(401), "401 lines"),
    ];
    for (path, code, expected) in cases {
        let found = violations(path, code).join("\n");
        assert_eq!(found.is_empty(), expected.is_empty(), "{code}: {found}");
        assert!(found.contains(expected), "{code}: {found}");
    }
}
