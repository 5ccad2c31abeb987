//! The breakdown as folded stacks, for flame graphs: `model;frame;frame bytes`, one line a leaf.
//!
//! Read by flamegraph.pl, inferno and speedscope, with bytes in place of samples. In these `;` parts frames and there
//! is no escape for it, so it is written as `\u{3b}`. flamegraph.pl and inferno take a second number at the end for a
//! differential profile: the space before it is escaped in a last frame that ends so.

use std::io::{self, Write};

use super::{Report, View};
use crate::escape::escape_also;
use crate::ledger::{Rest, Row, longest_cell};
use crate::shared_names::within;

/// Writes the breakdown of each model, complete unless `--top` cut it. Rows of no bytes have no area and are left out.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let longest = longest_cell(report.models.iter().map(|model| &model.breakdown));
    for model in &report.models {
        level(&mut frame(&model.path, false), &model.breakdown.rows, model.breakdown.rest, longest, &mut out)?;
    }
    out.flush()
}

/// `stack` is what leads to these rows, and is so again at the end.
fn level(stack: &mut String, rows: &[Row], rest: Option<Rest>, longest: usize, out: &mut impl Write) -> io::Result<()> {
    let length = stack.len();
    for row in rows.iter().filter(|row| row.bytes > 0) {
        let last = row.children.is_empty() && row.rest.is_none();
        stack.push(';');
        stack.push_str(&frame(&within(&row.name, longest), last));
        if last {
            writeln!(out, "{stack} {}", row.bytes)?;
        } else {
            level(stack, &row.children, row.rest, longest, out)?;
        }
        stack.truncate(length);
    }
    match rest {
        Some(rest) if rest.bytes > 0 => writeln!(out, "{stack};[{} more] {}", rest.rows, rest.bytes),
        _ => Ok(()),
    }
}

fn frame(name: &str, last: bool) -> String {
    let number = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let space = name.get(..number).and_then(|before| before.strip_suffix(' ')).map(str::len);
    let second_number = space.filter(|_| last && number < name.len());
    escape_also(name, |at, c| c == ';' || Some(at) == second_number).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, row};

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &View::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn names(names: &[&str]) -> String {
        let mut report = sample::report();
        report.models[0].breakdown.rows = names.iter().map(|name| row(name, 1, vec![])).collect();
        written(&report)
    }

    fn sum(stacks: &str) -> u64 {
        stacks.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }

    #[test]
    fn there_is_one_line_a_leaf() {
        let mut report = sample::report();
        report.models[0].breakdown = sample::by_section_and_op();
        let expected = "./model;graph_def;Const 600\n\
                        ./model;graph_def;MatMul 100\n\
                        ./model;[variables];[variables] 300\n";
        assert_eq!(written(&report), expected);
    }

    #[test]
    fn the_lines_add_up_to_the_total_however_much_was_cut() {
        for top in 0..4 {
            let mut report = sample::report();
            report.models[0].breakdown = sample::by_section_and_op().cut(top);
            assert_eq!(sum(&written(&report)), 1000, "{top}");
        }
    }

    #[test]
    fn a_name_is_one_frame_whatever_is_in_it() {
        assert_eq!(names(&["a;b\nc\u{1b}", ""]), "./model;a\\u{3b}b\\u{a}c\\u{1b} 1\n./model;\"\" 1\n");
    }

    #[test]
    fn a_number_at_the_end_of_a_name_is_not_taken_for_a_second_sample() {
        assert_eq!(
            names(&["#0 12", "#0 1.5", "#0 serve", "12", "a b 3 c"]).replace("./model;", ""),
            "#0\\u{20}12 1\n#0\\u{20}1.5 1\n#0 serve 1\n12 1\na b 3 c 1\n"
        );
    }

    #[test]
    fn rows_of_no_bytes_are_left_out() {
        let mut report = sample::report();
        report.models[0].breakdown.rows = vec![row("some", 5, vec![]), row("none", 0, vec![])];
        assert_eq!(written(&report), "./model;some 5\n");
    }
}
