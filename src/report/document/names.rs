//! Names in the columns that there are, so that no two of a table read the same.
//!
//! A name that is too wide loses its middle. Where two would then read the same, as those of Keras' functions and of
//! layers of one stack do, they are cut around the place where they differ. What no cut can tell apart, as it is the same
//! name twice, is numbered.

use foldhash::{HashMap, HashMapExt as _};

use super::Name;
use crate::escape::escape;
use crate::report::fit::{Unit, fit, fit_said, units, units_said, width};

/// Units before the first one that differs, so that it is seen in its place.
const CONTEXT: usize = 2;

/// The columns that a name keeps where figures stand behind it.
const LEAST: usize = 8;

/// Names that stand beside one another, each in so many columns; safe for a terminal. What is [`behind`] them is not among them.
pub(in crate::report) fn shown(names: &[(&Name, usize)]) -> Vec<String> {
    let mut shown: Vec<String> = names.iter().map(|(name, columns)| fit_whole(name, *columns)).collect();
    let all: Vec<usize> = (0..names.len()).collect();
    let mut open = alike(&all, &shown);
    if open.is_empty() {
        return shown;
    }
    let wholes: HashMap<usize, Vec<Unit<'_>>> = open
        .iter()
        .flatten()
        .filter_map(|index| names.get(*index).map(|(name, _)| (*index, whole_units(name))))
        .collect();
    let mut from = vec![0; open.len()];
    while let (Some(group), Some(start)) = (open.pop(), from.pop()) {
        let Some(differs) = first_difference(&group, &wholes, start) else { continue };
        for index in &group {
            if let (Some(units), Some((_, columns)), Some(place)) =
                (wholes.get(index), names.get(*index), shown.get_mut(*index))
                && units.iter().map(|unit| unit.width).sum::<usize>() > *columns
            {
                *place = around(units, differs, *columns);
            }
        }
        for still in alike(&group, &shown).into_iter().filter(|still| still.len() < group.len()) {
            open.push(still);
            from.push(differs);
        }
    }
    shown
}

