//! Smaller models in an archive: the folder that was written and proven is packed into a file, and the file is read to its end and
//! held against the folder before it has its name.
//!
//! Nothing of it is held in memory: files are packed and compared piece by piece, so an archive may be of any size. No time, owner
//! or other trace of the machine is in it, so the same models make the same bytes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use walkdir::WalkDir;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::progress::{Progress, Stage, Step, Work};
use crate::queue;

/// So much of a file is compared at a time.
const STEP: usize = 1 << 16;

/// Ends of names of archives that are not written.
const OTHERS: [&str; 9] = [".tar.zst", ".tzst", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.lz4", ".7z", ".rar"];

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// A tar that is not compressed.
    Tar,
    /// A tar in gzip.
    TarGz,
    /// A zip whose files are deflated.
    Zip,
}

impl Packing {
    /// How something of this name is packed; `None` where it is a directory, as any name with a slash at the end is.
    #[must_use]
    pub fn of(output: &Path) -> Option<Self> {
        let name = output.as_os_str().to_string_lossy().to_lowercase();
        let ends = |end: &str| name.ends_with(end) && name.len() > end.len();
        match () {
            () if ends(".tar.gz") || ends(".tgz") => Some(Self::TarGz),
            () if ends(".tar") => Some(Self::Tar),
            () if ends(".zip") => Some(Self::Zip),
            () => None,
        }
    }

    /// Whether something of this name should be an archive, of which there is no writer.
    #[must_use]
    pub fn is_unknown(output: &Path) -> bool {
        let name = output.as_os_str().to_string_lossy().to_lowercase();
        let is_other = |end: &str| name.ends_with(end);
        Self::of(output).is_none() && OTHERS.into_iter().any(is_other)
    }

    /// Packs all that is in a folder into a new file, which the system then puts on the disk. `progress` counts the bytes
    /// that are packed.
    ///
    /// # Errors
    /// The system does not read the one or write the other.
    pub fn pack(self, folder: &Path, file: &Path, shown: &str, progress: &dyn Progress) -> io::Result<()> {
        let entries = entries(folder)?;
        let work = Work::new(progress, shown, 0);
        let packing = begin(&work, Step::Writing, &entries);
        let out = BufWriter::with_capacity(STEP, File::options().write(true).create_new(true).open(file)?);
        apart(|| {
            let out = match self {
                Self::Tar => tar(&entries, out, &packing)?,
                Self::TarGz => tar(&entries, GzEncoder::new(out, Compression::default()), &packing)?.finish()?,
                Self::Zip => zip(&entries, out, &packing)?,
            };
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        })
    }

    /// What is not in an archive as it is in a folder; nothing where it is a copy.
    ///
    /// # Errors
    /// The system does not read one of them, or what there is is no archive.
    pub fn differences(
        self,
        folder: &Path,
        file: &Path,
        shown: &str,
        progress: &dyn Progress,
    ) -> io::Result<Vec<String>> {
        let entries = entries(folder)?;
        let work = Work::new(progress, shown, 0);
        let proving = begin(&work, Step::Proving, &entries);
        let expected = entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        let mut held = Held { expected, differences: Vec::new(), progress: &proving };
        let packed = BufReader::with_capacity(STEP, File::open(file)?);
        apart(|| match self {
            Self::Tar => held.tar(packed),
            Self::TarGz => held.tar(MultiGzDecoder::new(packed)),
            Self::Zip => held.zip(packed),
        })?;
        let lacks = held.expected.keys().map(|name| format!("{name}: is not in the archive"));
        held.differences.extend(lacks);
        Ok(held.differences)
    }
}

/// What `work` makes, in a thread of its own where there is one to be had: libraries that compress make buffers of 85 kB and more on
/// the stack, and the one of the main thread is as small as somebody chose (`ulimit -s`).
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    queue::both(work, || ()).0
}

