//! Finds import circles. In every folder its direct children, each with all below it, import each other without a
//! circle. A child and its parent may know each other: they are one thing split over files. An import counts for the
//! file that defines the name, however often it is exported again.

use super::imports::{Imports, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

/// The modules of a crate, by their places.
pub struct Crate {
    modules: BTreeMap<Place, Imports>,
}

/// For each importing child of a folder the children that it imports, and the names that tie them.
type Ties = BTreeMap<Place, BTreeMap<Place, BTreeSet<String>>>;

/// Re-exports of re-exports are followed this far.
const MAX_EXPORTS: usize = 8;

impl Crate {
    /// Reads files, each with its path below the package.
    ///
    /// # Errors
    /// What the parser says of a file.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut modules = BTreeMap::new();
        for (path, source) in files {
            if let Some(place) = place_of(path) {
                modules.insert(place, Imports::read(source).map_err(|error| format!("{path}: {error}"))?);
            }
        }
        Ok(Self { modules })
    }

    /// Every circle, in words.
    pub fn circles(&self) -> Vec<String> {
        let imports = self.imports();
        let folders: BTreeSet<&[String]> = self
            .modules
            .keys()
            .filter(|place| !place.is_empty())
            .map(|place| &place[..place.len() - 1])
            .collect();
        folders.into_iter().flat_map(|folder| circles_in(&ties_in(folder, &imports))).collect()
    }

    /// Which module imports what from which: both files, and the name.
    fn imports(&self) -> Vec<(&Place, Place, String)> {
        let mut imports = Vec::new();
        for (place, module) in &self.modules {
            for (inside, path) in &module.used {
                let at = [place.as_slice(), inside].concat();
                if let Some((definer, name)) = self.resolve(&at, path, 0)
                    && definer != *place
                {
                    imports.push((place, definer, name));
                }
            }
        }
        imports
    }

    /// The module that defines what a path names in a module, and the name there; `None` for other crates.
    fn resolve(&self, at: &[String], path: &[String], depth: usize) -> Option<(Place, String)> {
        let full = self.absolute(at, path).filter(|_| depth < MAX_EXPORTS)?;
        let length = (0..=full.len()).rev().find(|&length| self.modules.contains_key(&full[..length]))?;
        let (place, rest) = full.split_at(length);
        let Some(name) = rest.first() else { return Some((place.to_vec(), "*".into())) };
        let module = &self.modules[place];
        if let Some(behind) = module.exported.get(name) {
            return self.resolve(place, behind, depth + 1);
        }
        let through = |glob: &Place| {
            let path = [&glob[..glob.len() - 1], std::slice::from_ref(name)].concat();
            let found = self.resolve(place, &path, depth + 1);
            found.filter(|(definer, name)| self.modules[definer].defined.contains(name))
        };
        let is_here = module.defined.contains(name);
        let exported = module.exported_globs.iter().find_map(through).filter(|_| !is_here);
        Some(exported.unwrap_or_else(|| (place.to_vec(), name.clone())))
    }

    /// A path as the crate's root would write it.
    fn absolute(&self, at: &[String], path: &[String]) -> Option<Place> {
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([at, &path[1..]].concat()),
            "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                Some([at.get(..at.len().checked_sub(up)?)?, &path[up..]].concat())
            }
            name => {
                let child = [at, &[name.to_owned()]].concat();
                self.modules.contains_key(&child).then(|| [at, path].concat())
            }
        }
    }
}

/// The place of a library's file; `None` for binaries and tests.
fn place_of(path: &str) -> Option<Place> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut place: Place = inner.split('/').map(str::to_owned).collect();
    let last = place.last().map(String::as_str).unwrap_or_default();
    if place[0] == "bin" || place[0] == "main" || last == "tests" || last.ends_with("_tests") {
        return None;
    }
    if last == "mod" || last == "lib" {
        place.pop();
    }
    Some(place)
}

/// The imports among the direct children of a folder.
fn ties_in(folder: &[String], imports: &[(&Place, Place, String)]) -> Ties {
    let depth = folder.len() + 1;
    let mut ties = Ties::new();
    for (importer, definer, name) in imports {
        let below = |place: &Place| place.len() >= depth && place.starts_with(folder);
        if below(importer) && below(definer) && importer[..depth] != definer[..depth] {
            let (from, to) = (importer[..depth].to_vec(), definer[..depth].to_vec());
            ties.entry(from).or_default().entry(to).or_default().insert(name.clone());
        }
    }
    ties
}

