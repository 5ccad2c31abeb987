//! Whether a model is whole: whether a loader could restore it.
//!
//! What is missing, or is not what its name says, makes no wrong figure: it makes a small model that passes every
//! limit. So it is a problem of the kind `not-whole` wherever no loader gets past it: another file in the place of the main
//! file, no metagraph, an asset that is not there or a pointer, variables that are restored from no checkpoint or from a tensor of
//! another shape or type. What a checkpoint lacks in itself (index, shards) `checkpoint` says.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;

use super::Parts;
use crate::charge::{Form, MainFile};
use crate::checkpoint::{Checkpoint, Tensor};
use crate::dtype;
use crate::escape::shortened;
use crate::graph::{MetaGraphReach, Reach};
use crate::input::layout::INDEX;
use crate::input::{File, Model};
use crate::ledger::Ledger;
use crate::message::number::tensor_shape_proto::{self, dim};
use crate::message::number::{
    attr_value, function_def, graph_def, meta_graph_def, saved_object_graph, saved_variable, saver_def,
};
use crate::message::saved_object::Kind;
use crate::message::{Message, NodeDef, SavedObject, input_node, is_data, ops};
use crate::outline::{MetaGraph, SavedModel};
use crate::problem::{Problem, ProblemKind, Problems};
use crate::stand_in::StandIn;
use crate::wire::{Field, WireType, fields};

/// What SavedObject calls the value of a variable in the checkpoint (tensorflow/python/trackable/base.py).
const VARIABLE_VALUE: &str = "VARIABLE_VALUE";

/// Adds to `problems` what a loader would need that is not there, or is something else.
pub(super) fn check(
    parts: &Parts<'_>,
    saved_model: &SavedModel,
    reach: &Reach<'_>,
    ledger: &Ledger,
    problems: &mut Vec<Problem>,
) {
    match parts.main_file.as_ref().and_then(of_main_file) {
        Some(something_else) => {
            // What is wrong inside of it follows from that.
            problems.retain(|problem| problem.file != something_else.file);
            problems.push(something_else);
            return;
        }
        None => {
            let no_meta_graph = no_meta_graph(parts, saved_model);
            // Where the file is damaged, that has been said, and is why.
            let is_said = |other: &Problem| problems.iter().any(|problem| problem.file == other.file);
            problems.extend(no_meta_graph.filter(|problem| !is_said(problem)));
        }
    }
    problems.extend(missing_assets(parts, saved_model));
    match &parts.checkpoint {
        Some(checkpoint) => problems.extend(mismatches(parts, saved_model, reach, checkpoint)),
        None => problems.extend(missing_checkpoint(parts, saved_model, ledger)),
    }
}

fn not_whole(file: &str, message: impl ToString) -> Problem {
    Problem::of_file(file, message).of_kind(ProblemKind::NotWhole)
}

fn no_meta_graph(parts: &Parts<'_>, saved_model: &SavedModel) -> Option<Problem> {
    let main = parts.main_file.as_ref().filter(|main| main.bytes.is_some() && saved_model.meta_graphs.is_empty())?;
    Some(not_whole(&main.file.name, "expected at least one metagraph, found none: export the model again"))
}

/// What the main file is where it is no SavedModel.
fn of_main_file(main: &MainFile<'_>) -> Option<Problem> {
    let contents = match (main.form, &main.bytes) {
        (Form::Binary, Some(bytes)) => bytes.clone(),
        _ => main.file.contents().ok()?,
    };
    let found = |what: &str| Some(not_whole(&main.file.name, format!("expected a SavedModel, found {what}")));
    if contents.is_empty() {
        return found("an empty file: copy or download the model again, or export it again");
    }
    if let Some(stand_in) = StandIn::of(&contents) {
        return found(stand_in.found());
    }
    is_graph_def(main, &contents).then_some(())?;
    found(
        "another protobuf, a frozen graph (GraphDef) or a MetaGraphDef: load it with \
             tf.compat.v1.import_graph_def and write a SavedModel with tf.compat.v1.saved_model.simple_save",
    )
}

