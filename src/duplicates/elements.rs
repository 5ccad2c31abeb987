//! Elements: the repeated parts of a MetaGraphDef, which are compared between metagraphs.
//!
//! Every metagraph carries a whole GraphDef of its own, so a second one mostly repeats the first. An element is
//! redundant when its payload equals that of an element of the same field in an earlier metagraph ([`super::originals`]).

use std::ops::Range;

use crate::message::number::function_def_library;
use crate::message::number::meta_graph_def::meta_info_def;
use crate::message::number::{
    asset_file_def, function_def, gradient_def, graph_def, map_entry, meta_graph_def, node_def, op_def, op_list,
    registered_gradient, saved_object_graph,
};
use crate::wire::{Field, Layout, WireType, fields, first_len};

/// A field whose occurrences are compared between metagraphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementKind {
    /// `meta_info_def.stripped_op_list.op`.
    OpDef,
    /// `graph_def.node`.
    Node,
    /// `graph_def.library.function`.
    Function,
    /// `graph_def.library.gradient`.
    Gradient,
    /// `graph_def.library.registered_gradients`.
    RegisteredGradient,
    /// `saver_def`.
    Saver,
    /// An entry of `collection_def`.
    Collection,
    /// An entry of `signature_def`.
    Signature,
    /// `asset_file_def`.
    Asset,
    /// `object_graph_def.nodes`.
    Object,
    /// An entry of `object_graph_def.concrete_functions`.
    ConcreteFunction,
}

impl ElementKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OpDef,
        Self::Node,
        Self::Function,
        Self::Gradient,
        Self::RegisteredGradient,
        Self::Saver,
        Self::Collection,
        Self::Signature,
        Self::Asset,
        Self::Object,
        Self::ConcreteFunction,
    ];

    /// The field of the MetaGraphDef that it is in.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::OpDef => "meta_info_def",
            Self::Node | Self::Function | Self::Gradient | Self::RegisteredGradient => "graph_def",
            Self::Saver => "saver_def",
            Self::Collection => "collection_def",
            Self::Signature => "signature_def",
            Self::Asset => "asset_file_def",
            Self::Object | Self::ConcreteFunction => "object_graph_def",
        }
    }

    /// The path of fields that leads to it from the MetaGraphDef.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::OpDef => "meta_info_def.stripped_op_list.op",
            Self::Node => "graph_def.node",
            Self::Function => "graph_def.library.function",
            Self::Gradient => "graph_def.library.gradient",
            Self::RegisteredGradient => "graph_def.library.registered_gradients",
            Self::Saver => "saver_def",
            Self::Collection => "collection_def",
            Self::Signature => "signature_def",
            Self::Asset => "asset_file_def",
            Self::Object => "object_graph_def.nodes",
            Self::ConcreteFunction => "object_graph_def.concrete_functions",
        }
    }

    /// The field number, in the element's payload, of its name; for a function, of the signature that has the name.
    fn name_field(self) -> Option<u32> {
        match self {
            Self::Asset => Some(asset_file_def::FILENAME),
            Self::Object | Self::Saver => None,
            Self::Node => Some(node_def::NAME),
            Self::OpDef => Some(op_def::NAME),
            Self::Function => Some(function_def::SIGNATURE),
            Self::Gradient => Some(gradient_def::FUNCTION_NAME),
            Self::RegisteredGradient => Some(registered_gradient::GRADIENT_FUNC),
            Self::Collection | Self::Signature | Self::ConcreteFunction => Some(map_entry::KEY),
        }
    }

    /// The name of the element with this payload; empty where it has none.
    pub(crate) fn name(self, file: &[u8], payload: Range<usize>) -> String {
        let Some(number) = self.name_field() else { return String::new() };
        let mut name = first_len(file, payload, number);
        if self == Self::Function {
            name = name.and_then(|signature| first_len(file, signature, op_def::NAME));
        }
        name.map(|range| text(file, range)).unwrap_or_default()
    }
}

