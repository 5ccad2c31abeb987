//! One function read: the hash of its nodes by position, and what it calls.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::attributes::{Reading, is_number_of_a_call};
use super::constants;
use super::functions::Names;
use super::hash::{Digest, Hasher, Key, Piece};
use super::resource::{Resource, resource};
use crate::message::attributes::{
    API_IMPLEMENTS, BESIDE, CLASS, GRADIENT_OP_TYPE, OUTPUT_SHAPES, PAIRED, XLA_MUST_COMPILE,
};
use crate::message::number::attr_value::{LIST, list_value};
use crate::message::number::function_def::{
    ARG_ATTR, ATTR, CONTROL_RET, NODE_DEF, RESOURCE_ARG_UNIQUE_ID, RET, SIGNATURE,
};
use crate::message::number::map_entry::VALUE;
use crate::message::number::node_def;
use crate::message::number::op_def::{self, arg_def};
use crate::message::number::{function_def, name_attr_list};
use crate::message::view::{Entry, Message, numbered_entry};
use crate::message::{AttrValue, FunctionDef, Input, NodeDef, input_node, ops};
use crate::wire::{Field, fields};

/// What keeps a function that only calls another one from being that other one.
const KEEPS_ITS_OWN: [&[u8]; 4] =
    [b"_noinline", XLA_MUST_COMPILE, b"api_preferred_device", b"_disable_call_shape_inference"];

/// What a function is.
#[derive(Debug)]
pub(super) struct Body<'f> {
    /// Its nodes, arguments and results.
    pub(super) shape: Digest,
    /// The functions that it calls, in the order in which the hash meets them.
    pub(super) calls: Vec<u32>,
    /// Those of them whose gradient is called.
    pub(super) differentiated: Vec<u32>,
    /// Whether it has an op with a state of its own.
    pub(super) keeps_state: bool,
    /// The one function that it is if it does nothing but call that.
    pub(super) forwards_to: Option<u32>,
    /// By which name others may take its place.
    pub(super) interface: Option<&'f [u8]>,
    /// Whether it is a part of a gradient, and which.
    pub(super) pairs: Option<usize>,
    /// The other part of that gradient.
    pub(super) paired: Option<&'f [u8]>,
    /// Resources that it makes handles of.
    pub(super) resources: Vec<Resource<'f>>,
    /// What is named like a function, and is none here.
    pub(super) unknown: Vec<&'f [u8]>,
    /// Names in it that name nothing in it.
    pub(super) dangling: BTreeSet<&'f [u8]>,
    /// What its constants are, by their names.
    pub(super) constants: HashMap<&'f [u8], Digest>,
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Argument(u64),
    Node(u64),
    Constant(Digest),
}

/// What is no part of what a function does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Without {
    /// Nodes whose results nobody takes, and which keep no state.
    pub(super) dead: bool,
    /// The shapes that nodes say they give, but for those whose outputs are results, those that call functions, and all of a
    /// function that restores.
    pub(super) inner_shapes: bool,
}

/// What functions are read with.
pub(super) struct Reader<'n, 'f> {
    names: &'n Names<'f>,
    defs: &'n [(&'f [u8], FunctionDef<'f>)],
    key: Key,
    without: Without,
    /// How many arguments and results each has: very many may call one that has very many.
    counts: Vec<(usize, usize)>,
    /// The positions of the results of each, by their names, once somebody takes one: very many may.
    results: Vec<OnceCell<HashMap<&'f [u8], u64>>>,
}

/// A function's own names.
struct Scope<'f> {
    sources: HashMap<&'f [u8], Source>,
    /// The op of each node that counts, by its position.
    ops: Vec<&'f [u8]>,
    /// The names of nodes whose outputs are results.
    returned: HashSet<&'f [u8]>,
    /// Whether all of its nodes keep their shapes.
    keeps_shapes: bool,
}

