//! The configuration file, the file of `--targets`, and target files.

use super::input::{is_printable, with_file};
use meshping::config::loader::{LoadedConfig, Loader};
use meshping::target::TargetSpec;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

/// A configuration file in TOML.
pub fn check_config_file(bytes: &[u8]) {
    // These options make the loader read other files, of which the system has many.
    let names = |option: &[u8]| bytes.windows(option.len()).any(|window| window == option);
    if !names(b"targets") && !names(b"target_files") {
        check(bytes, "meshping.toml", "--config");
    }
}

/// A file of `--targets`: a target a line.
pub fn check_targets_file(bytes: &[u8]) {
    check(bytes, "targets", "--targets");
}

/// A target file in the format `file_sd`, read as JSON and as YAML.
pub fn check_target_file(bytes: &[u8]) {
    check(bytes, "targets.json", "--target-files");
    check(bytes, "targets.yml", "--target-files");
}

/// A file is a configuration whose targets survive being written and read again, or errors that name a line of it.
fn check(bytes: &[u8], name: &str, option: &str) {
    with_file(name, bytes, |path| match load(option, path) {
        Ok(loaded) if loaded.broken.is_empty() => {
            check_targets(&loaded.config.targets);
            let again = load(option, path).expect("the file has not changed");
            assert_eq!(again.hash, loaded.hash);
            assert_eq!(again.config.targets, loaded.config.targets);
        }
        Ok(loaded) => {
            let texts = loaded.broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            check_errors(&texts, path, bytes);
        }
        Err(texts) => check_errors(&texts, path, bytes),
    });
}

fn load(option: &str, path: &Path) -> Result<LoadedConfig, String> {
    let words = ["meshping".into(), OsString::from(option), path.into()];
    Loader::start(words, |_| Ok(())).map(|(_, loaded)| loaded).map_err(|exit| exit.to_string())
}

/// Every line is about the file, names one of its lines, and can be shown on a terminal.
fn check_errors(texts: &str, path: &Path, bytes: &[u8]) {
    assert!(!texts.is_empty() && is_printable(texts), "{texts:?}");
    let lines = bytes.split(|&byte| byte == b'\n').count();
    let file = path.display().to_string();
    for text in texts.lines() {
        let after = text.strip_prefix(&file).expect(text);
        let number = after.strip_prefix(':').and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
        assert!(number.is_none_or(|number| (1..=lines).contains(&number)), "{lines} lines: {text}");
    }
}

fn check_targets(targets: &[TargetSpec]) {
    let names: HashSet<_> = targets.iter().map(|target| (&target.name, target.host_variant())).collect();
    assert_eq!(names.len(), targets.len(), "a target twice");
    let groups: Vec<Value> = targets.iter().map(print).collect();
    let text = json!(groups).to_string();
    with_file("again.json", text.as_bytes(), |path| {
        let loaded = load("--target-files", path).expect("a target file never prevents the start");
        assert!(loaded.broken.is_empty(), "{:?} in {text}", loaded.broken);
        assert_eq!(loaded.config.targets, targets, "{text}");
    });
}

/// The target as a group of a target file.
fn print(target: &TargetSpec) -> Value {
    let mut labels: Map<String, Value> =
        target.options.labels().map(|(name, value)| (name.to_owned(), value.into())).collect();
    labels.insert("__meshping_name".into(), (*target.name).into());
    labels.insert("__meshping_variant".into(), target.variant.as_str().into());
    for (key, text) in target.options.iter() {
        labels.insert(format!("__meshping_{key}"), text.into());
    }
    json!({"targets": [target.host.to_string()], "labels": labels})
}
