//! The tensors of the checkpoint as vertices: one number for each in all metagraphs, its bytes, and the slices of partitioned
//! variables.

use foldhash::HashMap;

use crate::checkpoint::Checkpoint;

/// The tensors of the checkpoint by key. A tensor's number in every metagraph is its position in the index.
pub(super) struct Keys<'a> {
    pub(super) checkpoint: Option<&'a Checkpoint>,
    by_key: HashMap<&'a str, u32>,
    /// The slices of each partitioned variable.
    pub(super) slices: HashMap<u32, Vec<u32>>,
    /// The bytes of the shards that are charged to each tensor.
    pub(super) bytes: Vec<u64>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(checkpoint: Option<&'a Checkpoint>) -> Self {
        let tensors = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
        let by_key: HashMap<&str, u32> =
            tensors.iter().zip(0..).map(|(tensor, number)| (&*tensor.key, number)).collect();
        let mut bytes = vec![0_u64; tensors.len()];
        for extent in checkpoint.iter().flat_map(|checkpoint| &checkpoint.files).flat_map(|file| &file.extents) {
            if let Some(sum) = extent.tensor.and_then(|tensor| bytes.get_mut(tensor)) {
                *sum = sum.saturating_add(extent.range.end.saturating_sub(extent.range.start));
            }
        }
        let mut slices: HashMap<u32, Vec<u32>> = HashMap::default();
        for (number, tensor) in (0..).zip(tensors) {
            if let Some(whole) = tensor.slice_of.as_deref().and_then(|name| by_key.get(name)) {
                slices.entry(*whole).or_default().push(number);
            }
        }
        Self { checkpoint, by_key, slices, bytes }
    }

    /// The tensor under a key.
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.by_key.get(std::str::from_utf8(key).ok()?).copied()
    }
}