/// Whether the first field is the one that a GraphDef has for its nodes, and a MetaGraphDef for what it says of itself: a
/// message, where a SavedModel has its version.
fn is_graph_def(main: &MainFile<'_>, contents: &[u8]) -> bool {
    match main.form {
        Form::Binary => {
            let mut first = fields(contents, 0..contents.len()).filter(|field| field.number == graph_def::NODE);
            first.next().is_some_and(|field| field.wire_type == WireType::Len)
        }
        Form::Text => {
            let text = contents.trim_ascii_start();
            [&b"node"[..], b"meta_info_def", b"versions"].iter().any(|name| {
                let behind = text.strip_prefix(*name).map(<[u8]>::trim_ascii_start);
                behind.is_some_and(|behind| behind.starts_with(b"{") || behind.starts_with(b":"))
            })
        }
        Form::Chunked => false,
    }
}

/// Assets that a metagraph names and that are not there, or only as a pointer: no loader gets past the first, and a table
/// that is made of the second has other words.
fn missing_assets(parts: &Parts<'_>, saved_model: &SavedModel) -> Vec<Problem> {
    let mut problems = Problems::default();
    for (index, graph) in saved_model.meta_graphs.iter().enumerate() {
        for name in &graph.assets {
            let path = format!("assets/{name}");
            let found = match parts.model.file(&path) {
                None => "no such file",
                Some(file) if is_lfs_pointer(file, parts.model) => StandIn::LfsPointer.found(),
                Some(_) => continue,
            };
            problems.push(not_whole(&path, format!("expected an asset that metagraph #{index} names, found {found}")));
        }
    }
    problems.into_list()
}

/// Whether a file that may hold any text is a pointer of Git LFS. Larger ones are not read for this.
fn is_lfs_pointer(file: &File, model: &Model) -> bool {
    let may_be = file.bytes <= StandIn::HEAD && !model.is_listed_only();
    may_be && file.contents().is_ok_and(|contents| StandIn::of(&contents) == Some(StandIn::LfsPointer))
}

/// A metagraph that restores variables, in a model without a checkpoint.
fn missing_checkpoint(parts: &Parts<'_>, saved_model: &SavedModel, ledger: &Ledger) -> Option<Problem> {
    let file = parts.main_bytes();
    let has = |wanted: &[&[u8]]| wanted.iter().any(|op| ledger.has_op(op));
    let restores = |graph: &MetaGraph| {
        let savers = fields(file, graph.range.clone()).filter(|field| field.is_len(meta_graph_def::SAVER_DEF));
        let mut savers = savers.map(|saver| Message::new(file, saver.payload()));
        savers.any(|saver| !saver.bytes(saver_def::RESTORE_OP_NAME).is_empty())
    };
    let is_restored = has(&ops::RESTORES) && saved_model.meta_graphs.iter().any(restores);
    // What nothing ever assigns has its value from a checkpoint or from nowhere.
    let is_never_set = has(&ops::VARIABLES) && !has(&ops::ASSIGNS);
    (is_restored || is_never_set).then(|| {
        let message = "expected the checkpoint that the graph's variables are restored from, found no `variables` folder \
                       with one: copy or download it as well, or export the model again";
        not_whole(INDEX, message)
    })
}

