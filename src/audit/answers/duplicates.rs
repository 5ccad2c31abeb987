//! Duplicates in words: names of tensors, nodes, functions and files in the place of their identities.

use std::sync::Arc;

use crate::audit::Parts;
use crate::duplicates::{self, ElementKind, Place, common_stem};
use crate::identity::{FunctionId, MetaGraphId};
use crate::report::duplicates as report;
use crate::shared_names::SharedNames;

/// The duplicates of a model. `explained` has for each group the finding that explains it.
pub(super) fn duplicates(
    parts: &Parts<'_>,
    found: duplicates::Duplicates,
    explained: &[Option<&'static str>],
) -> report::Duplicates {
    let mut words = Words { parts, structural: &found.structural, functions: SharedNames::default() };
    let explained = explained.iter().copied().chain(std::iter::repeat(None));
    report::Duplicates {
        redundant_bytes: found.redundant_bytes,
        ratio: share(found.redundant_bytes, parts.model.bytes()),
        zero_bytes: found.zero_bytes,
        fill_bytes: found.fill_bytes,
        meta_graph_pairs: found.pairs.into_iter().map(pair).collect(),
        meta_graph_own: found.own.iter().map(|own| words.own(own)).collect(),
        groups: found.groups.into_iter().zip(explained).map(|(group, finding)| words.group(&group, finding)).collect(),
        structural: report::Structural {
            redundant_bytes: found.structural.redundant_bytes,
            function_bytes: found.structural.function_bytes,
            groups: found.structural.groups.iter().map(|group| words.structural_group(group)).collect(),
        },
    }
}

/// A share from 0 to 1; 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn position(graph: MetaGraphId) -> u64 {
    u64::from(graph.0)
}

fn pair(pair: duplicates::Pair) -> report::Pair {
    let bytes = pair.elements.iter().map(|repeated| repeated.bytes).fold(0, u64::saturating_add);
    let by_section = pair.elements.iter().map(|repeated| (repeated.kind.section(), repeated.bytes)).collect();
    let repeated = |repeated: &duplicates::Repeated| report::Repeated {
        field: repeated.kind.field().into(),
        count: repeated.count,
        of: repeated.of,
        bytes: repeated.bytes,
    };
    report::Pair {
        original: position(pair.original),
        copy: position(pair.copy),
        bytes,
        share_of_copy: share(bytes, pair.copy_bytes),
        by_section,
        elements: pair.elements.iter().map(repeated).collect(),
    }
}

/// What a place is called.
struct Called {
    holder: &'static str,
    name: Arc<str>,
    key: Option<String>,
    function: Option<Arc<str>>,
    meta_graph: Option<MetaGraphId>,
}

/// Where names are found.
struct Words<'p> {
    parts: &'p Parts<'p>,
    structural: &'p duplicates::Structural,
    functions: SharedNames<FunctionId>,
}

impl Words<'_> {
    fn own(&self, own: &duplicates::Own) -> report::Own {
        let elements = own.elements.iter().map(|elements| report::OwnElements {
            field: elements.kind.field().to_owned(),
            count: elements.count,
            bytes: elements.bytes,
            largest: {
                let names = elements.largest.iter();
                let names = names.map(|payload| elements.kind.name(self.parts.main_bytes(), payload.clone()));
                names.filter(|name| !name.is_empty()).collect()
            },
        });
        let bytes = own.elements.iter().map(|elements| elements.bytes).fold(0, u64::saturating_add);
        report::Own { meta_graph: position(own.meta_graph), bytes, elements: elements.collect() }
    }

    fn group(&mut self, group: &duplicates::Group, finding: Option<&'static str>) -> report::Group {
        let kept = group.kept();
        report::Group {
            kind: match kept.map(|kept| kept.place) {
                Some(Place::Tensor(_)) | None => report::GroupKind::Variable,
                Some(Place::Node(..)) if group.is_string => report::GroupKind::Attr,
                Some(Place::Node(..)) => report::GroupKind::Const,
                Some(Place::File(_)) => report::GroupKind::Asset,
                Some(Place::Function(..) | Place::Section(..) | Place::Elements(..)) => report::GroupKind::Element,
            },
            bytes: kept.map_or(0, |kept| kept.bytes),
            copies: group.members.len() as u64,
            redundant_bytes: group.redundant_bytes,
            elements: group.elements,
            finding: finding.map(str::to_owned),
            members: group.members.iter().enumerate().map(|(at, member)| self.member(group, member, at == 0)).collect(),
        }
    }

    fn member(&mut self, group: &duplicates::Group, member: &duplicates::Member, kept: bool) -> report::Member {
        let Called { holder, name, key, function, meta_graph } = self.place(member.place, group.elements);
        report::Member {
            place: holder.into(),
            name,
            key,
            function,
            meta_graph: meta_graph.map(position),
            bytes: member.bytes,
            in_element: member.in_element,
            kept,
        }
    }

    fn place(&mut self, place: Place, elements: u64) -> Called {
        let main = self.parts.main_bytes();
        let called = |holder, name, meta_graph| Called { holder, name, key: None, function: None, meta_graph };
        match place {
            Place::Tensor(tensor) => {
                let checkpoint = self.parts.checkpoint.as_ref();
                let tensor = checkpoint.and_then(|checkpoint| checkpoint.bundle.tensors.get(tensor.position()));
                let key = tensor.map(|tensor| tensor.key.clone()).unwrap_or_default();
                let saved = checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
                let own = saved.and_then(|saved| saved.full_name(&key)).filter(|name| !name.is_empty());
                let name = own.unwrap_or(&key).into();
                Called { key: Some(key), ..called("variables", name, None) }
            }
            Place::Node(node, function) => {
                let kind = if function.is_some() { ElementKind::Function } else { ElementKind::Node };
                let name = ElementKind::Node.name(main, node.payload()).into();
                let function = function.map(|function| self.shared(function));
                Called { function, ..called(kind.field(), name, Some(node.meta_graph)) }
            }
            Place::File(file) => {
                let file = self.parts.model.files.get(file.position());
                called("assets", file.map_or("", |file| &file.name).into(), None)
            }
            Place::Function(graph, function) => {
                called(ElementKind::Function.field(), self.shared(function), Some(graph))
            }
            Place::Section(graph, kind) => called(kind.section(), kind.section().into(), Some(graph)),
            Place::Elements(graph, kind, of) => called(kind.field(), format!("{elements} of {of}").into(), Some(graph)),
        }
    }

    fn shared(&mut self, function: FunctionId) -> Arc<str> {
        let Self { parts, structural, functions } = self;
        functions.get(function, || function_name(parts, structural, function).into())
    }

    fn structural_group(&self, group: &duplicates::StructuralGroup) -> report::StructuralGroup {
        let functions: Vec<String> =
            group.functions.iter().map(|function| function_name(self.parts, self.structural, *function)).collect();
        let stem = common_stem(&functions.iter().map(String::as_str).collect::<Vec<_>>());
        report::StructuralGroup { stem, functions, bytes: group.bytes, redundant_bytes: group.redundant_bytes }
    }
}

fn function_name(parts: &Parts<'_>, structural: &duplicates::Structural, function: FunctionId) -> String {
    let [start, end] = structural.read.get(function.position()).map_or([0; 2], |read| read.name);
    String::from_utf8_lossy(parts.main_bytes().get(start..end).unwrap_or_default()).into_owned()
}
