//! What the system is asked for before somebody looks at it: a mapping alone has it read a few pages at each stop of the walk.

use std::ops::Range;

use bytes::Bytes;

use crate::input::ranged::Want;

/// How much of a mapping is asked for at once, in bytes: a multiple of every size of a page, and less than what a disk is
/// behind by when the walk arrives.
const WINDOW: usize = 2 << 20;

/// Asks the system for the pages of a file's mapping, from its beginning to its end, window by window, on a thread that
/// keeps it until then. From a disk the answers come as fast as they would to who reads the file once; who walks the
/// mapping itself would wait for each few pages, and the disk for the walk. Where there is no thread to be had, nothing is
/// asked.
pub(in crate::input) fn read_ahead(mapping: Bytes) {
    advise(&mapping, libc::MADV_NORMAL);
    // Linux reads what is to be mapped as huge pages in pieces of their size: fewer to ask for, fewer to map (madvise(2)).
    #[cfg(target_os = "linux")]
    advise(&mapping, libc::MADV_HUGEPAGE);
    drop(std::thread::Builder::new().name("read ahead".to_owned()).spawn(move || mapping.chunks(WINDOW).for_each(ask)));
}

/// Asks for a window of a mapping. Linux brings its pages into the map as well, so that the walk does not stop for each
/// sixteen of them (madvise(2), `MADV_POPULATE_READ`); what is no longer in the file is an error there and no signal.
/// Kernels before 5.14, and other systems, read it beside.
fn ask(window: &[u8]) {
    #[cfg(target_os = "linux")]
    if advise(window, libc::MADV_POPULATE_READ) {
        return;
    }
    advise(window, libc::MADV_WILLNEED);
}

/// Has the system bring a range into its mapping now.
pub(in crate::input) fn fetch(mapping: &Bytes, range: Range<u64>) {
    pages(mapping, range).into_iter().for_each(ask);
}

/// How far apart ranges are at least, in bytes and on average, of which only the pages that they are in are read: about as much
/// as systems read around a page that somebody looks at.
const APART: u64 = 128 << 10;

/// Says how ranges of a mapping will be read. Where they are a small part of a large file, as the first bytes of tensors are
/// and the few that may be equal, their pages are asked for together and nothing around them, which would be most of the file.
pub(in crate::input) fn expect<'r>(mapping: &Bytes, ranges: impl Iterator<Item = &'r Range<u64>>, want: Want) {
    let wanted = |range: &Range<u64>| match want {
        Want::Look { head } => range.start..range.end.min(range.start.saturating_add(head)),
        Want::Compare | Want::All => range.clone(),
    };
    let ranges: Vec<Range<u64>> = ranges.map(wanted).collect();
    let each = |range: &Range<u64>| range.end.saturating_sub(range.start).saturating_add(APART);
    let is_small_part = ranges.iter().map(each).fold(0, u64::saturating_add) <= mapping.len() as u64 / 2;
    advise(mapping, if is_small_part { libc::MADV_RANDOM } else { libc::MADV_NORMAL });
    for pages in ranges.into_iter().filter(|_| is_small_part).filter_map(|range| pages(mapping, range)) {
        advise(pages, libc::MADV_WILLNEED);
    }
}

/// The bytes of a range of a mapping, from the beginning of the page that it begins in.
fn pages(mapping: &[u8], range: Range<u64>) -> Option<&[u8]> {
    // SAFETY: a call without a pointer in it.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok().filter(|page| *page > 0)?;
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    mapping.get(start - start % page..end)
}

/// Whether the system took advice about a mapping, or about windows of one.
fn advise(window: &[u8], advice: libc::c_int) -> bool {
    // SAFETY: the range lies within a mapping, which the caller keeps, and begins with a page of it, as mappings do and
    // windows are whole pages. No advice that is given here changes a byte; that it fails changes nothing either.
    unsafe { libc::madvise(window.as_ptr().cast_mut().cast(), window.len(), advice) == 0 }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use memmap2::Mmap;

    use super::*;

    /// A file of so many bytes, and its mapping.
    fn mapped(length: usize) -> (tempfile::NamedTempFile, Bytes, Vec<u8>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        fs::write(file.path(), &bytes).unwrap();
        // SAFETY: nobody else knows the file.
        let mapping = unsafe { Mmap::map(file.as_file()).unwrap() };
        (file, Bytes::from_owner(mapping), bytes)
    }

    #[test]
    fn a_mapping_that_is_read_ahead_outlives_who_asked_for_it() {
        for length in [1, WINDOW, 2 * WINDOW + 1] {
            let (_file, mapping, bytes) = mapped(length);
            read_ahead(mapping.clone());
            assert!(mapping == bytes, "{length} bytes");
            drop(mapping);
        }
    }

    #[test]
    fn pages_that_are_no_longer_in_a_file_are_asked_for_without_harm() {
        let (file, mapping, _) = mapped(2 * WINDOW);
        file.as_file().set_len(1).unwrap();
        mapping.chunks(WINDOW).for_each(ask);
        assert_eq!(mapping.len(), 2 * WINDOW);
    }

    #[test]
    fn a_look_asks_for_pages_from_their_beginning_and_for_none_where_they_are_close_together() {
        let (_file, mapping, bytes) = mapped(2 * WINDOW);
        assert_eq!(pages(&mapping, 5..69).unwrap(), bytes.get(..69).unwrap());
        assert_eq!(pages(&mapping, 1 << 20..1 << 21).unwrap().len(), 1 << 20);
        assert_eq!(pages(&mapping, 0..3 * WINDOW as u64), None);
        fetch(&mapping, 5000..5001);
        fetch(&mapping, 0..3 * WINDOW as u64);
        for count in [0, 1, WINDOW as u64 / APART, 4000] {
            let ranges: Vec<Range<u64>> = (0..count).map(|at| at * 1000 + 7..at * 1000 + 700).collect();
            for want in [Want::Look { head: 64 }, Want::Compare] {
                expect(&mapping, ranges.iter(), want);
                assert!(mapping == bytes);
            }
        }
    }
}
