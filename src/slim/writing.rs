//! The files of a smaller model, written. Of a large one three things happen side by side, each some megabytes behind the one
//! before: what is written, what the system puts on the disk, and what is read back and held against the model. So the disk is
//! never waited for with all of it, and what is read back is still in memory.

use std::fs::File;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SendError, Sender, SyncSender};
use std::thread::{self, Builder};

use super::Plan;
use super::place::{Syncing, make_folders};
use super::proof::{Held, Meanwhile};
use crate::edit::Recipe;
use crate::progress::Progress;

/// So much is written before the disk is asked to have it, in bytes; of models with less in their shards each file is, once it is
/// written, and all is read back in the end.
pub(super) const EVERY: u64 = 64 << 20;

/// So many parts may wait for the disk.
const WAITING: usize = 16;

/// Writes the files of a plan into an empty directory. When this returns, all is on the disk.
pub(super) fn all(plan: &Plan<'_>, directory: &Path, every: u64, progress: &dyn Progress) -> io::Result<Held> {
    plan.model.empty_folders().iter().try_for_each(|folder| make_folders(directory, folder))?;
    let (shards, others): (Vec<_>, Vec<_>) = plan.tree.files().partition(|(name, _)| is_shard(name));
    let syncing = Syncing::of(directory, plan.tree.files().count());
    let write = |(name, recipe): &(&str, &Recipe)| {
        let (file, _) = create(directory, name)?;
        let mut out = io::BufWriter::with_capacity(BUFFER, file);
        recipe.write(plan.model, &mut out, progress)?;
        syncing.written(&out.into_inner().map_err(io::IntoInnerError::into_error)?)
    };
    // The index is among them, which says what is in the shards.
    others.iter().try_for_each(write)?;
    let bytes = shards.iter().map(|(_, recipe)| recipe.bytes()).fold(0, u64::saturating_add);
    let held = if bytes < every || !syncing.is_each() {
        shards.iter().try_for_each(write)?;
        Held::default()
    } else {
        side_by_side(plan, &shards, directory, every, progress)?
    };
    syncing.end(directory)?;
    Ok(held)
}

/// So much of a file is collected before the system has it, in bytes.
const BUFFER: usize = 1 << 16;

fn is_shard(name: &str) -> bool {
    name.starts_with("variables/") && name.contains(".data-")
}

/// Makes a file, and the folders that it is in.
fn create(directory: &Path, name: &str) -> io::Result<(File, PathBuf)> {
    Path::new(name).parent().map_or(Ok(()), |folder| make_folders(directory, folder))?;
    let path = directory.join(name);
    Ok((File::options().write(true).create_new(true).open(&path)?, path))
}

/// A file up to some byte.
struct Part<'p> {
    file: Arc<File>,
    path: PathBuf,
    name: &'p str,
    up_to: u64,
    /// Whether there is nothing behind that byte.
    whole: bool,
}

impl Part<'_> {
    /// Has the system put it on the disk.
    fn sync(&self) -> io::Result<()> {
        if self.whole { self.file.sync_all() } else { self.file.sync_data() }
    }
}

/// Writes these files, whose index is written already; each is on the disk when this returns.
fn side_by_side(
    plan: &Plan<'_>,
    files: &[(&str, &Recipe)],
    directory: &Path,
    every: u64,
    progress: &dyn Progress,
) -> io::Result<Held> {
    thread::scope(|scope| {
        let (written, to_sync) = mpsc::sync_channel(WAITING);
        let (synced, to_hold) = mpsc::channel();
        let holding = Builder::new().spawn_scoped(scope, || hold(plan, directory, to_hold));
        let syncing = Builder::new().spawn_scoped(scope, || sync(to_sync, synced));
        let done = files
            .iter()
            .try_for_each(|(name, recipe)| write(plan, (name, recipe), directory, every, &written, progress));
        // That ends the threads, one after the other.
        drop(written);
        let join = |thread: thread::ScopedJoinHandle<'_, io::Result<()>>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        let on_disk = syncing.map_or(Ok(()), join);
        let held = holding.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.and(on_disk)?;
        // Without a thread nothing is held yet.
        Ok(held.unwrap_or_default())
    })
}

/// Writes a file, and tells of it part by part.
fn write<'p>(
    plan: &Plan<'_>,
    (name, recipe): (&'p str, &Recipe),
    directory: &Path,
    every: u64,
    written: &SyncSender<Part<'p>>,
    progress: &dyn Progress,
) -> io::Result<()> {
    let (file, path) = create(directory, name)?;
    let file = Arc::new(file);
    let part = |up_to, whole| Part { file: Arc::clone(&file), path: path.clone(), name, up_to, whole };
    let told = |up_to| {
        // Where the disk is behind, it has this with the next part.
        let _ = written.try_send(part(up_to, false));
    };
    let mut out = io::BufWriter::with_capacity(BUFFER, Telling { file: &file, up_to: 0, told: 0, every, tell: &told });
    recipe.write(plan.model, &mut out, progress)?;
    out.flush()?;
    match written.send(part(recipe.bytes(), true)) {
        // There is no thread for it, or not any more.
        Err(SendError(part)) => part.sync(),
        Ok(()) => Ok(()),
    }
}

/// Writes to a file, and tells how far it is each time that so much is written.
struct Telling<'f, T> {
    file: &'f File,
    up_to: u64,
    told: u64,
    every: u64,
    tell: &'f T,
}

impl<T: Fn(u64)> Write for Telling<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file;
        let count = file.write(bytes)?;
        self.up_to = self.up_to.saturating_add(count as u64);
        if self.up_to.saturating_sub(self.told) >= self.every {
            (self.tell)(self.up_to);
            self.told = self.up_to;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has the disk take what is written, and tells of it.
fn sync<'p>(written: Receiver<Part<'p>>, synced: Sender<Part<'p>>) -> io::Result<()> {
    for part in written {
        part.sync()?;
        // Who holds it may have no thread.
        let _ = synced.send(part);
    }
    Ok(())
}

/// Holds what is on the disk against the model.
fn hold(plan: &Plan<'_>, directory: &Path, synced: Receiver<Part<'_>>) -> Held {
    let Some(mut meanwhile) = Meanwhile::of(plan.model, directory, &plan.kept) else { return Held::default() };
    for Part { path, name, up_to, whole, .. } in synced {
        meanwhile.written(&path, name, up_to, whole);
    }
    meanwhile.end()
}
