//! What serving needs of a model: the metagraph of some tags, some of its signatures, and of Python's functions those of these
//! signatures, of what they have captured, and any that costs nothing besides.

use std::collections::{HashMap, HashSet};

use super::unreached::Gone;
use super::{NotTaken, Parts};
use crate::edit::Splices;
use crate::message::constants::{SERVE, SIGNATURES};
use crate::message::number::map_entry::KEY;
use crate::message::number::meta_graph_def::meta_info_def::TAGS;
use crate::message::number::meta_graph_def::{META_INFO_DEF, OBJECT_GRAPH_DEF, SIGNATURE_DEF};
use crate::message::number::saved_function::CONCRETE_FUNCTIONS as TRACES;
use crate::message::number::saved_model::META_GRAPHS;
use crate::message::number::saved_object_graph::CONCRETE_FUNCTIONS;
use crate::message::number::{saved_object, signature_def};
use crate::message::saved_object::{Kind, bound_inputs};
use crate::message::{Entry, Message};
use crate::size::plural;
use crate::slim::Wanted;
use crate::slim::objects::{Objects, position};
use crate::slim::program::reach::{Cuts, Reasons};
use crate::slim::program::{Program, programs};
use crate::wire::{Field, fields, first_len};

/// How signatures begin that a loader runs, and no caller (`tensorflow/python/saved_model/constants.py`).
const OF_LOADERS: &[u8] = b"__saved_model_";

/// Whether a main file has a signature that somebody can call.
pub(in crate::slim) fn has_signature(main: &[u8]) -> bool {
    let within = |field: &Field, number: u32| {
        let payload = field.payload();
        fields(main, payload).filter(move |field| field.is_len(number))
    };
    fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS)).any(|meta| {
        within(&meta, SIGNATURE_DEF).any(|entry| {
            let Entry { key, value, .. } = Entry::read(main, entry);
            !key.starts_with(OF_LOADERS) && value.repeated(signature_def::OUTPUTS).next().is_some()
        })
    })
}

/// What is asked for by name and is in no metagraph.
pub(in crate::slim) fn unknown(main: &[u8], wanted: &Wanted) -> Vec<String> {
    let metas: Vec<Field> = fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS)).collect();
    let entries =
        metas.iter().flat_map(|meta| fields(main, meta.payload())).filter(|field| field.is_len(SIGNATURE_DEF));
    let signatures: HashSet<&[u8]> = entries.map(|entry| Entry::read(main, entry).key).collect();
    let missing = wanted.signatures.iter().filter(|name| !signatures.contains(name.as_bytes()));
    let mut unknown: Vec<String> = missing.map(|name| format!("there is no signature `{name}`")).collect();
    if !wanted.tags.is_empty() && !metas.iter().any(|meta| tags(main, meta) == wanted.tags.iter().cloned().collect()) {
        unknown.push(format!("there is no metagraph of the tags {}", wanted.tags.join(",")));
    }
    let programs = programs(main).unwrap_or_default();
    if let Ok(Some(objects)) = Objects::read(&programs, None) {
        let missing = wanted.functions.iter().filter(|name| objects.function(name).is_none());
        unknown.extend(missing.map(|name| format!("there is no function `{name}`")));
    } else if let Some(name) = wanted.functions.first() {
        unknown.push(format!("there is no function `{name}`, as there are no objects"));
    }
    unknown
}

/// The tags of a metagraph.
fn tags(main: &[u8], meta: &Field) -> HashSet<String> {
    let info = Message::new(main, meta.payload()).message(META_INFO_DEF);
    let tags: Vec<Field> = info.iter().flat_map(|info| info.repeated(TAGS)).collect();
    tags.into_iter().map(|tag| String::from_utf8_lossy(tag.bytes(main)).into_owned()).collect()
}

/// Metagraphs of other tags go.
pub(super) fn metagraphs(parts: &Parts, wanted: &Wanted) -> Result<Option<(Parts, String)>, NotTaken> {
    let main = &parts.main;
    let all: Vec<Field> = fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS)).collect();
    let asked: HashSet<String> =
        if wanted.tags.is_empty() { [SERVE.to_owned()].into() } else { wanted.tags.iter().cloned().collect() };
    let kept: Vec<&Field> = all.iter().filter(|meta| tags(main, meta) == asked).collect();
    match kept.len() {
        _ if all.len() < 2 => return Ok(None),
        1 => {}
        _ => return Err(NotTaken::Tags),
    }
    let mut edits = Splices::default();
    for meta in all.iter().filter(|meta| !kept.contains(meta)) {
        edits.delete(&[], meta.range())?;
    }
    let main = main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let count = all.len().saturating_sub(1) as u64;
    Ok(Some((Parts { main, ..parts.clone() }, format!("{} of other tags", plural(count, "metagraph", "metagraphs")))))
}

