//! Where a value goes, and where it comes from, through functions: what takes a variable's handle in the end, and which
//! node an argument of a function stands for.
//!
//! `graph` knows a function as a whole. What is asked here is what single nodes in functions do with a variable, so the
//! bodies of the functions that a signature or a loader calls are read, each once and only when something leads into it.
//! Handles go through calls by their positions; what is given back as a result, or goes round a loop, is not followed
//! further, and such a use counts as one of any kind.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use super::Context;
use super::constants::Scope;
use super::nodes::{Function, Node};
use crate::graph::MetaGraphReach;
use crate::message::{input_node, ops};

/// More steps than this are not taken: a step is one use of a value by a node, and a file may give each of many
/// variables to each of many functions.
const MAX_STEPS: usize = 1 << 21;

/// The steps that were taken so far, in all metagraphs.
#[derive(Debug, Default)]
pub(super) struct Steps(Cell<usize>);

/// The functions that a node calls, by their positions among all, each with the input that is its first argument.
type Calls = Rc<[(usize, usize)]>;

/// A value: the body that it is in, and how nodes of that body take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Value<'a> {
    pub(super) scope: Scope,
    /// As an input of a node: `name`, `name:1`, in a function also `name:output:1`.
    pub(super) name: &'a [u8],
}

/// A node that takes a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) scope: Scope,
    pub(super) node: Node<'a>,
    /// The position of the input.
    pub(super) input: usize,
}

impl<'a> Taken<'a> {
    /// The first result of the node, as a value.
    pub(super) fn result(&self) -> Value<'a> {
        Value { scope: self.scope, name: self.node.name() }
    }

    /// An input of the node, as a value.
    pub(super) fn input_of(&self, at: usize) -> Option<Value<'a>> {
        let name = self.node.inputs().nth(at).filter(|name| !name.starts_with(b"^"))?;
        Some(Value { scope: self.scope, name })
    }
}

/// The nodes of a graph or of a function.
pub(super) struct Body<'a> {
    nodes: Vec<Node<'a>>,
    by_name: HashMap<&'a [u8], usize>,
    /// The arguments of a function in their order, and their positions by name.
    arguments: Vec<&'a [u8]>,
    positions: HashMap<&'a [u8], usize>,
    /// What takes each node's or argument's outputs: nodes by position, and which of their inputs.
    users: HashMap<&'a [u8], Vec<(usize, usize)>>,
    /// What a function gives back, in the order of its outputs, and the nodes that these are of.
    pub(super) results: Vec<&'a [u8]>,
    returned: HashSet<&'a [u8]>,
}

impl<'a> Body<'a> {
    pub(super) fn node(&self, name: &[u8]) -> Option<Node<'a>> {
        self.by_name.get(name).and_then(|at| self.nodes.get(*at)).copied()
    }

    /// The position of an argument of the function.
    pub(super) fn argument(&self, name: &[u8]) -> Option<usize> {
        self.positions.get(name).copied()
    }
}

/// The graph of a metagraph and the functions that signatures and loaders need.
pub(super) struct Flow<'c, 'a> {
    context: &'c Context<'a>,
    meta_graph: usize,
    reach: &'c MetaGraphReach<'a>,
    /// Where the messages of the nodes and functions end that are served.
    served: HashSet<usize>,
    /// The served functions of this metagraph by name, each by its position among all.
    functions: HashMap<&'a [u8], usize>,
    bodies: RefCell<HashMap<Scope, Rc<Body<'a>>>>,
    callers: OnceCell<HashMap<usize, Vec<(Taken<'a>, usize)>>>,
    /// What nodes call, by where they begin: a node is asked for each of its inputs, of which it may have very many.
    calls: RefCell<HashMap<usize, Calls>>,
    steps: &'c Steps,
}

impl<'c, 'a> Flow<'c, 'a> {
    /// `None` where the metagraph was not followed. `steps` are those of all metagraphs.
    pub(super) fn new(context: &'c Context<'a>, meta_graph: usize, steps: &'c Steps) -> Option<Self> {
        let reach = context.reach.meta_graphs.get(meta_graph)?.as_ref()?;
        let vertices = reach.served();
        let served: HashSet<usize> =
            vertices.numbers().filter_map(|number| reach.vertex(number)).map(|vertex| vertex.span.end).collect();
        let all = context.numbered_functions_of(meta_graph);
        let here = all.filter(|(_, function)| served.contains(&function.range().end));
        let functions = here.map(|(at, function)| (function.name, at)).collect();
        let (bodies, calls, callers) = (RefCell::default(), RefCell::default(), OnceCell::new());
        Some(Self { context, meta_graph, reach, served, functions, bodies, callers, calls, steps })
    }

    pub(super) fn reach(&self) -> &'c MetaGraphReach<'a> {
        self.reach
    }

    /// A value of the graph itself.
    pub(super) fn of_graph(&self, name: &'a [u8]) -> Value<'a> {
        Value { scope: Scope { meta_graph: self.meta_graph, function: None }, name }
    }

    /// The served node of this name of the graph itself.
    pub(super) fn node_of_graph(&self, name: &[u8]) -> Option<Node<'a>> {
        self.body(Scope { meta_graph: self.meta_graph, function: None }).node(name)
    }

