//! Who may use whom, as `docs/architecture.md` draws it: strictly downwards.

#![allow(clippy::expect_used)]

use std::path::Path;

use walkdir::WalkDir;

/// The parts, uppermost first; a part may use those below its own line.
const LAYERS: [&[&str]; 11] = [
    &["audit", "gate"],
    &["report"],
    &["findings"],
    &["duplicates", "graph"],
    &["charge"],
    &["checkpoint", "fingerprint", "verify"],
    &["chunked", "dtype", "text"],
    &["schema"],
    &["ledger", "wire", "proto"],
    &["input"],
    &["cache", "escape", "problem", "progress", "exit", "identity", "queue", "seeded", "size"],
];

fn layer(part: &str) -> Option<usize> {
    LAYERS.iter().position(|parts| parts.contains(&part))
}

/// The part that a file belongs to: `src/charge/graph.rs` is of `charge`.
fn part(path: &Path) -> String {
    let inside = path.strip_prefix("src").expect("the file is below src");
    let first = inside.components().next().expect("the path names a file");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The parts that a file names after `crate::`.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    code.split("crate::").skip(1).map(name).collect()
}

#[test]
fn every_part_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    for entry in WalkDir::new("src").sort_by_file_name() {
        let path = entry.expect("src can be walked").into_path();
        let own = part_of_library(&path);
        let (Some(own), Ok(text)) = (own, std::fs::read_to_string(&path)) else { continue };
        for used in uses(&text) {
            match (layer(&own), layer(&used)) {
                (Some(from), Some(to)) if own == used || from < to => {}
                (Some(_), Some(_)) => wrong.push(format!("{} uses {used}", path.display())),
                (None, _) => wrong.push(format!("{} is in no layer", path.display())),
                (_, None) => wrong.push(format!("{} uses {used}, which is in no layer", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The part of a file of the library; none for one of the binary, and for what only tests need.
fn part_of_library(path: &Path) -> Option<String> {
    let is_code = path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs");
    let part = is_code.then(|| part(path))?;
    (part != "lib" && part != "bin").then_some(part)
}

#[test]
fn generated_code_unsafe_code_and_clap_stay_in_their_places() {
    let places = [("include!(", "src/proto"), ("unsafe {", "src/input/map"), ("use clap", "src/bin/smaudit/cli")];
    for entry in WalkDir::new("src").sort_by_file_name() {
        let path = entry.expect("src can be walked").into_path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (what, place) in places {
            let is_there = path.with_extension("").starts_with(place);
            assert!(!text.contains(what) || is_there, "{what} is in {}", path.display());
        }
    }
}

#[test]
fn the_documentation_draws_the_same_layers() {
    let drawn = LAYERS.map(|parts| parts.join("  ")).join("\n");
    let text = std::fs::read_to_string("docs/architecture.md").expect("the document is there");
    assert!(text.contains(&format!("```text\n{drawn}\n```")), "docs/architecture.md should draw\n{drawn}");
}
