//! Who may use whom, as `docs/architecture.md` draws it: strictly downwards.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use quote::ToTokens;
use syn::visit::Visit;
use walkdir::WalkDir;

use crate::sources::{Sources, attributes, name_of};

/// The parts, uppermost first; a part may use those below its own line.
const LAYERS: [&[&str]; 15] = [
    &["slim"],
    &["audit", "diff", "gate"],
    &["report"],
    &["findings"],
    &["edit"],
    &["duplicates", "graph"],
    &["charge"],
    &["outline"],
    &["checkpoint", "digests", "fingerprint", "verify"],
    &["broadcast", "chunked", "dtype", "text"],
    &["message", "schema"],
    &["ledger", "wire", "proto"],
    &["input", "shared_names"],
    &[
        "cache",
        "components",
        "escape",
        "problem",
        "progress",
        "exit",
        "glob",
        "identity",
        "natural",
        "queue",
        "seeded",
        "size",
        "stand_in",
        "steady",
        "suggest",
    ],
    &["meter"],
];

fn layer(part: &str) -> Option<usize> {
    LAYERS.iter().position(|parts| parts.contains(&part))
}

/// The part of a module: `graph::build` is of `graph`. None for the root, which names all.
fn part(module: &[String]) -> Option<&str> {
    module.first().map(String::as_str)
}

