//! Which tensor of the checkpoint a resource is restored from, and what a loader runs to prepare one that is not.
//!
//! The saver's restore op says the first, in TF1 and TF2 alike: on the path to it a node takes the handle of a resource
//! and an output of a RestoreV2, whose Const inputs have the key and the slice of each output. TF2 has these nodes in a
//! function that the restore op calls with the handles.

use std::ops::Range;

use foldhash::{HashMap, HashSet};

use super::builder::Builder;
use super::node::Node;
use super::{EdgeKind, Origin};
use crate::message::number::saver_def::RESTORE_OP_NAME;
use crate::message::{FunctionDef, Input, Message, NodeDef, input_node, ops};

/// How many of these are followed; savers write one or two.
const HOPS: usize = 8;

/// How many resources and tensors of one node are tied to each other; an Assign has one of each. And how many are tied in all: a
/// tie is found at a node that takes both, and a model has one for each of its variables.
const TIED: usize = 16;
const MAX_TIES: usize = 1 << 20;

/// Ties resources to the tensors that they are restored from; returns these resources.
pub(super) fn restore(builder: &mut Builder<'_, '_>, savers: Vec<Range<usize>>) -> HashSet<u32> {
    let file = builder.file;
    let mut restored = HashSet::default();
    let name = |saver| Message::new(file, saver).bytes(RESTORE_OP_NAME);
    let starts: Vec<u32> = savers.into_iter().filter_map(|saver| builder.node(input_node(name(saver)))).collect();
    let nodes = before(builder, starts);
    let mut ties: Vec<(u32, u32)> = Vec::new();
    let mut scope = Scope::new(file);
    nodes.iter().for_each(|node| scope.add(builder.span(*node)));
    for (handle, tensor) in scope.ties(builder) {
        ties.extend(builder.node(handle).map(|handle| (handle, tensor)));
    }
    let mut known: HashMap<u32, Vec<(usize, u32)>> = HashMap::default();
    let mut node = Node::default();
    for number in nodes {
        node.read(file, builder.span(number));
        let called = node.functions.iter().chain([&node.op]).find_map(|name| builder.functions.get(name)).copied();
        let Some(function) = called else { continue };
        let arguments = known.entry(function).or_insert_with(|| of_function(builder, function));
        for (argument, tensor) in arguments {
            if ties.len() >= MAX_TIES {
                break;
            }
            let source = node.inputs.get(*argument).and_then(|input| builder.node(input_node(input)));
            ties.extend(source.map(|source| (source, *tensor)));
        }
    }
    for (node, tensor) in ties {
        if let Some(resource) = builder.handles.get(&node).copied() {
            restored.insert(resource);
            builder.restored_from(resource, tensor);
        }
    }
    by_name(builder, &mut restored);
    restored
}

/// A resource that no restore op is known for is restored under its own name, as savers do it by default.
fn by_name(builder: &mut Builder<'_, '_>, restored: &mut HashSet<u32>) {
    let mut named: Vec<(u32, u32)> = Vec::new();
    for (name, resource) in &builder.resources {
        named.extend(Some(*resource).filter(|r| !restored.contains(r)).zip(builder.keys.find(name)));
    }
    named.sort_unstable();
    for (resource, tensor) in named {
        restored.insert(resource);
        builder.restored_from(resource, tensor);
    }
}

/// Ties resources that are not restored to the nodes of the main op that take their handles: what fills a table, what
/// assigns an asset's path.
pub(super) fn prepare(builder: &mut Builder<'_, '_>, restored: &HashSet<u32>) {
    let runs = |origin: &Origin| match origin {
        Origin::MainOp => true,
        Origin::Signature(name) => name == super::INIT_SIGNATURE,
        Origin::Objects => false,
    };
    let roots = builder.roots().iter().filter(|root| runs(&root.origin));
    let starts: Vec<u32> = roots.flat_map(|root| root.targets.iter().map(|(node, _)| *node)).collect();
    let mut node = Node::default();
    for number in before(builder, starts) {
        node.read(builder.file, builder.span(number));
        let called = node.functions.iter().chain([&node.op]).any(|name| builder.functions.contains_key(name));
        if !called && !ops::sets_resource(node.op) {
            continue;
        }
        for input in &node.inputs {
            let source = builder.node(input_node(input));
            let resource = source.and_then(|source| builder.handles.get(&source)).copied();
            if let Some(resource) = resource.filter(|resource| !restored.contains(resource)) {
                builder.edge(resource, number, EdgeKind::Prepared);
            }
        }
    }
}

