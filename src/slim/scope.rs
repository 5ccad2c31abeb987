//! How variables are restored: which output of which `RestoreV2` ends in which variable's handle, in the graph itself or in the
//! function that the saver's restore op calls.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use thiserror::Error;

use super::program::{Program, Vertex};
use crate::message::number::attr_value::list_value;
use crate::message::number::function_def::NODE_DEF;
use crate::message::{FunctionDef, Input, NodeDef, Signature, input_node, is_data, ops};
use crate::wire::{Field, WireType, fields};

/// Why nothing of what is restored can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Unclear {
    #[error("variables are restored by an op of TensorFlow's first format")]
    FirstFormat,
    #[error("the names of the tensors that are restored are not in a constant")]
    Names,
    #[error("two nodes of a function have one name")]
    Nodes,
}

/// Nodes that name each other: those of the graph, or those of a function.
#[derive(Debug)]
pub(super) struct Scope<'f> {
    file: &'f [u8],
    /// The fields around a function's nodes, and the function; none for the graph.
    pub(super) function: Option<Called<'f>>,
    pub(super) nodes: Vec<(Field, NodeDef<'f>)>,
    by_name: HashMap<&'f [u8], usize>,
    /// Who takes something of each node: which node, by which of its inputs.
    takers: Vec<Vec<(usize, Field)>>,
}

/// A function that one node of the graph calls, and nothing else.
#[derive(Debug)]
pub(super) struct Called<'f> {
    pub(super) path: Vec<Field>,
    pub(super) caller: Vertex,
    pub(super) arguments: HashMap<&'f [u8], usize>,
    /// What is given for each.
    given: Vec<&'f [u8]>,
    /// How often each argument is taken.
    taken: Vec<u32>,
    /// The nodes and arguments that results come from.
    returned: HashSet<&'f [u8]>,
}

/// How a variable gets its value.
#[derive(Debug, Clone)]
pub(super) struct Setter {
    /// The tensor's key, by its place in [`Restored::keys`].
    pub(super) key: usize,
    /// The variable's node in the graph.
    pub(super) handle: Vertex,
    /// The scope, and in it the restoring node and which of its outputs.
    pub(super) scope: usize,
    pub(super) restore: usize,
    pub(super) output: usize,
    /// The nodes from there to the assignment, which is the last.
    pub(super) chain: Vec<usize>,
    /// Which argument of the function the handle is.
    pub(super) argument: Option<usize>,
}

/// A `RestoreV2`.
#[derive(Debug, Clone)]
pub(super) struct Restore {
    pub(super) node: usize,
    /// The constants of its names and of its slices.
    pub(super) constants: [usize; 2],
    pub(super) names: Strings,
    slices: Strings,
}

/// The strings of a constant. Very many nodes may name one.
type Strings = Rc<[Range<usize>]>;

/// All that is restored in a metagraph.
#[derive(Debug, Default)]
pub(super) struct Restored<'f> {
    pub(super) scopes: Vec<Scope<'f>>,
    /// By the scope.
    pub(super) restores: Vec<Vec<Restore>>,
    pub(super) setters: Vec<Setter>,
    /// The keys, each once: very many nodes may restore what one long name says.
    pub(super) keys: Vec<&'f [u8]>,
    /// Keys whose restoring is not understood, and so stay.
    kept: BTreeSet<usize>,
    /// The place of each key, and of the key that a name says, by where that begins.
    places: HashMap<&'f [u8], usize>,
    said: HashMap<usize, usize>,
}

impl<'f> Restored<'f> {
    /// Finds what a metagraph restores.
    pub(super) fn of(program: &Program<'f>) -> Result<Self, Unclear> {
        let mut restored = Self::default();
        let graph = program.nodes.iter().map(|node| (node.at.field, node.def)).collect();
        restored.add(program, Scope::new(program.file, graph, None)?)?;
        let mut callers = None;
        for function in &program.functions {
            let def = FunctionDef::new(program.file, function.at.field.payload());
            let nodes: Vec<_> =
                def.node_fields().map(|field| (field, NodeDef::read(program.file, field.payload()))).collect();
            if !nodes.iter().any(|(_, node)| ops::RESTORES.contains(&node.op())) {
                continue;
            }
            let signature = def.signature();
            let caller = callers.get_or_insert_with(|| program.only_callers()).get(function.name).copied();
            let call = caller.and_then(|caller| Some((caller, program.nodes.get(caller)?.def)));
            let call = call.filter(|(_, call)| ops::CALLS.contains(&call.op()));
            let called = call.map(|call| Called::new(&def, &signature, function.at.path(), call));
            restored.add(program, Scope::new(program.file, nodes, called)?)?;
        }
        Ok(restored)
    }

