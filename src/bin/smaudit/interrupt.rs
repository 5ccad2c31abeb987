//! What a run that is interrupted leaves behind: nothing. SIGINT, SIGTERM, SIGQUIT, SIGXFSZ and SIGHUP end the process at once, as they do
//! where nobody handles them, and a shell sees that they did; but before that the file or folder that is being written is removed, and
//! the progress bar is wiped off.
//!
//! The signals are handled only from the first of these on, and by a thread of their own, so that it may take a lock.
//! Who starts a run with `nohup` wants SIGHUP to be ignored, and it stays so; where SIGXFSZ is ignored, a write past the limit is an
//! error instead.

use std::fs;
use std::io;
use std::panic::{set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use indicatif::ProgressBar;

/// What is there to be cleared away.
struct Left {
    bar: Option<ProgressBar>,
    file: Option<PathBuf>,
}

impl Left {
    fn clear_away(&self) {
        self.file.iter().for_each(|file| remove(file));
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Removes a file, or a folder with all that is in it. What writes into a folder goes on meanwhile, until its next file finds no place.
fn remove(path: &Path) {
    const TRIES: usize = 1000;
    for _ in 0..TRIES {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            // There is nobody left to say it to that it cannot be removed.
            _ => return,
        }
    }
}

static LEFT: Mutex<Left> = Mutex::new(Left { bar: None, file: None });

fn left() -> MutexGuard<'static, Left> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves nothing behind where the program ends by a panic, of which a released one finds no way back.
pub(crate) fn clears_on_panic() {
    let say = take_hook();
    set_hook(Box::new(move |panic| {
        // Who panics within what is done under the lock still has it.
        if let Ok(left) = LEFT.try_lock() {
            left.clear_away();
        }
        say(panic);
    }));
}

/// Wipes off `bar` when the run is interrupted, until [`is_cleared`] says that it is.
pub(crate) fn clears(bar: &ProgressBar) {
    watch();
    left().bar = Some(bar.clone());
}

/// There is no bar any more, and other lines may stand where it was.
pub(crate) fn is_cleared() {
    left().bar = None;
}

/// Makes a file, or a folder, that is removed when the run is interrupted, until [`settles`] says what becomes of it.
pub(crate) fn removes<F: AsRef<Path>, E>(make: impl FnOnce() -> Result<F, E>) -> Result<F, E> {
    watch();
    // Made under the lock: a signal that comes before the file is known here waits until it is.
    let mut left = left();
    let file = make()?;
    left.file = Some(file.as_ref().to_owned());
    Ok(file)
}

/// Gives the file its name or removes it, after which there is nothing to be cleared away.
pub(crate) fn settles<T>(settle: impl FnOnce() -> T) -> T {
    let mut left = left();
    left.file = None;
    settle()
}

/// Handles the signals from now on.
fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        #[cfg(unix)]
        unix::watch();
    });
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
    use signal_hook::flag;
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    /// The signals that end a run.
    fn ending() -> Vec<i32> {
        let all = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXFSZ];
        all.into_iter().filter(|signal| ![SIGHUP, SIGXFSZ].contains(signal) || !is_ignored(*signal)).collect()
    }

    /// Whether a signal was ignored when the run began, as `nohup` has it: then it stays so. Linux says it, as bits from 1 on;
    /// elsewhere it is taken for ignored, as it cannot be asked without unsafe code.
    fn is_ignored(signal: i32) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
        ignored.is_none_or(|bits| bits >> (signal - 1) & 1 == 1)
    }

    /// Starts the thread that handles the signals, and waits until it does. Where there can be no thread, signals do what
    /// they do anyway.
    pub(super) fn watch() {
        let (sender, ready) = channel();
        let thread = thread::Builder::new().name("interrupt".to_owned()).spawn(|| clear_away(sender));
        if thread.is_ok() {
            // An error means that the thread has ended.
            let _ = ready.recv();
        }
    }

    fn clear_away(ready: Sender<()>) -> io::Result<()> {
        let taken = Arc::new(AtomicBool::new(false));
        let ending = ending();
        for signal in &ending {
            let signal = *signal;
            // Should clearing away take long (a terminal that was stopped, a disk that is gone), the second signal ends it.
            flag::register_conditional_default(signal, Arc::clone(&taken))?;
        }
        let mut signals = Signals::new(&ending)?;
        // Who waits for it is there, as nobody gives up.
        let _ = ready.send(());
        for signal in signals.forever() {
            taken.store(true, SeqCst);
            // Kept until the end: nothing is settled any more.
            let left = super::left();
            left.clear_away();
            emulate_default_handler(signal)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_still_written_into_goes_as_well() {
        let above = tempfile::tempdir().unwrap();
        for round in 0..100 {
            let folder = above.path().join(format!("{round}"));
            fs::create_dir_all(folder.join("in")).unwrap();
            fs::write(folder.join("in/first"), "").unwrap();
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    (0..).find_map(|number| fs::write(folder.join(format!("in/{number}")), "").err()).unwrap();
                });
                remove(&folder);
                assert!(!folder.exists(), "{round}");
                writer.join().unwrap();
            });
        }
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("half a report");
        clears_on_panic();
        removes(|| fs::write(&file, "half").map(|()| &file)).unwrap();
        assert!(file.exists());
        assert!(std::thread::spawn(|| panic!("as a test wants it")).join().is_err());
        assert!(!file.exists());
        settles(|| ());
    }
}
