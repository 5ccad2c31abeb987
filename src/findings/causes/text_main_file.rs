//! `text-main-file`: a `saved_model.pbtxt`.
//!
//! Text has each field's name where binary has a byte, each number as digits, each byte of a tensor as up to four
//! characters, and blanks before each line. A loader reads either, the text more slowly.

use std::ops::Range;

use crate::charge::Form;
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy};
use crate::message::number::graph_def::LIBRARY;
use crate::message::number::meta_graph_def::meta_info_def::STRIPPED_OP_LIST;
use crate::message::number::meta_graph_def::{GRAPH_DEF, META_INFO_DEF, OBJECT_GRAPH_DEF};
use crate::message::number::saved_model::META_GRAPHS;
use crate::size::bytes;
use crate::wire::{Layout, WireType, fields};

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
    let mut claims = Claims::default();
    claims.add_ranges(&main.file.name, Excess::of(context.main(), &main.layout));
    let mut evidence = Evidence::default();
    let what = || (format!("saved_model.pbtxt, {} in binary", bytes(binary)), Place::of_file(&main.file.name));
    evidence.add(saved, what);
    // Comments and blank lines between fields are in none.
    let beyond = saved.saturating_sub(claims.bytes());
    Some(Detected {
        message: format!("The main file is text: {} that take {} in binary.", bytes(text), bytes(binary)),
        evidence,
        claims,
        beyond,
    })
}

/// Messages whose fields other causes claim one by one, by the numbers that lead to them.
const DIVIDED: [&[u32]; 6] = [
    &[META_GRAPHS],
    &[META_GRAPHS, META_INFO_DEF],
    &[META_GRAPHS, META_INFO_DEF, STRIPPED_OP_LIST],
    &[META_GRAPHS, GRAPH_DEF],
    &[META_GRAPHS, GRAPH_DEF, LIBRARY],
    &[META_GRAPHS, OBJECT_GRAPH_DEF],
];

/// Where a text is longer than its binary form: all over it, so that what another cause claims of it is counted once.
struct Excess<'a> {
    file: &'a [u8],
    layout: &'a Layout,
    path: Vec<u32>,
    ranges: Vec<Range<u64>>,
}

impl<'a> Excess<'a> {
    fn of(file: &'a [u8], layout: &'a Layout) -> Vec<Range<u64>> {
        let mut excess = Self { file, layout, path: Vec::new(), ranges: Vec::new() };
        excess.fields(0..file.len());
        excess.ranges
    }

    fn fields(&mut self, range: Range<usize>) {
        for field in fields(self.file, range) {
            self.path.push(field.number);
            let span = self.layout.span(&field);
            if field.wire_type == WireType::Len && DIVIDED.contains(&self.path.as_slice()) {
                self.end_of(span.start..span.payload, field.payload.saturating_sub(field.start));
                self.fields(field.payload());
                self.end_of(span.payload_end..span.end, 0);
            } else {
                self.end_of(span.start..span.end, field.range().len());
            }
            self.path.pop();
        }
    }

    /// The end of a part of the text stands for what that has more than its binary form, of so many bytes.
    fn end_of(&mut self, text: Range<u64>, binary: usize) {
        let longer = text.end.saturating_sub(text.start).saturating_sub(binary as u64);
        self.ranges.push(text.end.saturating_sub(longer)..text.end);
    }
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
    fn what_another_cause_takes_away_is_no_longer_than_its_binary_form_besides() {
        let (binary, text) = model();
        let tagged =
            |tag: &str| text.replacen("{\n", &format!("{{\n  meta_info_def {{\n    tags: \"{tag}\"\n  }}\n"), 1);
        let both = [tagged("serve"), tagged("train")].concat();
        let found = crate::findings::tests::report(&[("saved_model.pbtxt", both.as_bytes())]);
        let ids: Vec<&str> = found.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, [super::CAUSE.id, "extra-metagraph"]);
        // What is left is the metagraph `serve` in binary, nine bytes of which are its tag.
        assert_eq!(found.findings_bytes, (both.len() - binary.len() - 9) as u64);
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
