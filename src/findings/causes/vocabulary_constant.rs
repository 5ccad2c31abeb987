//! `vocabulary-constant`: a table's keys and values as constants of the graph.
//!
//! `KeyValueTensorInitializer` takes them as tensors; `TextFileInitializer` reads them from an asset, and where values
//! are the numbers of the lines the file does not hold them at all. In TensorFlow 1 these numbers are computed
//! (`index_table_from_tensor`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use foldhash::{HashMap, HashSet};
use memchr::memmem;

use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, Form, Scope, Use};
use crate::findings::elements::{counts_up, text_bytes};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::kind::ModelKind::{Keras3, TfKeras};
use crate::findings::nodes::Node;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::message::number::tensor_proto::STRING_VAL;
use crate::message::{input_node, ops};
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

/// Through so many nodes numbers are followed to where they are counted.
const HOPS: usize = 4;

/// Line feed and tab: what a line ends with, and what is between its columns.
const SEPARATOR: u64 = 1;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let constants = &context.large().constants;
    let (mut parts, mut evidence, mut moved) = (Vec::new(), Evidence::default(), BTreeSet::new());
    let (mut claims, mut file_bytes, mut files) = (Claims::default(), 0_u64, BTreeSet::new());
    for table in tables(context) {
        let of = |position: Option<usize>| position.and_then(|position| constants.get(position));
        let (keys_of, values_of) = (of(table.keys), of(table.values));
        let Some(mut file) = file(context, keys_of, values_of) else { continue };
        // Tables of one vocabulary, as one that looks it up the other way round, read one file.
        if !files.insert(words(context, keys_of, values_of)) {
            file = 0;
        }
        let both = [(table.values, values_of), (table.keys, keys_of)];
        let both = both.into_iter().filter_map(|(position, constant)| position.zip(constant));
        let new = both.filter(|(position, _)| !moved.contains(position));
        let nodes: Vec<Range<usize>> = new.map(|(_, constant)| constant.node.range()).collect();
        let cost = nodes.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        let saved = cost.saturating_sub(file);
        let Some(first) = keys_of.or(values_of).filter(|_| saved > 0) else { continue };
        evidence.add(saved, || {
            let names: Vec<String> =
                [keys_of, values_of].into_iter().flatten().map(|of| quoted(of.node.name())).collect();
            let (count, file) = (exact(first.elements().unwrap_or_default()), bytes(file));
            let what = format!("{}, {count} keys and values that are a file of {file}", names.join(" and "));
            (what, Place::of_node(context, first.scope, &first.node))
        });
        parts.extend(context.up_to(nodes, saved));
        if let Some(keys) = keys_of {
            claims.add_all(&again_in_metadata(context, keys, &mut evidence));
        }
        file_bytes = file_bytes.saturating_add(file);
        moved.extend(table.keys.into_iter().chain(table.values));
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

/// The constants that a table is filled from, by their positions. Of keys and values one may be numbers that are computed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Table {
    keys: Option<usize>,
    values: Option<usize>,
}

/// A constant that fills a table, and the node that it ends up at.
#[derive(Clone, Copy)]
struct Filling<'a> {
    at: Use<'a>,
    constant: usize,
}

impl Filling<'_> {
    fn start(&self) -> usize {
        self.at.node.range().start
    }
}

