//! Whether sums and products round as before if an op makes what was a constant.
//!
//! A runtime joins constants: of `(x + c) + d` it makes `x + (c + d)`, and of a product of a convolution one with other weights,
//! which round otherwise (`ConstantPushDown`, `MulConvPushDown`, `ReduceDivToReciprocalMul` in
//! tensorflow/core/grappler/optimizers/constant_folding.cc). It does so only with what is a constant when it looks, and what an op
//! makes is none yet. So a constant may be made where nothing could be joined with it: all that takes it adds it to something or
//! multiplies something with it, and no sum is beside that sum, and no product beside that product, through calls, and through
//! ops that only give on. Ops that nothing is known of count as if they were such.

use std::ops::Range;

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use crate::message::attributes::XLA_MUST_COMPILE;
use crate::message::{AttrValue, Entry, FunctionDef, Input, NodeDef, input_node, ops};

/// More than this is not looked at for one constant, which then stays as it is: a constant is of no interest below 1 KiB, so all
/// of it is linear in the file.
const MAX_STEPS: usize = 1 << 10;

/// The graph, or a function by its position.
type Place = Option<usize>;

/// A node, as far as it matters here.
#[derive(Debug)]
struct Node<'f> {
    name: &'f [u8],
    op: &'f [u8],
    /// The tensors that it takes, among those of its body.
    inputs: Range<usize>,
    /// The function that it hands them to, where it does nothing else.
    called: Option<usize>,
}

/// The nodes of a graph or a function, and who takes what of whom.
#[derive(Debug, Default)]
struct Body<'f> {
    nodes: Vec<Node<'f>>,
    by_name: HashMap<&'f [u8], usize>,
    inputs: Vec<&'f [u8]>,
    /// The nodes that take an output of a node or an argument, each with the position of its input.
    takers: HashMap<&'f [u8], Vec<(usize, usize)>>,
    /// The nodes that others wait for or are placed beside.
    named: HashSet<&'f [u8]>,
    /// The arguments of a function, and their positions.
    arguments: Vec<&'f [u8]>,
    positions: HashMap<&'f [u8], usize>,
    /// What a function gives back, and the nodes and arguments that this is of.
    results: Vec<&'f [u8]>,
    returned: HashSet<&'f [u8]>,
}

/// The programs of a metagraph: its graph and its functions.
#[derive(Debug, Default)]
pub(crate) struct Programs<'f> {
    graph: Body<'f>,
    functions: Vec<Body<'f>>,
    by_name: HashMap<&'f [u8], usize>,
    /// The calls of each function: where they are, and which node.
    calls: HashMap<usize, Vec<(Place, usize)>>,
    /// The functions that something names which is no call: bodies of loops, gradients.
    otherwise: HashSet<usize>,
    /// Whether XLA compiles any of it, which has rules of its own.
    is_compiled: bool,
}

/// What is done with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sum,
    Product,
}

impl Kind {
    fn of(op: &[u8]) -> Option<Self> {
        match op {
            _ if ops::SUMS.contains(&op) => Some(Self::Sum),
            ops::PRODUCT => Some(Self::Product),
            _ => None,
        }
    }

    /// Whether nothing is joined with an op that stands in front of one of this kind, or behind it.
    fn is_apart(self, op: &[u8], is_behind: bool) -> bool {
        let by_kind = match self {
            Self::Sum => op == ops::PRODUCT || is_behind && ops::WEIGHTED.contains(&op),
            Self::Product => ops::SUMS.contains(&op),
        };
        by_kind || ops::APART_FROM_ARITHMETIC.contains(&op)
    }
}

