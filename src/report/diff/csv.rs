//! The breakdown of a diff, a row for each leaf, for a spreadsheet: `delta` adds up to the delta of the models.

use std::io::{self, Write};

use super::{DiffReport, DiffRow};
use crate::report::csv::{cell, io_error};

/// Writes the breakdown; of several models that of each step, which add up to the delta of the first and the last.
pub(super) fn write(report: &DiffReport, out: &mut dyn Write) -> io::Result<()> {
    let mut table = ::csv::Writer::from_writer(out);
    let steps: Vec<&DiffReport> = if report.steps.is_empty() { vec![report] } else { report.steps.iter().collect() };
    let depth = steps.iter().map(|step| depth(&step.breakdown.rows)).max().unwrap_or(0);
    let level = |at: usize| report.breakdown.by.get(at).map_or(format!("level_{}", at + 1), ToString::to_string);
    let heading = ["old_model", "new_model"].map(str::to_owned).into_iter().chain((0..depth).map(level));
    let figures = ["old_name", "kind", "status", "old", "new", "delta", "old_count", "new_count", "note"];
    table.write_record(heading.chain(figures.map(str::to_owned))).map_err(io_error)?;
    for step in steps {
        let mut names = vec![cell(&step.old.path), cell(&step.new.path)];
        rows(&step.breakdown.rows, &mut names, depth + 2, &mut table)?;
    }
    table.flush()
}

fn depth(rows: &[DiffRow]) -> usize {
    rows.iter().map(|row| 1 + depth(&row.children)).max().unwrap_or(0)
}

fn rows<W: Write>(
    all: &[DiffRow],
    names: &mut Vec<String>,
    columns: usize,
    table: &mut ::csv::Writer<W>,
) -> io::Result<()> {
    for row in all {
        names.push(cell(&row.name));
        if row.children.is_empty() {
            let mut record = names.clone();
            record.resize(columns, String::new());
            record.push(row.old_name.as_deref().map(cell).unwrap_or_default());
            record.push(row.kind.name().to_owned());
            record.push(row.status.name().to_owned());
            record.extend([row.old, row.new].map(|bytes| bytes.to_string()));
            record.push(row.delta.to_string());
            record.extend([row.old_count, row.new_count].map(|count| count.to_string()));
            record.push(row.note.as_deref().map(cell).unwrap_or_default());
            table.write_record(&record).map_err(io_error)?;
        } else {
            rows(&row.children, names, columns, table)?;
        }
        names.pop();
    }
    Ok(())
}