/// Functions go that no signature needs which is kept.
pub(super) fn other_functions(parts: &Parts, wanted: &Wanted) -> Result<Option<(Parts, String)>, NotTaken> {
    let programs = programs(&parts.main)?;
    let objects = Objects::read(&programs, None)?;
    let mut gone = Gone::default();
    for program in &programs {
        let mut cuts = Cuts::default();
        let dropped = dropped_signatures(program, wanted);
        cuts.roots.extend(dropped.iter().map(|entry| entry.start));
        for entry in &dropped {
            gone.edits.delete(&[program.meta], entry.range())?;
        }
        let objects = objects.as_ref().filter(|_| !program.sections(OBJECT_GRAPH_DEF).is_empty());
        if let Some(objects) = objects {
            Python::of(program, objects, wanted, &mut cuts).edits(&mut gone, &mut cuts)?;
        }
        let before = program.reach(Reasons::ALL);
        gone.sweep(program, &program.reach_but(Reasons::ALL, &cuts, Some(&before)))?;
    }
    if gone.edits.is_empty() {
        return Ok(None);
    }
    let edited = gone.edited("that no kept signature needs");
    let main = parts.main.edited(&edited.edits).ok_or(NotTaken::Lengths)?;
    Ok(Some((Parts { main, ..parts.clone() }, edited.words)))
}

/// The entries of signatures that are not asked for.
fn dropped_signatures(program: &Program<'_>, wanted: &Wanted) -> Vec<Field> {
    let is_other = |entry: &Field| {
        let key =
            first_len(program.file, entry.payload(), KEY).and_then(|key| program.file.get(key)).unwrap_or_default();
        !wanted.keeps(key) && !key.starts_with(OF_LOADERS)
    };
    program.sections(SIGNATURE_DEF).into_iter().filter(is_other).collect()
}

/// What Python keeps.
struct Python<'a, 'f> {
    program: &'a Program<'f>,
    objects: &'a Objects<'f, 'a>,
    /// The functions that are kept, by name.
    functions: HashSet<&'f [u8]>,
    /// The objects that these have captured, with what these need.
    needed: HashSet<usize>,
    /// The objects of signatures that are not kept.
    dropped: HashSet<usize>,
    /// What is kept and was not followed yet.
    open: Vec<Kept<'f>>,
}

/// What is kept: a function by its name, or an object.
enum Kept<'f> {
    Function(&'f [u8]),
    Object(usize),
}

impl<'a, 'f> Python<'a, 'f> {
    fn of(program: &'a Program<'f>, objects: &'a Objects<'f, 'a>, wanted: &Wanted, cuts: &mut Cuts) -> Self {
        let (functions, needed, dropped) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut python = Self { program, objects, functions, needed, dropped, open: Vec::new() };
        for gradient in program.gradients.iter().filter(|gradient| gradient.is_registered()) {
            python.keep_function(gradient.by);
        }
        python.signatures(wanted);
        python.named(wanted);
        python.close();
        // What a session and these reach anyway.
        for (name, _) in python.concrete() {
            if !python.functions.contains(name) {
                cuts.functions.insert(name.to_vec());
            }
        }
        for (at, (placed, ..)) in objects.saved.iter().enumerate() {
            if !python.needed.contains(&at) {
                cuts.roots.insert(placed.field.start);
            }
        }
        let reached = program.reach_but(Reasons::ALL, cuts, None);
        for (name, captured) in python.concrete() {
            let is_reached = program.function(name).is_some_and(|function| reached.has(function));
            if is_reached && captured.is_subset(&python.needed) && python.functions.insert(name) {
                cuts.functions.remove(name);
            }
        }
        python
    }

