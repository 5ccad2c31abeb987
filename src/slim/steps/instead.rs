//! Functions in the place of others: calls and objects name other functions, and what nothing names any more goes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::unreached::Gone;
use super::{NotTaken, Parts};
use crate::edit::{Splices, Version};
use crate::message::number::attr_value::{FUNC, LIST, S, list_value};
use crate::message::number::function_def::{ATTR as FUNCTION_ATTR, NODE_DEF};
use crate::message::number::map_entry::VALUE;
use crate::message::number::meta_graph_def::meta_info_def::FUNCTION_ALIASES;
use crate::message::number::meta_graph_def::{META_INFO_DEF, OBJECT_GRAPH_DEF};
use crate::message::number::saved_object_graph::{CONCRETE_FUNCTIONS, NODES};
use crate::message::number::{name_attr_list, node_def, saved_bare_concrete_function, saved_function, saved_object};
use crate::message::saved_object::Kind;
use crate::message::{AttrValue, Entry, Message, NodeDef, SavedObject, ops};
use crate::size::plural;
use crate::slim::program::reach::{Cuts, Reasons};
use crate::slim::program::{Placed, Program, programs};
use crate::wire::{Field, fields};

/// How functions are named in a metagraph.
#[derive(Debug, Default)]
pub(super) struct Named<'f> {
    /// Those that something names which is no call: a body of a loop, an op that is a function, a gradient, an attribute of text.
    /// No other function can take their place, nor they that of another.
    pub(super) otherwise: HashSet<&'f [u8]>,
    /// Those that Python has, with a number for what it has of them: of two with one number each is as good as the other.
    pub(super) concrete: HashMap<&'f [u8], usize>,
}

impl<'f> Named<'f> {
    pub(super) fn of(program: &Program<'f>) -> Self {
        let (file, mut named) = (program.file, Self::default());
        for node in &program.nodes {
            named.node(program, &node.def);
        }
        for function in &program.functions {
            for field in fields(file, function.at.field.payload()) {
                if field.is_len(NODE_DEF) {
                    named.node(program, &NodeDef::read(file, field.payload()));
                } else if field.is_len(FUNCTION_ATTR) {
                    named.value(program, Entry::read(file, field).value);
                }
            }
            if program.is_of_gradient(function) {
                named.otherwise.insert(function.name);
            }
        }
        for info in program.sections(META_INFO_DEF) {
            let aliases = fields(file, info.payload()).filter(|field| field.is_len(FUNCTION_ALIASES));
            named.otherwise.extend(aliases.map(|alias| Entry::read(file, alias).key));
        }
        named.objects(program);
        named
    }

    /// Whether a function is one that others can take the place of, or it that of others.
    pub(super) fn is_only_called(&self, name: &[u8]) -> bool {
        !self.otherwise.contains(name)
    }

    fn node(&mut self, program: &Program<'f>, def: &NodeDef<'f>) {
        if program.function(def.op()).is_some() {
            self.otherwise.insert(def.op());
        }
        for Entry { key, value, .. } in def.attributes() {
            if called(program.file, def, key, &value).is_none() {
                self.value(program, value);
            }
        }
    }

    /// What an attribute names.
    fn value(&mut self, program: &Program<'f>, value: Message<'f>) {
        let file = program.file;
        let mut text = |text: &'f [u8]| {
            if program.function(text).is_some() {
                self.otherwise.insert(text);
            }
        };
        for field in value.fields() {
            if field.is_len(S) {
                text(field.bytes(file));
            } else if field.is_len(LIST) {
                let strings = fields(file, field.payload()).filter(|item| item.is_len(list_value::S));
                strings.for_each(|item| text(item.bytes(file)));
            }
        }
        AttrValue::new(value).functions(&mut text);
    }

    /// What objects say of functions.
    fn objects(&mut self, program: &Program<'f>) {
        let file = program.file;
        let (mut holders, mut numbers) = (HashMap::<&[u8], BTreeSet<usize>>::new(), HashMap::<Vec<u8>, usize>::new());
        let (mut signatures, mut twice) = (HashMap::<&[u8], Vec<&[u8]>>::new(), Vec::new());
        for field in program.sections(OBJECT_GRAPH_DEF).iter().flat_map(|section| fields(file, section.payload())) {
            if field.is_len(CONCRETE_FUNCTIONS) {
                let Entry { key, value, .. } = Entry::read(file, field);
                let says: Vec<&[u8]> = value.payloads().filter_map(|range| file.get(range)).collect();
                if signatures.insert(key, says).is_some() {
                    twice.push(key);
                }
            } else if field.is_len(NODES) {
                let kind = SavedObject::new(file, field.payload()).kind();
                let (message, names) = match &kind {
                    Kind::Function(function) => (function, saved_function::CONCRETE_FUNCTIONS),
                    Kind::BareFunction(function) => (function, saved_bare_concrete_function::CONCRETE_FUNCTION_NAME),
                    Kind::CapturedTensor(_) => {
                        self.otherwise.extend(kind.functions());
                        continue;
                    }
                    _ => continue,
                };
                let mut says = vec![u8::from(kind.bare_function().is_some())];
                for part in message.fields().filter(|part| !part.is_len(names)) {
                    says.extend_from_slice(file.get(part.range()).unwrap_or_default());
                }
                let next = numbers.len();
                let number = *numbers.entry(says).or_insert(next);
                kind.functions().into_iter().for_each(|name| _ = holders.entry(name).or_default().insert(number));
            }
        }
        self.otherwise.extend(twice);
        let names: HashSet<&[u8]> = holders.keys().chain(signatures.keys()).copied().collect();
        let mut kinds = HashMap::new();
        for name in names {
            let of = holders.remove(name).unwrap_or_default();
            let next = kinds.len();
            let number = *kinds.entry((signatures.get(name), of)).or_insert(next);
            self.concrete.insert(name, number);
        }
    }
}