fn circles_in(ties: &Ties) -> Vec<String> {
    let reach: BTreeMap<&Place, BTreeSet<&Place>> =
        ties.keys().map(|from| (from, reachable(from, ties))).collect();
    let mut circles = BTreeSet::new();
    for (from, reached) in &reach {
        if reached.contains(from) {
            let back = |to: &&&Place| reach.get(**to).is_some_and(|reached| reached.contains(from));
            circles.insert(reached.iter().filter(back).copied().collect::<BTreeSet<&Place>>());
        }
    }
    circles.iter().map(|members| described(members, ties)).collect()
}

fn reachable<'a>(from: &'a Place, ties: &'a Ties) -> BTreeSet<&'a Place> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(place) = open.pop() {
        for next in ties.get(place).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

fn described(members: &BTreeSet<&Place>, ties: &Ties) -> String {
    let mut text = format!("import circle of {}:", members.len());
    for from in members {
        for (to, names) in ties[*from].iter().filter(|(to, _)| members.contains(to)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let _ = write!(text, "\n  {} imports {} ({})", from.join("::"), to.join("::"), names.join(", "));
        }
    }
    text
}

#[test]
fn no_folder_has_an_import_circle() {
    let files: Vec<(String, String)> = super::sources(&super::root().join("src"))
        .iter()
        .map(|path| (super::relative(path), fs::read_to_string(path).expect("readable")))
        .collect();
    let sources = files.iter().map(|(path, source)| (path.as_str(), source.as_str()));
    let circles = Crate::read(sources).expect("Rust").circles();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

/// The files of a crate, and the circle that is in it, as `a -> b` for the first import of it.
type Circle<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

#[test]
fn circles_are_found_through_every_way_to_import() {
    let cases: [Circle<'_>; 10] = [
        ("none", &[("a", "use crate::b::B;"), ("b", "pub struct B;")], None),
        (
            "two files",
            &[("a", "use crate::b::B; pub struct A;"), ("b", "use super::a::A; pub struct B;")],
            Some("a imports b (B)"),
        ),
        (
            "three files",
            &[
                ("a", "use crate::b::B;"),
                ("b", "use crate::c::C; pub struct B;"),
                ("c", "use crate::a; pub struct C;"),
            ],
            Some("circle of 3"),
        ),
        (
            "a path in a body",
            &[("a", "fn f() { crate::b::g() }"), ("b", "pub fn g() {} fn h() { crate::a::f() }")],
            Some("b imports a (f)"),
        ),
        (
            "a path in a macro",
            &[("a", "fn f() { assert!(crate::b::g()) }"), ("b", "pub fn g() {} use crate::a::f;")],
            Some("a imports b (g)"),
        ),
        (
            "tests do not count",
            &[("a", "use crate::b::B;"), ("b", "pub struct B; #[cfg(test)] mod tests { use crate::a; }")],
            None,
        ),
        (
            "a child and its parent",
            &[("a/mod", "mod b; use b::B; pub struct A;"), ("a/b", "use super::A; pub struct B;")],
            None,
        ),
        (
            "two folders",
            &[
                ("a/mod", "pub mod x;"),
                ("a/x", "use crate::b::y::Y;"),
                ("b/mod", "pub mod y; pub mod z;"),
                ("b/y", "pub struct Y;"),
                ("b/z", "use crate::a::x;"),
            ],
            Some("a imports b (Y)"),
        ),
        (
            "a name that is exported again counts for its file",
            &[
                ("m/mod", "pub mod a; pub mod b; pub use b::B;"),
                ("m/a", "use super::B; pub struct A;"),
                ("m/b", "use super::a::A; pub struct B;"),
            ],
            Some("m::a imports m::b (B)"),
        ),
        (
            "a name behind a glob counts for its file",
            &[
                ("m/mod", "pub mod a; pub mod b; pub use b::*; pub struct M;"),
                ("m/a", "use super::{B, M}; pub struct A;"),
                ("m/b", "use super::a::A; pub struct B;"),
            ],
            Some("m::a imports m::b (B)"),
        ),
    ];
    for (case, files, expected) in cases {
        let paths: Vec<(String, &str)> =
            files.iter().map(|(path, source)| (format!("src/{path}.rs"), *source)).collect();
        let files = paths.iter().map(|(path, source)| (path.as_str(), *source));
        let circles = Crate::read(files).expect(case).circles();
        assert_eq!(circles.len(), usize::from(expected.is_some()), "{case}: {circles:?}");
        assert!(expected.is_none_or(|expected| circles[0].contains(expected)), "{case}: {circles:?}");
    }
}