/// The tables that are filled from constants, each once. Constants that anything else takes as well would stay.
fn tables(context: &Context<'_>) -> BTreeSet<Table> {
    let uses = context.uses();
    let (mut keys, mut values): (Vec<Filling<'_>>, Vec<Filling<'_>>) = (Vec::new(), Vec::new());
    for constant in 0..context.large().constants.len() {
        if uses.end_in(constant, &ops::TABLE_FILLS) {
            let at = |input| {
                let ends = uses.ends(constant).filter(move |end| end.input == Some(input));
                ends.map(move |end| Filling { at: *end, constant })
            };
            keys.extend(at(KEYS));
            values.extend(at(VALUES));
        }
    }
    // A function that fills a table may be called with several pairs: they come in the same order.
    keys.sort_by_key(|filling| (filling.start(), filling.constant));
    values.sort_by_key(|filling| (filling.start(), filling.constant));
    let starts = |fillings: &[Filling<'_>]| fillings.iter().map(Filling::start).collect::<HashSet<usize>>();
    let (of_keys, of_values) = (starts(&keys), starts(&values));
    let mut tables = pairs(&keys, &values);
    keys.retain(|filling| !of_values.contains(&filling.start()));
    values.retain(|filling| !of_keys.contains(&filling.start()));
    let numbered = counted(context, &keys, VALUES).into_iter();
    tables.extend(numbered.map(|keys| Table { keys: Some(keys), values: None }));
    let numbered = counted(context, &values, KEYS).into_iter();
    tables.extend(numbered.map(|values| Table { keys: None, values: Some(values) }));
    tables
}

/// Keys and values of the same node, in their order.
fn pairs(keys: &[Filling<'_>], values: &[Filling<'_>]) -> BTreeSet<Table> {
    let (mut keys, mut values) = (keys.iter().peekable(), values.iter().peekable());
    let mut pairs = BTreeSet::new();
    while let (Some(key), Some(value)) = (keys.peek(), values.peek()) {
        let (of_key, of_value) = (key.start(), value.start());
        if of_key == of_value {
            pairs.insert(Table { keys: Some(key.constant), values: Some(value.constant) });
        }
        if of_key <= of_value {
            keys.next();
        }
        if of_value <= of_key {
            values.next();
        }
    }
    pairs
}

/// The constants of these tables whose other input is numbers that are counted in the same body.
fn counted(context: &Context<'_>, fillings: &[Filling<'_>], input: usize) -> Vec<usize> {
    let mut by_scope: HashMap<Scope, Vec<(&[u8], usize)>> = HashMap::default();
    for Filling { at, constant } in fillings {
        let other = at.node.inputs().nth(input).map(|name| (input_node(name), *constant));
        by_scope.entry(at.scope).or_default().extend(other);
    }
    let mut counted = Vec::new();
    for (scope, others) in by_scope {
        let function = scope.function.and_then(|function| context.functions().get(function));
        let nodes: HashMap<&[u8], Node<'_>> = match function {
            Some(function) => function.nodes().map(|node| (node.name(), node)).collect(),
            None => context.nodes(scope.meta_graph).map(|node| (node.name(), node)).collect(),
        };
        let passed = |node: &Node<'_>| node.inputs().next().and_then(|name| nodes.get(input_node(name)));
        let is_counted = |name: &[u8]| {
            let mut through = std::iter::successors(nodes.get(name), |node| {
                passed(node).filter(|_| ops::PASSES.contains(&node.op()))
            });
            through.by_ref().take(HOPS).any(|node| node.op() == ops::RANGE)
        };
        counted.extend(others.into_iter().filter(|(name, _)| is_counted(name)).map(|(_, constant)| constant));
    }
    counted
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
fn words<'a>(context: &Context<'a>, keys: Option<&Constant<'_>>, values: Option<&Constant<'_>>) -> [&'a [u8]; 2] {
    let file = context.main();
    let counts = |constant: Option<&Constant<'_>>| constant.is_none_or(|constant| counts_up(file, constant));
    let of = |constant: Option<&Constant<'_>>, other: Option<&Constant<'_>>| {
        let payload = constant.filter(|_| !counts(constant) || counts(other)).map(|constant| constant.payload.clone());
        payload.and_then(|payload| file.get(payload)).unwrap_or_default()
    };
    let (keys, values) = (of(keys, values), of(values, keys));
    if keys.is_empty() { [values, keys] } else { [keys, values] }
}

/// How large the text file is that says the same; `None` where no text file can.
fn file(context: &Context<'_>, keys: Option<&Constant<'_>>, values: Option<&Constant<'_>>) -> Option<u64> {
    let lines = keys.or(values)?.elements()?;
    let text = |constant: &Constant<'_>| text_bytes(context.main(), constant);
    let counted = |constant: &&Constant<'_>| !counts_up(context.main(), constant);
    let ends = lines.checked_mul(SEPARATOR)?;
    match (keys, values.filter(counted)) {
        // TextFileIndex.LINE_NUMBER
        (Some(keys), None) => text(keys)?.checked_add(ends),
        (keys, Some(values)) => match keys.filter(counted) {
            None => text(values)?.checked_add(ends),
            Some(keys) => text(keys)?.checked_add(text(values)?)?.checked_add(ends.checked_mul(2)?),
        },
        (None, None) => None,
    }
}
