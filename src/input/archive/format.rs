//! Which archives are read, and what is known of one that a model is in.

/// The archive that a model was read from, in `models[].archive` of the JSON report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Archive {
    /// The archive, as it was named; `-` for standard input.
    pub path: String,
    /// How it is packed.
    pub format: ArchiveFormat,
    /// The folder in it that is the model; empty where it is not in a folder.
    pub folder: String,
    /// The size of the archive, with all that is in it: what is stored and sent.
    pub packed_bytes: u64,
    /// The files in it, those of no model and of other models too.
    pub files: u64,
    /// The sizes that these have when unpacked. `total_bytes` is the model's part of it.
    pub unpacked_bytes: u64,
}

/// The archives that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArchiveFormat {
    /// A tar that is not compressed.
    Tar,
    /// A tar in gzip.
    TarGz,
    /// A tar in Zstandard.
    TarZst,
    /// A zip, its files stored or deflated.
    Zip,
}

impl ArchiveFormat {
    /// How it is called: the usual end of a file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::TarZst => "tar.zst",
            Self::Zip => "zip",
        }
    }
}
