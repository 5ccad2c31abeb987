//! The breakdown as a table for a spreadsheet or a data frame: `model,<dimensions>,bytes,count,kind`, one row a leaf. `kind`
//! says of the names in the dimensions whose word each is: `name/category` where the first is a name of the model and the
//! second is a category, as the dimension does not apply.
//!
//! All leaves of all models are in one table, so `bytes` adds up to the models' totals. What `--top` left out is a row
//! named `[12 more]`, with nothing in the dimensions below it. What is no part of that sum is not in the table: findings,
//! duplicates, and what signatures reach, which they mostly share. JSON has it.
//!
//! A spreadsheet takes a cell that starts with `=`, `+`, `-` or `@` for a formula, and a model may come from anyone:
//! such a first character is escaped like every unsafe one (`\u{3d}SUM(A1)`), which can be undone and, unlike a quote
//! in front, does not make it another name. No name that TensorFlow itself gives starts so.

use std::io;
use std::iter;

use super::{ModelReport, Report, View};
use crate::escape::escape_also;
use crate::ledger::{Dimension, Rest, Row, longest_cell};
use crate::shared_names::within;

/// Writes the breakdown of each model, complete unless `--top` cut it.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, _: &View, out: &mut dyn io::Write) -> io::Result<()> {
    let mut table = ::csv::Writer::from_writer(out);
    let by = report.models.first().map_or(&[] as &[Dimension], |model| &model.breakdown.by);
    table.write_record(header(by)).map_err(io_error)?;
    let longest = longest_cell(report.models.iter().map(|model| &model.breakdown));
    for model in &report.models {
        write_model(model, longest, &mut table)?;
    }
    table.flush()
}

/// `scope` asked for twice is `scope,scope_2`: a data frame wants each column to have a name of its own.
fn header(by: &[Dimension]) -> Vec<String> {
    let column = |(at, dimension): (usize, &Dimension)| match by.iter().take(at).filter(|d| *d == dimension).count() {
        0 => dimension.to_string(),
        before => format!("{dimension}_{}", before + 1),
    };
    let dimensions = by.iter().enumerate().map(column);
    ["model".to_owned()].into_iter().chain(dimensions).chain(["bytes", "count", "kind"].map(str::to_owned)).collect()
}

fn write_model<W: io::Write>(model: &ModelReport, longest: usize, table: &mut ::csv::Writer<W>) -> io::Result<()> {
    let breakdown = &model.breakdown;
    let (cells, kinds) = (vec![cell(&model.path)], Vec::new());
    let mut leaves = Leaves { table, cells, kinds, columns: breakdown.by.len() + 1, longest };
    leaves.level(&breakdown.rows, breakdown.rest)
}

/// The rows of one model on their way into the table.
struct Leaves<'a, W: io::Write> {
    table: &'a mut ::csv::Writer<W>,
    /// The model, and the names of the rows that lead to the next one.
    cells: Vec<String>,
    /// What sort of name each of these is, but for the model's.
    kinds: Vec<&'static str>,
    /// How many cells come before the figures.
    columns: usize,
    /// How long a name may be.
    longest: usize,
}

impl<W: io::Write> Leaves<'_, W> {
    fn level(&mut self, rows: &[Row], rest: Option<Rest>) -> io::Result<()> {
        for row in rows {
            self.cells.push(cell(&within(&row.name, self.longest)));
            self.kinds.push(row.kind.name());
            if row.children.is_empty() && row.rest.is_none() {
                self.leaf(row.bytes, row.count)?;
            } else {
                self.level(&row.children, row.rest)?;
            }
            self.cells.pop();
            self.kinds.pop();
        }
        if let Some(rest) = rest {
            self.cells.push(format!("[{} more]", rest.rows));
            self.kinds.push("rest");
            self.leaf(rest.bytes, rest.count)?;
            self.cells.pop();
            self.kinds.pop();
        }
        Ok(())
    }

    fn leaf(&mut self, bytes: u64, count: u64) -> io::Result<()> {
        let figures = [bytes, count].map(|figure| figure.to_string());
        let names = self.cells.iter().map(String::as_str).chain(iter::repeat("")).take(self.columns);
        let kinds = self.kinds.join("/");
        let record = names.chain(figures.iter().map(String::as_str)).chain([kinds.as_str()]);
        self.table.write_record(record).map_err(io_error)
    }
}