    /// The concrete functions, each with what it has captured.
    fn concrete(&self) -> Vec<(&'f [u8], HashSet<usize>)> {
        let file = self.program.file;
        let sections = self.program.sections(OBJECT_GRAPH_DEF);
        let entries = sections.iter().flat_map(|section| fields(file, section.payload()));
        entries
            .filter(|field| field.is_len(CONCRETE_FUNCTIONS))
            .map(|field| {
                let entry = Entry::read(file, field);
                (entry.key, bound_inputs::<u64>(&entry.value).into_iter().map(position).collect())
            })
            .collect()
    }

    fn keep(&mut self, object: usize) {
        if let Some((.., kind)) = self.objects.saved.get(object) {
            kind.functions().into_iter().for_each(|function| self.keep_function(function));
        }
    }

    fn keep_function(&mut self, function: &'f [u8]) {
        if self.functions.insert(function) {
            self.open.push(Kept::Function(function));
        }
    }

    fn need(&mut self, object: usize) {
        if self.needed.insert(object) {
            self.open.push(Kept::Object(object));
        }
    }

    /// Those of the signatures that are asked for.
    fn signatures(&mut self, wanted: &Wanted) {
        for (_, map) in self.objects.children(0).filter(|(name, _)| *name == SIGNATURES) {
            for (name, signature) in self.objects.children(map) {
                if wanted.keeps(name) {
                    self.keep(signature);
                } else {
                    self.dropped.insert(signature);
                }
            }
        }
    }

    /// Those that are asked for by the names of attributes that lead to them.
    fn named(&mut self, wanted: &Wanted) {
        for name in &wanted.functions {
            if let Some(object) = self.objects.function(name) {
                self.keep(object);
            }
        }
    }

    /// What kept functions have captured, and what makes, fills and saves these.
    fn close(&mut self) {
        let mut captured: HashMap<&[u8], HashSet<usize>> = HashMap::new();
        for (name, objects) in self.concrete() {
            captured.entry(name).or_default().extend(objects);
        }
        while let Some(kept) = self.open.pop() {
            match kept {
                Kept::Function(name) => captured.get(name).into_iter().flatten().for_each(|object| self.need(*object)),
                Kept::Object(object) => self.object(object),
            }
        }
    }

    /// What a needed object needs.
    fn object(&mut self, object: usize) {
        let Some((_, saved, kind)) = self.objects.saved.get(object) else { return };
        saved.saveables().flatten().map(position).for_each(|function| self.keep(function));
        match kind {
            Kind::Resource(_) | Kind::User(_) => {
                for (_, child) in self.objects.children(object) {
                    self.need(child);
                    self.keep(child);
                }
            }
            Kind::CapturedTensor(_) => self.keep(object),
            _ => {}
        }
    }

    /// Objects that are not needed have no content, and functions have only the traces that are kept.
    fn edits(&self, gone: &mut Gone, cuts: &mut Cuts) -> Result<(), NotTaken> {
        let file = self.program.file;
        let mut emptied: HashSet<usize> = self.dropped.clone();
        for (at, (placed, _, kind)) in self.objects.saved.iter().enumerate() {
            let kept = kind.functions().into_iter().filter(|name| self.functions.contains(name)).count();
            let goes = match kind {
                Kind::Function(_) | Kind::BareFunction(_) => kept == 0 && !kind.functions().is_empty(),
                Kind::Constant(_) | Kind::CapturedTensor(_) | Kind::Resource(_) => !self.needed.contains(&at),
                _ => false,
            };
            if goes {
                emptied.insert(at);
                continue;
            }
            cuts.roots.remove(&placed.field.start);
            if let Kind::Function(_) = kind {
                let path = placed.path();
                for function in fields(file, placed.field.payload()).filter(|it| it.is_len(saved_object::FUNCTION)) {
                    let within: Vec<Field> = path.iter().copied().chain([function]).collect();
                    for trace in fields(file, function.payload()).filter(|field| field.is_len(TRACES)) {
                        if !self.functions.contains(trace.bytes(file)) {
                            gone.edits.delete(&within, trace.range())?;
                        }
                    }
                }
            }
        }
        self.objects.emptied(&mut gone.edits, &emptied)?;
        for section in self.program.sections(OBJECT_GRAPH_DEF) {
            for entry in fields(file, section.payload()).filter(|field| field.is_len(CONCRETE_FUNCTIONS)) {
                let name = first_len(file, entry.payload(), KEY).and_then(|key| file.get(key)).unwrap_or_default();
                if !self.functions.contains(name) {
                    gone.edits.delete(&[self.program.meta, section], entry.range())?;
                }
            }
        }
        Ok(())
    }
}
