//! The checks of the fuzz targets, on the seeds, on changed seeds and on random bytes.

use crate::fuzz::{TARGETS, Target};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("fuzz/ has this directory");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// The inputs that a fuzzer starts with, and those that have failed once.
fn seeds(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = files(&root().join("fuzz/seeds").join(target.name));
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("readable"))).collect()
}

/// What a fuzzer does to an input.
#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: usize| at % (bytes.len() + 1);
        match self {
            Self::Flip(at, bits) => {
                let at = place(*at);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bits);
            }
            Self::Insert(at, more) => {
                let at = place(*at);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(at, length) => {
                let (at, end) = (place(*at), place(at.saturating_add(*length)));
                bytes.drain(at.min(end)..at.max(end));
            }
            Self::Repeat(at, length) => {
                let at = place(*at);
                let part = bytes[at..bytes.len().min(at + length)].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let (at, length) = (0_usize..4_096, 1_usize..64);
    let text = prop::sample::select(vec![
        "\"", "{", "}", "[", "]", ":", ",", "\n", "/", "#", "=", "-1", "0", "\u{1b}", "é",
    ]);
    let text = text.prop_map(|text| text.as_bytes().to_vec());
    let more = prop_oneof![text, prop::collection::vec(any::<u8>(), 1..8)];
    let change = prop_oneof![
        (at.clone(), 1_u8..).prop_map(|(at, bits)| Change::Flip(at, bits)),
        (at.clone(), more).prop_map(|(at, more)| Change::Insert(at, more)),
        (at.clone(), length.clone()).prop_map(|(at, length)| Change::Remove(at, length)),
        (at, length).prop_map(|(at, length)| Change::Repeat(at, length)),
    ];
    prop::collection::vec(change, 1..6)
}

fn each(target: &Target, cases: u32, inputs: impl Strategy<Value = Vec<u8>>) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&inputs, |bytes| {
        (target.check)(&bytes);
        Ok(())
    });
    assert!(
        checked.is_ok(),
        "{}: {}",
        target.name,
        checked.map_or_else(|error| error.to_string(), |()| String::new())
    );
}

#[test]
fn every_seed_is_handled() {
    for target in &TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "no seeds for {}", target.name);
        for (path, seed) in seeds {
            let handled = std::panic::catch_unwind(|| (target.check)(&seed));
            assert!(handled.is_ok(), "{}", path.display());
        }
    }
}

#[test]
fn changed_seeds_are_handled() {
    for target in &TARGETS {
        let seeds: Vec<Vec<u8>> = seeds(target).into_iter().map(|(_, seed)| seed).collect();
        let inputs = (prop::sample::select(seeds), changes()).prop_map(|(mut bytes, changes)| {
            for change in &changes {
                change.apply(&mut bytes);
            }
            bytes
        });
        each(target, 300, inputs);
    }
}

#[test]
fn random_bytes_are_handled() {
    for target in &TARGETS {
        each(target, 100, prop::collection::vec(any::<u8>(), 0..300));
    }
}

#[test]
fn every_check_is_a_fuzz_target_with_seeds() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let stems = |directory: &str| -> BTreeSet<String> {
        let paths = files(&root().join(directory)).into_iter();
        paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
    };
    assert_eq!(stems("fuzz/fuzz_targets"), names);
    assert_eq!(stems("fuzz/seeds"), names);
}
