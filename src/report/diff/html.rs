//! A diff as a page: the table of what changed first, then the treemap, coloured by what grew, shrank, is new or gone.
//!
//! The script is that of reports. A row of a diff has its sizes before and after beside what it takes of the treemap: how
//! much it changed by, or how large it is or was.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::amounts::Amounts;
use super::page::document;
use super::{DiffKind, DiffReport, DiffRow, DiffStatus};
use crate::escape::shortened;
use crate::report::html::data::{self, Names};
use crate::report::html::{explorer, fragment, head, markup, tail};

/// What a box is coloured by.
const CHANGES: [&str; 6] = ["grown", "shrunk", "new", "gone", "changed, of the same size", "the same"];

/// The most rows of a page, and of one level of it.
const MOST: usize = 8_000;
const MOST_BESIDE: usize = 400;

/// Writes a diff as a page; `rows` is how many of each list stand in its text.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &DiffReport, rows: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let [old, new] = [&report.old, &report.new].map(|side| markup::text(&side.path));
    head(&format!("{old} → {new}"), &report.tool, &mut out)?;
    out.write_all(b"<article id=\"model-0\" class=\"model diff\">\n")?;
    out.write_all(fragment::sections(&document(report, &Amounts::for_a_page(rows)).sections).as_bytes())?;
    let views = VIEWS.map(|(name, _)| name);
    if !report.breakdown.rows.is_empty() {
        explorer(0, &views, &mut out)?;
    }
    out.write_all(b"</article>\n</main>\n")?;
    if !report.breakdown.rows.is_empty() {
        out.write_all(b"<script type=\"application/json\" id=\"data-0\">")?;
        data(report, &mut out)?;
        out.write_all(b"</script>\n")?;
    }
    tail(&mut out)?;
    out.flush()
}

/// What a row takes of a treemap.
type Area = fn(&DiffRow) -> u64;

/// The treemaps that are offered.
const VIEWS: [(&str, Area); 2] =
    [("what changed", |row| row.delta.unsigned_abs()), ("size", |row| row.old.max(row.new))];

fn data(report: &DiffReport, out: &mut dyn Write) -> io::Result<()> {
    let views = VIEWS.map(|(name, area)| {
        let mut left = MOST;
        let (rows, folded) = level(&report.breakdown.rows, area, &mut left);
        View { name, area: sum(&rows, folded.as_ref()), rows, folded }
    });
    let mut names = Names::default();
    views.iter().for_each(|view| add_names(&view.rows, &mut names));
    let facets = CHANGES.map(|category| Facet { category });
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let views: Vec<ViewData<'_>> = views.iter().map(|view| ViewData { view, names: &names }).collect();
    let data = Data {
        change: (report.old.total_bytes, report.new.total_bytes, report.delta_bytes),
        total: report.new.total_bytes,
        dimensions: kinds,
        categories: CHANGES,
        facets,
        findings: [],
        signatures: [],
        views,
        names: names.escaped(),
    };
    data::in_script(&data, out)
}

/// What rows are, in the order of their numbers.
const KINDS: [DiffKind; 15] = [
    DiffKind::Category,
    DiffKind::Naming,
    DiffKind::MetaGraph,
    DiffKind::Group,
    DiffKind::Function,
    DiffKind::Op,
    DiffKind::Node,
    DiffKind::Signature,
    DiffKind::Variable,
    DiffKind::File,
    DiffKind::Section,
    DiffKind::Part,
    DiffKind::Name,
    DiffKind::Unchanged,
    DiffKind::Small,
];

