//! Large constants and byte strings: what nodes hold instead of taking it from a variable or a file.
//!
//! Large nodes were noted when the bytes were charged, and only they are looked into. What a constant is good for is found
//! afterwards, in the scopes (the graph of a metagraph, a function) that hold one, and in the functions that it is
//! handed to as an argument: names of other scopes' nodes are never read.

use std::ops::Range;

use foldhash::{HashMap, HashSet};

use super::facts::Facts;
use super::nodes::{Function, Node};
use super::quoted;
pub(super) use crate::message::tensor_proto::Form;
use crate::message::{AttrValue, Entry, input_node, is_data, ops};
use crate::outline::LARGE_NODE;
use crate::proto::tensor_info::Encoding;

/// A payload of fewer bytes is of no interest: it cannot be a finding by itself (`LEAST_BYTES`), and nodes that are
/// smaller need not be looked into.
pub(super) const LARGE: usize = LARGE_NODE;

/// How many nodes one behind the other pass a constant on. Each takes a pass over the scope; programs have one or two.
const HOPS: usize = 8;

/// How many functions hand a constant to the next. Each takes a pass over the functions that are called with it; a program
/// has two or three of them, and two more for each time that it was loaded and saved again.
const CALLS: usize = 32;

/// Uses of constants that are kept. Where there are more, what constants are good for is not known.
const MAX_USES: usize = 1 << 20;

/// What the bytes of a tensor cost a variable besides: its node, its part in saving and restoring, its objects and its
/// entry in the index. Measured on TensorFlow 2.21 (docs/findings/constant-in-every-trace.md): 2.3 kB for one of many,
/// where the first one takes some more.
pub(super) const VARIABLE_BYTES: u64 = 2300;

/// Where nodes are: the graph of a metagraph, or a function by its position among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) meta_graph: usize,
    pub(super) function: Option<usize>,
}

/// A Const node whose tensor is large.
#[derive(Debug, Clone)]
pub(super) struct Constant<'a> {
    pub(super) scope: Scope,
    pub(super) node: Node<'a>,
    /// The number of its type in TensorFlow's `DataType`.
    pub(super) dtype: u64,
    /// The size of each dimension.
    pub(super) shape: Vec<u64>,
    pub(super) form: Form,
    /// The elements in the file; for strings from the first one's tag to the last one's end.
    pub(super) payload: Range<usize>,
}

impl Constant<'_> {
    /// How many elements the shape says.
    pub(super) fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))
    }
}

/// A large byte string in an attribute of a node.
#[derive(Debug, Clone)]
pub(super) struct Blob<'a> {
    pub(super) scope: Scope,
    pub(super) node: Node<'a>,
    pub(super) key: &'a [u8],
    /// The bytes in the file.
    pub(super) payload: Range<usize>,
}

/// A node that takes a constant, as it is or in another form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) scope: Scope,
    pub(super) node: Node<'a>,
    /// The position of the input that takes it; `None` where the node only has to run after it.
    pub(super) input: Option<usize>,
    /// Whether the node hands it on: as its own output, or to a function. Who takes it there is a use as well.
    pub(super) passes: bool,
}

impl Scope {
    /// What a node of this scope is called in evidence: its name, and the function that it is in.
    pub(super) fn place(self, context: &Facts<'_>, node: &Node<'_>) -> String {
        match self.function.and_then(|function| context.functions().get(function)) {
            Some(function) => format!("{} in {}", quoted(node.name()), quoted(function.name)),
            None => quoted(node.name()),
        }
    }
}

/// The large constants and byte strings of a model, in the order of the file: the graphs, then the functions.
#[derive(Debug, Default)]
pub(super) struct Large<'a> {
    pub(super) constants: Vec<Constant<'a>>,
    pub(super) blobs: Vec<Blob<'a>>,
}

/// For each large constant what takes it; nothing for one that goes too far or is given away, and for all where there are
/// too many uses.
#[derive(Debug, Default)]
pub(super) struct Uses<'a> {
    of: Vec<Vec<Use<'a>>>,
}

impl<'a> Uses<'a> {
    /// What takes a constant, by its position. None is also said where it is not known.
    pub(super) fn of(&self, constant: usize) -> &[Use<'a>] {
        self.of.get(constant).map_or(&[], Vec::as_slice)
    }