/// Variables whose shape or type is another one in the checkpoint.
fn mismatches(parts: &Parts<'_>, saved_model: &SavedModel, reach: &Reach<'_>, checkpoint: &Checkpoint) -> Vec<Problem> {
    let (file, main_name) = (parts.main_bytes(), parts.main_file.as_ref().map_or("", |main| &main.file.name));
    let mut problems = Problems::default();
    let mut tell = |graph: usize, name: &[u8], declared: &Declared, tensor: &Tensor| {
        let name = shortened(&String::from_utf8_lossy(name)).into_owned();
        let key = shortened(&tensor.key);
        let found = Declared { dtype: tensor.dtype, shape: Some(tensor.shape.clone()) };
        problems.push(not_whole(
            main_name,
            format!("metagraph #{graph}: the variable `{name}` is {declared}, and its value in the checkpoint, `{key}`, is {found}"),
        ));
    };
    for (index, graph) in saved_model.meta_graphs.iter().enumerate() {
        for (name, declared, tensor) in of_objects(file, graph, checkpoint) {
            tell(index, &name, &declared, tensor);
        }
        if let Some(reach) = reach.meta_graphs.get(index).and_then(Option::as_ref) {
            for (name, declared, tensor) in of_handles(file, graph, reach, checkpoint) {
                tell(index, name, &declared, tensor);
            }
        }
    }
    problems.into_list()
}

/// What a variable is declared to be: its type's number, and the sizes of its dimensions, negative ones unknown.
struct Declared {
    dtype: i32,
    shape: Option<Vec<i64>>,
}

impl Declared {
    fn fits(&self, tensor: &Tensor) -> bool {
        self.fits_dtype(tensor) && self.fits_shape(tensor)
    }

    /// References to a type have its number and 100 (`DataType` in tensorflow/core/framework/types.proto).
    fn fits_dtype(&self, tensor: &Tensor) -> bool {
        let plain = |dtype: i32| if dtype > 100 { dtype - 100 } else { dtype };
        self.dtype == 0 || plain(self.dtype) == plain(tensor.dtype)
    }

    fn fits_shape(&self, tensor: &Tensor) -> bool {
        let Some(shape) = &self.shape else { return true };
        let is_same = |(declared, found): (&i64, &i64)| *declared < 0 || declared == found;
        shape.len() == tensor.shape.len() && shape.iter().zip(&tensor.shape).all(is_same)
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", dtype::name(self.dtype))?;
        let Some(shape) = &self.shape else { return Ok(()) };
        let sizes = shape.iter().take(16).map(|size| if *size < 0 { "?".to_owned() } else { size.to_string() });
        write!(f, "[{}]", sizes.collect::<Vec<_>>().join(","))
    }
}

/// Whether a tensor is a whole variable: of a partitioned one each part is declared by itself.
fn is_whole_variable(tensor: &Tensor) -> bool {
    tensor.slices == 0 && tensor.slice_of.is_none() && !tensor.damaged
}

/// The variables of the object graph that differ: a Python program restores the object of each number from the checkpoint's
/// object of that number (tensorflow/python/saved_model/load.py, `_restore_checkpoint`).
fn of_objects<'c>(file: &[u8], graph: &MetaGraph, checkpoint: &'c Checkpoint) -> Vec<(Vec<u8>, Declared, &'c Tensor)> {
    let Some(saved) = &checkpoint.object_graph else { return Vec::new() };
    let tensors: HashMap<&str, &Tensor> =
        checkpoint.bundle.tensors.iter().map(|tensor| (&*tensor.key, tensor)).collect();
    let graphs = fields(file, graph.range.clone()).filter(|field| field.is_len(meta_graph_def::OBJECT_GRAPH_DEF));
    let objects =
        graphs.flat_map(|graph| fields(file, graph.payload())).filter(|field| field.is_len(saved_object_graph::NODES));
    let mut differing = Vec::new();
    for (object, tracked) in objects.zip(&saved.graph.nodes) {
        let Kind::Variable(variable) = SavedObject::new(file, object.payload()).kind() else { continue };
        let value = tracked.attributes.iter().find(|attribute| attribute.name == VARIABLE_VALUE);
        let Some(tensor) = value.and_then(|value| tensors.get(&*value.checkpoint_key)).copied() else { continue };
        let dtype = i32::try_from(variable.integer(saved_variable::DTYPE)).unwrap_or_default();
        let declared =
            Declared { dtype, shape: variable.message(saved_variable::SHAPE).and_then(|shape| sizes(&shape)) };
        if is_whole_variable(tensor) && !declared.fits(tensor) {
            let name = value.map(|value| value.full_name.clone()).filter(|name| !name.is_empty());
            differing.push((name.unwrap_or_else(|| tensor.key.clone()).into_bytes(), declared, tensor));
        }
    }
    differing
}