    /// The served nodes of a body.
    pub(super) fn body(&self, scope: Scope) -> Rc<Body<'a>> {
        if let Some(body) = self.bodies.borrow().get(&scope) {
            return Rc::clone(body);
        }
        let body = Rc::new(self.read(scope));
        self.bodies.borrow_mut().insert(scope, Rc::clone(&body));
        body
    }

    fn read(&self, scope: Scope) -> Body<'a> {
        let function = scope.function.and_then(|function| self.context.functions().get(function));
        let nodes: Vec<Node<'a>> = match function {
            Some(function) => function.nodes().collect(),
            None => {
                let nodes = self.context.nodes(self.meta_graph);
                nodes.filter(|node| self.served.contains(&node.range().end)).collect()
            }
        };
        let mut users: HashMap<&[u8], Vec<(usize, usize)>> = HashMap::default();
        for (at, node) in nodes.iter().enumerate() {
            let inputs = node.inputs().enumerate().filter(|(_, input)| !input.starts_with(b"^"));
            inputs.for_each(|(position, input)| users.entry(input_node(input)).or_default().push((at, position)));
        }
        let by_name = nodes.iter().enumerate().rev().map(|(at, node)| (node.name(), at)).collect();
        let arguments: Vec<&[u8]> = function.map(Function::arguments).unwrap_or_default();
        let positions = arguments.iter().copied().zip(0..).collect();
        let results: Vec<&[u8]> = function.map(Function::results_in_order).unwrap_or_default();
        let returned = function.into_iter().flat_map(Function::results).map(input_node).collect();
        Body { nodes, by_name, arguments, positions, users, results, returned }
    }

    /// The functions that a node calls with its inputs, and the position of the input that is their first argument.
    pub(super) fn called(&self, node: &Node<'a>) -> Calls {
        if let Some(known) = self.calls.borrow().get(&node.range().start) {
            return Rc::clone(known);
        }
        let called: Calls = self.read_calls(node).into();
        self.calls.borrow_mut().insert(node.range().start, Rc::clone(&called));
        called
    }

    fn read_calls(&self, node: &Node<'a>) -> Vec<(usize, usize)> {
        let find = |name: &[u8], first| self.functions.get(name).map(|function| (*function, first));
        let Some(calls) = ops::calls(node.op()) else { return find(node.op(), 0).into_iter().collect() };
        let mut called = Vec::new();
        for value in calls.attributes.iter().filter_map(|key| node.attribute(key)) {
            match value.function() {
                Some(name) => called.extend(find(name, calls.first)),
                // A list of functions: the branches of a `Case`.
                None => value.functions(&mut |name| called.extend(find(name, calls.first))),
            }
        }
        called
    }

    /// What takes a value in the end: behind calls, and behind ops that give it on as it is. `None` where that is not known,
    /// as it is given back by a function, goes round a loop that changes it, or leads too far.
    pub(super) fn taken(&self, value: Value<'a>) -> Option<Vec<Taken<'a>>> {
        let (mut open, mut seen, mut ends) = (vec![value], HashSet::default(), Vec::new());
        while let Some(value) = open.pop() {
            let source = input_node(value.name);
            if !seen.insert((value.scope, source)) {
                continue;
            }
            let body = self.body(value.scope);
            if body.returned.contains(source) {
                return None;
            }
            for (at, input) in body.users.get(source).into_iter().flatten() {
                let Some(node) = body.nodes.get(*at).copied() else { continue };
                let taken = Taken { scope: value.scope, node, input: *input };
                let called = self.called(&node);
                self.steps(called.len().saturating_add(1))?;
                for (function, first) in called.iter() {
                    let scope = Scope { function: Some(*function), ..value.scope };
                    // A condition is no argument: who takes it is not asked.
                    let position = input.checked_sub(*first)?;
                    let name = self.body(scope).arguments.get(position).copied()?;
                    open.push(Value { scope, name });
                }
                if ops::GIVE_ON.contains(&node.op()) {
                    open.push(taken.result());
                } else if called.is_empty() {
                    ends.push(taken);
                }
            }
        }
        Some(ends)
    }

    /// The nodes of served bodies that call a function, with the input that is its first argument.
    pub(super) fn callers(&self, function: usize) -> &[(Taken<'a>, usize)] {
        let callers = self.callers.get_or_init(|| {
            let graph = self.context.referring_of_graph(self.meta_graph);
            let of_graph = Scope { meta_graph: self.meta_graph, function: None };
            let served = graph.into_iter().filter(|node| self.served.contains(&node.range().end));
            let mut sites: Vec<(Scope, Node<'a>)> = served.map(|node| (of_graph, node)).collect();
            for position in self.functions.values() {
                let scope = Scope { function: Some(*position), ..of_graph };
                let function = self.context.functions().get(*position);
                let nodes = function.into_iter().flat_map(|function| self.context.referring(function));
                sites.extend(nodes.map(|node| (scope, node)));
            }
            let mut callers: HashMap<usize, Vec<(Taken<'a>, usize)>> = HashMap::default();
            for (scope, node) in sites {
                for (function, first) in self.called(&node).iter() {
                    callers.entry(*function).or_default().push((Taken { scope, node, input: *first }, *first));
                }
            }
            callers
        });
        callers.get(&function).map_or(&[], Vec::as_slice)
    }

    /// Counts steps; `None` where there were too many.
    pub(super) fn steps(&self, count: usize) -> Option<()> {
        self.steps.0.set(self.steps.0.get().saturating_add(count));
        (self.steps.0.get() <= MAX_STEPS).then_some(())
    }
}
