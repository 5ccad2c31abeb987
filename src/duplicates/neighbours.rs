//! What models of one tree repeat of each other: versions of one model mostly share their assets, and often tensors that
//! a further training did not touch.
//!
//! Compared are the tensors of checkpoints and, as wholes, all other files. They are narrowed as payloads within one model
//! are (`groups`). As with metagraphs, what an earlier model has counts for the pair of it and the first model that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldhash::HashMap;

use super::Place;
use super::groups;
use super::payloads::PayloadKind;
use super::source::{IndexCrc, Open, Payload, Sources};
use crate::checkpoint::{Checkpoint, KEY_SUFFIX};
use crate::identity::{FileId, TensorId};
use crate::progress::{Step, Work};

/// A model among others.
pub struct Neighbour<'a> {
    /// What it is called in the report.
    pub path: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Its checkpoint.
    pub checkpoint: Option<&'a Checkpoint>,
    /// All files but the checkpoint's, with their sizes.
    pub files: Vec<(&'a str, u64)>,
    /// How a file of it is opened. Only files that hold candidates are.
    pub open: Open<'a>,
}

impl Neighbour<'_> {
    /// What a tensor of the checkpoint is called: by the variable's own name where there is one.
    fn variable(&self, tensor: usize) -> Option<String> {
        let checkpoint = self.checkpoint?;
        let key = &checkpoint.bundle.tensors.get(tensor)?.key;
        let own = checkpoint.object_graph.as_ref().and_then(|graph| graph.full_name(key));
        Some(own.unwrap_or_else(|| key.strip_suffix(KEY_SUFFIX).unwrap_or(key)).to_owned())
    }
}

/// What one model repeats of an earlier one, in `neighbours` of the JSON report.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NeighbourPair {
    /// The path of the model that has it first.
    pub original: String,
    /// The path of the model that has it again.
    pub copy: String,
    /// What is repeated: `tensors.bytes` and `files.bytes`.
    pub bytes: u64,
    /// `bytes` of the copy's.
    pub share_of_copy: f64,
    /// The tensors of the checkpoint.
    pub tensors: Parts,
    /// Files that are no part of the checkpoint.
    pub files: Parts,
    /// Whether every tensor that was compared is repeated.
    pub whole_checkpoint: bool,
}

/// One content that several models have, in `shared` of the JSON report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// What it is.
    pub kind: SharedKind,
    /// What it is called in the first model that has it: a variable by its own name, a file by its path in the model.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// How many models have it.
    pub models: u64,
    /// What these repeat of it: its size for each model but the first.
    pub repeated_bytes: u64,
}

/// What several models have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedKind {
    /// A tensor of their checkpoints.
    Variable,
    /// Any other file.
    File,
}

/// What models have in common.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neighbours {
    /// What each repeats of earlier ones, the most bytes first.
    pub pairs: Vec<NeighbourPair>,
    /// The contents by name, the most repeated bytes first.
    pub shared: Vec<Shared>,
}

/// Parts of a model that an earlier one has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// How many are repeated.
    pub count: u64,
    /// How many the copy has that are large enough to be compared and not one value throughout.
    pub of: u64,
    /// The bytes of those that are repeated.
    pub bytes: u64,
}

/// Finds what models repeat of earlier ones. Smaller payloads than `min_duplicate` are not compared.
#[must_use]
pub fn neighbours(models: &[Neighbour<'_>], min_duplicate: u64, work: &Work<'_>) -> Neighbours {
    let open = |name: &str| {
        let (model, file) = name.split_once('/')?;
        (models.get(model.parse::<usize>().ok()?)?.open)(file)
    };
    let mut all = All { sources: Sources::new(&open), payloads: Vec::new(), models: Vec::new(), least: min_duplicate };
    for (position, model) in models.iter().enumerate() {
        all.tensors(position, model);
        all.files(position, model);
    }
    let grouped = groups::group(&all.payloads, &all.sources, work.begin(Step::ComparingModels, 0));
    let one_value: BTreeSet<usize> = grouped.zero.into_iter().chain(grouped.fill).collect();
    let mut pairs: BTreeMap<(usize, usize), (Parts, Parts)> = BTreeMap::new();
    for group in &grouped.groups {
        for (original, copy, payload) in all.repeats(group) {
            let (tensors, files) = pairs.entry((original, copy)).or_default();
            let parts = if payload.kind == PayloadKind::Variable { tensors } else { files };
            parts.count += 1;
            parts.bytes = parts.bytes.saturating_add(payload.bytes());
        }
    }
    let compared = all.compared(&one_value);
    let pairs = pairs.into_iter().filter_map(|((original, copy), (mut tensors, mut files))| {
        (tensors.of, files.of) = compared.get(&copy).copied().unwrap_or_default();
        Some(pair(models.get(original)?, models.get(copy)?, tensors, files))
    });
    let mut pairs: Vec<NeighbourPair> = pairs.collect();
    // Stable: pairs of equal size stay in the order of the models.
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.bytes));
    let mut shared: Vec<Shared> = grouped.groups.iter().filter_map(|group| all.shared(group, models)).collect();
    shared.sort_by_key(|content| std::cmp::Reverse(content.repeated_bytes));
    Neighbours { pairs, shared }
}