/// One look at a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step<'f> {
    /// At where an input comes from.
    From(Place, &'f [u8]),
    /// At what takes an output of a node or an argument.
    To(Place, &'f [u8]),
}

impl<'f> Body<'f> {
    /// Reads nodes; `called` says which function each calls.
    fn of(nodes: impl Iterator<Item = NodeDef<'f>>, mut called: impl FnMut(&NodeDef<'f>) -> Option<usize>) -> Self {
        let mut body = Self::default();
        for def in nodes {
            body.named.extend(def.placed_beside());
            let (first, at) = (body.inputs.len(), body.nodes.len());
            for input in def.inputs().map(|input| (input, Input::parse(input))) {
                match input {
                    (_, Input { is_control: true, name, .. }) => drop(body.named.insert(name)),
                    (input, Input { name, .. }) => {
                        let position = body.inputs.len().saturating_sub(first);
                        body.takers.entry(name).or_default().push((at, position));
                        body.inputs.push(input);
                    }
                }
            }
            body.by_name.insert(def.name(), at);
            let (inputs, called) = (first..body.inputs.len(), called(&def));
            body.nodes.push(Node { name: def.name(), op: def.op(), inputs, called });
        }
        body
    }

    fn of_function(def: &FunctionDef<'f>, called: impl FnMut(&NodeDef<'f>) -> Option<usize>) -> Self {
        let mut body = Self::of(def.nodes(), called);
        body.arguments = def.signature().arguments().collect();
        body.positions = body.arguments.iter().copied().zip(0..).collect();
        body.results = def.returned();
        body.returned = body.results.iter().map(|result| input_node(result)).collect();
        body.named.extend(def.control_returned().into_iter().map(input_node));
        body
    }

    fn node(&self, name: &[u8]) -> Option<&Node<'f>> {
        self.by_name.get(name).and_then(|at| self.nodes.get(*at))
    }

    /// The tensors that a node takes.
    fn inputs(&self, node: &Node<'f>) -> &[&'f [u8]] {
        self.inputs.get(node.inputs.clone()).unwrap_or_default()
    }

    fn takers(&self, name: &[u8]) -> &[(usize, usize)] {
        self.takers.get(name).map_or(&[], Vec::as_slice)
    }
}

