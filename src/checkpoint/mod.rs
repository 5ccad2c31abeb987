//! The checkpoint under `variables/`: which tensors there are, and which byte of which file each one takes.
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | LevelDB-format tables, the container of an index and of a V1 checkpoint |
//! | [`bundle`] | a TensorBundle's index: its tensors and where their bytes are |
//! | [`v1`] | the tables of a V1 checkpoint: the same of these |
//! | [`slice_name`] | the keys of the slices of partitioned variables |
//! | [`layout`] | what each file is: index, live shard, stale shard, V1 table |
//! | [`extents`] | a shard divided among its tensors |
//! | [`strings`] | tensors of strings, which a shard stores in a form of their own |
//! | [`object_graph`] | the objects that the values were saved from, and what variables were called |
//! | [`variable_names`] | what to call each tensor |
//! | [`verify`] | the data held against the checksums of the index |
//!
//! [`Checkpoint::read`] ties them together. Of the data files it opens the one that holds the object graph, and no other:
//! the index says the rest. The tables of a V1 checkpoint it reads.

#![warn(clippy::arithmetic_side_effects)]

pub mod bundle;
pub mod extents;
pub mod layout;
pub mod object_graph;
pub mod slice_name;
pub mod strings;
pub mod table;
pub mod v1;
pub mod variable_names;
pub mod verify;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use bytes::Bytes;

pub use bundle::{Bundle, Tensor};
pub use extents::Extent;
pub use layout::Role;
pub use object_graph::ObjectGraph;
pub use variable_names::VariableNames;
pub use verify::{Checked, Verified};

use crate::escape::shortened;
use crate::input::Source;
use crate::problem::{Problem, ProblemKind, Problems};
use crate::stand_in::StandIn;

/// A shard of up to this many bytes is looked at whether it is one.
const SUSPECT: u64 = 64 << 10;

/// What ends every checkpoint key of a variable that TensorFlow 2 tracks; it tells nothing apart.
pub const KEY_SUFFIX: &str = "/.ATTRIBUTES/VARIABLE_VALUE";

/// How a checkpoint is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A TensorBundle: an index and data files.
    Bundle,
    /// TensorFlow 1's tables, which hold the data themselves.
    V1,
}

/// A file under `variables/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the model's directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// What it is.
    pub role: Role,
    /// For a live shard or a V1 table, its bytes divided among the tensors of [`Bundle::tensors`]; empty for any other
    /// file.
    pub extents: Vec<Extent>,
}

/// A model's checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// How it is stored.
    pub format: Format,
    /// The files that it was read from, sorted by path.
    pub files: Vec<File>,
    /// What the index says, or the tables of V1; empty where the index is missing or is no table.
    pub bundle: Bundle,
    /// Whether all of the index, or of the tables of V1, could be read. Where not, bytes that no tensor claims need not be unused.
    pub index_is_whole: bool,
    /// The object graph that TF2 saves with the values.
    pub object_graph: Option<ObjectGraph>,
    /// What is missing or damaged.
    pub problems: Vec<Problem>,
}

impl Checkpoint {
    /// Reads the checkpoint among `files`: the paths, relative to the model's directory, and sizes of what is under
    /// `variables/`. `open` gives one of them, to be read by ranges, or says why it cannot. `None` where there is no checkpoint.
    pub fn read<S: Into<Source>>(files: &[(String, u64)], open: impl Fn(&str) -> Result<S, Problem>) -> Option<Self> {
        let open = |path: &str| open(path).map(Into::into);
        let mut files = files.to_vec();
        files.sort();
        let paths = || files.iter().map(|(path, _)| path.as_str());
        let format = if layout::is_bundle(paths())? { Format::Bundle } else { Format::V1 };
        let (bundle, mut problems) = match format {
            Format::Bundle => read_index(paths().any(|path| path == layout::INDEX), open),
            Format::V1 => read_tables(paths(), open),
        };
        let index_is_whole = problems.is_empty();
        let roles = layout::roles(paths(), bundle.num_shards);
        problems.extend(match format {
            Format::Bundle => bundle.num_shards.map_or(Vec::new(), |shards| layout::missing_shards(&roles, shards)),
            Format::V1 => layout::missing_tables(paths()),
        });
        let file = |((path, bytes), role): (&(String, u64), Role)| File {
            path: path.clone(),
            bytes: *bytes,
            role,
            extents: Vec::new(),
        };
        let files = files.iter().zip(roles).map(file).collect();
        let mut checkpoint = Self { format, files, bundle, index_is_whole, object_graph: None, problems };
        let past_end = checkpoint.divide_shards();
        checkpoint.note_stand_ins(past_end, open);
        checkpoint.read_object_graph(open);
        Some(checkpoint)
    }

