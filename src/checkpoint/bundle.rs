//! The index of a TensorBundle: which tensors there are, and where in which shard their bytes lie.
//!
//! A table with a `BundleHeaderProto` under the empty key and a `BundleEntryProto` under every other one, as
//! `tensorflow/core/util/tensor_bundle/tensor_bundle.cc` writes it. The index answers most questions about variables
//! without a byte of data being read. An entry whose numbers cannot be true is listed and reported, but owns no bytes; where
//! there are more of them than problems are listed, the rest is not listed.

#![warn(clippy::arithmetic_side_effects)]

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;

use super::slice_name::{MAX_RANK, SliceName};
use super::table::{Entry, Table, TableError};
use crate::dtype;
use crate::escape::shortened;
use crate::problem::{Problem, Problems};
use crate::proto::bundle_header_proto::Endianness;
use crate::proto::{BundleEntryProto, BundleHeaderProto};

/// The longest entry that is decoded; that of a variable in tens of thousands of slices. Decoded, an entry made for it
/// takes many times its bytes.
pub(super) const MAX_ENTRY_BYTES: usize = 1 << 20;

/// What a bundle's index says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// How many data files the bundle has; `None` where the header does not say.
    pub num_shards: Option<u32>,
    /// Whether the machine that wrote the data was a big-endian one.
    pub big_endian: bool,
    /// The entries in the order of their keys; for V1 those of each table, with a partitioned variable before the first of
    /// its slices.
    pub tensors: Vec<Tensor>,
}

/// One entry: a tensor, a slice of one, or a variable whose data is in its slices.
///
/// In a V1 checkpoint (see [`v1`](super::v1)) the data is the value of an entry of a table: a message that holds the
/// elements, and the variable's name once more. `shard` is the table then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The key; that of a slice decoded to `name [0:10, :]`. May hold any character, also those a terminal obeys.
    pub key: String,
    /// For a slice, the variable that it is a part of.
    pub slice_of: Option<String>,
    /// The element type's number in TensorFlow's `DataType`.
    pub dtype: i32,
    /// The size of each dimension, as the index has it.
    pub shape: Vec<i64>,
    /// The data file that holds the bytes.
    pub shard: u32,
    /// Where the bytes start in the data file; in a compressed block of a V1 table, where the block does.
    pub offset: u64,
    /// How many bytes of the data file the tensor takes; in a compressed block, how many it would without compression.
    pub bytes: u64,
    /// The masked CRC32C of the bytes; for strings and variants of their lengths in another form and their bytes. V1 has
    /// none, as there a block has one.
    pub crc32c: u32,
    /// For a partitioned variable, how many slices its data is in; 0 otherwise.
    pub slices: usize,
    /// The bytes are in a compressed block of a V1 table, and none of the file's bytes are the tensor's alone.
    pub compressed: bool,
    /// The entry's numbers cannot be true (negative ones are 0 here), and the tensor owns no bytes.
    pub damaged: bool,
}

impl Tensor {
    /// The element type's name in TensorFlow's Python.
    #[must_use]
    pub fn dtype_name(&self) -> Cow<'static, str> {
        dtype::name(self.dtype)
    }

    /// Whether [`crc32c`](Self::crc32c) is one of the bytes as they are in the shard. That of strings and variants is not
    /// (`tensorflow/core/util/tensor_bundle/tensor_bundle.cc`).
    #[must_use]
    pub fn crc_is_of_bytes(&self) -> bool {
        dtype::element_bytes(self.dtype).is_some()
    }

    /// The bytes of its shard that the tensor claims; `None` where it has none, or none to itself, or its entry is damaged.
    /// They need not be within the shard.
    #[must_use]
    pub fn range(&self) -> Option<Range<u64>> {
        let end = self.offset.checked_add(self.bytes)?;
        (!self.damaged && !self.compressed && end > self.offset).then_some(self.offset..end)
    }
}

impl Bundle {
    /// Reads an index; `file` is what problems are reported under.
    ///
    /// # Errors
    /// Where the index is no table, so that nothing can be read. Damage to a part of it is a [`Problem`].
    pub fn read(index: Bytes, file: &str) -> Result<(Self, Vec<Problem>), TableError> {
        let mut bundle = Self::default();
        let mut problems = Problems::default();
        let mut header = false;
        for entry in Table::open(index)?.entries() {
            let lists_faulty = !problems.is_full();
            let mut report = |offset, message: String| problems.push(Problem::at(file, offset, message));
            match entry {
                Err(error) => report(error.offset, error.to_string()),
                Ok(entry) if entry.key.is_empty() => {
                    header = true;
                    bundle.read_header(&entry, |message| report(entry.offset(), message));
                }
                Ok(entry) => bundle.read_tensor(&entry, lists_faulty, |message| report(entry.offset(), message)),
            }
        }
        if !header {
            problems.push(Problem::of_file(file, "expected the bundle's header under the empty key, found none"));
        }
        Ok((bundle, problems.into_list()))
    }

