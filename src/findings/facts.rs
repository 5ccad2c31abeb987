//! What is known of a model before anything is asked about causes: what the other parts found out, and simple lookups in it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use super::claims::Claims;
use super::nodes::{Function, Node};
use super::objects::{self, Object};
use crate::charge::MainFile;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::duplicates::{Duplicates, Place};
use crate::graph::{Reach, is_for_callers};
use crate::input::Model;
use crate::input::layout::KERAS_METADATA;
use crate::message::number::function_def::ATTR as FUNCTION_ATTR;
use crate::message::number::graph_def::NODE;
use crate::message::number::meta_graph_def::{GRAPH_DEF, OBJECT_GRAPH_DEF};
use crate::outline::{Notes, SavedModel, within};
use crate::wire::{Field, fields};

/// What is worth a finding where less is a matter of information: so many bytes, and so much of the model.
const WORTH: u64 = 64_000;
const WORTH_PERCENT: u128 = 5;

/// The pieces of a tensor's data: files of the checkpoint by position, and ranges of them.
type Data = Vec<(usize, Range<u64>)>;

/// A model, charged, its duplicates found and its signatures followed.
pub struct Facts<'a> {
    pub(crate) model: &'a Model,
    main_file: Option<&'a MainFile<'a>>,
    pub(crate) saved_model: &'a SavedModel,
    pub(crate) checkpoint: Option<&'a Checkpoint>,
    pub(crate) duplicates: &'a Duplicates,
    /// Without metagraphs where no metagraph has signatures or objects.
    pub(crate) reach: &'a Reach<'a>,
    functions: OnceLock<Vec<Function<'a>>>,
    /// The objects of each metagraph.
    objects: OnceLock<Vec<Vec<Object<'a>>>>,
    /// `keras_metadata.pb`, where it can be read.
    keras_metadata: OnceLock<Option<(&'a str, Bytes)>>,
    /// For each tensor of the bundle the pieces of files that are charged to it.
    data: OnceLock<Vec<Data>>,
}

impl<'a> Facts<'a> {
    /// What is known of a model.
    #[must_use]
    pub fn new(
        model: &'a Model,
        main_file: Option<&'a MainFile<'a>>,
        saved_model: &'a SavedModel,
        checkpoint: Option<&'a Checkpoint>,
        duplicates: &'a Duplicates,
        reach: &'a Reach<'a>,
    ) -> Self {
        Self {
            model,
            main_file,
            saved_model,
            checkpoint,
            duplicates,
            reach,
            functions: OnceLock::new(),
            objects: OnceLock::new(),
            keras_metadata: OnceLock::new(),
            data: OnceLock::new(),
        }
    }

    /// The main file.
    pub(super) fn main_file(&self) -> Option<&'a MainFile<'a>> {
        self.main_file
    }

    /// Whether so many bytes, of what takes room in many models and is a mistake in few, are enough for a finding.
    pub(super) fn is_worth_a_finding(&self, bytes: u64) -> bool {
        bytes >= WORTH && u128::from(bytes) * 100 >= u128::from(self.model.bytes()) * WORTH_PERCENT
    }