    /// The uses where a constant ends up.
    pub(super) fn ends(&self, constant: usize) -> impl Iterator<Item = &Use<'a>> {
        self.of(constant).iter().filter(|found| !found.passes)
    }

    /// Whether the nodes that a constant ends up as an input of are all of these ops. Not so where there are none.
    pub(super) fn end_in(&self, constant: usize, ops: &[&[u8]]) -> bool {
        let mut taken = self.ends(constant).filter(|end| end.input.is_some()).peekable();
        taken.peek().is_some() && taken.all(|end| ops.contains(&end.node.op()))
    }
}

impl<'a> Large<'a> {
    pub(super) fn find(context: &Facts<'a>) -> Self {
        let mut large = Self::default();
        let file = context.main();
        let (mut of_graphs, mut of_functions) = (Vec::new(), Vec::new());
        for (meta_graph, graph) in context.saved_model.meta_graphs.iter().enumerate() {
            for field in &graph.notes.large_nodes {
                match context.function_around(field.start) {
                    None => of_graphs.push((Scope { meta_graph, function: None }, Node::new(file, *field))),
                    function => of_functions.push((Scope { meta_graph, function }, Node::new(file, *field))),
                }
            }
        }
        of_graphs.into_iter().chain(of_functions).for_each(|(scope, node)| large.look(scope, node));
        large
    }

    fn look(&mut self, scope: Scope, node: Node<'a>) {
        let is_const = node.op() == ops::CONST;
        let large = node.attributes().into_iter().filter(|entry| entry.field.range().len() >= LARGE);
        for Entry { key, value, .. } in large {
            let value = AttrValue::new(value);
            if is_const && key == b"value" {
                self.constants.extend(constant(scope, node, &value));
            } else if let Some(payload) = value.s().filter(|payload| payload.len() >= LARGE) {
                self.blobs.push(Blob { scope, node, key, payload });
            }
        }
    }
}

/// The constant that an AttrValue holds, if it is large.
fn constant<'a>(scope: Scope, node: Node<'a>, value: &AttrValue<'a>) -> Option<Constant<'a>> {
    let tensor = value.tensor()?;
    let (form, payload) = tensor.elements().filter(|(_, range)| range.len() >= LARGE)?;
    Some(Constant { scope, node, dtype: tensor.data_type(), shape: tensor.shape()?, form, payload })
}

/// The constants that names of a scope stand for.
type Names<'a> = HashMap<&'a [u8], Vec<usize>>;

