//! Checks the structure of the source tree: imports, import circles, pure modules, `unsafe`, unique names of types, and the
//! length of files.

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/source.rs"]
mod source;

use imports::Imports;
use source::{code_only, without_tests};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that compute and do nothing else.
const PURE: &[&str] = &["build_info", "format", "measure", "protocol", "target"];
const PORTS: &[&str] = &["probe", "resolve"];

/// What each module may import, beside itself: edges → actors → ports → pure, never the other way. The edges are
/// control, ctl, state, terminal and web; none of them imports another.
const MAY_IMPORT: &[(&str, &[&[&str]])] = &[
    ("build_info", &[]),
    ("file_change", &[]),
    ("target", &[]),
    ("measure", &[&["target"]]),
    ("protocol", &[&["target", "measure", "format"]]),
    ("format", &[&["target", "measure"]]),
    ("screen", &[&["format"]]),
    ("probe", &[&["target", "measure"]]),
    ("resolve", &[&["target", "file_change"]]),
    ("config", &[PURE, PORTS, &["file_change"]]),
    ("actors", &[PURE, PORTS]),
    ("socket", &[]),
    ("control", &[PURE, &["actors", "socket"]]),
    ("ctl", &[PURE, &["config", "screen"]]),
    ("state", &[PURE, &["actors", "config"]]),
    ("terminal", &[PURE, &["actors", "screen"]]),
    ("web", &[PURE, PORTS, &["actors", "file_change", "socket"]]),
    ("daemon", &[PURE, PORTS, &["actors", "config", "control", "state", "terminal", "web"]]),
    ("main", &[&["config", "daemon"]]),
    ("meshpingctl", &[&["ctl"]]),
    ("lib", &[]),
];

/// Files and folders that compute and do nothing else, wherever they stand: no clock is read, nothing is sent, read or
/// written. The compiler holds the same: lib.rs and the `mod.rs` beside them deny clippy's `disallowed_methods`.
const PURE_PLACES: &[&str] = &[
    "src/actors/registry/",
    "src/build_info.rs",
    "src/config/file_sd.rs",
    "src/config/listen_address.rs",
    "src/config/targets_file.rs",
    "src/ctl/client/listing.rs",
    "src/daemon/target_diff.rs",
    "src/format/",
    "src/measure/",
    "src/probe/native/pacing.rs",
    "src/probe/native/slots.rs",
    "src/probe/scripted/outcome.rs",
    "src/probe/scripted/state.rs",
    "src/probe/wire/",
    "src/protocol/",
    "src/resolve/follow/",
    "src/resolve/hosts.rs",
    "src/resolve/search.rs",
    "src/state/hour_rollover.rs",
    "src/target/",
    "src/web/client/reader_pace.rs",
    "src/web/metrics/dialects/",
    "src/web/metrics/family/",
    "src/web/metrics/labels.rs",
    "src/web/metrics/snapshot.rs",
    "src/web/metrics/varint.rs",
    "src/web/security/rate_limit.rs",
    "src/web/security/web_config/go_duration.rs",
    "src/web/security/web_config/san.rs",
];

/// Crates that only some modules know: what they do stays behind a trait, or at one edge.
const CONFINED: &[(&str, &[&str])] = &[
    ("actix", &["actors", "control", "daemon", "main", "state", "terminal", "web"]),
    ("actix_http", &["web"]),
    ("actix_service", &["web"]),
    ("actix_web", &["web"]),
    ("base64", &["web"]),
    ("bcrypt", &["web"]),
    ("clap", &["config", "ctl", "main", "meshpingctl"]),
    ("crossterm", &["screen"]),
    ("hickory_resolver", &["resolve"]),
    ("hyper", &["web"]),
    ("hyper_util", &["web"]),
    ("libc", &["probe"]),
    ("listenfd", &["daemon"]),
    ("prometheus", &["web"]),
    ("rusqlite", &["state"]),
    ("rustix", &["daemon", "resolve"]),
    ("rustls", &["web"]),
    ("sd_notify", &["daemon"]),
    ("serde_saphyr", &["config", "web"]),
    ("surge_ping", &["probe"]),
    ("tokio_rustls", &["web"]),
    ("x509_parser", &["web"]),
];

/// The only crates that compute; all others read clocks, do I/O or run things.
const COMPUTING_CRATES: &[&str] = &[
    "itoa",
    "serde",
    "serde_json",
    "serde_saphyr",
    "siphasher",
    "smallvec",
    "strum",
    "thiserror",
    "time",
    "x509_parser",
];