/// Begins a step over all of these files.
fn begin<'p>(work: &Work<'p>, step: Step, entries: &[Entry]) -> Stage<'p> {
    let bytes = entries.iter().filter_map(|entry| entry.bytes).fold(0, u64::saturating_add);
    let mut begun = work.begin(step, 0);
    begun.expect_more(bytes);
    begun
}

/// Something in a folder: its name with slashes, and its size unless it is a folder itself.
#[derive(Debug)]
struct Entry {
    name: String,
    path: PathBuf,
    bytes: Option<u64>,
}

/// All that is in a folder, in the order of the names.
fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry?;
        let below = entry.path().strip_prefix(folder).map_err(io::Error::other)?;
        let parts = below.components().map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        });
        let parts: Vec<&str> = parts.collect::<Option<_>>().ok_or(io::ErrorKind::InvalidData)?;
        let bytes = if entry.file_type().is_dir() { None } else { Some(entry.metadata()?.len()) };
        entries.push(Entry { name: parts.join("/"), path: entry.path().to_owned(), bytes });
    }
    Ok(entries)
}

/// Opens what is to be packed; what is read is counted.
fn open(entry: &Entry, progress: &dyn Progress) -> io::Result<impl Read> {
    let file = File::open(&entry.path)?;
    Ok(Counted { file: BufReader::with_capacity(STEP, file), progress })
}

/// A file of which what is read is counted.
struct Counted<'p> {
    file: BufReader<File>,
    progress: &'p dyn Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}

fn tar<W: io::Write>(entries: &[Entry], out: W, progress: &dyn Progress) -> io::Result<W> {
    let mut builder = tar::Builder::new(out);
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        // Some programs take a time of 0 for none; this is the one that the library has for archives that are to be reproduced.
        header.set_metadata_in_mode(&fs::metadata(&entry.path)?, tar::HeaderMode::Deterministic);
        header.set_mode(if entry.bytes.is_some() { 0o644 } else { 0o755 });
        match entry.bytes {
            Some(bytes) => {
                header.set_size(bytes);
                builder.append_data(&mut header, &entry.name, open(entry, progress)?)?;
            }
            None => builder.append_data(&mut header, format!("{}/", entry.name), io::empty())?,
        }
    }
    builder.into_inner()
}

fn zip<W: io::Write + io::Seek>(entries: &[Entry], out: W, progress: &dyn Progress) -> io::Result<W> {
    let mut writer = ZipWriter::new(out);
    for entry in entries {
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
        match entry.bytes {
            Some(bytes) => {
                let is_large = bytes >= u64::from(u32::MAX >> 1);
                writer.start_file(&*entry.name, options.unix_permissions(0o644).large_file(is_large))?;
                io::copy(&mut open(entry, progress)?, &mut writer)?;
            }
            None => writer.add_directory(&*entry.name, options.unix_permissions(0o755))?,
        }
    }
    Ok(writer.finish()?)
}

/// An archive that is held against a folder.
struct Held<'p> {
    /// What has not been met yet.
    expected: BTreeMap<String, Entry>,
    differences: Vec<String>,
    progress: &'p dyn Progress,
}

impl Held<'_> {
    fn tar(&mut self, packed: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(packed);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let kind = entry.header().entry_type();
            self.entry(&name, kind.is_file() || kind.is_dir(), kind.is_dir(), &mut entry)?;
        }
        // What is behind the last entry has to be whole as well: the checksum of what is compressed is there.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map(drop)
    }

    fn zip(&mut self, packed: impl Read + io::Seek) -> io::Result<()> {
        let mut archive = ZipArchive::new(packed)?;
        for position in 0..archive.len() {
            let mut entry = archive.by_index(position)?;
            let (name, is_folder) = (String::from_utf8_lossy(entry.name_raw()).into_owned(), entry.is_dir());
            self.entry(&name, is_folder || entry.is_file(), is_folder, &mut entry)?;
        }
        Ok(())
    }

    /// Holds what is met against what it should be.
    fn entry(&mut self, name: &str, is_plain: bool, is_folder: bool, packed: &mut dyn Read) -> io::Result<()> {
        let plain = name.strip_suffix('/').filter(|_| is_folder).unwrap_or(name);
        let Some(entry) = self.expected.remove(plain).filter(|_| is_plain) else {
            self.differences.push(format!("{name}: should not be in the archive"));
            return Ok(());
        };
        if entry.bytes.is_none() != is_folder {
            self.differences.push(format!("{name}: is another kind of entry in the archive"));
        } else if !is_folder && !is_same(open(&entry, self.progress)?, packed)? {
            self.differences.push(format!("{name}: has other bytes in the archive"));
        }
        Ok(())
    }
}

