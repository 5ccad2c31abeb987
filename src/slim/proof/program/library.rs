//! What each function of a graph's library does, as one hash, in which no name of a function, a node or an argument counts.
//!
//! A function is its nodes in their order, each with what it takes by position; what it calls is the hash of that. So two functions
//! have one hash if and only if each step of one is a step of the other. Two rules beside that:
//!
//! - a function that does nothing but call another one, with all of its arguments in their order, is that other one;
//! - a function that others take the place of on certain devices is known by all of these
//!   (tensorflow/core/grappler/optimizers/implementation_selector.cc).
//!
//! What has a name of its own to live by (a function with an op that keeps state or with a call of such a one, functions that call
//! each other in a circle) keeps it in its hash.

use foldhash::{HashMap, HashMapExt as _};

use super::body::{Body, Reader, Without};
use super::functions::Functions;
use super::hash::{Digest, Key, Piece};
use crate::components::components;
use crate::message::FunctionDef;
use crate::steady;

/// Functions, and what each does.
pub(super) struct Library<'f> {
    pub(super) functions: Functions<'f>,
    pub(super) bodies: Vec<Body<'f>>,
    /// What each function does.
    digests: Vec<Digest>,
    pub(super) key: Key,
    /// What does not count of what functions do.
    pub(super) without: Without,
}

impl<'f> Library<'f> {
    /// Finds out what functions do, without what may be left out of them.
    pub(super) fn of(functions: Functions<'f>, key: Key, without: Without) -> Self {
        let reader = Reader::new(&functions.names, &functions.defs, key, without);
        let bodies: Vec<Body<'f>> = functions.defs.iter().map(|(_, def)| reader.read(def)).collect();
        let digests = Digests::new(&functions, &bodies, key).made();
        Self { functions, bodies, digests, key, without }
    }

    /// What a function of this name does; `None` where there is none.
    pub(super) fn digest(&self, name: &[u8]) -> Option<Digest> {
        self.of_number(self.functions.names.find(name)?)
    }

    /// What the function of a number does.
    pub(super) fn of_number(&self, number: u32) -> Option<Digest> {
        self.digests.get(number as usize).copied()
    }

    /// The function of this name.
    pub(super) fn body(&self, name: &[u8]) -> Option<&Body<'f>> {
        self.bodies.get(self.functions.names.find(name)? as usize)
    }

    /// The FunctionDef of this name.
    pub(super) fn def(&self, name: &[u8]) -> Option<&FunctionDef<'f>> {
        self.functions.defs.get(self.functions.names.find(name)? as usize).map(|(_, def)| def)
    }
}

/// What is hashed of functions: each by itself, each with those that may take its place, and such groups.
#[derive(Debug, Clone, Copy)]
enum Vertex {
    /// What a function does if it is run.
    Alone(u32),
    /// What it does to who calls it.
    Called(u32),
    /// Functions of which one may take the place of another.
    Group(u32),
}

struct Digests<'a, 'f> {
    functions: &'a Functions<'f>,
    bodies: &'a [Body<'f>],
    key: Key,
    /// The group of each function, and the members of each.
    group_of: Vec<Option<u32>>,
    groups: Vec<Vec<u32>>,
    found: Vec<Option<Digest>>,
    /// Whether something with a state of its own runs where this runs.
    keeps_state: Vec<bool>,
}