impl<'f> Programs<'f> {
    /// Reads the programs of a metagraph: the nodes of its graph, and its functions.
    #[must_use]
    pub(crate) fn new(nodes: impl IntoIterator<Item = NodeDef<'f>>, functions: &[FunctionDef<'f>]) -> Self {
        let by_name: HashMap<&[u8], usize> = functions.iter().map(|def| def.signature().name()).zip(0..).collect();
        let (mut otherwise, mut is_compiled) = (HashSet::new(), false);
        let mut called = |node: &NodeDef<'f>| {
            let is_call = ops::CALLS.contains(&node.op());
            let attributes = node.attributes();
            is_compiled |= is_call && wants_compiler(&attributes);
            let function = attributes.iter().find(|entry| is_call && entry.key == ops::CALLED);
            let function = function.and_then(|entry| AttrValue::new(entry.value.clone()).function());
            let called = function.and_then(|name| by_name.get(name).copied());
            let mut note = |name: &[u8]| {
                let named = by_name.get(name).copied();
                otherwise.extend(named.filter(|named| Some(*named) != called));
            };
            note(node.op());
            attributes.into_iter().for_each(|entry| AttrValue::new(entry.value).functions(&mut note));
            called
        };
        let graph = Body::of(nodes.into_iter(), &mut called);
        let functions_of = functions.iter().map(|def| Body::of_function(def, &mut called)).collect();
        is_compiled |= functions.iter().any(|def| wants_compiler(&def.attributes()));
        let mut programs =
            Self { graph, functions: functions_of, by_name, calls: HashMap::new(), otherwise, is_compiled };
        for place in std::iter::once(None).chain((0..functions.len()).map(Some)) {
            let nodes = programs.body(place).map_or(&[][..], |body| &body.nodes).iter().enumerate();
            let found: Vec<(usize, usize)> = nodes.filter_map(|(at, node)| Some((node.called?, at))).collect();
            found.into_iter().for_each(|(called, at)| programs.calls.entry(called).or_default().push((place, at)));
        }
        programs
    }

    fn body(&self, place: Place) -> Option<&Body<'f>> {
        place.map_or(Some(&self.graph), |function| self.functions.get(function))
    }

    fn calls(&self, function: usize) -> &[(Place, usize)] {
        self.calls.get(&function).map_or(&[], Vec::as_slice)
    }

    /// Whether an op may make what is a constant of a function now.
    #[must_use]
    pub(crate) fn may_be_made(&self, function: &[u8], constant: &[u8]) -> bool {
        let place = self.by_name.get(function).copied().filter(|at| !self.is_compiled && !self.otherwise.contains(at));
        let Some(body) = self.body(place).filter(|_| place.is_some()) else { return false };
        let takers = body.takers(constant);
        if takers.is_empty()
            || takers.len() > MAX_STEPS
            || body.named.contains(constant)
            || body.returned.contains(constant)
        {
            return false;
        }
        let (mut of_sums, mut of_products) = (Vec::new(), Vec::new());
        for node in takers.iter().filter_map(|(at, _)| body.nodes.get(*at)) {
            let open = match Kind::of(node.op) {
                Some(Kind::Sum) => &mut of_sums,
                Some(Kind::Product) => &mut of_products,
                None => return false,
            };
            let mut others = body.inputs(node).iter().filter(|input| input_node(input) != constant);
            let (Some(other), None, 2) = (others.next(), others.next(), node.inputs.len()) else { return false };
            open.extend([Step::From(place, other), Step::To(place, node.name)]);
        }
        self.all_apart(Kind::Sum, of_sums) && self.all_apart(Kind::Product, of_products)
    }

    /// Whether all that is found from some steps on is apart.
    fn all_apart(&self, kind: Kind, mut open: Vec<Step<'f>>) -> bool {
        let (mut seen, mut count) = (HashSet::new(), 0_usize);
        while let Some(step) = open.pop() {
            if !seen.insert(step) {
                continue;
            }
            let before = open.len();
            let is_apart = match step {
                Step::From(place, input) => self.comes_from_apart(kind, place, input, &mut open),
                Step::To(place, name) => self.goes_apart(kind, place, name, &mut open),
            };
            count = count.saturating_add(1).saturating_add(open.len().saturating_sub(before));
            if !is_apart || count > MAX_STEPS {
                return false;
            }
        }
        true
    }

    /// Whether an input comes from what is apart; `open` gets what is still to be looked at.
    fn comes_from_apart(&self, kind: Kind, place: Place, input: &'f [u8], open: &mut Vec<Step<'f>>) -> bool {
        let (Some(body), name) = (self.body(place), input_node(input)) else { return false };
        let Some(node) = body.node(name) else {
            let argument = body.positions.get(name).copied().zip(place);
            return argument.is_some_and(|(position, function)| self.is_given(function, position, open));
        };
        if ops::GIVE_ON_ELEMENTS.contains(&node.op) {
            open.extend(body.inputs(node).iter().take(1).map(|input| Step::From(place, input)));
            return true;
        }
        match node.called {
            // Whichever of the results it is.
            Some(function) => {
                let results = self.functions.get(function).map_or(&[][..], |body| &body.results);
                open.extend(results.iter().take(MAX_STEPS).map(|result| Step::From(Some(function), result)));
                results.len() <= MAX_STEPS
            }
            None => kind.is_apart(node.op, false),
        }
    }

    /// Goes on at what calls of a function have for an argument. Who calls it from Python gives it a value.
    fn is_given(&self, function: usize, position: usize, open: &mut Vec<Step<'f>>) -> bool {
        let calls = self.calls(function);
        if self.otherwise.contains(&function) || calls.len() > MAX_STEPS {
            return false;
        }
        calls.iter().all(|(place, at)| {
            let input = self.body(*place).and_then(|body| body.inputs(body.nodes.get(*at)?).get(position));
            open.extend(input.map(|input| Step::From(*place, input)));
            input.is_some()
        })
    }

    /// Whether what takes an output is apart; `open` gets what is still to be looked at.
    fn goes_apart(&self, kind: Kind, place: Place, name: &'f [u8], open: &mut Vec<Step<'f>>) -> bool {
        let Some(body) = self.body(place) else { return false };
        let takers = body.takers(name);
        if takers.len() > MAX_STEPS {
            return false;
        }
        for (at, position) in takers {
            let Some(node) = body.nodes.get(*at) else { return false };
            if ops::GIVE_ON_ELEMENTS.contains(&node.op) {
                open.push(Step::To(place, node.name));
            } else if let Some(function) = node.called {
                let argument = self.functions.get(function).and_then(|body| body.arguments.get(*position));
                let Some(argument) = argument else { return false };
                open.push(Step::To(Some(function), argument));
            } else if !kind.is_apart(node.op, true) {
                return false;
            }
        }
        let Some(function) = place.filter(|_| body.returned.contains(name)) else { return true };
        let calls = self.calls(function);
        if self.otherwise.contains(&function) || calls.len() > MAX_STEPS {
            return false;
        }
        let nodes = calls.iter().filter_map(|(place, at)| Some((*place, self.body(*place)?.nodes.get(*at)?)));
        open.extend(nodes.map(|(place, node)| Step::To(place, node.name)));
        true
    }
}

/// Whether attributes want a function compiled.
fn wants_compiler(attributes: &[Entry<'_>]) -> bool {
    let mut wanted = attributes.iter().filter(|entry| entry.key == XLA_MUST_COMPILE);
    wanted.any(|entry| AttrValue::new(entry.value.clone()).is_true())
}
