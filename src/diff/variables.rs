//! The checkpoint: which variables came, went, have another shape, type or content, and the rest of its files.

use super::main_file::{MainFile, follows, whole};
use super::pairs::{Pairs, stem};
use super::rows::{Level, Tallies};
use super::{category_change, list};
use crate::ledger::Category;
use crate::report::{
    Change, CheckpointReport, DiffKind, DiffReport, DiffRow, DiffStatus, ModelReport, TensorReport, sort_rows,
    tensor_type,
};

/// The key of the tensor that holds the objects' names.
const OBJECT_GRAPH: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";

/// What came of the comparison.
pub(super) struct Variables {
    pub(super) level: Level,
    /// Whether nothing differs but names and values.
    pub(super) is_clean: bool,
}

pub(super) fn compare(
    old: &ModelReport,
    new: &ModelReport,
    main: &MainFile,
    tallies: &mut Tallies,
    report: &mut DiffReport,
) -> Variables {
    let all = category_change(old, new, Category::Variables);
    let [olds, news] = [old, new].map(|model| Tensors::of(model.checkpoint.as_ref()));
    let mut level = Level::new(Category::Variables.name(), DiffKind::Category);
    let mut rows = rows(&olds, &news);
    let is_kept = |row: &&mut DiffRow| row.status != DiffStatus::Same && row.name == OBJECT_GRAPH;
    let has_same = |row: &DiffRow| {
        row.name == OBJECT_GRAPH || matches!(row.status, DiffStatus::Same | DiffStatus::Naming | DiffStatus::Content)
    };
    let is_clean = rows.iter().all(has_same);
    for row in rows.iter_mut().filter(is_kept) {
        // What it holds is names, and what hangs from what; that the object graph of the main file says as well.
        let is_matched = row.old_count == row.new_count;
        if is_matched && is_clean && main.objects_are_clean {
            row.status = DiffStatus::Naming;
        }
    }
    let mut variables = Level::new("variables", DiffKind::Group);
    for row in rows {
        list(&mut report.variables, &row);
        variables.put(row, tallies);
    }
    sort_rows(&mut report.variables.rows);
    level.level(variables, tallies);
    for (name, change) in parts(old.checkpoint.as_ref(), new.checkpoint.as_ref()) {
        // The index has the keys, and with them offsets and checksums of the values.
        let status = follows(change, name == "index" && is_clean);
        level.put(DiffRow::new(name, DiffKind::Part, status, change, [0, 0]), tallies);
    }
    let level = match level.rest(all) {
        Some(rest) => {
            let status = follows(rest, false);
            level.put(DiffRow::new("other files", DiffKind::Part, status, rest, [0, 0]), tallies);
            level
        }
        None => whole(Category::Variables, all, tallies),
    };
    Variables { level, is_clean }
}

/// The parts of a checkpoint that are no variable.
fn parts(old: Option<&CheckpointReport>, new: Option<&CheckpointReport>) -> [(&'static str, Change); 3] {
    let change = |bytes: fn(&CheckpointReport) -> u64| Change::new(old.map_or(0, bytes), new.map_or(0, bytes));
    [
        ("index", change(|checkpoint| checkpoint.index_bytes)),
        ("unused data", change(|checkpoint| checkpoint.unused_data_bytes)),
        ("stale files", change(|checkpoint| checkpoint.stale_bytes)),
    ]
}

/// The tensors of a checkpoint, each with the bytes that no tensor before it has.
struct Tensors<'r> {
    tensors: &'r [TensorReport],
    own: Vec<u64>,
}

