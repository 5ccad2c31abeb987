//! What an audit takes, counted: fields gone over, bytes of contents read, and bytes of memory. A file that makes one of these
//! grow faster than itself is found by that on any machine, where time would say something else each day.
//!
//! Counted in builds with debug assertions, which tests and fuzz targets are; in others nothing of this is compiled. Each thread
//! counts for itself, and `queue` adds what its threads took to whoever waits for them. Memory is counted where the program has
//! an allocator that calls [`allocated`], as tests and fuzz targets have.

use std::cell::Cell;

/// Whether this build counts.
pub const COUNTS: bool = cfg!(debug_assertions);

/// What some work took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Fields of messages that were gone over, and entries of tables.
    pub fields: u64,
    /// Bytes of contents that were read, compared or hashed.
    pub bytes: u64,
    /// Bytes of memory that were asked for, those that were given back included.
    pub allocated: u64,
}

impl Taken {
    fn plus(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            bytes: self.bytes.saturating_add(other.bytes),
            allocated: self.allocated.saturating_add(other.allocated),
        }
    }
}

thread_local! {
    // Needs no memory and is never dropped, as an allocator counts with it.
    static TAKEN: Cell<Taken> = const { Cell::new(Taken { fields: 0, bytes: 0, allocated: 0 }) };
}

/// What `work` makes, and what it took in this thread and in those that it waited for.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let before = TAKEN.take();
    let made = work();
    let taken = TAKEN.replace(before.plus(TAKEN.get()));
    (made, taken)
}

/// Adds what another thread took for this one.
#[inline]
pub(crate) fn add(other: Taken) {
    if COUNTS {
        // A thread that is ending has nobody to count for.
        let _ = TAKEN.try_with(|taken| taken.set(taken.get().plus(other)));
    }
}

/// Counts a field.
#[inline(always)]
pub(crate) fn field() {
    if COUNTS {
        add(Taken { fields: 1, ..Taken::default() });
    }
}

/// Counts bytes of a content.
#[inline(always)]
pub(crate) fn bytes(count: usize) {
    if COUNTS {
        add(Taken { bytes: count as u64, ..Taken::default() });
    }
}

/// Counts bytes of memory. For an allocator: takes no memory itself.
#[inline]
pub fn allocated(count: usize) {
    add(Taken { allocated: count as u64, ..Taken::default() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_within_a_measurement_counts_in_both() {
        let ((_, inner), outer) = measured(|| {
            field();
            measured(|| bytes(7))
        });
        assert_eq!((inner.fields, inner.bytes, outer.fields, outer.bytes), (0, 7, 1, 7));
    }

    #[test]
    fn what_threads_of_a_queue_take_is_taken_by_who_waits_for_them() {
        let (_, taken) = measured(|| {
            crate::queue::map(&[(); 100], |()| field());
            crate::queue::both(|| bytes(1), || bytes(2))
        });
        assert_eq!((taken.fields, taken.bytes), (100, 3));
    }
}