    fn read_header(&mut self, entry: &Entry, mut report: impl FnMut(String)) {
        match BundleHeaderProto::decode(entry.value.clone()) {
            Ok(header) => {
                self.big_endian = header.endianness() == Endianness::Big;
                self.num_shards = u32::try_from(header.num_shards).ok().filter(|&shards| shards > 0);
                if self.num_shards.is_none() {
                    report(format!("expected one shard or more in the bundle's header, found {}", header.num_shards));
                }
            }
            Err(error) => report(format!("expected the bundle's header, found bytes that are none: {error}")),
        }
    }

    /// Lists an entry. One that cannot be true only where `lists_faulty`: a file may be full of them, and each takes many
    /// times its bytes of memory.
    fn read_tensor(&mut self, entry: &Entry, lists_faulty: bool, mut report: impl FnMut(String)) {
        let slice = SliceName::decode(&entry.key);
        let key = slice.as_ref().map_or_else(|| String::from_utf8_lossy(&entry.key).into_owned(), ToString::to_string);
        let proto = match decode(&entry.value) {
            Ok(proto) => proto,
            Err(found) => {
                return report(format!("`{}`: expected an entry of a bundle, found {found}", shortened(&key)));
            }
        };
        let faults = faults(&proto, self.num_shards);
        let shape = proto.shape.unwrap_or_default().dim.iter().take(MAX_RANK).map(|dimension| dimension.size).collect();
        let tensor = Tensor {
            key,
            slice_of: slice.map(|slice| slice.name),
            dtype: proto.dtype,
            shape,
            shard: u32::try_from(proto.shard_id).unwrap_or_default(),
            offset: u64::try_from(proto.offset).unwrap_or_default(),
            bytes: u64::try_from(proto.size).unwrap_or_default(),
            crc32c: proto.crc32c,
            slices: proto.slices.len(),
            compressed: false,
            damaged: !faults.is_empty(),
        };
        let mut faults = faults.into_iter().chain(tensor.size_mismatch()).peekable();
        let listed = lists_faulty || faults.peek().is_none();
        for fault in faults {
            report(format!("`{}`: expected {fault}", shortened(&tensor.key)));
        }
        if listed {
            self.tensors.push(tensor);
        }
    }
}

fn decode(value: &Bytes) -> Result<BundleEntryProto, String> {
    if value.len() > MAX_ENTRY_BYTES {
        return Err(format!("{} bytes, more than any entry has", value.len()));
    }
    BundleEntryProto::decode(value.clone()).map_err(|error| format!("bytes that are none: {error}"))
}

/// What cannot be true of an entry: ends of sentences on it.
fn faults(entry: &BundleEntryProto, num_shards: Option<u32>) -> Vec<String> {
    let mut faults = Vec::new();
    let shards = i64::from(num_shards.unwrap_or(u32::MAX));
    if !(0..shards).contains(&i64::from(entry.shard_id)) {
        faults.push(format!("one of the bundle's {shards} shards, found shard {}", entry.shard_id));
    }
    if entry.offset < 0 {
        faults.push(format!("an offset from 0 on, found {}", entry.offset));
    }
    if entry.size < 0 {
        faults.push(format!("a size from 0 on, found {}", entry.size));
    }
    if entry.dtype == 0 {
        faults.push("an element type, found none".to_owned());
    }
    let rank = entry.shape.as_ref().map_or(0, |shape| shape.dim.len());
    if rank > MAX_RANK {
        faults.push(format!("at most {MAX_RANK} dimensions, found {rank}"));
    }
    faults
}

impl Tensor {
    /// Where type and shape ask for another number of bytes than there is: the end of a sentence on it.
    fn size_mismatch(&self) -> Option<String> {
        let element = dtype::element_bytes(self.dtype).filter(|_| self.slices == 0 && !self.damaged)?;
        let multiply = |bytes: u64, &size: &i64| bytes.checked_mul(u64::try_from(size).ok()?);
        let (shape, dtype, found) = (&self.shape, self.dtype_name(), self.bytes);
        match shape.iter().try_fold(element, multiply) {
            Some(expected) if expected == found => None,
            Some(expected) => Some(format!("{expected} bytes for {dtype} of shape {shape:?}, found {found}")),
            None => Some(format!("a shape whose bytes can be counted, found {shape:?}")),
        }
    }
}

#[cfg(test)]
mod tests;
