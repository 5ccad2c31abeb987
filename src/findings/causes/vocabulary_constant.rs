//! `vocabulary-constant`: a table's keys and values as constants of the graph.
//!
//! `KeyValueTensorInitializer` takes them as tensors; `TextFileInitializer` reads them from an asset, and where values
//! are the numbers of the lines the file does not hold them at all.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use memchr::memmem;

use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, Form};
use crate::findings::elements::{counts_up, text_bytes};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::kind::ModelKind::{Keras3, TfKeras};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::message::number::tensor_proto::STRING_VAL;
use crate::message::ops;
use crate::size::{bytes, exact, plural};
use crate::wire::fields;

pub(super) const CAUSE: Cause = Cause {
    id: "vocabulary-constant",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/vocabulary-constant.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

const UNLESS: &str = "the table is small and one more file to keep with the model costs more than it saves.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(
        &[TfKeras, Keras3],
        "Write the vocabulary to a text file and give the layer its path, in the place of a list.",
        r#"pathlib.Path("vocabulary.txt").write_text("\n".join(words) + "\n")
layer = keras.layers.StringLookup(vocabulary="vocabulary.txt")"#,
        UNLESS,
    ),
    Remedy::any(
        "Write the vocabulary to a text file and make the table with `tf.lookup.TextFileInitializer`, which reads it \
         from an asset.",
        r#"of_line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
initializer = tf.lookup.TextFileInitializer("vocabulary.txt", tf.string, of_line, tf.int64, number)
table = tf.lookup.StaticHashTable(initializer, default_value=-1)"#,
        UNLESS,
    ),
];

/// Which inputs of these are the keys, and which the values.
const KEYS: usize = 1;
const VALUES: usize = 2;

/// Line feed and tab: what a line ends with, and what is between its columns.
const SEPARATOR: u64 = 1;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let constants = &context.large().constants;
    let (mut parts, mut evidence, mut moved) = (Vec::new(), Evidence::default(), BTreeSet::new());
    let (mut claims, mut file_bytes, mut files) = (Claims::default(), 0_u64, BTreeSet::new());
    for (keys, values) in tables(context) {
        let Some((keys_of, values_of)) = constants.get(keys).zip(constants.get(values)) else { continue };
        let Some(mut file) = file(context, keys_of, values_of) else { continue };
        // Tables of one vocabulary, as one that looks it up the other way round, read one file.
        if !files.insert(words(context, keys_of, values_of)) {
            file = 0;
        }
        let both = [(values, values_of), (keys, keys_of)];
        let new = both.into_iter().filter(|(position, _)| !moved.contains(position));
        let nodes: Vec<Range<usize>> = new.map(|(_, constant)| constant.node.range()).collect();
        let cost = nodes.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        let saved = cost.saturating_sub(file);
        if saved == 0 {
            continue;
        }
        evidence.add(saved, || {
            let [keys_name, values_name] = [keys_of, values_of].map(|of| quoted(of.node.name()));
            let (count, file) = (exact(keys_of.elements().unwrap_or_default()), bytes(file));
            let what = format!("{keys_name} and {values_name}, {count} keys and values that are a file of {file}");
            (what, Place::of_node(context, keys_of.scope, &keys_of.node))
        });
        parts.extend(context.up_to(nodes, saved));
        claims.add_all(&again_in_metadata(context, keys_of, &mut evidence));
        file_bytes = file_bytes.saturating_add(file);
        moved.extend([keys, values]);
    }
    context.claim(&mut claims, parts);
    let (tables, size) = (plural(evidence.count(), "table is", "tables are"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{tables} filled from constants: {size} more than as text files of {}.", bytes(file_bytes)),
        evidence,
        claims,
        beyond: 0,
    })
}

/// The constants that tables are filled from, keys and values, each pair once. Constants that anything else takes as well
/// would stay.
fn tables(context: &Context<'_>) -> BTreeSet<(usize, usize)> {
    let uses = context.uses();
    let mut keys: Vec<(usize, usize)> = Vec::new();
    let mut values: Vec<(usize, usize)> = Vec::new();
    for position in 0..context.large().constants.len() {
        if uses.end_in(position, &ops::TABLE_FILLS) {
            let at = |input| {
                let ends = uses.ends(position).filter(move |end| end.input == Some(input));
                ends.map(move |end| (end.node.range().start, position))
            };
            keys.extend(at(KEYS));
            values.extend(at(VALUES));
        }
    }
    // A function that fills a table may be called with several pairs: they come in the same order.
    keys.sort_unstable();
    values.sort_unstable();
    pairs(&keys, &values)
}

