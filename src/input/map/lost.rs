//! Mappings that outlive a part of their file: a touch of a page that is gone gives zeros, and is remembered.
//!
//! A page behind the new end of a truncated file, or one that the disk does not give, raises SIGBUS when it is touched,
//! which ends a process that does not handle it. So there is a handler: it puts zeros in the place of what is lost, sets
//! the flag of the file, and the audit goes on and asks for the flag at its end.
//!
//! Two other solutions were weighed. Reading whole files takes as much memory as the model has bytes, and reads what no
//! question needs. Reading piece by piece would put an error on every look at a byte. The handler costs nothing where
//! nothing happens.
//!
//! A handler may do little: no lock, no allocation. This one walks a list that only grows, of entries that are never
//! freed (some 60 bytes for each mapping that was ever made), and calls `mmap`, which is a system call and no more.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libc::{c_int, c_void, siginfo_t};
use memmap2::Mmap;

/// A mapping whose pages may get lost.
pub(super) struct Watched {
    map: Mmap,
    entry: &'static Entry,
}

/// What the handler knows of a mapping.
struct Entry {
    /// Its first address, which is the start of a page, and how many bytes it has.
    start: usize,
    length: usize,
    page: usize,
    /// Whether it is still mapped; another one may come to lie in its place.
    live: AtomicBool,
    /// The flag of the file. The entry keeps it for ever, so that the handler may set it at any time.
    lost: Arc<AtomicBool>,
    next: Option<&'static Self>,
}

/// The entry that was made last.
static LAST: AtomicPtr<Entry> = AtomicPtr::new(ptr::null_mut());

/// Who adds an entry holds this. The handler never does.
static ADDING: Mutex<()> = Mutex::new(());

/// What was done about SIGBUS before: for faults that are not ours.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

impl Watched {
    /// Watches over a mapping; `lost` is set when a part of it is found to be gone.
    pub(super) fn new(map: Mmap, lost: &Arc<AtomicBool>) -> Self {
        BEFORE.get_or_init(install);
        let adding = ADDING.lock().unwrap_or_else(PoisonError::into_inner);
        let entry: &'static Entry = Box::leak(Box::new(Entry {
            start: map.as_ptr().addr(),
            length: map.len(),
            page: page_size(),
            live: AtomicBool::new(true),
            lost: Arc::clone(lost),
            next: last(),
        }));
        LAST.store(ptr::from_ref(entry).cast_mut(), Ordering::Release);
        drop(adding);
        Self { map, entry }
    }
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Watched {
    /// Runs before the mapping itself is dropped: from here on its addresses are no longer the handler's.
    fn drop(&mut self) {
        self.entry.live.store(false, Ordering::SeqCst);
    }
}

impl Entry {
    fn holds(&self, address: usize) -> bool {
        self.live.load(Ordering::SeqCst) && address.checked_sub(self.start).is_some_and(|offset| offset < self.length)
    }

    /// Puts zeros in the place of the page of `address` and of all behind it; says whether that was done.
    fn replace(&self, address: usize) -> bool {
        let offset = address.saturating_sub(self.start);
        let first = offset.saturating_sub(offset.checked_rem(self.page).unwrap_or(offset));
        let (start, length) = (self.start.saturating_add(first), self.length.saturating_sub(first));
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED;
        // SAFETY: these are pages of a mapping that is in use, as somebody has just touched it, so nobody else has come to
        // lie there; the system rounds the length up to whole pages, as it did for the mapping. It stays readable, as long
        // as it was and at its place, so every slice of it stays good; `Mmap` unmaps all of it in the end. What its bytes
        // are changes, as it does for any mapped file that somebody writes to.
        let zeros = unsafe { libc::mmap(ptr::without_provenance_mut(start), length, libc::PROT_READ, flags, -1, 0) };
        self.lost.store(true, Ordering::SeqCst);
        zeros != libc::MAP_FAILED
    }
}

fn last() -> Option<&'static Entry> {
    // SAFETY: what is stored there is null or an entry, which is whole by then and never freed or changed.
    unsafe { LAST.load(Ordering::Acquire).as_ref() }
}

fn page_size() -> usize {
    // SAFETY: a question without a pointer in it.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or_default()
}

/// Installs the handler and returns what was there before; the default, should the system not say.
fn install() -> libc::sigaction {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = on_lost_page;
    // SAFETY: zeros are a `sigaction` that stands for the default. The structures are there for as long as the calls take.
    // The handler has the signature that SA_SIGINFO asks for, and runs on the thread's own stack for signals if it has
    // one. The calls fail for signals that cannot be handled, and this one can.
    unsafe {
        let (mut action, mut before): (libc::sigaction, libc::sigaction) = (std::mem::zeroed(), std::mem::zeroed());
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(libc::SIGBUS, &raw const action, &raw mut before);
        before
    }
}