#[derive(Serialize)]
struct Data<'a> {
    change: (u64, u64, i64),
    total: u64,
    dimensions: Vec<&'static str>,
    categories: [&'static str; CHANGES.len()],
    facets: [Facet; CHANGES.len()],
    findings: [&'static str; 0],
    signatures: [&'static str; 0],
    views: Vec<ViewData<'a>>,
    names: Vec<String>,
}

#[derive(Serialize)]
struct Facet {
    category: &'static str,
}

/// A treemap of a diff.
struct View {
    name: &'static str,
    area: u64,
    rows: Vec<Row>,
    folded: Option<Folded>,
}

/// A row that is in the page.
struct Row {
    name: String,
    kind: usize,
    is_ours: bool,
    area: u64,
    facet: usize,
    change: (u64, u64, i64),
    note: Option<String>,
    children: Vec<Row>,
    folded: Option<Folded>,
}

/// Rows that there was no room for.
struct Folded {
    rows: u64,
    area: u64,
    facet: usize,
    change: (u64, u64, i64),
}

/// The rows of a level, as far as there is room. What a row takes is what those below it do.
fn level(rows: &[DiffRow], area: Area, left: &mut usize) -> (Vec<Row>, Option<Folded>) {
    let shown = rows.len().min(MOST_BESIDE).min(*left);
    *left -= shown;
    let (shown, folded) = rows.split_at(shown);
    let rows = shown.iter().map(|row| {
        let (children, folded) = level(&row.children, area, left);
        let below = sum(&children, folded.as_ref());
        let has_rows = !children.is_empty() || folded.is_some();
        Row {
            name: shortened(&row.title()).into_owned(),
            kind: KINDS.iter().position(|kind| *kind == row.kind).unwrap_or_default(),
            is_ours: matches!(
                row.kind,
                DiffKind::Naming | DiffKind::Group | DiffKind::Part | DiffKind::Unchanged | DiffKind::Small
            ),
            area: if has_rows { below } else { area(row) },
            facet: facet(row.status, row.delta),
            change: (row.old, row.new, row.delta),
            note: row.note.clone(),
            children,
            folded,
        }
    });
    let rows: Vec<Row> = rows.collect();
    let none = Folded { rows: 0, area: 0, facet: 0, change: (0, 0, 0) };
    let rest = folded.iter().fold(none, |rest, row| {
        let (old, new, delta) = rest.change;
        let change = (old.saturating_add(row.old), new.saturating_add(row.new), delta.saturating_add(row.delta));
        Folded { rows: rest.rows + 1, area: rest.area.saturating_add(area(row)), facet: 0, change }
    });
    let rest = Folded { facet: facet(DiffStatus::Changed, rest.change.2), ..rest };
    (rows, (rest.rows > 0).then_some(rest))
}

fn sum(rows: &[Row], folded: Option<&Folded>) -> u64 {
    let all = rows.iter().map(|row| row.area).chain(folded.map(|folded| folded.area));
    all.fold(0, u64::saturating_add)
}

/// Which of [`CHANGES`] a row is.
fn facet(status: DiffStatus, delta: i64) -> usize {
    match (status, delta) {
        (DiffStatus::Added, _) => 2,
        (DiffStatus::Removed, _) => 3,
        (DiffStatus::Same, 0) => 5,
        (_, 1..) => 0,
        (_, 0) => 4,
        (_, _) => 1,
    }
}

fn add_names(rows: &[Row], names: &mut Names) {
    for row in rows {
        names.add(&row.name);
        add_names(&row.children, names);
    }
}

struct ViewData<'a> {
    view: &'a View,
    names: &'a Names,
}

impl Serialize for ViewData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            name: &'a str,
            total: u64,
            rows: Rows<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            folded: Option<FoldedData>,
        }
        let Self { view, names } = self;
        let folded = view.folded.as_ref().map(folded_data);
        let rows = Rows { rows: &view.rows, names };
        Fields { name: view.name, total: view.area, rows, folded }.serialize(serializer)
    }
}

struct Rows<'a> {
    rows: &'a [Row],
    names: &'a Names,
}

/// How many rows, what they take, how many items, what they are coloured, and their sizes.
type FoldedData = (u64, u64, u64, usize, (u64, u64, i64));

fn folded_data(folded: &Folded) -> FoldedData {
    (folded.rows, folded.area, 0, folded.facet, folded.change)
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|row| {
            let below = !row.children.is_empty() || row.folded.is_some();
            let code = row.kind * data::KINDS + if row.is_ours { 2 } else { 0 };
            let rows = below.then_some(Rows { rows: &row.children, names: self.names });
            let (name, folded) = (self.names.number(&row.name), row.folded.as_ref().map(folded_data));
            let note = row.note.as_deref().map(crate::escape::escape_text);
            (name, code, row.area, 0, row.facet, rows, folded, row.change, note)
        }))
    }
}
