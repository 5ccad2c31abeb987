//! Models in text (`saved_model.pbtxt`): the same answers as for the binary form, in bytes of the text, whatever the
//! text's layout is and whatever has happened to it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fmt::Write as _;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use smaudit::Dimension;
use smaudit::input::Model;
use smaudit::internals::text;
use smaudit::progress::Silent;
use smaudit::report::ModelReport;
use smaudit::{Options, audit};
use support::wire::{Message, message, varint};

/// Audits a model of one main file; contents of 8 bytes and more are compared.
fn audited(file: &str, contents: impl AsRef<[u8]>, by: &[Dimension]) -> ModelReport {
    let main = (file.to_owned(), Bytes::copy_from_slice(contents.as_ref()));
    let options = Options { by: by.to_vec(), min_duplicate: 8, ..Options::default() };
    audit(&Model::in_memory("model", [main]), &options, &Silent).expect("the books balance")
}

// --- one model in both forms ---

const TEXT: &str = r#"# A model as people write it.
saved_model_schema_version: 1
meta_graphs {
  meta_info_def { tags: "serve" }
  graph_def {
    node {
      name: "a"
      op: "Const"
      attr { key: "value" value { tensor { dtype: DT_INT32 int_val: [1, 2, 3, 4, 5, 6, 7, 8] } } }
    }
    node {
      name: "b"
      op: "Const"
      attr { key: "value" value { tensor { tensor_content: "\001\x02\3" '\004\005\006\a\b' } } }
    }
    node { name: "c" op: "Call" input: "a" }
    library { function { signature { name: "f" } node_def { op: "Add" } node_def { op: "Mul" } } }
  }
  signature_def {
    key: "serving_default"
    value {
      inputs { key: "x" value { name: "a:0" dtype: DT_INT32 tensor_shape { dim { size: -1 } dim { size: 3 } } } }
      outputs { key: "y" value { name: "c:0" dtype: DT_FLOAT } }
    }
  }
}
"#;

fn binary() -> Message {
    let constant = |name: &str, tensor: &Message| {
        message().bytes(1, name).bytes(2, "Const").entry(5, "value", &message().message(8, tensor))
    };
    let numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    let function = message().message(1, &message().bytes(1, "f"));
    let function = function.message(3, &message().bytes(2, "Add")).message(3, &message().bytes(2, "Mul"));
    let graph = message()
        .message(1, &constant("a", &message().int(1, 3).bytes(7, numbers)))
        .message(1, &constant("b", &message().bytes(4, numbers)))
        .message(1, &message().bytes(1, "c").bytes(2, "Call").bytes(3, "a"))
        .message(2, &message().message(1, &function));
    let shape = message().message(2, &message().int(1, u64::MAX)).message(2, &message().int(1, 3));
    let signature = message().entry(1, "x", &message().bytes(1, "a:0").int(2, 3).message(3, &shape)).entry(
        2,
        "y",
        &message().bytes(1, "c:0").int(2, 1),
    );
    let meta_graph = message().message(1, &message().bytes(4, "serve")).message(2, &graph);
    message().int(1, 1).message(2, &meta_graph.entry(5, "serving_default", &signature))
}

/// The part of the text from the start of the line with `from` to the end of the line with `to`.
fn lines(from: &str, to: &str) -> u64 {
    let line = |what| TEXT.lines().position(|line| line.contains(what)).expect("the line is there");
    let lines = TEXT.lines().skip(line(from)).take(line(to) + 1 - line(from));
    lines.map(|line| line.len() as u64 + 1).sum()
}

#[test]
fn a_text_means_what_the_binary_model_means() {
    let (text, binary) = (audited("saved_model.pbtxt", TEXT, &[]), audited("saved_model.pb", binary().0, &[]));
    assert_eq!(text.problems, []);
    let [text, binary] = [text, binary].map(|report| report.meta_graphs.into_iter().next().expect("a metagraph"));
    assert_eq!(text.tags, binary.tags);
    let counts = |graph: &smaudit::report::MetaGraphReport| (graph.nodes, graph.functions, graph.function_nodes);
    assert_eq!(counts(&text), (3, 1, 2));
    assert_eq!(counts(&text), counts(&binary));
    let ops = |graph: &smaudit::report::MetaGraphReport| -> Vec<(String, u64)> {
        graph.ops.iter().map(|op| (op.op.clone(), op.count)).collect()
    };
    assert_eq!(ops(&text), ops(&binary));
    assert_eq!(text.signatures.len(), 1);
    assert_eq!(text.signatures[0].inputs, binary.signatures[0].inputs);
    assert_eq!(text.signatures[0].outputs, binary.signatures[0].outputs);
}