    /// The file at `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        let position = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(position)
    }

    /// How many data files the index names; those that there are where it does not say, and for V1 the tables.
    #[must_use]
    pub fn shard_count(&self) -> u64 {
        let live = self.files.iter().filter(|file| matches!(file.role, Role::Shard(_) | Role::V1(_))).count();
        self.bundle.num_shards.map_or_else(|| u64::try_from(live).unwrap_or(u64::MAX), u64::from)
    }

    /// The shards that there are, with their files.
    pub fn shards(&self) -> impl Iterator<Item = (u32, &File)> {
        self.files.iter().filter_map(|file| if let Role::Shard(shard) = file.role { Some((shard, file)) } else { None })
    }

    /// The file of a shard, where it is there.
    #[must_use]
    pub fn shard(&self, shard: u32) -> Option<&File> {
        let is_it = |file: &&File| matches!(file.role, Role::Shard(number) if number == shard);
        match self.bundle.num_shards {
            Some(count) => self.file(&layout::shard_path(shard, count)).filter(is_it),
            None => self.files.iter().find(is_it),
        }
    }

    /// The tensors whose bytes are theirs alone, by shard and offset: the position of each in [`Bundle::tensors`], that of its
    /// shard in [`Checkpoint::files`], and its range of that file. Of several keys on one range it is the first; of ranges
    /// that overlap, the one that starts first; what goes past the end of its shard is none. So no byte is in two.
    #[must_use]
    pub fn ranges(&self) -> Vec<(usize, usize, Range<u64>)> {
        let live = self.files.iter().enumerate();
        let live = live.filter_map(|(position, file)| match file.role {
            Role::Shard(shard) => Some((shard, (position, file.bytes))),
            _ => None,
        });
        let shards: BTreeMap<u32, (usize, u64)> = live.collect();
        let tensors = self.bundle.tensors.iter().enumerate();
        let mut ranges: Vec<(u32, Range<u64>, usize)> =
            tensors.filter_map(|(index, tensor)| Some((tensor.shard, tensor.range()?, index))).collect();
        ranges.sort_by_key(|(shard, range, index)| (*shard, range.start, *index));
        let mut covered = (0, 0);
        ranges.retain(|(shard, range, _)| {
            if covered.0 != *shard {
                covered = (*shard, 0);
            }
            let is_own = range.start >= covered.1 && shards.get(shard).is_some_and(|(_, bytes)| range.end <= *bytes);
            if is_own {
                covered.1 = range.end;
            }
            is_own
        });
        let placed = ranges.into_iter().filter_map(|(shard, range, index)| {
            let (file, _) = shards.get(&shard)?;
            Some((index, *file, range))
        });
        placed.collect()
    }

    /// The tables of a V1 checkpoint, with their files.
    pub fn tables(&self) -> impl Iterator<Item = (u32, &File)> {
        self.files.iter().filter_map(|file| if let Role::V1(table) = file.role { Some((table, file)) } else { None })
    }

    /// The bytes of the index; 0 for V1, whose tables are index and data in one.
    #[must_use]
    pub fn index_bytes(&self) -> u64 {
        self.bytes_of(|role| role == Role::Index)
    }

    /// The bytes of the live shards, or of the V1 tables.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.bytes_of(|role| matches!(role, Role::Shard(_) | Role::V1(_)))
    }

    /// The bytes of live shards that no tensor claims; 0 where the index does not tell, and for V1, whose tables have keys
    /// and more between the values.
    #[must_use]
    pub fn unused_data_bytes(&self) -> u64 {
        if !self.index_is_whole || self.format == Format::V1 {
            return 0;
        }
        let unused = self.files.iter().flat_map(|file| &file.extents).filter(|extent| extent.tensor.is_none());
        unused.map(|extent| extent.range.end.saturating_sub(extent.range.start)).fold(0, u64::saturating_add)
    }

    /// The bytes of files that belong to another save and that nothing reads.
    #[must_use]
    pub fn stale_bytes(&self) -> u64 {
        self.bytes_of(|role| role == Role::Stale)
    }

    fn bytes_of(&self, wanted: impl Fn(Role) -> bool) -> u64 {
        self.files.iter().filter(|file| wanted(file.role)).map(|file| file.bytes).fold(0, u64::saturating_add)
    }

    /// Divides each live shard, or V1 table, among its tensors, and returns a problem for each tensor that goes past the end of
    /// its shard.
    fn divide_shards(&mut self) -> Vec<Problem> {
        let mut by_shard: BTreeMap<u32, Vec<(usize, Range<u64>)>> = BTreeMap::new();
        for (position, tensor) in self.bundle.tensors.iter().enumerate() {
            by_shard.entry(tensor.shard).or_default().extend(tensor.range().map(|range| (position, range)));
        }
        let mut problems = Problems::default();
        for file in &mut self.files {
            let (Role::Shard(shard) | Role::V1(shard)) = file.role else { continue };
            let ranges = by_shard.remove(&shard).unwrap_or_default();
            for (position, range) in ranges.iter().filter(|(_, range)| range.end > file.bytes) {
                let key = self.bundle.tensors.get(*position).map_or("", |tensor| &tensor.key);
                let key = shortened(key);
                let (end, found) = (range.end, file.bytes);
                let message = format!("`{key}`: expected its data up to byte {end}, found the file's end at {found}");
                problems.push(Problem::at(&file.path, range.start, message));
            }
            file.extents = extents::extents(file.bytes, ranges);
        }
        problems.into_list()
    }

    /// Notes the shards that are something else, each as one problem, and of the others which tensors go `past_end`.
    ///
    /// A pointer is small, and a page that is larger than the data in whose place it stands is a rare one; so of a shard that
    /// is large and long enough nothing is read for this.
    fn note_stand_ins(&mut self, past_end: Vec<Problem>, open: impl Fn(&str) -> Result<Source, Problem>) {
        let is_short: HashSet<&str> = past_end.iter().map(|problem| &*problem.file).collect();
        let suspects = self.shards().filter(|(_, file)| file.bytes <= SUSPECT || is_short.contains(&*file.path));
        let stand_in = |(_, file): (u32, &File)| {
            let shard = open(&file.path).ok()?;
            let head = shard.read(0..shard.len().min(StandIn::HEAD)).ok()??;
            let stand_in = StandIn::of(&head)?;
            Some(not_this_file(&file.path, "a shard of the checkpoint", stand_in))
        };
        let stand_ins: Vec<Problem> = suspects.filter_map(stand_in).collect();
        let is_other = |problem: &Problem| !stand_ins.iter().any(|stand_in| stand_in.file == problem.file);
        self.problems.extend(past_end.into_iter().filter(is_other));
        self.problems.extend(stand_ins);
    }

    /// Reads the object graph, where the checkpoint has one and the shard that holds it is there.
    fn read_object_graph(&mut self, open: impl Fn(&str) -> Result<Source, Problem>) {
        let Some(tensor) = self.bundle.tensors.iter().find(|tensor| tensor.key == object_graph::KEY) else { return };
        let Some(file) = self.shard(tensor.shard) else { return };
        let is_else = |problem: &Problem| problem.kind == ProblemKind::NotWhole && problem.file == file.path;
        if self.problems.iter().any(is_else) {
            return;
        }
        let read =
            open(&file.path).and_then(|shard| ObjectGraph::read(&shard, tensor, self.bundle.big_endian, &file.path));
        match read {
            Ok(graph) => self.object_graph = Some(graph),
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// All bytes of a file.
fn all_of(path: &str, source: &Source) -> Result<Bytes, Problem> {
    source.read_all().map_err(|cause| cause.of_file(path))
}

/// All bytes of an index, or of a table that holds its data itself; a problem where it is another file in its place.
fn of_checkpoint(path: &str, expected: &str, source: &Source) -> Result<Bytes, Problem> {
    let contents = all_of(path, source)?;
    StandIn::of(&contents).map_or(Ok(contents), |stand_in| Err(not_this_file(path, expected, stand_in)))
}

/// What the index says. Without it data files are only that: bytes of unknown tensors.
fn read_index(exists: bool, open: impl Fn(&str) -> Result<Source, Problem>) -> (Bundle, Vec<Problem>) {
    let file = layout::INDEX;
    if !exists {
        let problem = Problem::of_file(file, "expected the index of the data files, found none");
        return (Bundle::default(), vec![problem.of_kind(ProblemKind::NotWhole)]);
    }
    open(file)
        .and_then(|index| of_checkpoint(file, "the checkpoint's index", &index))
        .and_then(|index| Bundle::read(index, file).map_err(|error| Problem::at(file, error.offset, error)))
        .unwrap_or_else(|problem| (Bundle::default(), vec![problem]))
}

fn not_this_file(file: &str, expected: &str, stand_in: StandIn) -> Problem {
    Problem::of_file(file, format!("expected {expected}, found {}", stand_in.found())).of_kind(ProblemKind::NotWhole)
}

/// What the tables of a V1 checkpoint hold.
fn read_tables<'a>(
    paths: impl Iterator<Item = &'a str> + Clone,
    open: impl Fn(&str) -> Result<Source, Problem>,
) -> (Bundle, Vec<Problem>) {
    let roles = layout::roles(paths.clone(), None);
    let tables = paths.zip(roles).filter_map(|(path, role)| match role {
        Role::V1(number) => {
            let table = open(path).and_then(|table| of_checkpoint(path, "a table of the checkpoint", &table));
            Some((number, path.to_owned(), table))
        }
        _ => None,
    });
    let (tensors, problems) = v1::read(tables);
    (Bundle { tensors, ..Bundle::default() }, problems)
}
