//! What a RestoreV2 gives, by the key and the slice of each of its outputs: outputs may be renumbered, what is restored may not.

use super::graph::Graph;
use super::hash::{Digest, Key, Piece};
use super::library::Library;
use foldhash::{HashMap, HashMapExt as _};

use crate::message::number::attr_value::{LIST, list_value};
use crate::message::{FunctionDef, Input, NodeDef, ops};
use crate::wire::integers;

/// What one output of a restoring node is: the key, the slice of it, and the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Restored<'f> {
    pub(super) key: Text<'f>,
    slice: Text<'f>,
    dtype: u64,
}

impl Restored<'_> {
    /// All of it, with hashes in the place of its strings.
    pub(super) fn asked(&self) -> (Digest, Digest, u64) {
        (self.key.digest, self.slice.digest, self.dtype)
    }
}

/// A string of a constant, compared by its hash: it may be long, and very many outputs may be named by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'f> {
    pub(super) bytes: &'f [u8],
    pub(super) digest: Digest,
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Text<'_> {}

impl<'f> Text<'f> {
    fn new(bytes: &'f [u8], key: Key) -> Self {
        let mut hash = key.hasher();
        hash.bytes(Piece::Name, bytes);
        Self { bytes, digest: hash.finish() }
    }
}

/// Whether it is understood how a node reads a checkpoint.
pub(super) fn is_restore(node: &NodeDef<'_>) -> bool {
    node.op() == ops::RESTORE_V2
}

/// The constants of one graph or function that restoring nodes name, each read once: very many nodes may name one.
pub(super) struct Constants<'f> {
    known: HashMap<&'f [u8], Option<Strings<'f>>>,
    key: Key,
}

impl Constants<'_> {
    pub(super) fn new(key: Key) -> Self {
        Self { known: HashMap::new(), key }
    }
}

/// The strings of a constant, and how many its shape says there are.
struct Strings<'f> {
    count: u64,
    strings: Vec<Text<'f>>,
    /// The one that stands for those that are left out.
    last: Text<'f>,
}

impl<'f> Strings<'f> {
    fn of(constant: &NodeDef<'f>, key: Key) -> Option<Self> {
        let tensor = constant.attribute(b"value").filter(|_| constant.op() == ops::CONST)?.tensor()?;
        let count = tensor.shape()?.iter().try_fold(1_u64, |all, size| all.checked_mul(*size))?;
        let strings: Vec<Text<'f>> =
            tensor.strings().map(|field| Text::new(field.bytes(constant.file()), key)).collect();
        let last = strings.last().copied().unwrap_or_else(|| Text::new(b"", key));
        (strings.len() as u64 <= count).then_some(Self { count, strings, last })
    }

    fn get(&self, at: usize) -> Text<'f> {
        self.strings.get(at).copied().unwrap_or(self.last)
    }
}

/// What a RestoreV2 gives, output by output; `None` where its names are no constants, or not as many as its slices and types.
pub(super) fn restored<'f>(
    node: &NodeDef<'f>,
    constants: &mut Constants<'f>,
    find: impl Fn(&[u8]) -> Option<NodeDef<'f>>,
) -> Option<Vec<Restored<'f>>> {
    let mut inputs =
        node.inputs().filter(|input| !input.starts_with(b"^")).map(|input| Input::parse(input).name).skip(1);
    let named = [inputs.next()?, inputs.next()?];
    for name in named {
        let read = |constant: NodeDef<'f>| Strings::of(&constant, constants.key);
        constants.known.entry(name).or_insert_with(|| find(name).and_then(read));
    }
    let [keys, slices] = named.map(|name| constants.known.get(name).and_then(Option::as_ref));
    let (keys, slices) = keys.zip(slices)?;
    let types: Vec<u64> = node
        .attribute(b"dtypes")?
        .message()
        .repeated(LIST)
        .flat_map(|list| integers(node.file(), list.payload(), list_value::TYPE))
        .collect();
    let is_of_each = |strings: &Strings<'f>| strings.count == types.len() as u64;
    let restored = |(at, dtype)| Restored { key: keys.get(at), slice: slices.get(at), dtype };
    (is_of_each(keys) && is_of_each(slices)).then(|| (0..).zip(types.iter().copied()).map(restored).collect())
}

/// What a function that restores does with one or more of its arguments: a node that is given them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect<'f> {
    /// The node with all that it is computed from, but for what is restored and what the call gives.
    shape: Digest,
    /// What the call gives to it: its inputs, as the call writes them.
    pub(super) given: Vec<&'f [u8]>,
    /// What is restored for it.
    pub(super) restored: Vec<Restored<'f>>,
}

impl Effect<'_> {
    /// All of it as one hash.
    pub(super) fn digest(&self, key: Key) -> Digest {
        let mut hash = key.hasher();
        hash.digest(Piece::Part, self.shape);
        self.given.iter().for_each(|given| hash.bytes(Piece::Argument, given));
        for (key, slice, dtype) in self.restored.iter().map(Restored::asked) {
            hash.digest(Piece::Name, key);
            hash.digest(Piece::Part, slice);
            hash.number(Piece::Data, dtype);
        }
        hash.finish()
    }
}

/// The effects of a call of a function that restores.
#[derive(Debug)]
pub(super) struct Effects<'f> {
    pub(super) effects: Vec<Effect<'f>>,
    /// What the function gives.
    pub(super) results: Vec<Effect<'f>>,
}