/// Handles SIGBUS: replaces what is lost of a mapping of ours, and leaves everything else to who was there before.
extern "C" fn on_lost_page(signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the system hands over a `siginfo_t`, in which a fault has its address.
    let (is_fault, address) = unsafe { ((*info).si_code > 0, (*info).si_addr().addr()) };
    let mut entries = std::iter::successors(last(), |entry| entry.next);
    let ours = entries.find(|entry| is_fault && entry.holds(address));
    if !ours.is_some_and(|entry| entry.replace(address)) {
        // SAFETY: zeros are the default action; the structure is there for as long as the call takes. Returning from a
        // fault repeats it, and now it goes to whoever was there before; what a process sent is sent again.
        unsafe {
            let default: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, BEFORE.get().unwrap_or(&default), ptr::null_mut());
            if !is_fault {
                libc::raise(signal);
            }
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    const PAGES: usize = 8;

    /// A file of ones, and a mapping of it.
    fn mapped() -> (File, Mmap) {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&vec![1; PAGES * page_size()], 0).unwrap();
        // SAFETY: the test alone has the file, and looks at it again after each change.
        let map = unsafe { Mmap::map(&file).unwrap() };
        (file, map)
    }

    fn watched() -> (File, Watched, Arc<AtomicBool>) {
        let ((file, map), lost) = (mapped(), Arc::default());
        (file, Watched::new(map, &lost), lost)
    }

    fn count(bytes: &[u8]) -> usize {
        std::hint::black_box(bytes).iter().map(|byte| usize::from(*byte)).sum()
    }

    #[test]
    fn what_is_lost_reads_as_zeros_and_what_is_left_as_it_was() {
        let (file, watched, lost) = watched();
        file.set_len(3 * page_size() as u64).unwrap();
        assert!(!lost.load(Ordering::SeqCst), "nobody has looked yet");
        assert_eq!(count(watched.as_ref()), 3 * page_size());
        assert!(lost.load(Ordering::SeqCst));
    }

    #[test]
    fn pages_are_replaced_from_any_side_and_by_any_thread() {
        let (file, watched, lost) = watched();
        file.set_len(0).unwrap();
        std::thread::scope(|scope| {
            for page in (0..PAGES).rev() {
                let bytes = watched.as_ref();
                scope.spawn(move || assert_eq!(count(&bytes[page * page_size()..][..page_size()]), 0, "page {page}"));
            }
        });
        assert!(lost.load(Ordering::SeqCst));
    }

    #[test]
    fn the_flag_is_of_the_mapping_that_lost_a_page() {
        let ((file, one, lost), (_file, other, unharmed)) = (watched(), watched());
        file.set_len(0).unwrap();
        assert_eq!((count(one.as_ref()), count(other.as_ref())), (0, PAGES * page_size()));
        assert!(lost.load(Ordering::SeqCst) && !unharmed.load(Ordering::SeqCst));
    }

    /// Runs a test that has to die in a process of its own; false in that process, which has to go on.
    fn dies_of_sigbus(test: &str) -> bool {
        const CHILD: &str = "SMAUDIT_TEST_DIES";
        if std::env::var_os(CHILD).is_some() {
            return false;
        }
        let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args([&name, "--exact"]).env(CHILD, "1").output().unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGBUS), "{output:?}");
        true
    }

    #[test]
    fn a_lost_page_of_a_mapping_that_is_not_ours_ends_the_process_as_ever() {
        if dies_of_sigbus("a_lost_page_of_a_mapping_that_is_not_ours_ends_the_process_as_ever") {
            return;
        }
        let ((_file, _watched, _), (file, map)) = (watched(), mapped());
        file.set_len(0).unwrap();
        count(&map);
    }

    /// Rust's own handler lets the first one pass and then takes itself away. A thread that sends to itself has the signal
    /// before it goes on; two from another process may come so close that they are one.
    #[test]
    fn a_signal_that_somebody_sends_goes_to_whoever_was_there_before() {
        if dies_of_sigbus("a_signal_that_somebody_sends_goes_to_whoever_was_there_before") {
            return;
        }
        let _watched = watched();
        for _ in 0..2 {
            // SAFETY: a call without a pointer in it.
            unsafe { libc::raise(libc::SIGBUS) };
        }
    }
}
