//! The contents of one file: small ones are read, large ones mapped. All unsafe code of the project is here, and in `map/`.
//!
//! Mapping lets a span of a 900 MB constant be handed on without a copy. Its price is that a page of a file which was
//! truncated meanwhile cannot be had: such a page is taken as zeros, and the file is said to have changed (`map/lost.rs`).
//! Files up to [`READ_UP_TO`] are read: that costs no more than a mapping does, they are all but a few of a model's files,
//! and what was read does not change any more.

#![allow(unsafe_code)]

#[cfg(unix)]
pub(super) mod ahead;
#[cfg(unix)]
mod lost;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::cause::Cause;
use super::source::{Noted, Source};
use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

/// The largest file that is read into memory, in bytes.
const READ_UP_TO: u64 = 1 << 20;

/// The file at `path`, which has `listed` bytes or is an error. Of a mapped one the flag of `noted` is set where some of its
/// bytes were gone when somebody came to look at them; these are zeros.
pub(super) fn source(path: &Path, listed: u64, noted: &Arc<Noted>) -> Result<Source, Cause> {
    let (file, found) = open(path)?;
    if found != listed {
        return Err(Cause::Length { listed, found });
    }
    if listed <= READ_UP_TO {
        return Ok(Source::of_file(file, listed, Arc::clone(noted)));
    }
    let bytes = map(&file, listed, &noted.lost).map_err(Cause::Read)?;
    Ok(Source::of_map(bytes, Arc::clone(noted)).with_holes(holes(&file, listed)))
}

/// The smallest hole that is reported, in bytes.
#[cfg(unix)]
const LEAST_HOLE: u64 = 64 << 10;

/// The holes of a file, in order; none where the system does not say. There are no more of them than the file has blocks on the disk.
#[cfg(unix)]
fn holes(file: &fs::File, length: u64) -> Vec<Range<u64>> {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::MetadataExt as _;
    /// Of what `blocks` are, whatever the file system's own are.
    const BLOCK: u64 = 512;
    let stored = file.metadata().map_or(length, |metadata| metadata.blocks().saturating_mul(BLOCK));
    let mut holes = Vec::new();
    if stored.saturating_add(LEAST_HOLE) > length {
        return holes;
    }
    let seek = |at: u64, whence: libc::c_int| {
        let at = libc::off_t::try_from(at).ok()?;
        // SAFETY: a call without a pointer in it, on a file that is open. Nobody reads by its position.
        u64::try_from(unsafe { libc::lseek(file.as_raw_fd(), at, whence) }).ok()
    };
    let mut at = 0;
    while let Some(start) = seek(at, libc::SEEK_HOLE).filter(|start| *start >= at && *start < length) {
        let end = seek(start, libc::SEEK_DATA).filter(|end| *end > start).unwrap_or(length).min(length);
        if end.saturating_sub(start) >= LEAST_HOLE {
            holes.push(start..end);
        }
        at = end;
    }
    holes
}

#[cfg(not(unix))]
fn holes(_file: &fs::File, _length: u64) -> Vec<Range<u64>> {
    Vec::new()
}

/// Opens a regular file and nothing else; also says how long it is.
///
/// The listing saw a regular file here, but a pipe may have taken its place since: opening that would wait for a
/// writer for ever, before there is a handle whose type could be checked. Hence `O_NONBLOCK`, which means nothing to
/// a regular file, and `O_NOFOLLOW`, as a link may have come too.
pub(super) fn open(path: &Path) -> Result<(fs::File, u64), Cause> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOFOLLOW);
    let file = options.open(path).map_err(Cause::Open)?;
    let metadata = file.metadata().map_err(Cause::Open)?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(Cause::NotRegular) }
}

