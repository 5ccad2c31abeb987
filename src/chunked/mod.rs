//! A `saved_model.cpb`: a SavedModel in chunks, for models beyond protobuf's 2 GiB, read as the wire format that means the
//! same.
//!
//! The file has Riegeli/records (`riegeli`), in simple chunks (`simple`) or transposed ones (`transposed`). Each record is a
//! chunk of the model: a message, or the value of a field of bytes. The last one, a ChunkMetadata, says which field of the
//! model each of them fills, and `assembly` puts them together as `tensorflow/tools/proto_splitter/merge.cc` does.
//! Everything above walks the result.
//!
//! - **What a field costs.** Every byte of the file that decodes to a byte of a field is charged to that field. Where
//!   chunks are not compressed these are the field's own bytes, the tag that it had in its chunk included. What a
//!   compressed part takes is divided among the fields in it in proportion to what they decode to, rounded so that nothing
//!   is lost: see [`Shares`](crate::wire::Shares).
//! - **What is no field's** is framing: headers, sizes of records, padding, the ChunkMetadata, chunks that it does not use,
//!   and what it replaces.
//! - **Order.** The model's order need not be the file's. The account is kept in the model's.
//! - **Transposed chunks** keep the fields of records by column. TensorFlow writes none (`SavedModelSplitter`), others may.
//!   The bytes of a field are in several places there, and its tag is in a state that all fields of its kind share. So all
//!   of the chunk's data, compressed or not, is divided among its records' bytes as what a compressed part takes is.
//! - **Records by position.** A ChunkInfo names its record by where Riegeli's writer said that it is: where its chunk begins,
//!   plus its number in the chunk. A position behind the last record of a chunk is that of the next chunk's first, as for
//!   Riegeli's reader.
//! - **Damage.** Checksums that are wrong are reported, and what they guard is read all the same where it can be. A record that
//!   cannot be decoded costs itself.

mod assembly;
mod contents;
mod metadata;
mod riegeli;
mod simple;
mod transposed;
mod unpack;

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::input::Limits;
use crate::problem::{Problem, Problems};
use crate::proto::proto_splitter::ChunkMetadata;
use crate::wire::Layout;

/// What a chunked file may decode to: as what an archive may hold, but for the bytes up to which the ratio does not count,
/// as no variables are in it.
#[must_use]
pub fn limits() -> Limits {
    Limits { ratio_from: 64 << 20, ..Limits::default() }
}

/// What a chunked file means.
#[derive(Debug)]
pub struct Chunked {
    /// The SavedModel in wire format; `None` where there is nothing to put together.
    pub wire: Option<Bytes>,
    /// Which part of the file each of its fields is.
    pub layout: Layout,
    /// What is wrong with the file.
    pub problems: Vec<Problem>,
}

/// Reads a chunked file, which is called `name`. What it decodes to is limited as what an archive holds is; `limits` are
/// those to use.
#[must_use]
pub fn read(name: &str, file: &Bytes, limits: &Limits) -> Chunked {
    let mut problems = Problems::default();
    let records = riegeli::read(name, file, limits, &mut problems);
    let put_together = metadata(name, &records, &mut problems).map(|metadata| {
        let assembly = assembly::assemble(name, &records, &metadata, &mut problems);
        (assembly.wire.into(), Layout::Shared(assembly.shares.into()))
    });
    let (wire, layout) = put_together.unzip();
    Chunked { wire, layout: layout.unwrap_or_default(), problems: problems.into_list() }
}

/// The records of a file by their positions, and the ChunkMetadata in the last of them; `None` where anything is wrong with the
/// file. For who puts them together by other code.
pub(crate) fn records(file: &Bytes) -> Option<(BTreeMap<u64, Bytes>, ChunkMetadata)> {
    let mut problems = Problems::default();
    let records = riegeli::read("", file, &limits(), &mut problems);
    let metadata = metadata("", &records, &mut problems)?;
    problems.is_empty().then(|| (records.all().collect(), metadata))
}

/// The last record.
fn metadata(name: &str, records: &riegeli::Records, problems: &mut Problems) -> Option<ChunkMetadata> {
    let Some((position, record)) = records.last() else {
        // Else it has been said why there is none.
        if problems.is_empty() {
            problems.push(Problem::of_file(name, "expected a ChunkMetadata in the last record, found no record"));
        }
        return None;
    };
    let bytes = records.bytes(record.block, &record.range);
    let found = match metadata::decode(bytes) {
        Ok(metadata) if metadata.message.is_some() => return Some(metadata),
        Ok(_) => "one without a message".to_owned(),
        Err(error) => error.to_string(),
    };
    let message =
        format!("expected a ChunkMetadata in the last record, found {found}: the model cannot be put together");
    problems.push(Problem::at(name, position, message));
    None
}
