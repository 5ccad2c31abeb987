//! Functions of two libraries, matched by what they are before what they are called.

use super::pairs::{Pairs, stem};
use crate::report::{Change, DiffKind, DiffRow, DiffStatus, Digest, FunctionReport, MetaGraphReport};

/// The functions of two metagraphs that are the same one, as rows; and which is which.
pub(super) fn compare(old: &MetaGraphReport, new: &MetaGraphReport) -> Vec<DiffRow> {
    let [olds, news] = [&old.function_defs, &new.function_defs];
    let pairs = join(olds, news);
    let meta_graph = Some(new.index);
    let matched = pairs.matched().filter_map(|(a, b)| Some(matched(olds.get(a)?, news.get(b)?)));
    let removed =
        pairs.only_old().filter_map(|at| olds.get(at)).map(|function| one_sided(function, DiffStatus::Removed));
    let added = pairs.only_new().filter_map(|at| news.get(at)).map(|function| one_sided(function, DiffStatus::Added));
    let removed = removed.map(|row| row.in_meta_graph(Some(old.index)));
    let others = matched.chain(added).map(|row| row.in_meta_graph(meta_graph));
    others.chain(removed).collect()
}

fn join(old: &[FunctionReport], new: &[FunctionReport]) -> Pairs {
    type Of<'f, K> = fn(&'f FunctionReport) -> Option<K>;
    let mut pairs = Pairs::new(old.len(), new.len());
    macro_rules! pass {
        ($how:ident, $key:expr) => {{
            let key: Of<'_, _> = $key;
            pairs.$how(|at| old.get(at).and_then(key), |at| new.get(at).and_then(key));
        }};
    }
    // Equal but for names, and then under another name: of those any is any, so that the most are matched.
    pass!(in_order, |f| Some((&f.name, f.structure.as_ref()?)));
    pass!(in_order, |f| Some((stem(&f.name), f.bytes, f.structure.as_ref()?)));
    pass!(in_order, |f| Some((stem(&f.name), f.structure.as_ref()?)));
    pass!(in_order, |f| f.structure.as_ref());
    // What it calls is another one now.
    pass!(in_order, |f| Some((&f.name, f.form.as_ref()?)));
    pass!(in_order, |f| Some((stem(&f.name), f.form.as_ref()?)));
    // It is another one now itself.
    pass!(in_order, |f| Some((&f.name, f.ops.as_ref()?)));
    pass!(alike, |f| Some(((stem(&f.name), f.ops.as_ref()?), f.structure.as_ref()?)));
    pass!(in_order, |f| Some(&f.name));
    pass!(alike, |f| Some((stem(&f.name), f.structure.as_ref()?)));
    pass!(nearest, |f| Some((stem(&f.name), f.bytes)));
    pairs
}

fn matched(old: &FunctionReport, new: &FunctionReport) -> DiffRow {
    let is_equal = |a: &Option<Digest<16>>, b: &Option<Digest<16>>| a.is_some() && a == b;
    let is_same = is_equal(&old.structure, &new.structure) || is_equal(&old.form, &new.form);
    let is_known = old.structure.is_some() && new.structure.is_some();
    let status = match (old.name == new.name && old.bytes == new.bytes, is_same) {
        (true, true) => DiffStatus::Same,
        (true, false) if !is_known => DiffStatus::Same,
        (_, true) => DiffStatus::Naming,
        _ => DiffStatus::Changed,
    };
    let counts = [old.nodes, new.nodes];
    DiffRow::new(&new.name, DiffKind::Function, status, Change::new(old.bytes, new.bytes), counts)
        .renamed_from(&old.name)
}

fn one_sided(function: &FunctionReport, status: DiffStatus) -> DiffRow {
    let (bytes, counts) = match status {
        DiffStatus::Removed => (Change::new(function.bytes, 0), [function.nodes, 0]),
        _ => (Change::new(0, function.bytes), [0, function.nodes]),
    };
    DiffRow::new(&function.name, DiffKind::Function, status, bytes, counts)
}