/// One occurrence of a field of some [`ElementKind`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) kind: ElementKind,
    pub(super) field: Field,
}

impl Element {
    /// What it takes in the file, tag and length included.
    pub(super) fn bytes(&self, layout: &Layout) -> u64 {
        layout.span(&self.field).bytes()
    }
}

/// Gives the elements of a MetaGraphDef to `visit`, in the order of the file. What is damaged has none.
pub(super) fn each(file: &[u8], meta_graph: Range<usize>, mut visit: impl FnMut(Element)) {
    for section in messages(file, meta_graph) {
        let kind = match section.number {
            meta_graph_def::META_INFO_DEF => {
                for list in
                    messages(file, section.payload()).filter(|field| field.number == meta_info_def::STRIPPED_OP_LIST)
                {
                    within(
                        file,
                        list.payload(),
                        |number| (number == op_list::OP).then_some(ElementKind::OpDef),
                        &mut visit,
                    );
                }
                continue;
            }
            meta_graph_def::GRAPH_DEF => {
                graph(file, section.payload(), &mut visit);
                continue;
            }
            meta_graph_def::OBJECT_GRAPH_DEF => {
                within(file, section.payload(), object_graph_kind, &mut visit);
                continue;
            }
            meta_graph_def::SAVER_DEF => ElementKind::Saver,
            meta_graph_def::COLLECTION_DEF => ElementKind::Collection,
            meta_graph_def::SIGNATURE_DEF => ElementKind::Signature,
            meta_graph_def::ASSET_FILE_DEF => ElementKind::Asset,
            _ => continue,
        };
        visit(Element { kind, field: section });
    }
}

#[inline]
fn graph(file: &[u8], graph: Range<usize>, visit: &mut impl FnMut(Element)) {
    // Of all nodes: a filter between may be a call for each.
    for field in fields(file, graph) {
        match field.number {
            _ if field.wire_type != WireType::Len => {}
            graph_def::NODE => visit(Element { kind: ElementKind::Node, field }),
            graph_def::LIBRARY => within(file, field.payload(), library_kind, visit),
            _ => {}
        }
    }
}

fn within(
    file: &[u8],
    message: Range<usize>,
    kind: impl Fn(u32) -> Option<ElementKind>,
    visit: &mut impl FnMut(Element),
) {
    for field in messages(file, message) {
        if let Some(kind) = kind(field.number) {
            visit(Element { kind, field });
        }
    }
}

/// The fields that may be messages: a field of another wire type is unknown, whatever its number.
#[inline]
fn messages(file: &[u8], message: Range<usize>) -> impl Iterator<Item = Field> {
    fields(file, message).filter(|field| field.wire_type == WireType::Len)
}

fn library_kind(number: u32) -> Option<ElementKind> {
    match number {
        function_def_library::FUNCTION => Some(ElementKind::Function),
        function_def_library::GRADIENT => Some(ElementKind::Gradient),
        function_def_library::REGISTERED_GRADIENTS => Some(ElementKind::RegisteredGradient),
        _ => None,
    }
}

fn object_graph_kind(number: u32) -> Option<ElementKind> {
    match number {
        saved_object_graph::NODES => Some(ElementKind::Object),
        saved_object_graph::CONCRETE_FUNCTIONS => Some(ElementKind::ConcreteFunction),
        _ => None,
    }
}

fn text(file: &[u8], range: Range<usize>) -> String {
    String::from_utf8_lossy(file.get(range).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::wire::message;

    #[test]
    fn an_element_is_a_message_and_no_number_in_its_place() {
        let graph = message().int(1, 5).message(1, &message().bytes(1, "node")).int(2, 7);
        let meta_graph = message().int(3, 1).message(2, &graph).int(5, 6).0;
        let mut kinds = Vec::new();
        each(&meta_graph, 0..meta_graph.len(), |element| kinds.push(element.kind));
        assert_eq!(kinds, [ElementKind::Node]);
    }
}