/// Names from `std` by which a clock is read or the world is touched.
const IMPURE: &[&str] = &[
    "Instant::now",
    ".elapsed(",
    "SystemTime",
    "now_utc",
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

/// The one module with `unsafe`: the system calls of the native engine.
const UNSAFE: &[&str] = &["src/probe/native/sys/"];

const LONGEST_FILE: usize = 400;

fn module_of(path: &str) -> &str {
    let inner = path.trim_start_matches("src/").trim_start_matches("bin/");
    inner.split(['/', '.']).next().unwrap_or(inner)
}

fn is_pure(path: &str) -> bool {
    !is_test_file(path) && PURE_PLACES.iter().any(|place| path.starts_with(place))
}

/// Tests beside a module, and what they share.
fn is_test_file(path: &str) -> bool {
    ["tests.rs", "test_support.rs"].iter().any(|name| path.ends_with(name))
}

/// What is wrong with one source file.
fn violations(path: &str, source: &str) -> Vec<String> {
    let code = without_tests(&code_only(source));
    let mut found =
        if path.ends_with("test_support.rs") { Vec::new() } else { forbidden_imports(path, source) };
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

fn forbidden_imports(path: &str, source: &str) -> Vec<String> {
    let module = module_of(path);
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: the module {module} is not in the table of this test")];
    };
    let imports = match Imports::read(source) {
        Ok(imports) => imports,
        Err(error) => return vec![format!("{path}: {error}")],
    };
    let known = |name: &String| MAY_IMPORT.iter().any(|(module, _)| module == name);
    let allowed = |name: &str| name == module || allowed.iter().any(|set| set.contains(&name));
    let modules = top_level_modules(path, &imports).into_iter().filter(|name| known(name) && !allowed(name));
    modules.map(|name| format!("{path}: {module} must not import {name}")).collect()
}

/// The top-level modules that a file names.
fn top_level_modules(path: &str, imports: &Imports) -> BTreeSet<String> {
    let mut place: Vec<&str> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    if place.last().is_some_and(|last| ["mod", "lib"].contains(last)) {
        place.pop();
    }
    let exported = imports.exported.values().chain(&imports.exported_globs).map(|path| (&[][..], path));
    let used = imports.used.iter().map(|(inside, path)| (inside.as_slice(), path));
    let top = |(inside, path): (&[String], &Vec<String>)| match path[0].as_str() {
        "crate" | "meshping" => path.get(1).cloned(),
        // As many steps up as the file and its inner modules are deep: what follows stands at the top.
        "super" => {
            path.get(place.len() + inside.len()).filter(|_| is_up(path, place.len() + inside.len())).cloned()
        }
        _ => None,
    };
    used.chain(exported).filter_map(top).collect()
}

fn is_up(path: &[String], steps: usize) -> bool {
    path[..steps].iter().all(|name| name == "super")
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
fn the_compiler_knows_the_pure_places_too() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    assert!(read("src/lib.rs").contains("#![deny(clippy::disallowed_methods)]"), "src/lib.rs denies them");
    for place in PURE_PLACES {
        let bare = place.trim_end_matches('/').trim_end_matches(".rs");
        let (folder, name) = bare.rsplit_once('/').expect("below src");
        let declared_in = if folder == "src" { "src/lib.rs".to_owned() } else { format!("{folder}/mod.rs") };
        let attributes = attributes_of_module(&read(&declared_in), name).expect(place);
        let (denied, allowed) = (attributes.contains("deny("), attributes.contains("allow("));
        let is_held = if folder == "src" { !allowed } else { denied };
        assert!(is_held, "{declared_in} lets {place} read clocks: {attributes:?}");
    }
}

/// What stands above `mod name;` about clippy's disallowed methods; `None` if there is no such module.
fn attributes_of_module(source: &str, name: &str) -> Option<String> {
    let mut attributes = String::new();
    for line in source.lines().map(str::trim) {
        if line.ends_with(&format!("mod {name};")) {
            return Some(attributes);
        }
        if line.starts_with("#[") {
            attributes.push_str(if line.contains("clippy::disallowed_methods") { line } else { "" });
        } else {
            attributes.clear();
        }
    }
    None
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
            "use crate::{target::Address, actors::{pinger, ask_all}};",
            "must not import actors",
        ),
        ("src/actors/a.rs", "fn f() { crate::web::serve() }", "must not import web"),
        ("src/probe/native/a.rs", "use super::super::super::resolve;", "must not import resolve"),
        ("src/main.rs", "use meshping::unheard_of;", ""),
        ("src/novelty/a.rs", "", "not in the table"),
        ("src/protocol/a.rs", "use tokio::net::UdpSocket;", "the crate tokio"),
        ("src/probe/wire/a.rs", "fn f() { let now = Instant::now(); }", "Instant::now"),
        ("src/target/mod.rs", "fn f() { let age = start.elapsed(); }", ".elapsed("),
        ("src/state/hour_rollover.rs", "fn f() { let now = SystemTime::now(); }", "SystemTime"),
        ("src/web/a.rs", "use crate::control::Backend;", "must not import control"),
        ("src/web/pages/a.rs", "use super::super::super::ctl;", "must not import ctl"),
        ("src/control/a.rs", "use actix_web::App;", "the crate actix_web"),
        ("src/web/a.rs", "use actix_web::App; // unsafe { x.unwrap() } in a comment", ""),
        ("src/web/a.rs", "fn f() { let a = \"unsafe\"; let b = r#\"x.unwrap() \"\"#; let c = '\"'; }", ""),
        ("src/web/a.rs", "fn f<'a>(x: &'a str) { unsafe { g(x) } }", "`unsafe` belongs into"),
        ("src/web/a.rs", "fn f() { x.unwrap(); }", "unwrap() outside of tests"),
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