#[test]
fn every_figure_is_one_of_bytes_of_the_text() {
    let report = audited("saved_model.pbtxt", TEXT, &[Dimension::Section, Dimension::Field]);
    assert_eq!(report.total_bytes, TEXT.len() as u64);
    let graph = &report.meta_graphs[0];
    assert_eq!(graph.bytes, lines("meta_info_def", "outputs") + "    }\n  }\n".len() as u64);
    assert_eq!(graph.sections["graph_def"], lines("graph_def", "library") + "  }\n".len() as u64);
    let ops: Vec<(&str, u64)> = graph.ops.iter().map(|op| (&*op.op, op.bytes)).collect();
    let node_c = lines("name: \"c\"", "name: \"c\"");
    let nodes = lines("graph_def", "name: \"c\"") - "  graph_def {\n".len() as u64;
    assert_eq!(ops, [("Const", nodes - node_c), ("Call", node_c)]);
    let signature = &graph.signatures[0];
    assert_eq!(signature.bytes, graph.sections["signature_def"]);
    let library = lines("library", "library") - "    library { ".len() as u64 - "}\n".len() as u64;
    assert_eq!(graph.function_defs[0].bytes, library);
    // From the output the signature reaches the node c and, by it, a.
    let node_a = lines("name: \"a\"", "int_val") + "    node {\n    }\n".len() as u64;
    assert_eq!(signature.reachable_bytes, Some(node_a + node_c));
}