#[test]
fn every_part_uses_only_those_below_it() {
    let sources = Sources::read();
    let mut wrong = BTreeSet::new();
    for (path, module) in &sources.0 {
        let Some(own) = part(path) else { continue };
        for used in sources.used(path) {
            let Some(used) = part(&used) else { continue };
            match (layer(own), layer(used)) {
                (Some(from), Some(to)) if own == used || from < to => {}
                (Some(_), Some(_)) => drop(wrong.insert(format!("{} uses {used}", module.file.display()))),
                (None, _) => drop(wrong.insert(format!("{} is in no layer", module.file.display()))),
                (_, None) => {
                    wrong.insert(format!("{} uses {used}, which is in no layer", module.file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The one pair of files that import each other: the walk charges nodes, and the fast path of it, which knows nodes by their
/// bytes, is a part of that walk in a file of its own.
const PAIR: [&str; 2] = ["src/charge/plain.rs", "src/charge/walk.rs"];

/// What the files of a part share may stand in the file above them, so a use of that is none here.
#[test]
fn no_files_import_each_other_but_one_pair() {
    let sources = Sources::read();
    let mut uses: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for (path, module) in &sources.0 {
        let beside = sources.used(path).into_iter().filter(|used| !path.starts_with(used));
        let files = beside.map(|used| &*sources.0[&used].file);
        uses.entry(&module.file).or_default().extend(files.filter(|file| *file != module.file));
    }
    assert_eq!(circles(&uses), BTreeSet::from([BTreeSet::from(PAIR.map(Path::new))]));
}

/// The sets of files that lead to each other.
fn circles<'a>(uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeSet<BTreeSet<&'a Path>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = uses.keys().map(|file| (*file, reached(file, uses))).collect();
    let found = uses.keys().map(|file| reached[file].iter().filter(|other| reached[*other].contains(file)).copied());
    let found = found.map(BTreeSet::from_iter).filter(|circle: &BTreeSet<&Path>| circle.len() > 1);
    found.collect()
}

fn reached<'a>(from: &Path, uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&'a Path> = uses[from].iter().copied().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(&uses[file]);
        }
    }
    reached
}

/// Functions that have to do with bytes and sort, and what they sort by: numbers, or copies. To sort by bytes of a mapped file is
/// what `steady` is for: somebody may write to the file meanwhile, and the standard sorts may panic at what has no order.
const SORTING: [(&str, &str); 6] = [
    ("src/edit/splices.rs", "closed"),
    ("src/findings/objects.rs", "ranges"),
    ("src/findings/repeats.rs", "repeated"),
    ("src/input/archive/entries.rs", "into_models"),
    ("src/slim/proof/program/body.rs", "frame"),
    ("src/steady.rs", "sort_by_bytes"),
];

#[test]
fn nothing_sorts_by_slices_of_a_mapped_file() {
    let mut found = BTreeSet::new();
    for module in Sources::read().0.values() {
        let mut functions = Sorting { file: module.file.to_string_lossy().into_owned(), found: BTreeSet::new() };
        module.items.iter().for_each(|item| functions.visit_item(item));
        found.extend(functions.found);
    }
    let known: BTreeSet<(String, String)> =
        SORTING.iter().map(|(file, name)| (file.to_string(), name.to_string())).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "sort by copies or with `steady::sort_by_bytes`, or say here what they sort by: {new:?}");
}

/// Finds functions that sort and name a slice of bytes.
struct Sorting {
    file: String,
    found: BTreeSet<(String, String)>,
}

impl Sorting {
    fn look(&mut self, name: &syn::Ident, function: &impl ToTokens) {
        let tokens = function.to_token_stream().to_string();
        if tokens.contains(". sort") && tokens.contains("[u8]") {
            self.found.insert((self.file.clone(), name.to_string()));
        }
    }
}

impl<'ast> Visit<'ast> for Sorting {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.look(&function.sig.ident, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.look(&function.sig.ident, function);
    }
}

/// Files outside of the report that use serde, and for what.
const SERDE: [(&str, &str); 2] =
    [("src/charge/side_files.rs", "the JSON that Keras writes"), ("src/gate/config.rs", "the configuration")];

#[test]
fn serde_is_for_the_report_and_the_configuration() {
    let sources = Sources::read();
    let writes = |path: &[String]| {
        let module = &sources.0[path];
        let derives =
            module.items.iter().flat_map(attributes).any(|it| it.to_token_stream().to_string().contains("Serialize"));
        let imports = sources.imports(path).iter().filter_map(|import| import.path.first());
        derives || imports.into_iter().any(|first| ["serde", "schemars"].contains(&&**first))
    };
    let found = sources.0.iter().filter(|(path, _)| part(path) != Some("report") && writes(path));
    let found: BTreeSet<&Path> = found.map(|(_, module)| &*module.file).collect();
    assert_eq!(found, BTreeSet::from(SERDE.map(|(file, _)| Path::new(file))));
}

/// The words of the JSON Schema are those of the documentation.
#[test]
fn mirrors_of_types_say_of_them_what_the_types_say() {
    let sources = Sources::read();
    let mut mirrors = 0;
    for (path, module) in &sources.0 {
        for mirror in &module.items {
            let name = name_of(mirror).unwrap_or_default();
            let Some(of) =
                name.strip_suffix("Def").filter(|_| path.starts_with(&["report", "written"].map(String::from)))
            else {
                continue;
            };
            let (defined, name) = sources.resolve(path, &[of.to_owned()]).expect("a mirror has a type");
            let original = sources.0[&defined].items.iter().find(|item| name_of(item).as_ref() == Some(&name));
            assert_eq!(words(mirror), words(original.expect("it is defined there")), "{name}");
            mirrors += 1;
        }
    }
    assert!(mirrors > 20, "{mirrors}");
}

/// What is said of a type, of its fields and of its variants.
fn words(item: &syn::Item) -> Vec<(String, String)> {
    let said = |attributes: &[syn::Attribute]| {
        let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
        lines.map(|line| line.to_token_stream().to_string()).collect::<String>()
    };
    let parts: Vec<(String, String)> = match item {
        syn::Item::Struct(item) => {
            let fields = item.fields.iter();
            fields.map(|field| (field.ident.to_token_stream().to_string(), said(&field.attrs))).collect()
        }
        syn::Item::Enum(item) => {
            item.variants.iter().map(|variant| (variant.ident.to_string(), said(&variant.attrs))).collect()
        }
        _ => Vec::new(),
    };
    [(String::new(), said(attributes(item)))].into_iter().chain(parts).collect()
}

#[test]
fn generated_code_unsafe_code_clap_and_waiting_stay_in_their_places() {
    let places: [(&str, &[&str]); 7] = [
        ("tokio::", &["src/input/remote"]),
        ("object_store::", &["src/input/remote"]),
        ("async ", &["src/input/remote"]),
        (".await", &["src/input/remote"]),
        ("include!(", &["src/proto", "src/message/number"]),
        ("unsafe {", &["src/input/map"]),
        ("use clap", &["src/bin/smaudit/cli"]),
    ];
    for entry in WalkDir::new("src").sort_by_file_name() {
        let path = entry.expect("src can be walked").into_path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (what, places) in places {
            let is_there = places.iter().any(|place| path.with_extension("").starts_with(place));
            assert!(!text.contains(what) || is_there, "{what} is in {}", path.display());
        }
    }
}

#[test]
fn no_field_number_is_written_by_hand() {
    // A field is known by its number where it is compared with one, or looked for.
    let compared = ["is_len(", ".number == ", ".number != "];
    let begins_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    for entry in WalkDir::new("src").sort_by_file_name() {
        let path = entry.expect("src can be walked").into_path();
        let is_exempt = ["src/message", "src/wire"].iter().any(|place| path.starts_with(place));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if is_exempt || path.ends_with("tests.rs") || path.ends_with("wire.rs") {
            continue;
        }
        let by_hand = |line: &&str| compared.iter().any(|what| line.split(what).skip(1).any(begins_with_digit));
        let found: Vec<&str> = text.lines().filter(by_hand).collect();
        assert!(found.is_empty(), "{} has numbers that message::number has names for: {found:#?}", path.display());
    }
}

/// What an op computes is known where it is computed, and nowhere else what an op is called.
#[test]
fn ops_are_named_in_the_one_vocabulary() {
    let of_no_effect = std::fs::read_to_string("src/message/stateless_ops.txt").expect("the list is there");
    let with_effects =
        ["VarHandleOp", "ReadVariableOp", "ResourceGather", "AssignVariableOp", "HashTableV2", "RestoreV2"];
    let ops: BTreeSet<&str> = of_no_effect.lines().chain(with_effects).collect();
    for entry in WalkDir::new("src").sort_by_file_name() {
        let path = entry.expect("src can be walked").into_path();
        let is_exempt = ["src/message/ops.rs", "src/findings/bounds.rs"].iter().any(|place| path == Path::new(place));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if is_exempt || path.ends_with("tests.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let literals = code.split("b\"").skip(1).filter_map(|rest| rest.split('"').next());
        let found: Vec<&str> = literals.filter(|literal| ops.contains(literal)).collect();
        assert!(found.is_empty(), "{} names ops that message::ops should: {found:#?}", path.display());
    }
}

#[test]
fn the_documentation_draws_the_same_layers() {
    let drawn = LAYERS.map(|parts| parts.join("  ")).join("\n");
    let text = std::fs::read_to_string("docs/architecture.md").expect("the document is there");
    assert!(text.contains(&format!("```text\n{drawn}\n```")), "docs/architecture.md should draw\n{drawn}");
}
