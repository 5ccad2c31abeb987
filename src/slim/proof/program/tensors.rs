//! The tensors of a checkpoint by their keys, and whether two are the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::checkpoint::{Checkpoint, Tensor};
use crate::input::Model;
use crate::input::layout::VARIABLES;
use crate::problem::Problem;
use crate::proto::TrackableObjectGraph;

/// What a checkpoint holds.
pub(super) struct Tensors<'m> {
    model: &'m Model,
    checkpoint: Option<Checkpoint>,
    by_key: HashMap<String, usize>,
    shards: RefCell<BTreeMap<u32, Option<Bytes>>>,
}

impl<'m> Tensors<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        let files: Vec<(String, u64)> = model.files.iter().map(|file| (file.name.clone(), file.bytes)).collect();
        let files: Vec<_> = files.into_iter().filter(|(name, _)| name.starts_with(VARIABLES)).collect();
        let open = |name: &str| {
            let file = model.file(name).ok_or_else(|| Problem::of_file(name, "not in the listing"))?;
            file.contents().map_err(Problem::from)
        };
        let checkpoint = Checkpoint::read(&files, open);
        let tensors = checkpoint.iter().flat_map(|checkpoint| &checkpoint.bundle.tensors);
        let by_key = tensors.map(|tensor| tensor.key.clone()).zip(0..).collect();
        Self { model, checkpoint, by_key, shards: RefCell::default() }
    }

    /// The object graph in it.
    pub(super) fn tracked(&self) -> Option<&TrackableObjectGraph> {
        self.checkpoint.as_ref()?.object_graph.as_ref().map(|graph| &graph.graph)
    }

    fn get(&self, key: &str) -> Option<&Tensor> {
        self.checkpoint.as_ref()?.bundle.tensors.get(*self.by_key.get(key)?)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Whether a tensor is another one of another checkpoint. Those of one key have been held against each other before.
    pub(super) fn is_same(&self, key: &str, other: &Self, other_key: &str) -> bool {
        if key == other_key {
            return self.has(key) == other.has(key);
        }
        let (Some(one), Some(another)) = (self.get(key), other.get(other_key)) else { return false };
        let shape = |tensor: &Tensor| {
            (tensor.dtype, tensor.shape.clone(), tensor.bytes, tensor.slices, tensor.slice_of.is_some())
        };
        let is_whole = one.slices == 0 && one.slice_of.is_none() && !one.damaged && !another.damaged;
        if !is_whole || shape(one) != shape(another) {
            return false;
        }
        let bytes = self.bytes(one);
        bytes.is_some() && bytes == other.bytes(another)
    }

    fn bytes(&self, tensor: &Tensor) -> Option<Bytes> {
        let Some(range) = tensor.range() else { return (tensor.bytes == 0).then(Bytes::new) };
        let mut shards = self.shards.borrow_mut();
        let shard = shards.entry(tensor.shard).or_insert_with(|| {
            let checkpoint = self.checkpoint.as_ref()?;
            let file = checkpoint.shard(tensor.shard)?;
            self.model.file(&file.path)?.contents().ok()
        });
        let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        shard.as_ref().filter(|shard| range.end <= shard.len()).map(|shard| shard.slice(range))
    }
}
