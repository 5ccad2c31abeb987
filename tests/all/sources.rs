//! The sources of the library as syn reads them: which module is in which file, what it defines, and what a path in it
//! leads to. What is for tests only is left out.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// The way to a module from the crate's root, which is `[]`.
pub(crate) type ModulePath = Vec<String>;

/// A module: of a file, or within braces in one.
pub(crate) struct Module {
    /// From the project's root.
    pub(crate) file: PathBuf,
    /// Without its modules.
    pub(crate) items: Vec<Item>,
    /// How each module in it can be seen.
    pub(crate) modules: BTreeMap<String, (Visibility, Vec<Attribute>)>,
    /// The names that it imports, and the path of each.
    imports: Vec<Import>,
}

/// One name of a `use`.
pub(crate) struct Import {
    /// `None` for `*`.
    pub(crate) name: Option<String>,
    pub(crate) path: Vec<String>,
    pub(crate) visibility: Visibility,
}

/// All modules of the library.
pub(crate) struct Sources(pub(crate) BTreeMap<ModulePath, Module>);

impl Sources {
    /// Reads `src/lib.rs` and all that it declares.
    pub(crate) fn read() -> Self {
        let mut sources = Self(BTreeMap::new());
        sources.add(Vec::new(), Path::new("src/lib.rs"), Path::new("src"));
        sources
    }

    fn add(&mut self, path: ModulePath, file: &Path, directory: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add_items(path, file, directory, parsed.items);
    }

    fn add_items(&mut self, path: ModulePath, file: &Path, directory: &Path, items: Vec<Item>) {
        let mut module =
            Module { file: file.to_owned(), items: Vec::new(), modules: BTreeMap::new(), imports: Vec::new() };
        for item in items.into_iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let (path, below) = ([&path[..], std::slice::from_ref(&name)].concat(), directory.join(&name));
                    module.modules.insert(name, (inner.vis, inner.attrs));
                    match inner.content {
                        Some((_, items)) => self.add_items(path, file, &below, items),
                        None if below.join("mod.rs").exists() => self.add(path, &below.join("mod.rs"), &below),
                        None => self.add(path, &below.with_extension("rs"), &below),
                    }
                }
                Item::Use(used) => {
                    for (name, path) in names(&used.tree, &[]) {
                        module.imports.push(Import { name, path, visibility: used.vis.clone() });
                    }
                }
                item => module.items.push(item),
            }
        }
        self.0.insert(path, module);
    }

    /// What a path in a module leads to: the module that defines it, and its name there, which is empty where the path
    /// ends with a module. `None` for what is not of this crate.
    pub(crate) fn resolve(&self, from: &[String], path: &[String]) -> Option<(ModulePath, String)> {
        self.follow(from, path, &mut BTreeSet::new())
    }

    fn follow(
        &self,
        from: &[String],
        path: &[String],
        seen: &mut BTreeSet<(ModulePath, Vec<String>)>,
    ) -> Option<(ModulePath, String)> {
        if !seen.insert((from.to_vec(), path.to_vec())) {
            return None;
        }
        let Some((first, rest)) = path.split_first() else { return Some((from.to_vec(), String::new())) };
        match &**first {
            "crate" => return self.follow(&[], rest, seen),
            "self" => return self.follow(from, rest, seen),
            "super" => return self.follow(from.split_last()?.1, rest, seen),
            _ => {}
        }
        let module = self.0.get(from)?;
        let is_module = module.modules.contains_key(first);
        // A function may have the name of its module.
        if is_module && !rest.is_empty() {
            return self.follow(&[from, std::slice::from_ref(first)].concat(), rest, seen);
        }
        if module.items.iter().any(|item| name_of(item).is_some_and(|name| name == *first)) {
            return Some((from.to_vec(), first.clone()));
        }
        let named = module.imports.iter().find(|import| import.name.as_ref() == Some(first));
        // That of another crate begins with its own name: `use glob::glob`.
        if let Some(import) = named.filter(|import| is_module || import.path.first() != Some(first)) {
            return self.follow(from, &[&import.path[..], rest].concat(), seen);
        }
        if is_module {
            return self.follow(&[from, std::slice::from_ref(first)].concat(), rest, seen);
        }
        let of_crate = |import: &&Import| {
            let first = import.path.first();
            first.is_some_and(|first| {
                ["crate", "self", "super"].contains(&&**first) || module.modules.contains_key(first)
            })
        };
        let globs = module.imports.iter().filter(|import| import.name.is_none()).filter(of_crate);
        globs.into_iter().find_map(|import| self.follow(from, &[&import.path[..], path].concat(), seen))
    }

    /// The names that a module imports.
    pub(crate) fn imports(&self, module: &[String]) -> &[Import] {
        &self.0[module].imports
    }

    /// Which modules of this crate the code of a module names.
    pub(crate) fn used(&self, path: &[String]) -> BTreeSet<ModulePath> {
        let module = &self.0[path];
        let mut paths = Paths::default();
        module.items.iter().for_each(|item| paths.visit_item(item));
        let imported = module.imports.iter().map(|import| import.path.clone());
        let named = imported.chain(paths.0).filter_map(|named| self.resolve(path, &named));
        named.map(|(module, _)| module).collect()
    }
}

/// All paths of more than one segment, also those in macros.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        // Within a function.
        self.0.extend(names(&used.tree, &[]).into_iter().map(|(_, path)| path));
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        self.tokens(invoked.tokens.clone());
    }

    /// Who may see an item is no use of that module.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

impl Paths {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.end(&mut path);
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.0.push(std::mem::take(path));
        }
        path.clear();
    }
}

/// The names that a `use` imports, with their paths.
fn names(tree: &UseTree, before: &[String]) -> Vec<(Option<String>, Vec<String>)> {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => names(&path.tree, &with(&path.ident)),
        UseTree::Name(name) if name.ident == "self" => vec![(before.last().cloned(), before.to_vec())],
        UseTree::Name(name) => vec![(Some(name.ident.to_string()), with(&name.ident))],
        UseTree::Rename(rename) if rename.ident == "self" => {
            vec![(Some(rename.rename.to_string()), before.to_vec())]
        }
        UseTree::Rename(rename) => vec![(Some(rename.rename.to_string()), with(&rename.ident))],
        UseTree::Glob(_) => vec![(None, before.to_vec())],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| names(tree, before)).collect(),
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test"))
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The attributes of an item that may be public.
pub(crate) fn attributes_mut(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    Some(match item {
        Item::Const(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Static(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::Type(item) => &mut item.attrs,
        _ => return None,
    })
}

/// What an item is called; `None` for an implementation.
pub(crate) fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        _ => return None,
    })
}