/// Maps `listed` bytes, more than [`READ_UP_TO`]: systems refuse to map none.
#[cfg_attr(not(unix), expect(unused_variables, reason = "other systems do not let anyone truncate a mapped file"))]
fn map(file: &fs::File, listed: u64, lost: &Arc<AtomicBool>) -> io::Result<Bytes> {
    let length = usize::try_from(listed).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // SAFETY: a mapping must not change while it is borrowed, and no program can promise that of a file which others
    // may write. What holds: it is mapped for reading only, it was `listed` bytes long a moment ago, and its memory
    // lives as long as the last clone of the `Bytes` that owns it. What may still happen: another process writes to
    // the file, or truncates it, and a byte read twice differs. All readers bound-check against the length of the
    // mapping, which is fixed, and keep no pointer or length that was checked in an earlier read, so the answer is
    // wrong and nothing worse; `Model::changes` reports it.
    let map: Mmap = unsafe { MmapOptions::new().len(length).map(file)? };
    #[cfg(unix)]
    let map = lost::Watched::new(map, lost);
    Ok(Bytes::from_owner(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(path: &Path, listed: u64, noted: &Arc<Noted>) -> Result<Bytes, Cause> {
        source(path, listed, noted)?.read_all()
    }

    fn file_of(length: u64) -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        (directory, path, bytes)
    }

    #[test]
    fn files_of_every_size_come_whole_on_both_sides_of_the_limit() {
        for length in [0, 1, READ_UP_TO, READ_UP_TO + 1] {
            let (_directory, path, bytes) = file_of(length);
            assert!(contents(&path, length, &Arc::default()).unwrap() == bytes, "{length} bytes");
        }
    }

    #[test]
    fn a_file_longer_or_shorter_than_listed_is_an_error_on_both_sides_of_the_limit() {
        for length in [7, READ_UP_TO + 7] {
            let (_directory, path, _) = file_of(length);
            for listed in [length - 1, length + 1] {
                let error = contents(&path, listed, &Arc::default()).unwrap_err();
                assert!(matches!(error, Cause::Length { found, .. } if found == length), "{error}");
            }
        }
    }

    #[test]
    fn a_file_that_shrinks_between_the_check_and_the_read_is_an_error_that_is_noted() {
        let (_directory, path, _) = file_of(7);
        let noted = Arc::default();
        let source = source(&path, 7, &noted).unwrap();
        fs::write(&path, b"123").unwrap();
        assert_eq!(source.read(0..3).unwrap().unwrap(), "123");
        assert!(matches!(source.read(0..7), Err(Cause::Length { listed: 7, found: 3 })));
        assert!(noted.failure("file").unwrap().message.contains("has 3 now"));
    }

    #[test]
    fn a_range_comes_alone_and_is_counted_and_one_past_the_end_is_none() {
        for length in [100, READ_UP_TO + 100] {
            let (_directory, path, bytes) = file_of(length);
            let noted = Arc::default();
            let source = source(&path, length, &noted).unwrap();
            assert_eq!(source.read(10..13).unwrap().unwrap(), bytes[10..13]);
            assert_eq!(source.read(length..length + 1).unwrap(), None);
            assert_eq!(noted.read(), 3);
        }
    }

    #[test]
    fn a_small_file_that_is_truncated_later_does_not_change_what_was_read() {
        let (_directory, path, bytes) = file_of(READ_UP_TO);
        let read = contents(&path, READ_UP_TO, &Arc::default()).unwrap();
        fs::write(&path, b"").unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn a_mapping_outlives_the_name_of_its_file() {
        let (directory, path, bytes) = file_of(READ_UP_TO + 1);
        let mapped = contents(&path, READ_UP_TO + 1, &Arc::default()).unwrap();
        directory.close().unwrap();
        assert!(mapped == bytes);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn of_a_sparse_file_the_holes_are_known_and_not_read() {
        use std::os::unix::fs::FileExt as _;
        const LENGTH: u64 = 1 << 40;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sparse");
        let file = fs::File::create(&path).unwrap();
        file.set_len(LENGTH).unwrap();
        file.write_all_at(b"data", 1 << 39).unwrap();
        let noted = Arc::default();
        let source = source(&path, LENGTH, &noted).unwrap();
        if source.holes_in(0..LENGTH) == 0 {
            return; // A file system without holes.
        }
        let all = source.stretches(0..LENGTH).unwrap().unwrap();
        assert!(all.stored() < 1 << 20 && noted.read() < 1 << 20 && !all.is_zero());
        assert!(source.stretches(0..1 << 38).unwrap().unwrap().is_zero());
        assert_eq!(source.read((1 << 39) - 1..(1 << 39) + 4).unwrap().unwrap(), &b"\0data"[..]);
        assert!(matches!(source.read_all(), Err(Cause::Holes(holes)) if holes > 1 << 39));
        assert!(noted.failure("sparse").unwrap().message.contains("holes of a sparse file"));
    }

    #[test]
    fn a_directory_is_not_opened_as_a_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(open(directory.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_writes_to_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(open(&pipe), Err(Cause::NotRegular)));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_when_it_is_opened() {
        let (directory, path, _) = file_of(1);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(open(&link), Err(Cause::Open(_))));
    }
}