fn pair(original: &Neighbour<'_>, copy: &Neighbour<'_>, tensors: Parts, files: Parts) -> NeighbourPair {
    let bytes = tensors.bytes.saturating_add(files.bytes);
    NeighbourPair {
        original: original.path.to_owned(),
        copy: copy.path.to_owned(),
        bytes,
        share_of_copy: if copy.bytes == 0 { 0.0 } else { bytes as f64 / copy.bytes as f64 },
        tensors,
        files,
        whole_checkpoint: tensors.count > 0 && tensors.count == tensors.of,
    }
}

/// What is compared, over all models.
struct All<'a> {
    sources: Sources<'a>,
    payloads: Vec<Payload>,
    /// The model of each payload.
    models: Vec<usize>,
    least: u64,
}

impl All<'_> {
    fn tensors(&mut self, position: usize, model: &Neighbour<'_>) {
        let Some(checkpoint) = model.checkpoint else { return };
        let mut sources: HashMap<usize, usize> = HashMap::default();
        for (index, shard, range) in checkpoint.ranges() {
            let file = *sources.entry(shard).or_insert_with(|| {
                let path = checkpoint.files.get(shard).map_or("", |file| &file.path);
                self.sources.add(&format!("{position}/{path}"))
            });
            let crc = checkpoint.bundle.tensors.get(index).map(IndexCrc::of);
            self.add(position, PayloadKind::Variable, Place::Tensor(TensorId::at(index)), file, range, crc);
        }
    }

    fn files(&mut self, position: usize, model: &Neighbour<'_>) {
        for (number, (name, bytes)) in model.files.iter().enumerate() {
            let file = self.sources.add(&format!("{position}/{name}"));
            self.add(position, PayloadKind::Asset, Place::File(FileId::at(number)), file, 0..*bytes, None);
        }
    }

    fn add(
        &mut self,
        position: usize,
        kind: PayloadKind,
        place: Place,
        file: usize,
        range: Range<u64>,
        crc: Option<IndexCrc>,
    ) {
        if range.end.saturating_sub(range.start) >= self.least.max(1) {
            let taken = range.clone();
            self.payloads.push(Payload { kind, place, file, range, taken, unpacked: None, crc, in_element: false });
            self.models.push(position);
        }
    }

    /// The members of a group that are not in the first model that has its content: that first one, their own, and the
    /// payload. A model that is a copy as a whole repeats all that it has, also what it has twice.
    fn repeats(&self, group: &[usize]) -> Vec<(usize, usize, &Payload)> {
        let members = || group.iter().filter_map(|index| Some((*self.models.get(*index)?, self.payloads.get(*index)?)));
        let Some((original, _)) = members().next() else { return Vec::new() };
        let others = members().filter(|(model, _)| *model != original);
        others.map(|(copy, payload)| (original, copy, payload)).collect()
    }

    /// A content that more than one model has.
    fn shared(&self, group: &[usize], neighbours: &[Neighbour<'_>]) -> Option<Shared> {
        let models: BTreeSet<usize> = group.iter().filter_map(|index| self.models.get(*index).copied()).collect();
        let first = *group.first()?;
        let (payload, neighbour) = (self.payloads.get(first)?, neighbours.get(*self.models.get(first)?)?);
        let (kind, name) = match payload.place {
            Place::Tensor(tensor) => (SharedKind::Variable, neighbour.variable(tensor.position())?),
            _ => {
                let name = self.sources.name(payload.file);
                (SharedKind::File, name.split_once('/').map_or(name, |(_, name)| name).to_owned())
            }
        };
        let (bytes, models) = (payload.bytes(), models.len() as u64);
        let repeated_bytes = bytes.saturating_mul(models.saturating_sub(1));
        (models > 1).then_some(Shared { kind, name, bytes, models, repeated_bytes })
    }

    /// For each model how many tensors and how many files of it were compared.
    fn compared(&self, one_value: &BTreeSet<usize>) -> HashMap<usize, (u64, u64)> {
        let mut compared: HashMap<usize, (u64, u64)> = HashMap::default();
        for (index, (payload, model)) in self.payloads.iter().zip(&self.models).enumerate() {
            let (tensors, files) = compared.entry(*model).or_default();
            let count = if payload.kind == PayloadKind::Variable { tensors } else { files };
            *count += u64::from(!one_value.contains(&index));
        }
        compared
    }
}
