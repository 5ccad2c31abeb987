//! Assets, and files that are part of nothing else.

use super::main_file::{MainFile, follows, whole};
use super::pairs::Pairs;
use super::rows::{Level, Tallies};
use super::{category_change, list};
use crate::input::layout::{FINGERPRINT, KERAS_METADATA};
use crate::ledger::Category;
use crate::report::{Change, DiffKind, DiffReport, DiffRow, DiffStatus, FileReport, ModelReport, sort_rows};

/// Files that say again what the main file and the checkpoint hold: names, hashes of it, and the same in Keras' words.
const FOLLOWING: [&str; 2] = [FINGERPRINT, KERAS_METADATA];

/// The levels of assets and of other files.
pub(super) fn compare(
    old: &ModelReport,
    new: &ModelReport,
    main: &MainFile,
    is_clean: bool,
    tallies: &mut Tallies,
    report: &mut DiffReport,
) -> Vec<Level> {
    let levels = [Category::Assets, Category::Files].map(|category| {
        let all = category_change(old, new, category);
        let mut level = Level::new(category.name(), DiffKind::Category);
        for row in rows(&files(old, category), &files(new, category), is_clean) {
            list(&mut report.files, &row);
            level.put(row, tallies);
        }
        match level.rest(all) {
            Some(rest) => {
                // The entries that name assets in the main file.
                let status = follows(rest, category == Category::Assets && main.is_clean);
                level.put(DiffRow::new("asset_file_def", DiffKind::Part, status, rest, [0, 0]), tallies);
                level
            }
            None => whole(category, all, tallies),
        }
    });
    sort_rows(&mut report.files.rows);
    levels.into()
}

fn files(model: &ModelReport, category: Category) -> Vec<&FileReport> {
    let name = category.name();
    model.files.iter().filter(|file| file.category == name).collect()
}

fn rows(old: &[&FileReport], new: &[&FileReport], is_clean: bool) -> Vec<DiffRow> {
    let mut pairs = Pairs::new(old.len(), new.len());
    pairs.in_order(|at| old.get(at).map(|file| &file.path), |at| new.get(at).map(|file| &file.path));
    let content = |file: &&FileReport| file.digest.filter(|_| file.bytes > 0);
    pairs.unique(|at| old.get(at).and_then(content), |at| new.get(at).and_then(content));
    let matched = pairs.matched().filter_map(|(a, b)| {
        let (old, new) = (old.get(a)?, new.get(b)?);
        let change = Change::new(old.bytes, new.bytes);
        let is_known = old.digest.is_some() && new.digest.is_some();
        let is_same = change.delta == 0 && (!is_known || old.digest == new.digest);
        let status = match () {
            () if is_same && old.path == new.path => DiffStatus::Same,
            () if is_same => DiffStatus::Naming,
            () if is_clean && FOLLOWING.contains(&&*new.path) => DiffStatus::Naming,
            () if change.delta == 0 => DiffStatus::Content,
            () => DiffStatus::Changed,
        };
        Some(DiffRow::new(&new.path, DiffKind::File, status, change, [1, 1]).renamed_from(&old.path))
    });
    let one_sided =
        |file: &FileReport, status, change, counts| DiffRow::new(&file.path, DiffKind::File, status, change, counts);
    let removed = pairs.only_old().filter_map(|at| old.get(at));
    let removed = removed.map(|file| one_sided(file, DiffStatus::Removed, Change::new(file.bytes, 0), [1, 0]));
    let added = pairs.only_new().filter_map(|at| new.get(at));
    let added = added.map(|file| one_sided(file, DiffStatus::Added, Change::new(0, file.bytes), [0, 1]));
    matched.chain(removed).chain(added).collect()
}