/// The nodes of the graph that some are computed from, these included.
fn before(builder: &Builder<'_, '_>, starts: Vec<u32>) -> Vec<u32> {
    let mut seen: HashSet<u32> = starts.iter().copied().collect();
    let (mut open, mut found) = (starts, Vec::new());
    let mut node = Node::default();
    while let Some(number) = open.pop() {
        found.push(number);
        node.read(builder.file, builder.span(number));
        let sources = node.inputs.iter().filter_map(|input| builder.node(input_node(input)));
        open.extend(sources.filter(|source| seen.insert(*source)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The arguments of a function that it restores, and from which tensors.
fn of_function(builder: &Builder<'_, '_>, function: u32) -> Vec<(usize, u32)> {
    let file = builder.file;
    let span = builder.span(function);
    let mut scope = Scope::new(file);
    let def = FunctionDef::new(file, span);
    def.node_fields().for_each(|field| scope.add(field.payload()));
    let positions: HashMap<&[u8], usize> = def.signature().arguments().zip(0..).collect();
    let ties = scope.ties(builder).into_iter();
    ties.filter_map(|(handle, tensor)| Some((*positions.get(handle)?, tensor))).collect()
}

/// The tensor of a key, or of a slice of it. A slice is given as `34 16 0,12:-`: the variable's shape, then for each
/// dimension a start and a length, or all of it (`tensorflow/core/framework/tensor_slice.cc`).
fn tensor(builder: &Builder<'_, '_>, key: &[u8], slice: &[u8]) -> Option<u32> {
    let whole = || builder.keys.find(key);
    let slice = std::str::from_utf8(slice).unwrap_or_default();
    let Some(extents) = slice.rsplit(' ').next().filter(|extents| !extents.is_empty()) else { return whole() };
    let extent = |extent: &str| match extent.split_once(',') {
        Some((start, length)) => {
            let (start, length): (i64, i64) = (start.parse().ok()?, length.parse().ok()?);
            Some(format!("{start}:{}", start.saturating_add(length)))
        }
        None => Some(":".to_owned()),
    };
    let extents: Option<Vec<String>> = extents.split(':').map(extent).collect();
    let named = format!("{} [{}]", String::from_utf8_lossy(key), extents.unwrap_or_default().join(", "));
    builder.keys.find(named.as_bytes()).or_else(whole)
}

/// Nodes that refer to each other by name: those before the restore op, or those of a function.
struct Scope<'a> {
    file: &'a [u8],
    spans: Vec<Range<usize>>,
    by_name: HashMap<&'a [u8], usize>,
}

/// What a node of a scope makes of what it is given.
#[derive(Debug, Clone, Copy)]
enum Role<'a> {
    /// It reads the checkpoint: the nodes that its names and its slices come from.
    Restores {
        names: &'a [u8],
        slices: &'a [u8],
    },
    /// It hands on what it takes from this input.
    Passes(&'a [u8]),
    Other,
}

/// What was found out about a scope's nodes. Each is read once, however many others take something of it.
struct Known<'a> {
    roles: HashMap<usize, Role<'a>>,
    /// The strings of constants, by the constant.
    strings: HashMap<usize, Vec<Range<usize>>>,
    /// The tensor of each output of a restoring node.
    outputs: HashMap<(usize, usize), Option<u32>>,
}

impl<'a> Scope<'a> {
    fn new(file: &'a [u8]) -> Self {
        Self { file, spans: Vec::new(), by_name: HashMap::default() }
    }

    fn add(&mut self, span: Range<usize>) {
        let name = NodeDef::read(self.file, span.clone()).name();
        self.by_name.entry(name).or_insert(self.spans.len());
        self.spans.push(span);
    }

    /// Each name that is given to a node together with an output of a restoring one, and the tensor that this output is.
    fn ties(&self, builder: &Builder<'a, '_>) -> Vec<(&'a [u8], u32)> {
        let mut ties = Vec::new();
        let mut known = Known { roles: HashMap::default(), strings: HashMap::default(), outputs: HashMap::default() };
        let mut node = Node::default();
        for span in &self.spans {
            node.read(self.file, span.clone());
            let takes_values = ops::sets_resource(node.op)
                || node.functions.iter().chain([&node.op]).any(|name| builder.functions.contains_key(name));
            if !takes_values {
                continue;
            }
            let (mut handles, mut tensors) = (Vec::new(), Vec::new());
            for input in node.inputs.iter().map(|input| Input::parse(input)).filter(|input| !input.is_control) {
                match self.restoring(input, &mut known) {
                    Ok((position, index)) if tensors.len() < TIED => {
                        tensors.extend(self.output(builder, position, index, &mut known));
                    }
                    Err(name) if handles.len() < TIED => handles.push(name),
                    _ => {}
                }
            }
            for handle in handles {
                ties.extend(tensors.iter().map(|tensor| (handle, *tensor)));
            }
            if ties.len() >= MAX_TIES {
                break;
            }
        }
        ties
    }

    /// The restoring node whose output an input is, and which output; else the name that the input comes from.
    fn restoring(&self, mut input: Input<'a>, known: &mut Known<'a>) -> Result<(usize, usize), &'a [u8]> {
        for _ in 0..HOPS {
            let Some(position) = self.by_name.get(input.name).copied() else { break };
            match *known.roles.entry(position).or_insert_with(|| self.role(position)) {
                Role::Restores { .. } => return Ok((position, input.index())),
                Role::Passes(source) => input = Input::parse(source),
                Role::Other => break,
            }
        }
        Err(input.name)
    }

    fn role(&self, position: usize) -> Role<'a> {
        let mut node = Node::default();
        node.read(self.file, self.spans.get(position).cloned().unwrap_or_default());
        let source = |at: usize| node.inputs.get(at).map(|input| input_node(input)).unwrap_or_default();
        match node.op {
            op if ops::RESTORES.contains(&op) => Role::Restores { names: source(1), slices: source(2) },
            op if ops::PASSES.contains(&op) => node.inputs.first().map_or(Role::Other, |input| Role::Passes(input)),
            _ => Role::Other,
        }
    }

    /// The tensor that an output of a restoring node is.
    fn output(&self, builder: &Builder<'a, '_>, position: usize, index: usize, known: &mut Known<'a>) -> Option<u32> {
        if let Some(output) = known.outputs.get(&(position, index)) {
            return *output;
        }
        let Some(Role::Restores { names, slices }) = known.roles.get(&position).copied() else { return None };
        let [key, slice] = [names, slices].map(|constant| self.string(constant, index, known));
        let output = tensor(builder, key, slice);
        known.outputs.insert((position, index), output);
        output
    }

    /// One of the strings of a constant; the last one stands for those that are left out.
    fn string(&self, constant: &[u8], index: usize, known: &mut Known<'a>) -> &'a [u8] {
        let Some(position) = self.by_name.get(constant).copied() else { return &[] };
        let strings = known.strings.entry(position).or_insert_with(|| {
            let mut node = Node::default();
            node.read(self.file, self.spans.get(position).cloned().unwrap_or_default());
            node.value.unwrap_or_default().strings().map(|field| field.payload()).collect()
        });
        let string = strings.get(index).or_else(|| strings.last());
        string.and_then(|range| self.file.get(range.clone())).unwrap_or_default()
    }
}