/// Where a call names the one function that it calls, and does nothing else: the fields from the value of the attribute on.
fn called<'f>(file: &'f [u8], def: &NodeDef<'f>, key: &[u8], value: &Message<'f>) -> Option<[Field; 2]> {
    if !ops::CALLS.contains(&def.op()) || key != ops::CALLED {
        return None;
    }
    let only = |mut all: Box<dyn Iterator<Item = Field> + '_>| all.next().filter(|_| all.next().is_none());
    let func = only(Box::new(value.fields()))?;
    let name = only(Box::new(fields(file, func.payload())))?;
    (func.is_len(FUNC) && name.is_len(name_attr_list::NAME)).then_some([func, name])
}

/// What names functions that others take the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Calls,
    CallsAndObjects,
}

/// Has functions named in the place of others, which `others` says of a metagraph, and has go what nothing names then. `which` says
/// what they are, of one and of several.
pub(super) fn replaced(
    parts: &Parts,
    others: for<'f> fn(&Program<'f>) -> HashMap<&'f [u8], &'f [u8]>,
    by: By,
    which: [&str; 2],
) -> Result<Option<(Parts, String)>, NotTaken> {
    let programs_of = programs(&parts.main)?;
    let instead: Vec<HashMap<&[u8], &[u8]>> = programs_of.iter().map(others).collect();
    if instead.iter().all(HashMap::is_empty) {
        return Ok(None);
    }
    let mut edits = Splices::default();
    for (program, instead) in programs_of.iter().zip(&instead) {
        calls(program, &mut edits, instead)?;
        if by == By::CallsAndObjects {
            objects(program, &mut edits, instead)?;
        }
    }
    let renamed = parts.main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let main = swept(&programs_of, &renamed)?;
    let count = instead.iter().map(HashMap::len).fold(0, usize::saturating_add);
    let [one, several] = which;
    Ok(Some((Parts { main, ..parts.clone() }, plural(count as u64, one, several))))
}

/// A main file without what nothing names any more. It has the nodes of the graph and the functions that it had
/// before, in the same order, so what nothing named then is known.
pub(super) fn swept(before: &[Program<'_>], main: &Version) -> Result<Version, NotTaken> {
    let (mut gone, after) = (Gone::default(), programs(main)?);
    for (before, program) in before.iter().zip(&after) {
        let before = before.reach(Reasons::ALL);
        gone.sweep(program, &program.reach_but(Reasons::ALL, &Cuts::default(), Some(&before)))?;
    }
    main.edited(&gone.edits).ok_or(NotTaken::Lengths)
}

/// Calls call the other one.
fn calls(program: &Program<'_>, edits: &mut Splices, instead: &HashMap<&[u8], &[u8]>) -> Result<(), NotTaken> {
    let file = program.file;
    let mut node = |within: &[Field], field: Field| -> Result<(), NotTaken> {
        let def = NodeDef::read(file, field.payload());
        if !ops::CALLS.contains(&def.op()) {
            return Ok(());
        }
        for attribute in fields(file, field.payload()).filter(|attribute| attribute.is_len(node_def::ATTR)) {
            let entry = Entry::read(file, attribute);
            let Some([func, name]) = called(file, &def, entry.key, &entry.value) else { continue };
            let Some(other) = instead.get(name.bytes(file)) else { continue };
            let value = fields(file, attribute.payload()).filter(|it| it.is_len(VALUE)).last();
            let value = value.ok_or(NotTaken::Attribute)?;
            let path: Vec<Field> = within.iter().copied().chain([field, attribute, value, func, name]).collect();
            edits.replace(&path, name.payload(), other.to_vec())?;
        }
        Ok(())
    };
    for it in &program.nodes {
        node(&it.at.within, it.at.field)?;
    }
    for function in &program.functions {
        let path = function.at.path();
        for field in fields(file, function.at.field.payload()).filter(|field| field.is_len(NODE_DEF)) {
            node(&path, field)?;
        }
    }
    Ok(())
}

/// Objects of Python are the other one, and nothing is said of the one any more.
fn objects(program: &Program<'_>, edits: &mut Splices, instead: &HashMap<&[u8], &[u8]>) -> Result<(), NotTaken> {
    let file = program.file;
    for section in program.sections(OBJECT_GRAPH_DEF) {
        for field in fields(file, section.payload()) {
            if field.is_len(CONCRETE_FUNCTIONS) && instead.contains_key(Entry::read(file, field).key) {
                edits.delete(&[program.meta, section], field.range())?;
            }
            if !field.is_len(NODES) {
                continue;
            }
            let of_object = Placed { within: [program.meta, section], field }.path();
            for kind in fields(file, field.payload()) {
                let names = match kind.number {
                    saved_object::FUNCTION => saved_function::CONCRETE_FUNCTIONS,
                    saved_object::BARE_CONCRETE_FUNCTION => saved_bare_concrete_function::CONCRETE_FUNCTION_NAME,
                    _ => continue,
                };
                for name in fields(file, kind.payload()).filter(|name| name.is_len(names)) {
                    if let Some(other) = instead.get(name.bytes(file)) {
                        let path: Vec<Field> = of_object.iter().copied().chain([kind, name]).collect();
                        edits.replace(&path, name.payload(), other.to_vec())?;
                    }
                }
            }
        }
    }
    Ok(())
}
