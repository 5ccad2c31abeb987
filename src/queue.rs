//! Work by all cores: two closures side by side, and a queue of items from which each thread takes the next, so that long ones
//! beside short ones leave none idle.
//!
//! Rayon's pool is no place for this: its threads are taken by models of a tree, and who waits in one of them for
//! another thread holds up the pool.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use crate::meter::{self, measured};

/// What both make: the first in a thread of its own, the second in this one.
pub(crate) fn both<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    // Kept here, so that this thread can do it where there is no other to be had.
    let first = Mutex::new(Some(first));
    let run = || first.lock().unwrap_or_else(PoisonError::into_inner).take().map(|first| first());
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || measured(run));
        let second = second();
        let done = thread.ok().and_then(|thread| {
            let (done, taken) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            meter::add(taken);
            done
        });
        match done.or_else(run) {
            Some(first) => (first, second),
            // The thread has taken it and has ended, so there is what it made.
            None => resume_unwind(Box::new("work that was not done")),
        }
    })
}

/// What `work` makes of each item, in their order. One item, or one core, takes no thread.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    map_with(items, || (), |(), item| work(item))
}

/// The same by workers, one for each thread, who keep from item to item what they need or have learned.
pub(crate) fn map_with<T: Sync, W, R: Send>(
    items: &[T],
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &T) -> R + Sync,
) -> Vec<R> {
    let threads = cores().min(items.len());
    if threads < 2 {
        let mut worker = worker();
        return items.iter().map(|item| work(&mut worker, item)).collect();
    }
    let next = AtomicUsize::new(0);
    let work_off = || {
        let (mut worker, mut done) = (worker(), Vec::new());
        while let Some((at, item)) = Some(next.fetch_add(1, Relaxed)).and_then(|at| Some((at, items.get(at)?))) {
            done.push((at, work(&mut worker, item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        // Where no more threads are to be had, these do all.
        let others: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, || measured(work_off)).ok())
            .collect();
        let mut done = work_off();
        for other in others {
            let (others, taken) = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            meter::add(taken);
            done.extend(others);
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn cores() -> usize {
    // Asking takes reading files where there are control groups.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        let slow_first = |item: &usize| (0..1000 - item).fold(*item, |sum, _| std::hint::black_box(sum));
        assert_eq!(super::map(&items, slow_first), items);
    }

    #[test]
    fn a_worker_keeps_what_it_has_learned() {
        let items = [(); 1000];
        let counted = super::map_with(
            &items,
            || 0,
            |count: &mut usize, ()| {
                *count += 1;
                *count
            },
        );
        let workers = counted.iter().filter(|count| **count == 1).count();
        assert!(workers <= super::cores(), "{workers}");
    }

    #[test]
    #[should_panic(expected = "of item 7")]
    fn a_panic_in_any_thread_is_one_of_the_caller() {
        super::map(&[1, 7, 3], |item| assert!(*item != 7, "of item {item}"));
    }

    #[test]
    #[should_panic(expected = "of the first")]
    fn a_panic_beside_the_caller_is_one_of_the_caller() {
        super::both(|| panic!("of the first"), || 1);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert!(super::map(&[] as &[u8], |item| *item).is_empty());
    }
}