    /// The keys that these setters restore.
    pub(super) fn keys_of<'s>(&self, setters: impl Iterator<Item = &'s Setter>) -> impl Iterator<Item = &'f [u8]> {
        let places: BTreeSet<usize> = setters.map(|setter| setter.key).collect();
        places.into_iter().filter_map(|place| self.keys.get(place).copied())
    }

    /// The keys whose restoring is not understood.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'f [u8]> {
        self.kept.iter().filter_map(|place| self.keys.get(*place).copied())
    }

    /// The place of the key that a name says.
    fn place(&mut self, file: &'f [u8], name: &Range<usize>) -> usize {
        *self.said.entry(name.start).or_insert_with(|| {
            let key = file.get(name.clone()).unwrap_or_default();
            *self.places.entry(key).or_insert_with(|| {
                self.keys.push(key);
                self.keys.len().saturating_sub(1)
            })
        })
    }

    fn add(&mut self, program: &Program<'f>, scope: Scope<'f>) -> Result<(), Unclear> {
        let (at, mut restores) = (self.scopes.len(), Vec::new());
        let is_graph = at == 0;
        let mut constants = HashMap::new();
        for (node, (_, def)) in scope.nodes.iter().enumerate() {
            match def.op() {
                ops::RESTORE_V2 => restores.push(scope.restore(node, &mut constants).ok_or(Unclear::Names)?),
                op if ops::RESTORES.contains(&op) => return Err(Unclear::FirstFormat),
                _ => {}
            }
        }
        for restore in &restores {
            let takers = scope.takers_of_outputs(restore.node);
            for (output, name) in restore.names.iter().enumerate() {
                let key = self.place(program.file, name);
                let setter = takers
                    .get(&output)
                    .filter(|_| restore.is_whole(output))
                    .and_then(|takers| scope.setter(program, takers, is_graph));
                match setter {
                    Some(found) => {
                        let (chain, handle, argument) = found;
                        let (scope, restore) = (at, restore.node);
                        self.setters.push(Setter { key, handle, scope, restore, output, chain, argument });
                    }
                    None => {
                        self.kept.insert(key);
                    }
                }
            }
        }
        self.scopes.push(scope);
        self.restores.push(restores);
        Ok(())
    }
}

impl Restore {
    /// Whether an output is a whole tensor, and no slice of one.
    fn is_whole(&self, output: usize) -> bool {
        let slice = self.slices.get(output).or_else(|| self.slices.last());
        slice.is_none_or(Range::is_empty)
    }
}