impl<'n, 'f> Reader<'n, 'f> {
    pub(super) fn new(
        names: &'n Names<'f>,
        defs: &'n [(&'f [u8], FunctionDef<'f>)],
        key: Key,
        without: Without,
    ) -> Self {
        let count = |def: &FunctionDef<'f>| {
            let signature = def.signature();
            (signature.arguments().count(), signature.results().count())
        };
        let counts = defs.iter().map(|(_, def)| count(def)).collect();
        Self { names, defs, key, without, counts, results: vec![OnceCell::new(); defs.len()] }
    }

    /// The positions of the results of a function; of several of one name the first.
    fn results(&self, function: u32) -> Option<&HashMap<&'f [u8], u64>> {
        let (_, def) = self.defs.get(function as usize)?;
        let positions = || {
            let mut positions = HashMap::new();
            for (result, position) in def.signature().results().zip(0..) {
                positions.entry(result).or_insert(position);
            }
            positions
        };
        self.results.get(function as usize).map(|results| results.get_or_init(positions))
    }

    pub(super) fn read(&self, def: &FunctionDef<'f>) -> Body<'f> {
        let signature = def.signature();
        let nodes: Vec<NodeDef<'f>> = def.nodes().collect();
        let returned = def.returned().into_iter().map(input_node).collect();
        let keeps_shapes = !self.without.inner_shapes || nodes.iter().any(|node| node.op() == ops::RESTORE_V2);
        let mut scope = Scope { sources: HashMap::new(), ops: Vec::new(), returned, keeps_shapes };
        let is_out = |node: &NodeDef<'f>, key: &[u8]| self.is_inner(node, &scope) && key == OUTPUT_SHAPES;
        let constants = constants::plain(&nodes, self.names, self.key, is_out);
        let live = if self.without.dead { live(def, &nodes) } else { vec![true; nodes.len()] };
        let nodes: Vec<NodeDef<'f>> =
            nodes.into_iter().zip(live).filter(|(_, live)| *live).map(|(node, _)| node).collect();
        // Constants have no place in the order: whoever takes one takes its value.
        let named = constants::named(def, &nodes);
        let has_place = |name: &[u8]| !constants.contains_key(name) || named.contains(name);
        let nodes: Vec<NodeDef<'f>> = nodes.into_iter().filter(|node| has_place(node.name())).collect();
        scope.ops = nodes.iter().map(NodeDef::op).collect();
        // Of two of one name the first counts, and TensorFlow refuses such a function.
        for (position, name) in (0..).zip(signature.arguments()) {
            scope.sources.entry(name).or_insert(Source::Argument(position));
        }
        for (position, node) in (0..).zip(&nodes) {
            scope.sources.entry(node.name()).or_insert(Source::Node(position));
        }
        for (name, constant) in constants.iter().filter(|(name, _)| !has_place(name)) {
            scope.sources.entry(name).or_insert(Source::Constant(*constant));
        }
        let mut hash = self.key.hasher();
        let mut reading = Reading::new(self.names);
        let mut body = Body {
            shape: hash.finish(),
            calls: Vec::new(),
            differentiated: Vec::new(),
            keeps_state: false,
            forwards_to: None,
            interface: None,
            pairs: None,
            paired: None,
            resources: Vec::new(),
            unknown: Vec::new(),
            dangling: BTreeSet::new(),
            constants,
        };
        for node in &nodes {
            self.node(&mut hash, node, &scope, &mut reading, &mut body);
        }
        self.frame(&mut hash, def, &scope, &mut reading, &mut body);
        body.forwards_to = self.forwards(def, &nodes, &scope);
        (body.shape, body.calls, body.unknown) = (hash.finish(), reading.calls, reading.unknown);
        body
    }

    /// A node.
    fn node(
        &self,
        hash: &mut Hasher,
        node: &NodeDef<'f>,
        scope: &Scope<'f>,
        reading: &mut Reading<'_, 'f>,
        body: &mut Body<'f>,
    ) {
        let op = node.op();
        hash.number(Piece::Node, 0);
        reading.op(hash, op);
        let is_function = self.names.find(op).is_some();
        body.keeps_state |= !is_function && node.keeps_state();
        if let Some(resource) = resource(node) {
            if resource.is_by_name {
                hash.bytes(Piece::Name, node.name());
            }
            body.resources.push(resource);
        }
        let file = node.file();
        let mut controls = Vec::new();
        for field in node.fields() {
            match field.number {
                node_def::NAME | node_def::OP | node_def::ATTR | node_def::EXPERIMENTAL_DEBUG_INFO
                    if field.is_len(field.number) => {}
                node_def::INPUT if field.is_len(node_def::INPUT) => {
                    let input = Input::parse(field.bytes(file));
                    if input.is_control {
                        match scope.sources.get(input.name) {
                            Some(Source::Node(position)) => controls.push(position.saturating_mul(2)),
                            Some(Source::Argument(position)) => {
                                controls.push(position.saturating_mul(2).saturating_add(1));
                            }
                            // One that somebody waits for is a node.
                            Some(Source::Constant(_)) | None => {
                                body.dangling.insert(input.name);
                            }
                        }
                    } else {
                        self.source(hash, input, scope, body);
                    }
                }
                node_def::DEVICE if field.is_len(node_def::DEVICE) => hash.bytes(Piece::Device, field.bytes(file)),
                _ => hash.field(file, &field),
            }
        }
        controls.sort_unstable();
        controls.dedup();
        controls.into_iter().for_each(|control| hash.number(Piece::Control, control));
        let mut attributes = node.attributes();
        if let Some(class) = take(&mut attributes, CLASS) {
            placed(hash, &class, scope, body);
        }
        let first = reading.calls.len();
        let is_inner = self.is_inner(node, scope);
        reading.attributes(hash, attributes, |key| is_inner && key == OUTPUT_SHAPES);
        if op == ops::SYMBOLIC_GRADIENT {
            body.differentiated.extend(reading.calls.get(first..).unwrap_or_default());
        }
    }

    /// Whether the shapes that a node says it gives do not count.
    fn is_inner(&self, node: &NodeDef<'f>, scope: &Scope<'f>) -> bool {
        !scope.keeps_shapes
            && !scope.returned.contains(node.name())
            && self.names.find(node.op()).is_none()
            && !node.names_functions()
    }

    /// What a node or a result takes.
    fn source(&self, hash: &mut Hasher, input: Input<'f>, scope: &Scope<'f>, body: &mut Body<'f>) {
        match scope.sources.get(input.name) {
            Some(Source::Argument(position)) => {
                hash.number(Piece::Argument, *position);
                hash.bytes(Piece::Output, input.port);
            }
            Some(Source::Node(position)) => {
                hash.number(Piece::Data, *position);
                let op = usize::try_from(*position).ok().and_then(|position| scope.ops.get(position)).copied();
                let results = op.and_then(|op| self.names.find(op)).and_then(|called| self.results(called));
                // The results of a function have names of its own.
                match results.zip(input.output()) {
                    Some((results, output)) => {
                        hash.number(Piece::Output, results.get(output).copied().unwrap_or(u64::MAX));
                        hash.number(Piece::Output, input.index() as u64);
                    }
                    None => hash.bytes(Piece::Output, input.port),
                }
            }
            Some(Source::Constant(constant)) => {
                hash.digest(Piece::Constant, *constant);
                hash.bytes(Piece::Output, input.port);
            }
            None => {
                hash.bytes(Piece::Name, input.name);
                body.dangling.insert(input.name);
            }
        }
    }

    /// What is no node: arguments, results, attributes.
    fn frame(
        &self,
        hash: &mut Hasher,
        def: &FunctionDef<'f>,
        scope: &Scope<'f>,
        reading: &mut Reading<'_, 'f>,
        body: &mut Body<'f>,
    ) {
        let signature = def.signature();
        let message = signature.message();
        let file = message.file();
        let argument = |hash: &mut Hasher, field: &Field| {
            hash.number(Piece::Argument, 0);
            for part in fields(file, field.payload()).filter(|part| !part.is_len(arg_def::NAME)) {
                hash.field(file, &part);
            }
        };
        for field in message.fields() {
            match field.number {
                op_def::NAME | op_def::CONTROL_OUTPUT => {}
                op_def::INPUT_ARG | op_def::OUTPUT_ARG if field.is_len(field.number) => {
                    hash.number(Piece::Field, u64::from(field.number));
                    argument(hash, &field);
                }
                _ => hash.field(file, &field),
            }
        }
        let results: HashMap<&[u8], &[u8]> = def.results().into_iter().collect();
        for name in signature.results() {
            hash.number(Piece::Result, 0);
            match results.get(name) {
                Some(from) => self.source(hash, Input::parse(from), scope, body),
                None => {
                    body.dangling.insert(name);
                }
            }
        }
        // Each control output by the node that runs for it.
        let mut controls: Vec<u64> = Vec::new();
        for name in def.control_returned() {
            match scope.sources.get(Input::parse(name).name) {
                Some(Source::Node(position)) => controls.push(*position),
                _ => {
                    body.dangling.insert(name);
                }
            }
        }
        controls.sort_unstable();
        controls.into_iter().for_each(|control| hash.number(Piece::ControlResult, control));
        let (mut attributes, mut of_arguments) = (Vec::new(), Vec::new());
        for field in def.fields() {
            match field.number {
                SIGNATURE | NODE_DEF | RET | CONTROL_RET | ATTR | ARG_ATTR | RESOURCE_ARG_UNIQUE_ID
                    if field.is_len(field.number) =>
                {
                    match field.number {
                        ATTR => attributes.push(Entry::read(file, field)),
                        ARG_ATTR => {
                            let (position, value) = numbered_entry(file, field.payload());
                            of_arguments.push((position, value));
                        }
                        RESOURCE_ARG_UNIQUE_ID => {
                            let (position, _) = numbered_entry(file, field.payload());
                            let id = Message::new(file, field.payload()).integer(VALUE);
                            of_arguments.push((position, None));
                            hash.number(Piece::Argument, position);
                            hash.number(Piece::Data, id);
                        }
                        _ => {}
                    }
                }
                _ => hash.field(file, &field),
            }
        }
        of_arguments.sort_by_key(|(position, _)| *position);
        for (position, value) in of_arguments {
            let Some(value) = value else { continue };
            hash.number(Piece::Argument, position);
            let entries = Message::new(file, value.payload()).entries(function_def::arg_attrs::ATTR);
            reading.attributes(hash, entries, |_| false);
        }
        let text = |entry: Entry<'f>| AttrValue::new(entry.value).text();
        body.interface = take(&mut attributes, API_IMPLEMENTS).map(text).filter(|name| !name.is_empty());
        for (number, key) in (0..).zip(PAIRED) {
            if let Some(entry) = take(&mut attributes, key) {
                hash.bytes(Piece::Attribute, key);
                (body.pairs, body.paired) = (Some(number), Some(text(entry)));
            }
        }
        reading.attributes(hash, attributes, |_| false);
    }

    /// The function that this one is, if it does nothing but call that with its arguments in their order, and gives what that gives.
    fn forwards(&self, def: &FunctionDef<'f>, nodes: &[NodeDef<'f>], scope: &Scope<'f>) -> Option<u32> {
        let is_call = |node: &&NodeDef<'f>| ops::CALLS.contains(&node.op());
        let call = nodes.iter().find(is_call)?;
        let is_plain = |node: &NodeDef<'f>| match node.op() {
            // Identities and groups wait for the call and for each other.
            ops::IDENTITY | ops::GROUP => {
                node.inputs().all(|input| matches!(scope.sources.get(Input::parse(input).name), Some(Source::Node(_))))
            }
            _ => node.name() == call.name(),
        };
        if !nodes.iter().all(is_plain) || nodes.iter().filter(is_call).count() != 1 {
            return None;
        }
        let is_placed = |node: &NodeDef<'f>| {
            node.fields().any(|field| field.is_len(node_def::DEVICE) && !field.bytes(node.file()).is_empty())
        };
        if nodes.iter().any(is_placed) {
            return None;
        }
        let own = |field: Field| {
            let key = Entry::read(call.file(), field).key;
            KEEPS_ITS_OWN.contains(&key) || key == API_IMPLEMENTS || PAIRED.contains(&key)
        };
        if def.fields().filter(|field| field.is_len(ATTR)).any(own) {
            return None;
        }
        let is_own = |entry: &Entry<'f>| {
            // Who asks for its gradient gets another one than that of what it calls, or an error.
            let is_differentiated = entry.key == GRADIENT_OP_TYPE && {
                let value = AttrValue::new(entry.value.clone()).text();
                self.names.live_gradients.contains(value) || !is_number_of_a_call(call, value)
            };
            is_differentiated
                || KEEPS_ITS_OWN.contains(&entry.key)
                || entry.key == b"executor_type" && !AttrValue::new(entry.value.clone()).text().is_empty()
        };
        if call.attributes().iter().any(is_own) {
            return None;
        }
        let callee = call.attribute(b"f")?;
        let target = self.names.find(callee.function()?)?;
        // With attributes of its own a callee is another function.
        let func = callee.message().message(crate::message::number::attr_value::FUNC)?;
        if func.repeated(name_attr_list::ATTR).next().is_some() {
            return None;
        }
        let signature = def.signature();
        let (arguments, inputs): (Vec<&[u8]>, Vec<&[u8]>) = (signature.arguments().collect(), call.inputs().collect());
        if arguments != inputs {
            return None;
        }
        let results: HashMap<&[u8], &[u8]> = def.results().into_iter().collect();
        let names: Vec<&[u8]> = signature.results().collect();
        if *self.counts.get(target as usize)? != (arguments.len(), names.len()) {
            return None;
        }
        let mut from = Vec::new();
        for name in names {
            let mut source = Input::parse(results.get(name)?);
            if source.name != call.name() {
                let Some(Source::Node(position)) = scope.sources.get(source.name) else { return None };
                let identity = nodes.get(usize::try_from(*position).ok()?).filter(|node| node.op() == ops::IDENTITY)?;
                if source.port != b":output:0" {
                    return None;
                }
                source = Input::parse(identity.inputs().find(|input| !Input::parse(input).is_control)?);
            }
            from.push(source);
        }
        let is_in_order =
            (0..).zip(&from).all(|(at, source)| source.output() == Some(b"output") && source.index() == at);
        let controls = def.control_returned();
        // Without a result and a control output the call would not run.
        if from.is_empty() && controls.is_empty() {
            return None;
        }
        // All nodes are plain ones by now.
        let waits = controls.iter().all(|name| matches!(scope.sources.get(name), Some(Source::Node(_))));
        (is_in_order && waits).then_some(target)
    }
}

