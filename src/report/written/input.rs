//! What an input is written as: its links, the archive that it is in, and what is wrong with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Archive, ArchiveFormat, Link, LinkKind};
use crate::problem::{Problem, ProblemKind};

written_and_read!(
    Archive as ArchiveDef,
    ArchiveFormat as ArchiveFormatDef,
    Link as LinkDef,
    LinkKind as LinkKindDef,
    ProblemKind as ProblemKindDef,
    Problem as ProblemDef
);

/// The archive that a model was read from, in `models[].archive` of the JSON report.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Archive")]
#[schemars(rename = "Archive")]
struct ArchiveDef {
    /// The archive, as it was named; `-` for standard input.
    path: String,
    /// How it is packed.
    format: ArchiveFormat,
    /// The folder in it that is the model; empty where it is not in a folder.
    folder: String,
    /// The size of the archive, with all that is in it: what is stored and sent.
    packed_bytes: u64,
    /// The files in it, those of no model and of other models too.
    files: u64,
    /// The sizes that these have when unpacked. `total_bytes` is the model's part of it.
    unpacked_bytes: u64,
}

/// The archives that are read.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ArchiveFormat")]
#[schemars(rename = "ArchiveFormat")]
enum ArchiveFormatDef {
    /// A tar that is not compressed.
    #[serde(rename = "tar")]
    Tar,
    /// A tar in gzip.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// A tar in Zstandard.
    #[serde(rename = "tar.zst")]
    TarZst,
    /// A zip, its files stored or deflated.
    #[serde(rename = "zip")]
    Zip,
}

/// A name in the model's directory that holds no bytes of its own, in `links[]` of the JSON report.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Link")]
#[schemars(rename = "Link")]
struct LinkDef {
    /// The name, relative to the model's directory.
    name: String,
    /// Which sort of link it is.
    kind: LinkKind,
    /// What it points to: a symbolic link's text as it is stored, or the name that a hard link is equal to.
    target: String,
    /// The file of the model that a loader reads under this name; `null` where there is none.
    file: Option<String>,
    /// Where else it leads; `null` where there is a file.
    note: Option<String>,
}

/// The sorts of links.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LinkKind")]
#[schemars(rename = "LinkKind")]
#[serde(rename_all = "lowercase")]
enum LinkKindDef {
    /// A path to another name.
    Symbolic,
    /// Another name of a file in the model.
    Hard,
}

/// What sort of problem it is, for who decides by it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ProblemKind")]
#[schemars(rename = "ProblemKind")]
#[serde(rename_all = "kebab-case")]
enum ProblemKindDef {
    /// No loader can restore the model as it is: a part of it is missing, or is something else.
    NotWhole,
    /// A file, or a part of one, is not what it should be, or cannot be read.
    Damaged,
    /// The model changed while it was read.
    Changed,
    /// There is more of something than is looked into.
    Limit,
    /// A symbolic link leads to nothing that is counted.
    Link,
}

/// Something that could not be read, in `problems[]` of the JSON report.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Problem")]
#[schemars(rename = "Problem")]
struct ProblemDef {
    /// The file, relative to the model's directory.
    file: String,
    /// The byte of the file where it was noticed; `null` where the file as a whole is meant.
    offset: Option<u64>,
    /// What was expected and what was found instead.
    message: String,
    /// What sort of problem it is.
    kind: ProblemKind,
}
