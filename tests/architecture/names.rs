//! The name of a type is unique in the crate, so that it is understood without its path.

use super::imports::{described, is_test};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use syn::Item;

/// Names that two files may share, with the reason.
const TWINS: &[(&str, &str)] = &[];

/// The types that a file defines, also those in its inner modules, but not those of its tests.
fn types(source: &str) -> Result<BTreeSet<String>, String> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut names = BTreeSet::new();
    add_types(&file.items, &mut names);
    Ok(names)
}

fn add_types(items: &[Item], names: &mut BTreeSet<String>) {
    for item in items {
        let (attributes, name) = described(item);
        if is_test(attributes) {
            continue;
        }
        match item {
            Item::Enum(_) | Item::Struct(_) | Item::Trait(_) | Item::Type(_) | Item::Union(_) => {
                names.extend(name.map(ToString::to_string));
            }
            Item::Mod(module) => {
                let inner = module.content.iter().flat_map(|(_, items)| items);
                add_types(&inner.cloned().collect::<Vec<_>>(), names);
            }
            _ => {}
        }
    }
}

/// Names that more than one file defines, with these files.
fn shared_names(files: &[(String, String)]) -> BTreeMap<String, Vec<&str>> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, source) in files.iter().filter(|(path, _)| !super::is_test_file(path)) {
        for name in types(source).expect(path) {
            places.entry(name).or_default().push(path);
        }
    }
    places.retain(|_, paths| paths.len() > 1);
    places
}

#[test]
fn a_type_name_is_unique_in_the_crate() {
    let files: Vec<(String, String)> = super::sources(&super::root().join("src"))
        .iter()
        .map(|path| (super::relative(path), fs::read_to_string(path).expect("readable")))
        .collect();
    let mut shared = shared_names(&files);
    for (name, reason) in TWINS {
        assert!(shared.remove(*name).is_some(), "{name} is unique; remove it from TWINS ({reason})");
    }
    assert!(
        shared.is_empty(),
        "choose a name for one of each, or add it to TWINS with the reason: {shared:#?}"
    );
}

#[test]
fn shared_names_are_found_outside_of_tests() {
    let cases = [
        ("two structs", ["struct A;", "struct A(u8);"], true),
        ("a type alias and an enum", ["type A = u8;", "enum A {}"], true),
        ("a trait in an inner module", ["mod inner { pub trait A {} }", "union A { a: u8 }"], true),
        ("different names", ["struct A;", "struct B;"], false),
        ("a function", ["fn a() { struct A; }", "struct A;"], false),
        ("a test module", ["#[cfg(test)] mod tests { struct A; }", "struct A;"], false),
        ("a test type", ["#[cfg(test)] struct A;", "struct A;"], false),
        ("two systems in one file", ["#[cfg(unix)] struct A; #[cfg(windows)] struct A;", ""], false),
    ];
    for (case, sources, expected) in cases {
        let files = sources.map(str::to_owned);
        let files = [("src/a.rs".to_owned(), files[0].clone()), ("src/b.rs".to_owned(), files[1].clone())];
        assert_eq!(!shared_names(&files).is_empty(), expected, "{case}");
    }
    let beside = [("src/a.rs", "struct A;"), ("src/a/tests.rs", "struct A;")];
    let beside = beside.map(|(path, source)| (path.to_owned(), source.to_owned()));
    assert!(shared_names(&beside).is_empty(), "tests beside the module");
}
