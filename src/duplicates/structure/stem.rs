//! What names have in common, for people.

/// The common stem of the names of a group, with `*` for what differs: `__inference_lstm_cell_*`.
///
/// A counter at the end is left out, then what all names begin with and what they all end with is kept; numbers are
/// not cut in two. One name is its own stem; without names there is none.
pub(crate) fn common_stem(names: &[&str]) -> String {
    let Some((first, others)) = names.split_first() else { return String::new() };
    if others.iter().all(|name| name == first) {
        return (*first).to_owned();
    }
    let without_counters = names.iter().all(|name| name.ends_with(is_digit));
    let trimmed = names.iter().map(|name| if without_counters { name.trim_end_matches(is_digit) } else { name });
    let trimmed: Vec<&str> = trimmed.collect();
    let counter = if without_counters { "*" } else { "" };

    let prefix = common_prefix(&trimmed);
    let rests: Vec<&str> = trimmed.iter().map(|name| name.strip_prefix(prefix).unwrap_or_default()).collect();
    if rests.iter().all(|rest| rest.is_empty()) {
        return format!("{prefix}{counter}");
    }
    match common_suffix(&rests) {
        "" => format!("{prefix}*"),
        suffix => format!("{prefix}*{suffix}{counter}"),
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn common_prefix<'a>(names: &[&'a str]) -> &'a str {
    let first = names.first().copied().unwrap_or_default();
    let shared = |name: &&str| first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let end = names.iter().map(shared).min().unwrap_or(0);
    // Two characters may differ and begin with the same byte.
    let end = (0..=end).rev().find(|at| first.is_char_boundary(*at));
    let prefix = first.get(..end.unwrap_or(0)).unwrap_or_default();
    let cuts_a_number = |name: &&str| name.get(prefix.len()..).is_some_and(|rest| rest.starts_with(is_digit));
    if names.iter().any(cuts_a_number) { prefix.trim_end_matches(is_digit) } else { prefix }
}

fn common_suffix<'a>(names: &[&'a str]) -> &'a str {
    let first = names.first().copied().unwrap_or_default();
    let shared = |name: &str| first.chars().rev().zip(name.chars().rev()).take_while(|(a, b)| a == b).count();
    let count = names.iter().map(|name| shared(name)).min().unwrap_or(0);
    let start = first.char_indices().rev().take(count).last().map_or(first.len(), |(at, _)| at);
    let suffix = first.get(start..).unwrap_or_default();
    let before = |name: &&str| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with(is_digit));
    if names.iter().any(before) { suffix.trim_start_matches(is_digit) } else { suffix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_has_a_star_for_what_differs() {
        let cases: [(&[&str], &str); 12] = [
            (&[], ""),
            (&["f"], "f"),
            (&["f_1", "f_1"], "f_1"),
            (&["__inference_lstm_cell_12", "__inference_lstm_cell_345"], "__inference_lstm_cell_*"),
            (&["__inference_lstm_cell_12", "__inference_lstm_cell_134"], "__inference_lstm_cell_*"),
            (&["f_lstm_cell_call_fn_7", "f_lstm_cell_1_call_fn_8"], "f_lstm_cell_*call_fn_*"),
            (&["f_dense_1_call_7", "f_dense_12_call_8"], "f_dense_*_call_*"),
            (&["f_dense_11_call_7", "f_dense_21_call_8"], "f_dense_*_call_*"),
            (&["f", "f_1"], "f*"),
            (&["before", "after"], "*"),
            (&["__forward_x_1", "__inference_x_2"], "__*_x_*"),
            (&["é1", "è2"], "*"),
        ];
        for (names, stem) in cases {
            assert_eq!(common_stem(names), stem, "{names:?}");
        }
    }
}