/// Follows all large constants to where they are used.
pub(super) fn follow<'a>(context: &Facts<'a>, constants: &[Constant<'a>]) -> Uses<'a> {
    let mut trail = Trail {
        context,
        functions: HashMap::default(),
        arguments: HashMap::default(),
        uses: vec![Vec::new(); constants.len()],
        count: 0,
        handed: HashSet::default(),
        lost: HashSet::default(),
    };
    let mut scopes: HashMap<Scope, Names<'a>> = HashMap::default();
    for (position, constant) in constants.iter().enumerate() {
        scopes.entry(constant.scope).or_default().entry(constant.node.name()).or_default().push(position);
    }
    for _ in 0..CALLS {
        if scopes.is_empty() {
            break;
        }
        let mut next = HashMap::default();
        for (scope, names) in scopes {
            trail.through_scope(scope, names, &mut next);
        }
        scopes = next;
    }
    scopes.into_values().for_each(|names| trail.lose(names));
    if trail.count > MAX_USES {
        return Uses::default();
    }
    for lost in trail.lost {
        trail.uses.get_mut(lost).into_iter().for_each(Vec::clear);
    }
    Uses { of: trail.uses }
}

struct Trail<'c, 'a> {
    context: &'c Facts<'a>,
    /// The functions of a metagraph by name; made when the first call is met.
    functions: HashMap<usize, HashMap<&'a [u8], usize>>,
    /// The names of the arguments of functions that were handed a constant.
    arguments: HashMap<usize, Vec<&'a [u8]>>,
    uses: Vec<Vec<Use<'a>>>,
    count: usize,
    /// Arguments of functions that have been followed: the function, the argument, the constant.
    handed: HashSet<(usize, usize, usize)>,
    /// Constants that go further than they are followed, or are results.
    lost: HashSet<usize>,
}

impl<'a> Trail<'_, 'a> {
    /// Records who takes the constants that `names` stand for, until none of them hands one on within the scope.
    fn through_scope(&mut self, scope: Scope, mut names: Names<'a>, next: &mut HashMap<Scope, Names<'a>>) {
        let context = self.context;
        for _ in 0..HOPS {
            let mut passed = Names::default();
            let mut look = |node| self.at(scope, node, &names, &mut passed, next);
            match scope.function {
                None => context.nodes(scope.meta_graph).for_each(&mut look),
                Some(function) => {
                    context.functions().get(function).into_iter().flat_map(Function::nodes).for_each(&mut look);
                }
            }
            self.given(scope, &names);
            if passed.is_empty() {
                return;
            }
            names = passed;
        }
        self.lose(names);
    }

    /// Loses what the scope itself gives to others: as the result of a function, as the output of a signature.
    fn given(&mut self, scope: Scope, names: &Names<'a>) {
        let context = self.context;
        let mut lose = |output: &[u8]| self.lost.extend(names.get(input_node(output)).into_iter().flatten());
        match scope.function {
            Some(function) => context.functions().get(function).into_iter().flat_map(Function::results).for_each(lose),
            None => {
                let signatures = context.saved_model.meta_graphs.get(scope.meta_graph).map(|graph| &graph.signatures);
                let outputs = signatures
                    .into_iter()
                    .flatten()
                    .flat_map(|signature| signature.outputs.iter().map(|(_, output)| output));
                for encoding in outputs.filter_map(|output| output.encoding.as_ref()) {
                    if let Encoding::Name(name) = encoding {
                        lose(name.as_bytes());
                    }
                }
            }
        }
    }

    fn lose(&mut self, names: Names<'a>) {
        self.lost.extend(names.into_values().flatten());
    }

    fn at(
        &mut self,
        scope: Scope,
        node: Node<'a>,
        names: &Names<'a>,
        passed: &mut Names<'a>,
        next: &mut HashMap<Scope, Names<'a>>,
    ) {
        // Read once for the node, and not for each of its inputs: there may be as many as the file has room for.
        let mut about: Option<(bool, Option<usize>)> = None;
        for (position, input) in node.inputs().enumerate() {
            let Some(constants) = names.get(input_node(input)) else { continue };
            self.count = self.count.saturating_add(constants.len());
            if self.count > MAX_USES {
                return;
            }
            let position = Some(position).filter(|_| is_data(input));
            let (hands_on, calls) =
                *about.get_or_insert_with(|| (ops::PASSES.contains(&node.op()), self.called(scope.meta_graph, &node)));
            let called = position.and(calls);
            let passes = position == Some(0) && hands_on;
            for constant in constants {
                let found = Use { scope, node, input: position, passes: passes || called.is_some() };
                self.uses.get_mut(*constant).into_iter().for_each(|uses| uses.push(found));
                if let (Some(function), Some(argument)) = (called, position) {
                    self.hand(function, argument, *constant, next);
                }
            }
            if passes {
                passed.entry(node.name()).or_default().extend(constants);
            }
        }
    }

    /// The function that a node calls with its inputs.
    fn called(&mut self, meta_graph: usize, node: &Node<'a>) -> Option<usize> {
        let (context, op) = (self.context, node.op());
        let name = if ops::CALLS.contains(&op) { node.attribute(b"f")?.function()? } else { op };
        let here = || context.numbered_functions_of(meta_graph).map(|(at, function)| (function.name, at));
        let functions = self.functions.entry(meta_graph).or_insert_with(|| here().collect());
        functions.get(name).copied()
    }

    /// Goes on with a constant in a function that is given it as an argument.
    fn hand(&mut self, function: usize, argument: usize, constant: usize, next: &mut HashMap<Scope, Names<'a>>) {
        let Some(called) = self.context.functions().get(function) else { return };
        if !self.handed.insert((function, argument, constant)) {
            return;
        }
        let arguments = self.arguments.entry(function).or_insert_with(|| called.arguments());
        let Some(name) = arguments.get(argument).copied() else { return };
        let scope = Scope { meta_graph: called.meta_graph, function: Some(function) };
        next.entry(scope).or_default().entry(name).or_default().push(constant);
    }
}

#[cfg(test)]
mod tests;