#[test]
fn contents_are_compared_as_they_mean_and_counted_as_they_are_written() {
    let report = audited("saved_model.pbtxt", TEXT, &[Dimension::Duplicate]);
    let [group] = &*report.duplicates.groups else { panic!("{:?}", report.duplicates.groups) };
    let members: Vec<(&str, u64, bool)> =
        group.members.iter().map(|member| (&*member.name, member.bytes, member.kept)).collect();
    let (list, content) = ("[1, 2, 3, 4, 5, 6, 7, 8]", r#""\001\x02\3" '\004\005\006\a\b'"#);
    assert_eq!(members, [("a", list.len() as u64, true), ("b", content.len() as u64, false)]);
    assert_eq!(report.duplicates.redundant_bytes, content.len() as u64);
    let redundant = report.breakdown.rows.iter().find(|row| *row.name == *"redundant").expect("a row");
    assert_eq!(redundant.bytes, content.len() as u64);
}

#[test]
fn a_metagraph_repeats_another_that_is_laid_out_in_another_way() {
    let node = "node { name: 'a' op: \"Add\" attr { key: 'N' value { i: 0x10 } } }";
    let other = "node<\n  name: \"\\141\"\n  op: 'A' 'dd'; attr: { key: \"N\", value: { i: 16 } }\n> # the same\n";
    let text = format!("meta_graphs {{ graph_def {{ {node} }} }} meta_graphs {{ graph_def {{\n{other}}} }}");
    let report = audited("saved_model.pbtxt", &text, &[]);
    assert_eq!(report.problems, []);
    let [pair] = &*report.duplicates.meta_graph_pairs else { panic!("{:?}", report.duplicates) };
    assert_eq!((pair.original, pair.copy, pair.bytes), (0, 1, other.len() as u64));
    assert_eq!(report.duplicates.redundant_bytes, other.len() as u64);
}

#[test]
fn damage_costs_the_field_that_it_is_in_and_is_charged_as_damaged() {
    let text = TEXT.replace("op: \"Call\"", "op: Call");
    let report = audited("saved_model.pbtxt", &text, &[Dimension::Field]);
    let [problem] = &*report.problems else { panic!("{:?}", report.problems) };
    assert_eq!(problem.offset, Some(text.find("Call input").expect("the damage") as u64));
    assert_eq!(problem.message, "expected a string, found Call");
    assert_eq!(report.meta_graphs[0].nodes, 3);
    assert_eq!(report.meta_graphs[0].signatures.len(), 1);
    let damaged = report.breakdown.rows.iter().find(|row| *row.name == *"(damaged)").expect("a row");
    assert_eq!(damaged.bytes, "op: Call ".len() as u64);
    assert_eq!(report.breakdown.total(), text.len() as u64);
}

// --- whatever the text is ---

/// A part of a message as text and as wire format.
#[derive(Debug, Clone, Default)]
struct Both {
    text: String,
    wire: Message,
}

impl Both {
    fn and(mut self, other: Self) -> Self {
        self.text.push_str(&other.text);
        self.wire = self.wire.raw(&other.wire.0);
        self
    }
}

fn all(parts: Vec<Both>) -> Both {
    parts.into_iter().fold(Both::default(), Both::and)
}

/// A field that holds a message, in a style of layout.
fn holds(name: &str, number: u32, inner: &Both, style: u8) -> Both {
    let text = &inner.text;
    let text = match style % 4 {
        0 => format!("{name} {{\n{text}}}\n"),
        1 => format!("# {{ [ \" '\n{name}: <{text}>, "),
        2 => format!("\t{name}:{{{text}}};# }}\r\n"),
        _ => format!("{number}{{{text}}}"),
    };
    Both { text, wire: message().message(number, &inner.wire) }
}

fn entry(name: &str, number: u32, key: &str, value: &Both, style: u8) -> Both {
    let key = string("key", 1, key.as_bytes(), style);
    holds(name, number, &key.and(holds("value", 2, value, style / 3)), style)
}

fn string(name: &str, number: u32, value: &[u8], style: u8) -> Both {
    let mut escaped = String::new();
    for (index, byte) in value.iter().enumerate() {
        match (style % 3, byte) {
            (0, b'a'..=b'z') => escaped.push(char::from(*byte)),
            (0, b'\n') => escaped.push_str("\\n"),
            (1, _) if index % 3 == 2 => write!(escaped, "\\x{byte:02X}\" # next\n \"").unwrap(),
            _ => write!(escaped, "\\{byte:03o}").unwrap(),
        }
    }
    Both { text: format!("{name}: \"{escaped}\"\n"), wire: message().bytes(number, value) }
}

fn integer(name: &str, number: u32, value: i64, style: u8) -> Both {
    let (sign, magnitude) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let text = match style % 3 {
        0 => format!("{name}:{sign}{magnitude} "),
        1 => format!("{name}: {sign} {magnitude:#x}\n"),
        _ => format!("{name}: {sign}0{magnitude:o};"),
    };
    Both { text, wire: message().int(number, value.cast_unsigned()) }
}

/// A packed field, its numbers in one list or one by one.
fn packed(name: &str, number: u32, values: &[(String, Vec<u8>)], style: u8) -> Both {
    let texts: Vec<&str> = values.iter().map(|(text, _)| &**text).collect();
    let text = match (style % 2, values) {
        (0, _) | (_, []) => format!("{name}: [{}]\n", texts.join(", ")),
        _ => texts.iter().fold(String::new(), |text, value| text + name + ": " + value + "\n"),
    };
    let content: Vec<u8> = values.iter().flat_map(|(_, bytes)| bytes).copied().collect();
    let wire = if values.is_empty() { message() } else { message().bytes(number, content) };
    Both { text, wire }
}

fn any_tensor() -> impl Strategy<Value = Both> {
    let floats = vec(any::<f32>().prop_filter("no NaN has one form only", |float| !float.is_nan()), 0..4);
    let float = |float: &f32| (format!("{float:?}"), float.to_le_bytes().to_vec());
    let int = |int: &i32| (int.to_string(), varint(i64::from(*int).cast_unsigned()));
    let sizes = vec(any::<i64>(), 0..3);
    let contents = (option::of(vec(any::<u8>(), 0..200)), vec(vec(any::<u8>(), 0..20), 0..3));
    (sizes, floats, vec(any::<i32>(), 0..4), contents, any::<u8>()).prop_map(
        move |(sizes, floats, ints, (content, strings), style)| {
            let dim = |size: &i64| holds("dim", 2, &integer("size", 1, *size, style), style);
            let shape = all(sizes.iter().map(dim).collect());
            let mut parts = vec![Both { text: "dtype: DT_INT32 ".to_owned(), wire: message().int(1, 3) }];
            parts.push(holds("tensor_shape", 2, &shape, style / 2));
            parts.extend(content.map(|content| string("tensor_content", 4, &content, style)));
            parts.push(packed("float_val", 5, &floats.iter().map(float).collect::<Vec<_>>(), style));
            parts.push(packed("int_val", 7, &ints.iter().map(int).collect::<Vec<_>>(), style / 2));
            parts.extend(strings.iter().map(|value| string("string_val", 8, value, style)));
            all(parts)
        },
    )
}

fn any_node() -> impl Strategy<Value = Both> {
    let value = prop_oneof![
        any_tensor().prop_map(|tensor| holds("tensor", 8, &tensor, 1)),
        (any::<i64>(), any::<u8>()).prop_map(|(value, style)| integer("i", 3, value, style)),
        (vec(any::<u8>(), 0..20), any::<u8>()).prop_map(|(value, style)| string("s", 2, &value, style)),
    ];
    ("[a-z]{0,3}", "[A-C]", vec(("[k-m]", value), 0..3), any::<u8>()).prop_map(|(name, op, attributes, style)| {
        let named = string("name", 1, name.as_bytes(), style).and(string("op", 2, op.as_bytes(), style));
        let attributes = attributes.iter().map(|(key, value)| entry("attr", 5, key, value, style));
        named.and(all(attributes.collect()))
    })
}

fn any_model() -> impl Strategy<Value = Both> {
    let graph = (vec(any_node(), 0..4), vec(any_node(), 0..3), vec("[st]", 0..2), any::<u8>());
    vec(graph, 0..3).prop_map(|graphs| {
        let graph = |(nodes, body, signatures, style): &(Vec<Both>, Vec<Both>, Vec<String>, u8)| {
            let nodes = all(nodes.iter().map(|node| holds("node", 1, node, *style)).collect());
            let body = all(body.iter().map(|node| holds("node_def", 3, node, *style)).collect());
            let library = holds("library", 2, &holds("function", 1, &body, *style), *style);
            let info = string("method_name", 3, b"predict", *style);
            let signatures = signatures.iter().map(|key| entry("signature_def", 5, key, &info, *style));
            let graph = holds("graph_def", 2, &nodes.and(library), *style).and(all(signatures.collect()));
            holds("meta_graphs", 2, &graph, *style)
        };
        all(graphs.iter().map(graph).collect())
    })
}

/// What texts are made of, in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = [
        "meta_graphs",
        "graph_def",
        "node",
        "attr",
        "value",
        "tensor",
        "int_val",
        "string_val",
        "name",
        "op",
        "key",
        "signature_def",
        "dim",
        "size",
        "unknown",
        "{",
        "}",
        "<",
        ">",
        "[",
        "]",
        ":",
        ",",
        ";",
        "-",
        "1",
        "0x",
        "1.5e",
        "'a'",
        "\"b\"",
        "'",
        "\"\\",
        "#",
        "\n",
        "@",
        "DT_FLOAT",
        "\u{e4}",
        "[a.b/c]",
    ];
    vec((prop::sample::select(words.to_vec()), prop::sample::select(vec!["", " ", "\n"])), 0..80)
        .prop_map(|words| words.into_iter().flat_map(|(word, space)| [word, space]).collect())
}