/// Takes the entry of a key out of some.
pub(super) fn take<'f>(entries: &mut Vec<Entry<'f>>, key: &[u8]) -> Option<Entry<'f>> {
    let at = entries.iter().rposition(|entry| entry.key == key)?;
    let entry = entries.remove(at);
    entries.retain(|entry| entry.key != key);
    Some(entry)
}

/// The nodes that `_class` says are to be placed together, by position.
fn placed<'f>(hash: &mut Hasher, class: &Entry<'f>, scope: &Scope<'f>, body: &mut Body<'f>) {
    hash.bytes(Piece::Attribute, CLASS);
    let file = class.value.file();
    for list in class.value.repeated(LIST) {
        for item in fields(file, list.payload()) {
            let name = item.bytes(file).strip_prefix(BESIDE).filter(|_| item.is_len(list_value::S));
            match name.map(|name| (name, scope.sources.get(name))) {
                Some((_, Some(Source::Node(position)))) => hash.number(Piece::Node, *position),
                Some((_, Some(Source::Argument(position)))) => hash.number(Piece::Argument, *position),
                Some((name, Some(Source::Constant(_)) | None)) => {
                    hash.bytes(Piece::Name, name);
                    body.dangling.insert(name);
                }
                None => hash.field(file, &item),
            }
        }
    }
}

/// Which nodes count: what results and control outputs are computed from, and what may keep or change a state.
fn live<'f>(def: &FunctionDef<'f>, nodes: &[NodeDef<'f>]) -> Vec<bool> {
    let positions: HashMap<&[u8], usize> = nodes.iter().map(NodeDef::name).zip(0..).collect();
    let at = |name: &'f [u8]| positions.get(Input::parse(name).name).copied();
    let mut open: Vec<usize> = def.returned().into_iter().chain(def.control_returned()).filter_map(at).collect();
    open.extend((0..).zip(nodes).filter(|(_, node)| !ops::is_stateless(node.op())).map(|(position, _)| position));
    let mut live = vec![false; nodes.len()];
    while let Some(position) = open.pop() {
        let Some(slot) = live.get_mut(position).filter(|slot| !**slot) else { continue };
        *slot = true;
        open.extend(nodes.get(position).into_iter().flat_map(NodeDef::inputs).filter_map(at));
        // What it is placed with is asked for by name.
        open.extend(nodes.get(position).into_iter().flat_map(NodeDef::placed_beside).filter_map(at));
    }
    live
}