    /// The main file in wire format; none where it cannot be read.
    pub(super) fn main(&self) -> &'a [u8] {
        self.main_file.and_then(|main| main.bytes.as_deref()).unwrap_or_default()
    }

    /// The name of the file that a content is in.
    pub(crate) fn file_of(&self, place: Place) -> Option<&'a str> {
        match place {
            Place::Tensor(tensor) => {
                let (file, _) = self.data(tensor.position()).first()?;
                Some(&self.checkpoint?.files.get(*file)?.path)
            }
            Place::File(file) => Some(&self.model.files.get(file.position())?.name),
            Place::Node(..) | Place::Function(..) | Place::Section(..) | Place::Elements(..) => {
                Some(&self.main_file?.file.name)
            }
        }
    }

    /// A part of the main file as text, for a message.
    pub(super) fn text(&self, range: Range<usize>) -> Cow<'a, str> {
        String::from_utf8_lossy(self.main().get(range).unwrap_or_default())
    }

    /// The part of the main file that a range of [`Facts::main`] was read from.
    pub(super) fn part(&self, range: &Range<usize>) -> Range<u64> {
        self.main_file.map_or(0..0, |main| main.layout.part(range))
    }

    /// The bytes of the file that a range of [`Facts::main`] takes.
    pub(super) fn cost(&self, range: &Range<usize>) -> u64 {
        let part = self.part(range);
        part.end.saturating_sub(part.start)
    }

    /// Claims what ranges of [`Facts::main`] take in the file.
    pub(super) fn claim(&self, claims: &mut Claims, ranges: impl IntoIterator<Item = Range<usize>>) {
        let Some(main) = self.main_file else { return };
        let ranges = ranges.into_iter().map(|range| main.layout.part(&range));
        claims.add_ranges(&main.file.name, ranges.collect());
    }

    /// `bytes` of these ranges of the main file: whole ranges as far as they go, and a part of the one where they end. For
    /// a remedy that puts something smaller in the place of what it frees.
    pub(super) fn up_to(&self, ranges: impl IntoIterator<Item = Range<usize>>, bytes: u64) -> Vec<Range<usize>> {
        let mut left = bytes;
        let parts = ranges.into_iter().map(|range| {
            let cost = self.cost(&range);
            // Of a range that goes in part the share goes; in a file where every byte costs one, that many bytes.
            let taken = share_of(range.len(), left.min(cost), cost);
            left = left.saturating_sub(cost);
            range.start..range.start.saturating_add(taken)
        });
        parts.collect()
    }

    /// Claims the data of tensors of the checkpoint, by their positions in the bundle.
    pub(super) fn claim_tensors(&self, claims: &mut Claims, tensors: impl IntoIterator<Item = usize>) {
        let Some(checkpoint) = self.checkpoint else { return };
        let mut ranges: BTreeMap<usize, Vec<Range<u64>>> = BTreeMap::new();
        for (file, range) in tensors.into_iter().flat_map(|tensor| self.data(tensor)) {
            ranges.entry(*file).or_default().push(range.clone());
        }
        for (file, ranges) in ranges {
            let name = checkpoint.files.get(file).map_or("", |file| &file.path);
            claims.add_ranges(name, ranges);
        }
    }

    /// Claims the last bytes of tensors: by their positions in the bundle, and how many of each.
    pub(super) fn claim_ends(&self, claims: &mut Claims, ends: impl IntoIterator<Item = (usize, u64)>) {
        let Some(checkpoint) = self.checkpoint else { return };
        let mut ranges: BTreeMap<usize, Vec<Range<u64>>> = BTreeMap::new();
        for (tensor, mut left) in ends {
            for (file, range) in self.data(tensor).iter().rev() {
                let start = range.end.saturating_sub(left).max(range.start);
                left = left.saturating_sub(range.end.saturating_sub(start));
                ranges.entry(*file).or_default().push(start..range.end);
            }
        }
        for (file, ranges) in ranges {
            let name = checkpoint.files.get(file).map_or("", |file| &file.path);
            claims.add_ranges(name, ranges);
        }
    }

    /// The bytes of the shards that are charged to a tensor.
    pub(super) fn data_bytes(&self, tensor: usize) -> u64 {
        self.data(tensor).iter().map(|(_, range)| range.end.saturating_sub(range.start)).fold(0, u64::saturating_add)
    }

    /// The bytes of a tensor of a bundle.
    pub(super) fn tensor_content(&self, tensor: &Tensor) -> Option<Bytes> {
        let file = self.checkpoint?.shard(tensor.shard)?;
        self.model.file(&file.path)?.open().ok()?.content(tensor.range()?).ok()?
    }

    /// Where the data of a tensor is: files of the checkpoint by position, and ranges of them.
    fn data(&self, tensor: usize) -> &[(usize, Range<u64>)] {
        let data = self.data.get_or_init(|| {
            let Some(checkpoint) = self.checkpoint else { return Vec::new() };
            let mut data = vec![Vec::new(); checkpoint.bundle.tensors.len()];
            for (position, file) in checkpoint.files.iter().enumerate() {
                for extent in &file.extents {
                    let of_tensor = extent.tensor.and_then(|tensor| data.get_mut(tensor));
                    of_tensor.into_iter().for_each(|data| data.push((position, extent.range.clone())));
                }
            }
            data
        });
        data.get(tensor).map_or(&[], Vec::as_slice)
    }

    /// What Keras 2 writes beside the main file from TensorFlow 2.5 on, a SavedMetadata: the file's name and its bytes.
    pub(super) fn keras_metadata(&self) -> Option<&(&'a str, Bytes)> {
        let read = || {
            let file = self.model.file(KERAS_METADATA)?;
            Some((&*file.name, file.contents().ok()?))
        };
        self.keras_metadata.get_or_init(read).as_ref()
    }

    /// The objects of a metagraph's object graph.
    pub(super) fn objects(&self, meta_graph: usize) -> &[Object<'a>] {
        let read = |meta_graph| {
            let graphs = self.sections(meta_graph, OBJECT_GRAPH_DEF).map(|graph| graph.payload());
            objects::objects(self.main(), graphs)
        };
        let objects = self.objects.get_or_init(|| (0..self.saved_model.meta_graphs.len()).map(read).collect());
        objects.get(meta_graph).map_or(&[], Vec::as_slice)
    }

    /// Whether a metagraph has a signature for callers. Where it has none, a program uses the objects and their functions
    /// themselves, so none of these is of no use.
    pub(super) fn is_served(&self, meta_graph: usize) -> bool {
        let signatures = self.saved_model.meta_graphs.get(meta_graph).map(|graph| &graph.signatures);
        signatures.into_iter().flatten().any(|signature| is_for_callers(&signature.name))
    }

    /// The payloads of the fields `number` of a metagraph; no objects where there are too many to be followed.
    pub(super) fn sections(&self, meta_graph: usize, number: u32) -> impl Iterator<Item = Field> + use<'a> {
        let graph = self.saved_model.meta_graphs.get(meta_graph);
        let is_followed = number != OBJECT_GRAPH_DEF || graph.is_some_and(|graph| !graph.too_many_objects);
        let range = graph.filter(|_| is_followed).map_or(0..0, |graph| graph.range.clone());
        fields(self.main(), range).filter(move |field| field.is_len(number))
    }

    /// The nodes of a metagraph's graph itself.
    pub(super) fn nodes(&self, meta_graph: usize) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let file = self.main();
        let graphs = self.sections(meta_graph, GRAPH_DEF).flat_map(move |graph| fields(file, graph.payload()));
        graphs.filter(|field| field.is_len(NODE)).map(move |field| Node::new(file, field))
    }

    /// The nodes of a metagraph's graph itself that may refer to functions or gradients, and perhaps others.
    pub(super) fn referring_of_graph(&self, meta_graph: usize) -> Vec<Node<'a>> {
        let file = self.main();
        match self.notes(meta_graph).and_then(Notes::referring) {
            Some(fields) => fields.iter().map(|field| Node::new(file, *field)).collect(),
            None => self.nodes(meta_graph).collect(),
        }
    }

    /// The same of a function.
    pub(super) fn referring(&self, function: &Function<'a>) -> Vec<Node<'a>> {
        let file = self.main();
        match self.notes(function.meta_graph).and_then(Notes::referring_in_functions) {
            Some(fields) => within(fields, &function.range()).iter().map(|field| Node::new(file, *field)).collect(),
            None => function.nodes().collect(),
        }
    }

    /// The attributes of a function itself. Few have any, and to look for them is a walk over all of its nodes.
    pub(super) fn attributes(&self, function: &Function<'a>) -> impl Iterator<Item = Field> + use<'a> {
        let read = self.duplicates.structural.function(function.range().start);
        let fields = read.is_none_or(|read| read.has_attributes).then(|| function.fields());
        fields.into_iter().flatten().map_while(Result::ok).filter(|field| field.is_len(FUNCTION_ATTR))
    }

    fn notes(&self, meta_graph: usize) -> Option<&'a Notes> {
        self.saved_model.meta_graphs.get(meta_graph).map(|graph| &graph.notes)
    }

    /// What the libraries of a metagraph have besides functions: gradients.
    pub(super) fn beside_functions(&self, meta_graph: usize) -> impl Iterator<Item = Field> {
        self.saved_model.meta_graphs.get(meta_graph).into_iter().flat_map(|graph| &graph.library.others).copied()
    }

    /// The functions of all libraries, in the order of the file.
    pub(super) fn functions(&self) -> &[Function<'a>] {
        self.functions.get_or_init(|| {
            let graphs = self.saved_model.meta_graphs.iter().enumerate();
            let all = graphs.flat_map(|(meta_graph, graph)| {
                graph.library.functions.iter().map(move |function| (meta_graph, function))
            });
            all.map(|(meta_graph, function)| Function::new(self.main(), function, meta_graph)).collect()
        })
    }

    /// The functions of a metagraph's libraries, in the order of the file.
    pub(super) fn functions_of(&self, meta_graph: usize) -> &[Function<'a>] {
        self.functions().get(self.positions_of(meta_graph)).unwrap_or_default()
    }

    /// The same with their positions among all.
    pub(super) fn numbered_functions_of(&self, meta_graph: usize) -> impl Iterator<Item = (usize, &Function<'a>)> {
        self.positions_of(meta_graph).zip(self.functions_of(meta_graph))
    }

    fn positions_of(&self, meta_graph: usize) -> Range<usize> {
        let up_to = |end: usize| self.functions().partition_point(|function| function.meta_graph < end);
        up_to(meta_graph)..up_to(meta_graph.saturating_add(1))
    }

    /// The function, by its position among all, that an offset of [`Facts::main`] is in.
    pub(super) fn function_around(&self, offset: usize) -> Option<usize> {
        let functions = self.functions();
        let before = functions.partition_point(|function| function.range().start <= offset).checked_sub(1)?;
        functions.get(before).filter(|function| offset < function.range().end).map(|_| before)
    }
}

/// `part` of `whole`, of `length`.
fn share_of(length: usize, part: u64, whole: u64) -> usize {
    let share = (length as u128 * u128::from(part)).checked_div(u128::from(whole)).unwrap_or_default();
    usize::try_from(share).unwrap_or(length)
}