/// What stands behind a name in so many columns and is never cut: of that which is there the longest that leaves the name some room.
pub(in crate::report) fn behind(name: &Name, columns: usize) -> String {
    let has_room = |text: &String| width(&escape(&name.text)).min(LEAST) + width(text) <= columns;
    match (&name.counts, &name.also) {
        (Some([full, short]), _) => if has_room(full) { full } else { short }.clone(),
        (None, Some(also)) if name.is_also_whole => {
            let full = format!(" ({})", escape(also));
            let new = also.rsplit_once(" → ").map(|(_, new)| format!(" (… → {})", escape(new)));
            [Some(full), new].into_iter().flatten().find(has_room).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The name with all that is said of it, as a terminal shows it where there is room.
pub(in crate::report) fn whole(name: &Name) -> String {
    let also = name.also.as_ref().map(|also| format!(" ({})", escape(also))).unwrap_or_default();
    let counts = name.counts.as_ref().map_or("", |[full, _]| full);
    format!("{}{also}{counts}", escape(&name.text))
}

/// Whether what is behind a name is no part of what may be cut.
fn is_cut_alone(name: &Name) -> bool {
    name.counts.is_some() || name.is_also_whole || name.also.is_none()
}

fn fit_whole(name: &Name, columns: usize) -> String {
    if is_cut_alone(name) { fit(&name.text, columns) } else { fit_said(&whole(name), columns) }
}

fn whole_units(name: &Name) -> Vec<Unit<'static>> {
    if is_cut_alone(name) {
        return units(&name.text).map(Unit::into_owned).collect();
    }
    let whole = whole(name);
    units_said(&whole).map(Unit::into_owned).collect()
}

/// Those of `indexes` that are shown as others of them are, by how they are.
fn alike(indexes: &[usize], shown: &[String]) -> Vec<Vec<usize>> {
    let mut by_text: HashMap<&str, Vec<usize>> = HashMap::with_capacity(indexes.len());
    for index in indexes {
        by_text.entry(shown.get(*index).map_or("", String::as_str)).or_default().push(*index);
    }
    let mut groups: Vec<Vec<usize>> = by_text.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    groups
}

/// The first unit, from `start` on, in which not all of a group agree; `None` where all are the same.
fn first_difference(group: &[usize], wholes: &HashMap<usize, Vec<Unit<'_>>>, start: usize) -> Option<usize> {
    let members: Vec<&Vec<Unit<'_>>> = group.iter().filter_map(|index| wholes.get(index)).collect();
    let first = members.first()?;
    let longest = members.iter().map(|units| units.len()).max()?;
    let text = |units: &Vec<Unit<'_>>, at: usize| units.get(at).map(|unit| unit.text.to_string());
    (start..longest).find(|at| members.iter().any(|units| text(units, *at) != text(first, *at)))
}

/// The name cut to its beginning, what is around the unit at `differs`, and its end.
fn around(units: &[Unit<'_>], differs: usize, columns: usize) -> String {
    let side = if columns < 16 { 0 } else { columns / 4 };
    let head = prefix(units, 0, side);
    let start = differs.saturating_sub(CONTEXT).max(head);
    // Where the end is near, all from here on is shown.
    let left = columns.saturating_sub(text_width(units, 0, head) + 1);
    if text_width(units, start, units.len()) <= left {
        let tail = suffix(units, head, left);
        return format!("{}…{}", text(units, 0, head), text(units, tail, units.len()));
    }
    let tail = suffix(units, start, side);
    let room = left.saturating_sub(1 + text_width(units, tail, units.len()));
    let end = prefix(units, start, room).min(tail);
    let lead = if start == head { String::new() } else { "…".to_owned() };
    let cut = if end == tail { "" } else { "…" };
    format!("{}{lead}{}{cut}{}", text(units, 0, head), text(units, start, end), text(units, tail, units.len()))
}

/// Where a part that begins at `start` and has at most `columns` ends.
fn prefix(units: &[Unit<'_>], start: usize, columns: usize) -> usize {
    let mut used = 0;
    let fits = units.iter().skip(start).take_while(|unit| {
        used += unit.width;
        used <= columns
    });
    start + fits.count()
}

/// Where the end of at most `columns` begins, not before `least`.
fn suffix(units: &[Unit<'_>], least: usize, columns: usize) -> usize {
    let mut used = 0;
    let fits = units.iter().skip(least).rev().take_while(|unit| {
        used += unit.width;
        used <= columns
    });
    units.len() - fits.count()
}

fn text(units: &[Unit<'_>], start: usize, end: usize) -> String {
    units.iter().take(end).skip(start).map(|unit| &*unit.text).collect()
}

fn text_width(units: &[Unit<'_>], start: usize, end: usize) -> usize {
    units.iter().take(end).skip(start).map(|unit| unit.width).sum()
}

/// Tells rows apart that would read the same: the second is given a number behind its name. `rest` is what else stands
/// in the row of each name.
pub(in crate::report) fn numbered(shown: &mut [String], rest: &[String], columns: &[usize]) {
    let mut seen: HashMap<(String, &str), usize> = HashMap::new();
    for ((name, rest), columns) in shown.iter_mut().zip(rest).zip(columns) {
        let number = seen.entry((name.clone(), rest)).or_default();
        *number += 1;
        if *number > 1 {
            let mark = format!(" #{number}");
            let room = columns.saturating_sub(width(&mark));
            *name = fit_said(name, room) + &mark;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn in_columns(names: &[&str], columns: usize) -> Vec<String> {
        let names: Vec<Name> = names.iter().map(|name| Name::new(*name)).collect();
        shown(&names.iter().map(|name| (name, columns)).collect::<Vec<_>>())
    }

    #[test]
    fn names_that_differ_in_the_middle_are_cut_around_it() {
        let names = [
            "__inference_functional_1_layer_a_loop_body_of_this_model_1234",
            "__inference_functional_1_layer_b_loop_body_of_this_model_1234",
        ];
        assert_eq!(in_columns(&names, 30), ["__infer…r_a_loop_body_…el_1234", "__infer…r_b_loop_body_…el_1234"]);
    }

    #[test]
    fn names_that_fit_or_differ_at_an_end_lose_their_middle() {
        assert_eq!(in_columns(&["abcdefghij", "abcdefghik"], 7), ["abc…hij", "abc…hik"]);
        assert_eq!(in_columns(&["abc", "abd"], 7), ["abc", "abd"]);
    }

    #[test]
    fn what_differs_in_several_places_is_told_apart_by_each() {
        let names = [
            "x".repeat(40),
            format!("{}a{}", "x".repeat(18), "x".repeat(21)),
            format!("{}b{}", "x".repeat(30), "x".repeat(9)),
        ];
        let shown = in_columns(&names.iter().map(String::as_str).collect::<Vec<_>>(), 12);
        assert_eq!(shown.iter().collect::<HashSet<_>>().len(), 3, "{shown:?}");
    }

    #[test]
    fn the_same_name_twice_is_numbered_where_nothing_else_tells_the_rows_apart() {
        let mut shown = ["a", "a", "a"].map(str::to_owned);
        numbered(&mut shown, &["1", "2", "1"].map(str::to_owned), &[10; 3]);
        assert_eq!(shown, ["a", "a", "a #2"]);
    }

    #[test]
    fn what_a_name_is_told_by_is_in_brackets() {
        let name = Name { also: Some("variables/1".to_owned()), ..Name::new("kernel") };
        assert_eq!(shown(&[(&name, 40)]), ["kernel (variables/1)"]);
        assert_eq!(shown(&[(&name, 14)]), ["kernel …les/1)"]);
    }

    #[test]
    fn figures_behind_a_name_are_shorter_or_left_out_and_never_cut() {
        let counts = Some([": 1,437 added, 3 removed".to_owned(), ": +1,437 -3".to_owned()]);
        let op = Name { counts, ..Name::new("ReadVariableOp") };
        let said = |name: &Name, columns: usize| {
            let behind = behind(name, columns);
            shown(&[(name, columns - width(&behind))]).remove(0) + &behind
        };
        assert_eq!(said(&op, 40), "ReadVariableOp: 1,437 added, 3 removed");
        assert_eq!(said(&op, 34), "ReadV…leOp: 1,437 added, 3 removed");
        assert_eq!(said(&op, 22), "ReadV…bleOp: +1,437 -3");
        let also = Some("float32[784,10] → float32[784,12]".to_owned());
        let resized = Name { also, is_also_whole: true, ..Name::new("dense_1/kernel") };
        assert_eq!(said(&resized, 60), "dense_1/kernel (float32[784,10] → float32[784,12])");
        assert_eq!(said(&resized, 30), "dens…nel (… → float32[784,12])");
        assert_eq!(said(&resized, 20), "dense_1/kernel");
    }

    proptest! {
        #[test]
        fn different_names_read_differently_and_fit(
            stem in "[a-c]{0,50}", parts in proptest::collection::hash_set("[ab]{0,60}", 1..12), columns in 24_usize..60,
        ) {
            let names: Vec<String> = parts.iter().map(|part| format!("{stem}{part}{stem}")).collect();
            let mut shown = in_columns(&names.iter().map(String::as_str).collect::<Vec<_>>(), columns);
            let whole: HashSet<&String> = names.iter().collect();
            prop_assert!(shown.iter().all(|name| width(name) <= columns), "{shown:?}");
            numbered(&mut shown, &vec![String::new(); names.len()], &vec![columns; names.len()]);
            prop_assert_eq!(shown.iter().collect::<HashSet<_>>().len(), whole.len().max(names.len()), "{:?}", shown);
        }
    }
}