/// The nodes that are variables of another type or shape than the one tensor that a saver restores each from.
fn of_handles<'a>(
    file: &'a [u8],
    graph: &MetaGraph,
    reach: &'a MetaGraphReach<'_>,
    checkpoint: &'a Checkpoint,
) -> Vec<(&'a [u8], Declared, &'a Tensor)> {
    let mut differing = Vec::new();
    for handle in reach.handles() {
        let [tensor] = handle.tensors[..] else { continue };
        let tensor = checkpoint.bundle.tensors.get(tensor.position()).filter(|tensor| is_whole_variable(tensor));
        let (Some(tensor), Some(vertex)) = (tensor, reach.vertex(handle.number)) else { continue };
        let declared = declared_by(file, vertex.span);
        if !declared.fits(tensor) {
            differing.push((handle.name, declared, tensor));
        }
    }
    // A saver may bring values into another shape or type on their way (`Saver(reshape=True)`): then nothing differs.
    if !differing.is_empty() && changes_what_it_restores(file, graph) {
        differing.clear();
    }
    differing
}

/// What the attributes of a variable's node say.
fn declared_by(file: &[u8], node: Range<usize>) -> Declared {
    let node = NodeDef::read(file, node);
    let dtype = node.attribute(b"dtype").and_then(|value| value.data_type());
    let shape = node.attribute(b"shape").and_then(|value| value.message().message(attr_value::SHAPE));
    let dtype = dtype.and_then(|dtype| i32::try_from(dtype).ok()).unwrap_or_default();
    Declared { dtype, shape: shape.and_then(|shape| sizes(&shape)) }
}

/// The sizes in a TensorShapeProto, unknown ones negative; `None` of an unknown rank.
fn sizes(shape: &Message<'_>) -> Option<Vec<i64>> {
    let size = |field: Field| Message::new(shape.file(), field.payload()).integer(dim::SIZE).cast_signed();
    (shape.integer(tensor_shape_proto::UNKNOWN_RANK) == 0)
        .then(|| shape.repeated(tensor_shape_proto::DIM).map(size).collect())
}

/// Whether a node that casts or reshapes takes what a restore op gives. Walks all nodes, which is done for a model in which
/// something differs.
fn changes_what_it_restores(file: &[u8], graph: &MetaGraph) -> bool {
    let graphs = fields(file, graph.range.clone()).filter(|field| field.is_len(meta_graph_def::GRAPH_DEF));
    let functions = graph.library.functions.iter().map(|function| function.field);
    let scopes = graphs.map(|graph| (graph, graph_def::NODE));
    let mut scopes = scopes.chain(functions.map(|function| (function, function_def::NODE_DEF)));
    scopes.any(|(scope, number)| changes_restored(file, &scope.payload(), number))
}

/// The same of the nodes of one graph or function, its fields `number`.
fn changes_restored(file: &[u8], scope: &Range<usize>, number: u32) -> bool {
    let nodes = || {
        let nodes = fields(file, scope.clone()).filter(move |field| field.is_len(number));
        nodes.map(|field| NodeDef::read(file, field.payload()))
    };
    let restoring = nodes().filter(|node| ops::RESTORES.contains(&node.op()));
    let restoring: HashSet<&[u8]> = restoring.map(|node| node.name()).collect();
    let takes_restored = |node: &NodeDef<'_>| {
        node.inputs().filter(|input| is_data(input)).any(|input| restoring.contains(input_node(input)))
    };
    !restoring.is_empty() && nodes().any(|node| [ops::CAST, ops::RESHAPE].contains(&node.op()) && takes_restored(&node))
}

#[cfg(test)]
mod tests;
