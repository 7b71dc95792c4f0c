//! Reads what a source file imports: the paths that it names, and what it exports again.

use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemMod, ItemUse, Macro, Path, UseTree, Visibility};

/// A module's or an item's place in the crate: `["web", "server", "bind"]`.
pub type Place = Vec<String>;

/// What one file says of other modules, its tests left out.
#[derive(Debug, Default)]
pub struct Imports {
    /// Paths as they are written, each with the module inside the file that writes it.
    pub used: Vec<(Place, Place)>,
    /// Names that `pub use` gives to others, with the path behind them.
    pub exported: BTreeMap<String, Place>,
    /// Modules of which `pub use` exports everything.
    pub exported_globs: Vec<Place>,
    /// Names of the items that the file itself defines.
    pub defined: BTreeSet<String>,
    inside: Place,
}

impl Imports {
    /// Reads a file.
    ///
    /// # Errors
    /// What the parser says of source that is not Rust.
    pub fn read(source: &str) -> Result<Self, String> {
        let file = syn::parse_file(source).map_err(|error| error.to_string())?;
        let mut imports = Self::default();
        imports.visit_file(&file);
        Ok(imports)
    }

    fn use_path(&mut self, path: Place) {
        self.used.push((self.inside.clone(), path));
    }

    fn export(&mut self, name: &str, path: Place) {
        if name == "*" {
            self.exported_globs.push(path);
        } else {
            self.exported.insert(name.to_owned(), path);
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = described(item);
        if !is_test(attributes) {
            self.defined.extend(name.map(ToString::to_string));
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inside.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut leaves = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut leaves);
        for (name, path) in leaves {
            match item.vis {
                Visibility::Inherited => self.use_path(path),
                _ => self.export(&name, path),
            }
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let names: Place = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.use_path(names);
        }
        visit::visit_path(self, path);
    }

    /// The parser does not look into macros, so their paths are looked for among their words.
    fn visit_macro(&mut self, call: &'ast Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
            let names: Place = word.split("::").map(str::to_owned).collect();
            if names.len() > 1 && names.iter().all(|name| !name.is_empty()) {
                self.use_path(names);
            }
        }
        visit::visit_macro(self, call);
    }
}

/// The leaves of a use tree: the name that each gets, and its path, which ends in `*` for everything.
fn flatten(tree: &UseTree, before: &mut Place, leaves: &mut Vec<(String, Place)>) {
    let leaf = |name: String, before: &Place| [before.clone(), vec![name]].concat();
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push((before.last().cloned().unwrap_or_default(), before.clone()));
        }
        UseTree::Name(name) => leaves.push((name.ident.to_string(), leaf(name.ident.to_string(), before))),
        UseTree::Rename(name) => leaves.push((name.rename.to_string(), leaf(name.ident.to_string(), before))),
        UseTree::Glob(_) => leaves.push(("*".into(), leaf("*".into(), before))),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, leaves)),
    }
}

/// Whether an item is compiled for tests only.
pub fn is_test(attributes: &[Attribute]) -> bool {
    let names_test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg")
            && quote_of(attribute).split(['(', ',', ')']).any(|word| word.trim() == "test")
    };
    attributes.iter().any(names_test)
}

fn quote_of(attribute: &Attribute) -> String {
    attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}

/// The attributes and the name of an item, if it has them.
pub fn described(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}
