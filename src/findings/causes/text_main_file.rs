//! `text-main-file`: a `saved_model.pbtxt`.
//!
//! Text has each field's name where binary has a byte, each number as digits, each byte of a tensor as up to four
//! characters, and blanks before each line. A loader reads either, the text more slowly.

use crate::charge::Form;
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy};
use crate::message::number::graph_def::LIBRARY;
use crate::message::number::meta_graph_def::GRAPH_DEF;
use crate::message::number::saved_model::META_GRAPHS;
use crate::size::bytes;
use crate::wire::{Field, fields};

pub(super) const CAUSE: Cause = Cause {
    id: "text-main-file",
    remedies: &[Remedy::any(
        "Write the main file in binary: read the text with protobuf, write `saved_model.pb`, and delete the text.",
        "import os; from google.protobuf import text_format; from tensorflow.core.protobuf import saved_model_pb2\n\
         model = text_format.Parse(open(\"saved_model.pbtxt\").read(), saved_model_pb2.SavedModel())\n\
         open(\"saved_model.pb\", \"wb\").write(model.SerializeToString()); os.remove(\"saved_model.pbtxt\")",
        "people read or review the text where it is, as test data of a repository.",
    )],
    long: include_str!("../../../docs/findings/text-main-file.md"),
    detect,
    only_information: None,
    cure: Cure::Text,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let main = context.main_file().filter(|main| main.form == Form::Text)?;
    let (text, binary) = (main.file.bytes, context.main().len() as u64);
    let saved = text.checked_sub(binary).filter(|saved| *saved > 0)?;
    // What the text is longer by lies all over it: of each field its end stands for that, so that what another cause claims
    // of a field is counted once.
    let mut ranges = Vec::new();
    let mut excess = |field: &Field| {
        let range = field.range();
        let longer = context.cost(&range).saturating_sub(range.len() as u64);
        ranges.extend(context.up_to([range], longer));
    };
    let file = context.main();
    for graph in fields(file, 0..file.len()).filter(|field| field.is_len(META_GRAPHS)) {
        for section in fields(file, graph.payload()) {
            if section.is_len(GRAPH_DEF) {
                for part in fields(file, section.payload()) {
                    if part.is_len(LIBRARY) {
                        fields(file, part.payload()).for_each(|f| excess(&f));
                    } else {
                        excess(&part);
                    }
                }
            } else {
                excess(&section);
            }
        }
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, ranges);
    let mut evidence = Evidence::default();
    let what = || (format!("saved_model.pbtxt, {} in binary", bytes(binary)), Place::of_file(&main.file.name));
    evidence.add(saved, what);
    // Names and braces around metagraphs and libraries have no field of their own here.
    let beyond = saved.saturating_sub(claims.bytes());
    Some(Detected {
        message: format!("The main file is text: {} that take {} in binary.", bytes(text), bytes(binary)),
        evidence,
        claims,
        beyond,
    })
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::finding;
    use crate::support::wire::{graph, message, node};

    /// The same model of 60 nodes, in binary and in text.
    fn model() -> (Vec<u8>, String) {
        let name = |at: usize| format!("node_{at}");
        let nodes: Vec<_> = (0..60).map(|at| node(&name(at), "MatMul")).collect();
        let of_text = |at| format!("    node {{\n      name: \"{}\"\n      op: \"MatMul\"\n    }}\n", name(at));
        let text: String = (0..60).map(of_text).collect();
        let binary = message().message(2, &message().message(2, &graph(&nodes)));
        (binary.0, format!("meta_graphs {{\n  graph_def {{\n{text}  }}\n}}\n"))
    }

    #[test]
    fn a_text_costs_what_it_is_longer_than_its_binary_form() {
        let (binary, text) = model();
        let found = finding(super::CAUSE.id, &[("saved_model.pbtxt", text.as_bytes())]).unwrap();
        assert_eq!(found.bytes, (text.len() - binary.len()) as u64);
    }

    #[test]
    fn a_binary_main_file_is_as_short_as_it_gets() {
        let (binary, text) = model();
        assert_eq!(finding(super::CAUSE.id, &[("saved_model.pb", &binary)]), None);
        // A text beside it is no main file.
        let both: [(&str, &[u8]); 2] = [("saved_model.pb", &binary), ("saved_model.pbtxt", text.as_bytes())];
        assert_eq!(finding(super::CAUSE.id, &both), None);
    }
}