impl<'a, 'f> Digests<'a, 'f> {
    fn new(functions: &'a Functions<'f>, bodies: &'a [Body<'f>], key: Key) -> Self {
        let (mut groups, mut numbers, mut group_of) = (Vec::<Vec<u32>>::new(), HashMap::new(), Vec::new());
        for (number, body) in (0..).zip(bodies) {
            group_of.push(body.interface.map(|interface| {
                let group = *numbers.entry((interface, body.pairs)).or_insert(groups.len());
                match groups.get_mut(group) {
                    Some(members) => members.push(number),
                    None => groups.push(vec![number]),
                }
                u32::try_from(group).unwrap_or(u32::MAX)
            }));
        }
        let found = vec![None; bodies.len().saturating_mul(2).saturating_add(groups.len())];
        let keeps_state = vec![false; found.len()];
        Self { functions, bodies, key, group_of, groups, found, keeps_state }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.bodies.len()).unwrap_or(u32::MAX)
    }

    fn number(&self, vertex: Vertex) -> u32 {
        match vertex {
            Vertex::Alone(function) => function,
            Vertex::Called(function) => self.count().saturating_add(function),
            Vertex::Group(group) => self.count().saturating_mul(2).saturating_add(group),
        }
    }

    fn vertex(&self, number: u32) -> Vertex {
        match number.checked_sub(self.count()) {
            None => Vertex::Alone(number),
            Some(rest) => rest.checked_sub(self.count()).map_or(Vertex::Called(rest), Vertex::Group),
        }
    }

    /// The vertices that one is hashed of, in order.
    fn successor(&self, number: u32, at: usize) -> Option<u32> {
        let vertex = match self.vertex(number) {
            Vertex::Alone(function) => {
                let body = self.bodies.get(function as usize)?;
                let called = body.calls.get(at).copied().or_else(|| {
                    // The gradient of a function is called where that is asked for (SymbolicGradient).
                    let further = body.differentiated.get(at.checked_sub(body.calls.len())?)?;
                    let (name, _) = self.functions.defs.get(*further as usize)?;
                    self.functions.names.find(self.functions.gradients.get(name)?)
                });
                // What is not there leads to nothing, and others may follow it.
                let end = body.calls.len().saturating_add(body.differentiated.len());
                return (at < end).then(|| called.map_or(u32::MAX, |called| self.number(Vertex::Called(called))));
            }
            Vertex::Called(function) => {
                let body = self.bodies.get(function as usize)?;
                match (body.forwards_to, at) {
                    (Some(other), 0) => Vertex::Called(other),
                    (Some(_), _) => return None,
                    (None, 0) => Vertex::Alone(function),
                    (None, 1) => match self.group_of.get(function as usize).copied().flatten() {
                        Some(group) => Vertex::Group(group),
                        None => return body.paired.map(|pair| self.pair(pair)),
                    },
                    (None, 2) => {
                        let has_group = self.group_of.get(function as usize).copied().flatten().is_some();
                        return body.paired.filter(|_| has_group).map(|pair| self.pair(pair));
                    }
                    _ => return None,
                }
            }
            Vertex::Group(group) => Vertex::Alone(*self.groups.get(group as usize)?.get(at)?),
        };
        Some(self.number(vertex))
    }

    /// The function that a function of a gradient belongs to.
    fn pair(&self, name: &[u8]) -> u32 {
        self.functions.names.find(name).map_or(u32::MAX, |pair| self.number(Vertex::Alone(pair)))
    }

    fn name(&self, number: u32) -> &'f [u8] {
        let function = match self.vertex(number) {
            Vertex::Alone(function) | Vertex::Called(function) => Some(function),
            Vertex::Group(group) => self.groups.get(group as usize).and_then(|members| members.first().copied()),
        };
        function.and_then(|it| self.functions.defs.get(it as usize)).map_or(b"", |(name, _)| *name)
    }

    fn made(mut self) -> Vec<Digest> {
        let vertices = self.found.len();
        let mut order: Vec<Vec<u32>> = Vec::new();
        components(vertices, |vertex, at| self.successor(vertex, at), |component| order.push(component.to_vec()));
        for component in &order {
            self.note_state(component);
            let made: Vec<(u32, Digest)> = component.iter().map(|vertex| (*vertex, self.one(*vertex))).collect();
            let is_circle = component.len() > 1
                || component.first().is_some_and(|only| {
                    (0..).map_while(|at| self.successor(*only, at)).any(|successor| successor == *only)
                });
            if !is_circle {
                made.into_iter().for_each(|(vertex, digest)| self.set(vertex, digest));
                continue;
            }
            let mut named: Vec<(&[u8], Digest)> = made.iter().map(|(at, digest)| (self.name(*at), *digest)).collect();
            steady::sort_by_bytes(&mut named, |(name, digest)| (*name, digest.low()));
            let mut all = self.key.hasher();
            for (name, digest) in named {
                all.bytes(Piece::Name, name);
                all.digest(Piece::Part, digest);
            }
            let all = all.finish();
            for (vertex, digest) in made {
                let mut hash = self.key.hasher();
                hash.bytes(Piece::Name, self.name(vertex));
                hash.digest(Piece::Part, digest);
                hash.digest(Piece::Part, all);
                self.set(vertex, hash.finish());
            }
        }
        let called = |function: u32| self.found.get(self.number(Vertex::Called(function)) as usize).copied().flatten();
        let none = self.key.hasher().finish();
        (0..self.count()).map(|function| called(function).unwrap_or(none)).collect()
    }

    /// What calls something with a state has that state, once for itself.
    fn note_state(&mut self, component: &[u32]) {
        let is_own = |vertex: u32| match self.vertex(vertex) {
            Vertex::Alone(function) => self.bodies.get(function as usize).is_some_and(|body| body.keeps_state),
            Vertex::Called(_) | Vertex::Group(_) => false,
        };
        let keeps = component.iter().any(|vertex| {
            let mut successors = (0..).map_while(|at| self.successor(*vertex, at));
            is_own(*vertex) || successors.any(|successor| self.keeps_state.get(successor as usize) == Some(&true))
        });
        for vertex in component.iter().filter(|_| keeps) {
            self.keeps_state.get_mut(*vertex as usize).into_iter().for_each(|slot| *slot = true);
        }
    }

    fn set(&mut self, vertex: u32, digest: Digest) {
        self.found.get_mut(vertex as usize).into_iter().for_each(|slot| *slot = Some(digest));
    }

    /// The hash of a vertex, with what is in a circle with it by name.
    fn one(&self, number: u32) -> Digest {
        let mut hash = self.key.hasher();
        let vertex = self.vertex(number);
        match vertex {
            Vertex::Called(function) => {
                let body = self.bodies.get(function as usize);
                // It is that other one and nothing of its own.
                if let Some(other) = body.and_then(|body| body.forwards_to)
                    && let Some(Some(digest)) = self.found.get(self.number(Vertex::Called(other)) as usize)
                {
                    return *digest;
                }
                if self.keeps_state.get(number as usize) == Some(&true) {
                    hash.bytes(Piece::Name, self.name(number));
                }
            }
            Vertex::Alone(function) => {
                if let Some(body) = self.bodies.get(function as usize) {
                    hash.digest(Piece::Part, body.shape);
                }
            }
            Vertex::Group(_) => {}
        }
        let mut parts: Vec<Digest> = Vec::new();
        for successor in (0..).map_while(|at| self.successor(number, at)) {
            parts.push(match self.found.get(successor as usize) {
                Some(Some(digest)) => *digest,
                // In a circle with this one, or not there.
                Some(None) => {
                    let mut hash = self.key.hasher();
                    hash.bytes(Piece::Name, self.name(successor));
                    hash.finish()
                }
                None => self.key.hasher().finish(),
            });
        }
        if matches!(vertex, Vertex::Group(_)) {
            parts.sort_unstable();
        }
        hash.number(Piece::List, parts.len() as u64);
        parts.into_iter().for_each(|part| hash.digest(Piece::Part, part));
        hash.finish()
    }
}