impl<'r> Tensors<'r> {
    fn of(checkpoint: Option<&'r CheckpointReport>) -> Self {
        let tensors = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.tensors);
        let mut order: Vec<usize> = (0..tensors.len()).collect();
        let place = |at: &usize| tensors.get(*at).map(|tensor| (tensor.shard, tensor.offset, *at));
        order.sort_unstable_by_key(place);
        let mut own = vec![0; tensors.len()];
        let mut taken = (u64::MAX, 0);
        for at in order {
            let (Some(tensor), Some(own)) = (tensors.get(at), own.get_mut(at)) else { continue };
            let end = tensor.offset.saturating_add(tensor.bytes);
            let start = if taken.0 == tensor.shard { tensor.offset.max(taken.1) } else { tensor.offset };
            *own = end.saturating_sub(start);
            taken = (tensor.shard, if taken.0 == tensor.shard { taken.1.max(end) } else { end });
        }
        Self { tensors, own }
    }

    fn bytes(&self, at: usize) -> u64 {
        self.own.get(at).copied().unwrap_or(0)
    }
}

/// A row for each variable of either.
fn rows(olds: &Tensors<'_>, news: &Tensors<'_>) -> Vec<DiffRow> {
    let pairs = join(olds.tensors, news.tensors);
    let matched = pairs.matched().filter_map(|(a, b)| {
        let (old, new) = (olds.tensors.get(a)?, news.tensors.get(b)?);
        let status = status(old, new);
        let row = row(new, status, Change::new(olds.bytes(a), news.bytes(b)), [1, 1]).renamed_from(called(old));
        let [was, is] = [old, new].map(type_of);
        Some(DiffRow { note: Some(if was == is { is } else { format!("{was} → {is}") }), ..row })
    });
    let removed = pairs.only_old().filter_map(|at| {
        let row = row(olds.tensors.get(at)?, DiffStatus::Removed, Change::new(olds.bytes(at), 0), [1, 0]);
        Some(row)
    });
    let added = pairs.only_new().filter_map(|at| {
        let row = row(news.tensors.get(at)?, DiffStatus::Added, Change::new(0, news.bytes(at)), [0, 1]);
        Some(row)
    });
    matched.chain(removed).chain(added).collect()
}

fn join(old: &[TensorReport], new: &[TensorReport]) -> Pairs {
    type Of<'t, K> = fn(&'t TensorReport) -> Option<K>;
    let mut pairs = Pairs::new(old.len(), new.len());
    macro_rules! pass {
        ($how:ident, $key:expr) => {{
            let key: Of<'_, _> = $key;
            pairs.$how(|at| old.get(at).and_then(key), |at| new.get(at).and_then(key));
        }};
    }
    // The same, then the same place, then a content that only one has: zeros are in many.
    pass!(in_order, |t| Some((&t.key, t.name.as_ref(), &t.dtype, &t.shape, t.crc32c?)));
    pass!(in_order, |t| Some((&t.key, t.name.as_ref())));
    pass!(unique, |t| t.name.as_ref());
    pass!(in_order, |t| Some(&t.key));
    pass!(unique, |t| Some((&t.dtype, &t.shape, t.bytes, t.crc32c?)));
    pass!(unique, |t| Some((stem(called(t)), &t.dtype, &t.shape)));
    pairs
}

fn status(old: &TensorReport, new: &TensorReport) -> DiffStatus {
    let is_renamed = called(old) != called(new) || old.key != new.key;
    // The content of what has no checksum is not known.
    let is_known = old.crc32c.is_some() && new.crc32c.is_some();
    match () {
        () if old.dtype != new.dtype => DiffStatus::Retyped,
        () if old.shape != new.shape => DiffStatus::Resized,
        () if old.bytes != new.bytes => DiffStatus::Changed,
        () if is_known && old.crc32c != new.crc32c => DiffStatus::Content,
        () if is_renamed => DiffStatus::Naming,
        () => DiffStatus::Same,
    }
}

fn row(tensor: &TensorReport, status: DiffStatus, bytes: Change, counts: [u64; 2]) -> DiffRow {
    DiffRow { note: Some(type_of(tensor)), ..DiffRow::new(called(tensor), DiffKind::Variable, status, bytes, counts) }
}

fn type_of(tensor: &TensorReport) -> String {
    tensor_type(&tensor.dtype, Some(&tensor.shape))
}

/// The variable's own name; its key where it has none.
fn called(tensor: &TensorReport) -> &str {
    tensor.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&tensor.key)
}
