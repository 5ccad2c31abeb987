//! How much an audit may take for what it was given: fields gone over, contents read, memory.
//!
//! A product of two counts of a file is found neither by a crash nor by a wrong sum, only by what it takes. So that is counted
//! (`smaudit::internals::meter`), and held against the size of the input wherever something is fuzzed.

use std::alloc::{GlobalAlloc, Layout, System};

use smaudit::internals::meter::{self, Taken, measured};

/// The system's allocator, which says how much is asked for.
struct Counting;

// SAFETY: all is handed on to the system's allocator as it is; counting needs no memory.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        meter::allocated(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        meter::allocated(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        meter::allocated(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What any audit may take, however small its model.
const ALWAYS: Taken = Taken { fields: 50_000, bytes: 8 << 20, allocated: 64 << 20 };

/// What each byte of a model may take besides. The most that tests and the corpora of all targets take is 13 fields, 9 bytes of
/// contents and 625 bytes of memory, as was measured, so this is some three times of it. A product of two counts of a file of some
/// kilobytes takes more.
const EACH: Taken = Taken { fields: 40, bytes: 30, allocated: 2_000 };

/// What `work` on an input of so many bytes makes. Panics where it takes more than it may.
pub fn bounded<T>(input: u64, work: impl FnOnce() -> T) -> T {
    let (made, taken) = measured(work);
    assert_bounded(input, taken);
    made
}

/// Asserts that work on an input of so many bytes took no more than it may.
#[track_caller]
pub fn assert_bounded(input: u64, taken: Taken) {
    let may = |always: u64, each: u64| always.saturating_add(each.saturating_mul(input));
    let all = [
        ("fields", taken.fields, may(ALWAYS.fields, EACH.fields)),
        ("bytes of contents", taken.bytes, may(ALWAYS.bytes, EACH.bytes)),
        ("bytes of memory", taken.allocated, may(ALWAYS.allocated, EACH.allocated)),
    ];
    for (what, took, may) in all {
        assert!(took <= may, "{took} {what} for an input of {input} bytes, which may take {may}");
    }
}