/// The error of the writer itself: a closed pipe is to be known as one.
pub(super) fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A name that no spreadsheet computes. The wide forms are formulas to some of them, too.
pub(super) fn cell(name: &str) -> String {
    let begins_a_cell = |at: usize| {
        // Where lists are separated by `;`, a spreadsheet divides a cell there, quoted or not.
        let before = name.get(..at).unwrap_or_default().trim_end_matches(' ');
        before.is_empty() || before.ends_with([';', '\t'])
    };
    escape_also(name, |at, c| "=+-@＝＋－＠".contains(c) && begins_a_cell(at)).into_owned()
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

    fn sum(table: &str) -> u64 {
        let mut reader = ::csv::Reader::from_reader(table.as_bytes());
        let bytes = reader.headers().unwrap().iter().position(|name| name == "bytes").unwrap();
        reader.records().map(|record| record.unwrap()[bytes].parse::<u64>().unwrap()).sum()
    }

    #[test]
    fn there_is_one_row_a_leaf_and_a_column_a_dimension() {
        let mut report = sample::report();
        report.models[0].breakdown = sample::by_section_and_op();
        let expected = "model,section,op,bytes,count,kind\n\
                        ./model,graph_def,Const,600,2,name/name\n\
                        ./model,graph_def,MatMul,100,1,name/name\n\
                        ./model,[variables],[variables],300,1,category/category\n";
        assert_eq!(written(&report), expected);
    }

    #[test]
    fn the_rows_of_all_models_add_up_to_their_totals() {
        let mut report = sample::report();
        report.models.push(sample::model());
        report.models[1].breakdown = report.models[1].breakdown.clone().cut(1);
        let total: u64 = report.models.iter().map(|model| model.total_bytes).sum();
        assert_eq!(sum(&written(&report)), total);
    }

    #[test]
    fn what_was_left_out_is_a_row_on_its_level() {
        let mut report = sample::report();
        report.models[0].breakdown = sample::by_section_and_op().cut(1);
        let table = written(&report);
        assert!(table.contains("./model,graph_def,[1 more],100,1,name/rest\n"), "{table}");
        assert!(table.contains("./model,[1 more],,300,1,rest\n"), "{table}");
        assert_eq!(sum(&table), 1000);
    }

    #[test]
    fn a_scope_asked_for_twice_is_two_columns() {
        let by = [Dimension::Scope, Dimension::Scope, Dimension::Op];
        assert_eq!(header(&by), ["model", "scope", "scope_2", "op", "bytes", "count", "kind"]);
    }

    #[test]
    fn names_are_escaped_and_quoted_and_no_formulas() {
        let mut report = sample::report();
        let names = ["=HYPERLINK(\"http://x\",1)", "@SUM(A1)", "＝1", "a,b", "a=1", "x\r\n=1", "a;=1", "b; +2"];
        report.models[0].breakdown.rows = names.iter().map(|name| row(name, 1, vec![])).collect();
        let table = written(&report);
        for escaped in [
            "\\u{3d}HYPERLINK(\"\"http://x\"\",1)",
            "\\u{40}SUM(A1)",
            "\\u{ff1d}1",
            "\"a,b\"",
            ",a=1,",
            "x\\u{d}\\u{a}=1",
            "a;\\u{3d}1",
            "b; \\u{2b}2",
        ] {
            assert!(table.contains(escaped), "{escaped}: {table}");
        }
        assert_eq!(table.lines().count(), names.len() + 1);
    }
}