/// Keys and values of the same node, in their order.
fn pairs(keys: &[(usize, usize)], values: &[(usize, usize)]) -> BTreeSet<(usize, usize)> {
    let (mut keys, mut values) = (keys.iter().peekable(), values.iter().peekable());
    let mut pairs = BTreeSet::new();
    while let (Some((key_node, key)), Some((value_node, value))) = (keys.peek(), values.peek()) {
        if key_node == value_node {
            pairs.insert((*key, *value));
        }
        if key_node <= value_node {
            keys.next();
        }
        if value_node <= key_node {
            values.next();
        }
    }
    pairs
}

/// Claims the keys of a table where Keras has them once more, in the configuration of a layer: from a file it has the path
/// alone.
fn again_in_metadata(context: &Context<'_>, keys: &Constant<'_>, evidence: &mut Evidence) -> Claims {
    let mut claims = Claims::default();
    let Some((name, metadata)) = context.keras_metadata() else { return claims };
    let Some(list) = json_list(context.main(), keys) else { return claims };
    let lists: Vec<Range<u64>> =
        memmem::find_iter(metadata, &list).map(|at| at as u64..(at + list.len()) as u64).collect();
    let cost = (list.len() as u64).saturating_mul(lists.len() as u64);
    if cost > 0 {
        evidence.add(cost, || {
            let (times, keys) = (plural(lists.len() as u64, "time", "times"), quoted(keys.node.name()));
            (format!("{keys} {times} in {}", quoted(name)), Place::of_file(name))
        });
    }
    claims.add_ranges(name, lists);
    claims
}

/// The strings of a constant as Python's `json.dumps` writes the items of a list; `None` for other constants.
fn json_list(file: &[u8], keys: &Constant<'_>) -> Option<Vec<u8>> {
    let strings = fields(file, keys.payload.clone()).filter(|field| field.is_len(STRING_VAL));
    let strings = (keys.form == Form::Strings).then_some(strings)?;
    let mut list = String::new();
    for (number, string) in strings.enumerate() {
        list += if number > 0 { ", \"" } else { "\"" };
        for character in str::from_utf8(string.bytes(file)).ok()?.chars() {
            escape(character, &mut list);
        }
        list.push('"');
    }
    Some(list.into_bytes())
}

/// A character in a JSON string that Python wrote, all of ASCII (`ensure_ascii`).
fn escape(character: char, list: &mut String) {
    match character {
        '"' => *list += "\\\"",
        '\\' => *list += "\\\\",
        '\n' => *list += "\\n",
        '\r' => *list += "\\r",
        '\t' => *list += "\\t",
        '\u{8}' => *list += "\\b",
        '\u{c}' => *list += "\\f",
        ' '..='~' => list.push(character),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(list, "\\u{unit:04x}");
            }
        }
    }
}

/// What the lines of that file say: the elements of the constants that are not the lines' numbers.
fn words<'a>(context: &Context<'a>, keys: &Constant<'_>, values: &Constant<'_>) -> [&'a [u8]; 2] {
    let file = context.main();
    let of = |constant: &Constant<'_>, other: &Constant<'_>| {
        let is_number = counts_up(file, constant) && !counts_up(file, other);
        if is_number { &[] } else { file.get(constant.payload.clone()).unwrap_or_default() }
    };
    let (keys, values) = (of(keys, values), of(values, keys));
    if keys.is_empty() { [values, keys] } else { [keys, values] }
}

/// How large the text file is that says the same; `None` where no text file can.
fn file(context: &Context<'_>, keys: &Constant<'_>, values: &Constant<'_>) -> Option<u64> {
    let lines = keys.elements()?;
    let text = |constant: &Constant<'_>| text_bytes(context.main(), constant);
    let ends = lines.checked_mul(SEPARATOR)?;
    if counts_up(context.main(), values) {
        // TextFileIndex.LINE_NUMBER
        text(keys)?.checked_add(ends)
    } else if counts_up(context.main(), keys) {
        text(values)?.checked_add(ends)
    } else {
        text(keys)?.checked_add(text(values)?)?.checked_add(ends.checked_mul(2)?)
    }
}
