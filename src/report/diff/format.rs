//! What a diff can be written in.

use std::io::{self, Write};

use super::{DiffReport, csv, html, markdown, open_metrics, text};
use crate::report::safe_json;

/// What a diff can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DiffFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Everything, for scripts.
    Json,
    /// The breakdown, for a spreadsheet.
    Csv,
    /// For a pull request.
    Markdown,
    /// A page to look at, in one file.
    Html,
    /// The figures as OpenMetrics, for GitLab's metrics reports.
    OpenMetrics,
}

impl DiffFormat {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Text, Self::Json, Self::Csv, Self::Markdown, Self::Html, Self::OpenMetrics];

    /// The name that `--format` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::OpenMetrics => "openmetrics",
        }
    }

    /// Whether people read it.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Text | Self::Markdown)
    }

    /// What it is for, in a line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Text => "for a terminal",
            Self::Json => "everything, as one document",
            Self::Csv => "the breakdown, a row for each leaf",
            Self::Markdown => "for a pull request or a job summary",
            Self::Html => "a page with a treemap, in one file",
            Self::OpenMetrics => "figures of the new model, for GitLab's metrics reports",
        }
    }
}

impl DiffReport {
    /// Writes it in a format; `rows` is how many of each list a person sees, `columns` those of a terminal.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(
        &self,
        format: DiffFormat,
        rows: Option<usize>,
        columns: usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match format {
            DiffFormat::Text => text::write(self, rows, columns, out),
            DiffFormat::Json => safe_json::document(self, out),
            DiffFormat::Csv => csv::write(self, out),
            DiffFormat::Markdown => markdown::write(self, rows, out),
            DiffFormat::Html => html::write(self, rows, out),
            DiffFormat::OpenMetrics => open_metrics::write(self, out),
        }
    }
}