/// Whether two readers have the same bytes.
fn is_same(mut one: impl Read, other: &mut dyn Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; STEP], vec![0; STEP]);
    loop {
        let read = fill(&mut one, &mut left)?;
        if fill(other, &mut right)? != read || left.get(..read) != right.get(..read) {
            return Ok(false);
        }
        if read < STEP {
            return Ok(true);
        }
    }
}

/// Reads until there is no more room or nothing more, and returns how much that was.
fn fill(from: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::support::files::tree;

    const ALL: [Packing; 3] = [Packing::Tar, Packing::TarGz, Packing::Zip];

    #[test]
    fn an_archive_is_known_by_its_name() {
        let of = |name: &str| Packing::of(Path::new(name));
        assert_eq!([of("a.tar"), of("x/a.TAR.GZ"), of("a.zip")].map(Option::unwrap), ALL);
        assert_eq!(of("a.tgz"), Some(Packing::TarGz));
        assert_eq!([of("a.zip/"), of("a"), of(".zip"), of("tar.gz")], [None; 4]);
    }

    #[test]
    fn an_archive_that_is_not_what_was_packed_is_noticed() {
        let content: Vec<u8> = (0..3000_u32).flat_map(|number| (number * number).to_le_bytes()).collect();
        let files: [(&str, &[u8]); 3] = [("in/a", &content), ("in/b/c", b"text"), ("in/empty", b"")];
        let directory = tree(&files);
        let (folder, file) = (directory.path().join("in"), directory.path().join("packed"));
        for packing in ALL {
            packing.pack(&folder, &file, "packed", &Silent).unwrap();
            let right = fs::read(&file).unwrap();
            let held = |bytes: &[u8]| {
                fs::write(&file, bytes).unwrap();
                packing.differences(&folder, &file, "packed", &Silent)
            };
            assert_eq!(held(&right).unwrap(), [""; 0]);
            // Bytes of what was packed; the end is gone; a file more in the folder; a file under another name.
            for at in (right.len() / 4..right.len() / 2).step_by(97) {
                let mut wrong = right.clone();
                wrong[at] ^= 4;
                assert!(!held(&wrong).is_ok_and(|it| it.is_empty()), "{packing:?} {at}");
            }
            assert!(!held(&right[..right.len() / 2]).is_ok_and(|it| it.is_empty()));
            fs::write(folder.join("more"), "more").unwrap();
            assert_eq!(held(&right).unwrap(), ["more: is not in the archive"]);
            fs::remove_file(folder.join("more")).unwrap();
            fs::rename(folder.join("b/c"), folder.join("b/d")).unwrap();
            assert_eq!(held(&right).unwrap(), ["b/c: should not be in the archive", "b/d: is not in the archive"]);
            fs::rename(folder.join("b/d"), folder.join("b/c")).unwrap();
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_small_stack_is_no_reason_to_write_no_archive() {
        let directory = tree(&[("in/a", &[7; 200_000])]);
        let (folder, file) = (directory.path().join("in"), directory.path().join("packed"));
        for packing in ALL {
            let work = || {
                packing.pack(&folder, &file, "packed", &Silent).unwrap();
                assert_eq!(packing.differences(&folder, &file, "packed", &Silent).unwrap(), [""; 0]);
            };
            std::thread::scope(|scope| {
                let small = std::thread::Builder::new().stack_size(64 << 10);
                small.spawn_scoped(scope, work).unwrap().join().unwrap();
            });
            fs::remove_file(&file).unwrap();
        }
    }
}