impl<'f> Called<'f> {
    fn new(
        def: &FunctionDef<'f>,
        signature: &Signature<'f>,
        path: Vec<Field>,
        (caller, call): (Vertex, NodeDef<'f>),
    ) -> Self {
        let arguments: HashMap<&[u8], usize> = signature.arguments().zip(0..).collect();
        let returned = def.returned().into_iter().map(input_node).collect();
        let given = call.inputs().filter(|input| is_data(input)).collect();
        Self { path, caller, taken: vec![0; arguments.len()], given, arguments, returned }
    }
}

impl<'f> Scope<'f> {
    fn new(
        file: &'f [u8],
        nodes: Vec<(Field, NodeDef<'f>)>,
        mut function: Option<Called<'f>>,
    ) -> Result<Self, Unclear> {
        let mut by_name = HashMap::with_capacity(nodes.len());
        for (at, (_, def)) in nodes.iter().enumerate() {
            if by_name.insert(def.name(), at).is_some() {
                return Err(Unclear::Nodes);
            }
        }
        let mut takers = vec![Vec::new(); nodes.len()];
        for (at, (_, def)) in nodes.iter().enumerate() {
            for field in def.input_fields() {
                let name = input_node(field.bytes(file));
                if let Some(takers) = by_name.get(name).and_then(|node| takers.get_mut(*node)) {
                    takers.push((at, field));
                } else if let Some(called) = &mut function
                    && let Some(taken) = called.arguments.get(name).and_then(|at| called.taken.get_mut(*at))
                {
                    *taken = taken.saturating_add(1);
                }
            }
        }
        Ok(Self { file, function, nodes, by_name, takers })
    }

    /// The node of this name.
    pub(super) fn node(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Whether only one node takes something of a node.
    pub(super) fn is_taken_once(&self, node: usize) -> bool {
        self.takers.get(node).is_some_and(|takers| takers.len() == 1)
    }

    fn inputs(&self, node: usize) -> Vec<&'f [u8]> {
        let def = self.nodes.get(node).map(|(_, def)| *def);
        def.map(|def| def.inputs().filter(|input| is_data(input)).collect()).unwrap_or_default()
    }

    /// A `RestoreV2` whose names and slices are constants, and as many as it has outputs. `constants` are those that were looked
    /// at before.
    fn restore(&self, node: usize, constants: &mut HashMap<usize, Option<(u64, Strings)>>) -> Option<Restore> {
        let (_, def) = self.nodes.get(node)?;
        let list = def.attribute(b"dtypes")?.list()?;
        let count = list.integers::<u64>(list_value::TYPE).count();
        let [_, names, slices] = self.inputs(node)[..] else { return None };
        let mut strings = |input: &[u8]| {
            let constant = self.node(input_node(input))?;
            let known = constants.entry(constant).or_insert_with(|| self.strings(constant)).clone();
            let (_, strings) = known.filter(|(size, all)| *size == count as u64 && all.len() <= count)?;
            Some((constant, strings))
        };
        let ((at_names, names), (at_slices, slices)) = (strings(names)?, strings(slices)?);
        (names.len() == count).then_some(Restore { node, constants: [at_names, at_slices], names, slices })
    }

    /// The strings of a constant that is a list, and how many its shape says there are: the last one stands for those that are
    /// left out.
    fn strings(&self, constant: usize) -> Option<(u64, Strings)> {
        let (_, def) = self.nodes.get(constant).filter(|(_, def)| def.op() == ops::CONST)?;
        let tensor = def.attribute(b"value")?.tensor()?;
        let [size] = tensor.shape()?[..] else { return None };
        Some((size, tensor.strings().map(|field| field.payload()).collect()))
    }

    /// Who takes each output of a node.
    fn takers_of_outputs(&self, node: usize) -> HashMap<usize, Vec<(usize, Field)>> {
        let mut takers: HashMap<usize, Vec<(usize, Field)>> = HashMap::new();
        for (taker, field) in self.takers.get(node).into_iter().flatten() {
            let input = Input::parse(field.bytes(self.file));
            if !input.is_control {
                takers.entry(input.index()).or_default().push((*taker, *field));
            }
        }
        takers
    }

    /// The path of an output that these take to the handle of a variable, if it goes there and nowhere else: the nodes, the
    /// variable, and which argument that is.
    fn setter(
        &self,
        program: &Program<'f>,
        takers: &[(usize, Field)],
        is_graph: bool,
    ) -> Option<(Vec<usize>, Vertex, Option<usize>)> {
        let [(mut at, mut by)] = *takers else { return None };
        let mut chain = Vec::new();
        for _ in 0..HOPS {
            let (_, def) = self.nodes.get(at)?;
            if self.function.as_ref().is_some_and(|called| called.returned.contains(def.name())) {
                return None;
            }
            chain.push(at);
            let takers = self.takers.get(at)?;
            if ops::ASSIGNS.contains(&def.op()) {
                let mut inputs = def.input_fields().filter(|field| is_data(field.bytes(self.file)));
                let (handle, value, None) = (inputs.next()?, inputs.next()?, inputs.next()) else { return None };
                let is_only_run = takers.iter().all(|(_, field)| !is_data(field.bytes(self.file)));
                if value != by || !is_only_run {
                    return None;
                }
                let handle = input_node(handle.bytes(self.file));
                return match &self.function {
                    Some(called) => {
                        let argument = *called.arguments.get(handle)?;
                        let variable = variable(program, input_node(called.given.get(argument)?))?;
                        let is_only_set = called.taken.get(argument) == Some(&1) && !called.returned.contains(handle);
                        is_only_set.then_some((chain, variable, Some(argument)))
                    }
                    None => {
                        is_graph.then(|| variable(program, handle)).flatten().map(|variable| (chain, variable, None))
                    }
                };
            }
            let ([(next, field)], true) = (&takers[..], def.op() == ops::IDENTITY && def.input_fields().count() == 1)
            else {
                return None;
            };
            if !is_data(field.bytes(self.file)) {
                return None;
            }
            (at, by) = (*next, *field);
        }
        None
    }
}

/// So many nodes may hand a value on before it is assigned.
const HOPS: usize = 8;

fn variable(program: &Program<'_>, name: &[u8]) -> Option<Vertex> {
    let vertex = program.node(name)?;
    program.nodes.get(vertex).filter(|node| ops::VARIABLES.contains(&node.def.op())).map(|_| vertex)
}

/// The name by which a variable's resource is known.
pub(super) fn resource<'f>(def: &NodeDef<'f>) -> Option<&'f [u8]> {
    let shared = def.attribute(crate::message::attributes::SHARED_NAME).map(|value| value.text());
    let shared = shared.filter(|name| !name.is_empty());
    ops::VARIABLES.contains(&def.op()).then(|| shared.unwrap_or(def.name()))
}

/// The nodes of a function that make resources, by name.
pub(super) fn resources_of_function(file: &[u8], function: Field) -> Vec<&[u8]> {
    let nodes =
        fields(file, function.payload()).filter(|field| field.is_len(NODE_DEF) && field.wire_type == WireType::Len);
    nodes.filter_map(|field| resource(&NodeDef::read(file, field.payload()))).collect()
}