fn assert_balanced(text: &[u8]) {
    let report = audited("saved_model.pbtxt", text, &Dimension::ALL);
    assert_eq!(report.total_bytes, text.len() as u64);
    assert_eq!(report.breakdown.total(), report.total_bytes);
    for graph in &report.meta_graphs {
        assert_eq!(graph.sections.values().sum::<u64>(), graph.bytes, "sections of metagraph {}", graph.index);
        assert_eq!(graph.ops.iter().map(|op| op.count).sum::<u64>(), graph.nodes, "nodes of metagraph {}", graph.index);
    }
    let redundant: u64 = report.duplicates.groups.iter().map(|group| group.redundant_bytes).sum();
    assert_eq!(redundant, report.duplicates.redundant_bytes);
    assert!(redundant <= report.total_bytes);
    let by_state = audited("saved_model.pbtxt", text, &[Dimension::Duplicate]);
    let marked = by_state.breakdown.rows.iter().find(|row| *row.name == *"redundant").map_or(0, |row| row.bytes);
    assert_eq!(marked, redundant);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wire_format_of_a_text_is_the_message_that_it_was_written_from(both in any_model()) {
        let read = text::read(both.text.as_bytes());
        prop_assert_eq!(read.faults, []);
        prop_assert_eq!(Message(read.wire.to_vec()), both.wire);
    }

    #[test]
    fn a_model_says_the_same_in_both_forms(both in any_model()) {
        let said = |report: ModelReport| -> Vec<_> {
            let graphs = report.meta_graphs.into_iter().map(|graph| {
                let signatures: Vec<_> = graph.signatures.into_iter().map(|s| (s.name, s.method_name)).collect();
                (graph.nodes, graph.functions, graph.function_nodes, signatures)
            });
            let pairs: Vec<_> = report.duplicates.meta_graph_pairs.into_iter().map(|pair| (pair.original, pair.copy)).collect();
            graphs.map(|graph| (graph, pairs.clone())).collect()
        };
        let (text, binary) = (audited("saved_model.pbtxt", &both.text, &[]), audited("saved_model.pb", &both.wire.0, &[]));
        prop_assert_eq!(said(text), said(binary));
    }

    #[test]
    fn the_books_of_a_sound_text_balance(both in any_model()) {
        assert_balanced(both.text.as_bytes());
    }

    #[test]
    fn the_books_of_a_damaged_text_balance(
        both in any_model(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
    ) {
        let mut bytes = both.text.into_bytes();
        for (at, byte) in damage.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        assert_balanced(&bytes);
        assert_balanced(&bytes[..cut.index(bytes.len() + 1)]);
    }

    #[test]
    fn the_books_of_what_is_hardly_a_text_balance(soup in soup(), bytes in vec(any::<u8>(), 0..64)) {
        assert_balanced(soup.as_bytes());
        assert_balanced(&bytes);
    }
}