/// What is known of an expression: its hash, what it is given, what is restored for it.
type Parts<'f> = Effect<'f>;

/// The effects of a call; `None` where the function does something that is not understood.
pub(super) fn effects<'f>(call: &NodeDef<'f>, library: &Library<'f>) -> Option<Effects<'f>> {
    let attribute = call.attribute(b"f")?;
    let def = library.def(attribute.function()?)?;
    let inputs: Vec<&[u8]> = call.inputs().filter(|input| !input.starts_with(b"^")).collect();
    let signature = def.signature();
    let arguments: Vec<&[u8]> = signature.arguments().collect();
    if arguments.len() != inputs.len() {
        return None;
    }
    let given: HashMap<&[u8], &[u8]> = arguments.into_iter().zip(inputs).collect();
    let nodes: Vec<NodeDef<'f>> = def.nodes().collect();
    let mut scope = Scope {
        nodes: nodes.iter().map(|node| (node.name(), *node)).collect(),
        given,
        known: HashMap::new(),
        restored: HashMap::new(),
        constants: Constants::new(library.key),
        library,
    };
    let runs = scope.runs(def);
    let mut effects = Vec::new();
    for node in &nodes {
        let is_plain = ops::is_stateless(node.op()) || is_restore(node);
        if is_plain {
            continue;
        }
        // A node that may not run has no effect that can be relied on.
        if !runs.contains_key(node.name()) {
            return None;
        }
        effects.push(scope.expression(node)?);
    }
    let returned: HashMap<&[u8], &[u8]> = def.results().into_iter().collect();
    let results = signature.results().map(|name| scope.input(returned.get(name)?)).collect::<Option<Vec<_>>>()?;
    Some(Effects { effects, results })
}

struct Scope<'l, 'f> {
    nodes: HashMap<&'f [u8], NodeDef<'f>>,
    given: HashMap<&'f [u8], &'f [u8]>,
    known: HashMap<&'f [u8], Parts<'f>>,
    restored: HashMap<&'f [u8], Vec<Restored<'f>>>,
    constants: Constants<'f>,
    library: &'l Library<'f>,
}

impl<'f> Scope<'_, 'f> {
    /// The nodes that run for what a function gives.
    fn runs(&self, def: &FunctionDef<'f>) -> HashMap<&'f [u8], ()> {
        let mut runs = HashMap::new();
        let mut open: Vec<&[u8]> = def.returned().into_iter().chain(def.control_returned()).collect();
        while let Some(input) = open.pop() {
            let name = Input::parse(input).name;
            if let Some(node) = self.nodes.get(name).filter(|_| runs.insert(name, ()).is_none()) {
                open.extend(node.inputs());
            }
        }
        runs
    }

    /// What a node is computed from. Expressions in functions that restore are a few steps deep: what is deeper is not understood.
    fn expression(&mut self, node: &NodeDef<'f>) -> Option<Parts<'f>> {
        self.at_depth(node, 0)
    }

    fn input(&mut self, input: &'f [u8]) -> Option<Parts<'f>> {
        self.input_at_depth(input, 0)
    }

    fn input_at_depth(&mut self, input: &'f [u8], depth: usize) -> Option<Parts<'f>> {
        let input = Input::parse(input);
        let mut hash = self.library.key.hasher();
        if let Some(given) = self.given.get(input.name) {
            hash.number(Piece::Argument, 0);
            return Some(Effect { shape: hash.finish(), given: vec![given], restored: Vec::new() });
        }
        let node = *self.nodes.get(input.name)?;
        if is_restore(&node) {
            if !self.restored.contains_key(input.name) {
                let all = restored(&node, &mut self.constants, |name| self.nodes.get(name).copied())?;
                self.restored.insert(input.name, all);
            }
            let item = *self.restored.get(input.name)?.get(input.index())?;
            let prefix = self.input_at_depth(node.inputs().next()?, depth.checked_add(1)?)?;
            hash.number(Piece::Part, 0);
            hash.digest(Piece::Part, prefix.shape);
            return Some(Effect { shape: hash.finish(), given: prefix.given, restored: vec![item] });
        }
        let mut parts = self.at_depth(&node, depth.checked_add(1)?)?;
        hash.digest(Piece::Part, parts.shape);
        hash.bytes(Piece::Output, input.port);
        parts.shape = hash.finish();
        Some(parts)
    }

    fn at_depth(&mut self, node: &NodeDef<'f>, depth: usize) -> Option<Parts<'f>> {
        const DEEPEST: usize = 32;
        const MOST_PARTS: usize = 64;
        if depth > DEEPEST {
            return None;
        }
        if let Some(known) = self.known.get(node.name()) {
            return Some(known.clone());
        }
        let mut hash = self.library.key.hasher();
        hash.digest(Piece::Part, Graph::own(node, self.library, |_| false)?);
        let (mut given, mut restored) = (Vec::new(), Vec::new());
        for input in node.inputs().filter(|input| !input.starts_with(b"^")) {
            let part = self.input_at_depth(input, depth)?;
            hash.digest(Piece::Part, part.shape);
            given.extend(part.given);
            restored.extend(part.restored);
            if given.len().saturating_add(restored.len()) > MOST_PARTS {
                return None;
            }
        }
        let parts = Effect { shape: hash.finish(), given, restored };
        self.known.insert(node.name(), parts.clone());
        Some(parts)
    }
}
