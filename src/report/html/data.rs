//! What a page draws, as JSON that stands in a script: rows of trees with what they are made of.
//!
//! Each name is there once, in a list that rows refer to by position; rows are lists, as a page may have tens of thousands:
//! `[name, dimension and kind, bytes, count, parts]`, and where there are any `rows` below it and `[rows, bytes, count,
//! parts]` that are folded. Parts are `facet, bytes, count` one after the other; a row of one facet has just that.

use std::io::{self, Write};

use foldhash::fast::RandomState;
use indexmap::IndexSet;
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use crate::escape::escape;
use crate::ledger::{Branch, Category, Dimension, Facet, Folded, Part, RowKind};
use crate::report::{ModelReport, Treemap, TreemapSignature};

/// Writes the data of a model.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(model: &ModelReport, treemap: &Treemap, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(treemap);
    let views = treemap.views.iter().map(|view| ViewData {
        name: &view.name,
        rows: Rows { rows: &view.tree.rows, names: &names },
        folded: view.tree.folded.as_ref().map(FoldedRow),
    });
    let data = Data {
        total: model.total_bytes,
        dimensions: Dimension::ALL.map(Dimension::name),
        categories: Category::ALL.map(Category::name),
        facets: treemap.facets.iter().map(|facet| FacetData::of(facet, treemap)).collect(),
        findings: model.findings.iter().map(|finding| &*finding.id).collect(),
        signatures: treemap.signatures.iter().map(SignatureData::of).collect(),
        views: views.collect(),
        names: names.escaped(),
    };
    in_script(&data, out)
}

/// Writes data so that it can stand in a script.
pub(in crate::report) fn in_script(data: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    data.serialize(&mut serde_json::Serializer::with_formatter(out, InScript(CompactFormatter)))?;
    Ok(())
}

#[derive(Serialize)]
struct Data<'a> {
    total: u64,
    dimensions: [&'static str; Dimension::COUNT],
    categories: [&'static str; Category::ALL.len()],
    facets: Vec<FacetData<'a>>,
    findings: Vec<&'a str>,
    signatures: Vec<SignatureData>,
    views: Vec<ViewData<'a>>,
    names: Vec<String>,
}

#[derive(Serialize)]
struct FacetData<'a> {
    category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metagraph: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dtype: Option<String>,
    state: &'static str,
    /// The findings that claim it.
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    claimed: &'a [usize],
    /// The signatures that reach it; left out for what none could need.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<&'a [usize]>,
}

#[derive(Serialize)]
struct SignatureData {
    name: String,
    metagraph: String,
    reachable: Option<u64>,
}

impl SignatureData {
    fn of(signature: &TreemapSignature) -> Self {
        Self {
            name: escape(&signature.name).into_owned(),
            metagraph: escape(&signature.meta_graph).into_owned(),
            reachable: signature.reachable_bytes,
        }
    }
}

impl<'a> FacetData<'a> {
    fn of(facet: &Facet, treemap: &'a Treemap) -> Self {
        let tag = treemap.tags.get(facet.tag as usize);
        let escaped = |name: &Option<String>| name.as_deref().map(|name| escape(name).into_owned());
        Self {
            category: facet.category.name(),
            metagraph: escaped(&facet.meta_graph),
            dtype: escaped(&facet.dtype),
            state: facet.state.name(),
            claimed: tag.map_or(&[], |tag| &tag.findings),
            reached: tag.and_then(|tag| tag.signatures.as_deref()),
        }
    }
}

#[derive(Serialize)]
struct ViewData<'a> {
    name: &'a str,
    rows: Rows<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folded: Option<FoldedRow<'a>>,
}

/// The names of all rows, each once.
#[derive(Default)]
pub(in crate::report) struct Names(IndexSet<String, RandomState>);

impl Names {
    fn of(treemap: &Treemap) -> Self {
        let mut names = Self::default();
        let mut open: Vec<&[Branch]> = treemap.views.iter().map(|view| &*view.tree.rows).collect();
        while let Some(rows) = open.pop() {
            for row in rows {
                names.add(&row.name);
                open.push(&row.children);
            }
        }
        names
    }

    pub(in crate::report) fn add(&mut self, name: &str) {
        if !self.0.contains(name) {
            self.0.insert(name.to_owned());
        }
    }

    pub(in crate::report) fn escaped(&self) -> Vec<String> {
        self.0.iter().map(|name| escape(name).into_owned()).collect()
    }

    pub(in crate::report) fn number(&self, name: &str) -> usize {
        self.0.get_index_of(name).unwrap_or_default()
    }
}

/// Rows of one level.
struct Rows<'a> {
    rows: &'a [Branch],
    names: &'a Names,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|row| RowData { row, names: self.names }))
    }
}

struct RowData<'a> {
    row: &'a Branch,
    names: &'a Names,
}

/// How many kinds of rows there are.
pub(in crate::report) const KINDS: usize = 3;

impl Serialize for RowData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { row, names } = self;
        let kind = match row.kind {
            RowKind::Name => 0,
            RowKind::Category => 1,
            RowKind::Part => 2,
        };
        let mut fields = serializer.serialize_seq(None)?;
        fields.serialize_element(&names.number(&row.name))?;
        fields.serialize_element(&(row.dimension as usize * KINDS + kind))?;
        fields.serialize_element(&row.bytes)?;
        fields.serialize_element(&row.count)?;
        fields.serialize_element(&Parts(&row.parts))?;
        if !row.children.is_empty() || row.folded.is_some() {
            fields.serialize_element(&Rows { rows: &row.children, names })?;
        }
        if let Some(folded) = &row.folded {
            fields.serialize_element(&FoldedRow(folded))?;
        }
        fields.end()
    }
}

struct FoldedRow<'a>(&'a Folded);

impl Serialize for FoldedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Folded { rows, bytes, count, parts } = self.0;
        (rows, bytes, count, Parts(parts)).serialize(serializer)
    }
}

struct Parts<'a>(&'a [Part]);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [only] => serializer.serialize_u64(only.facet as u64),
            parts => serializer.collect_seq(parts.iter().flat_map(|it| [it.facet as u64, it.bytes, it.count])),
        }
    }
}

/// Another formatter, but for the characters of strings that could end the script, or a line of it.
struct InScript<F>(F);

impl<F: Formatter> Formatter for InScript<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let is_special = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        for part in fragment.split_inclusive(is_special) {
            let special = part.chars().next_back().filter(|c| is_special(*c));
            let plain = part.len() - special.map_or(0, char::len_utf8);
            out.write_all(part.as_bytes().get(..plain).unwrap_or_default())?;
            if let Some(c) = special {
                write!(out, "\\u{:04x}", u32::from(c))?;
            }
        }
        Ok(())
    }
}
