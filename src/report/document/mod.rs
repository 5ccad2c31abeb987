//! What people read, without how it looks: sections of paragraphs, tables and items.
//!
//! `pages` makes a document of a report; text and Markdown are two renderers of it. So they cannot contradict each other,
//! and another format for people is another renderer. Names from a model are in it as the file has them: each renderer
//! makes them safe in its own way, and only a terminal cuts them ([`names`]).

pub(super) mod names;

use crate::ledger::Rest;
use crate::size::{bytes, exact, human, share};

/// A document: sections in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) sections: Vec<Section>,
}

/// What belongs together.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) kind: SectionKind,
    pub(super) title: Option<Paragraph>,
    pub(super) blocks: Vec<Block>,
    /// Whether it stands close to the section above; else something is between them, as a blank line is.
    pub(super) close: bool,
}

/// What a section is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// It begins what is said of a model or of a run; its title is the name.
    Subject,
    /// It says something of that.
    #[default]
    Part,
    /// It is to be read first: problems, and rules that are broken.
    Alert,
    /// As a part, and of little interest to most readers: a page that can fold parts folds it.
    Detail,
}

/// One block of a section.
#[derive(Debug)]
pub(super) enum Block {
    Paragraph(Paragraph),
    /// A label, and what is said under it.
    Fact(&'static str, Paragraph),
    Table(Table),
    /// Lines to be copied: each is shown as it is.
    Code(Vec<String>),
}

/// How loud something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    /// Titles and sums.
    Strong,
    /// What only leads on.
    Quiet,
    /// What costs bytes for nothing.
    Warning,
    /// What is wrong.
    Problem,
}

/// Words and names that are read one after the other, on as many lines as they need.
#[derive(Debug, Clone, Default)]
pub(super) struct Paragraph {
    pub(super) parts: Vec<Part>,
    pub(super) tone: Tone,
    pub(super) mark: Mark,
    /// The most lines that a terminal spends on it; `None` for as many as it needs.
    pub(super) lines: Option<usize>,
}

/// What stands before a paragraph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    None,
    /// A problem: `!`.
    Problem,
    /// What to do: `→`.
    Remedy,
    /// One of several: `-`.
    Item,
    /// A word before what is said of it: `FAIL`.
    Word(&'static str),
}

/// A part of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A sentence or a part of one. Names in it are escaped already, and mostly in backticks.
    Said(String),
    /// A name from the model, and the most columns that a terminal spends on it.
    Name(String, usize),
    /// A sentence in which names may stand as the file has them.
    Quoted(String),
}

/// The columns of a name among other words.
pub(super) const NAME: usize = 40;

impl Paragraph {
    /// A sentence.
    pub(super) fn said(sentence: impl Into<String>) -> Self {
        Self::default().and(sentence)
    }

    /// A name by itself, as wide as there is room.
    pub(super) fn name(name: impl Into<String>) -> Self {
        Self { parts: vec![Part::Name(name.into(), usize::MAX)], ..Self::default() }
    }

    /// With more words. They bring the space before them.
    pub(super) fn and(mut self, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        match self.parts.last_mut() {
            Some(Part::Said(last)) => last.push_str(&sentence),
            _ => self.parts.push(Part::Said(sentence)),
        }
        self
    }

    /// With a sentence in which names may stand as the file has them.
    pub(super) fn and_quoted(mut self, sentence: impl Into<String>) -> Self {
        self.parts.push(Part::Quoted(sentence.into()));
        self
    }

    /// With a name among the words.
    pub(super) fn and_name(self, name: impl Into<String>) -> Self {
        self.and_name_of(name, NAME)
    }

    /// With a name of at most so many columns.
    pub(super) fn and_name_of(mut self, name: impl Into<String>, columns: usize) -> Self {
        self.parts.push(Part::Name(name.into(), columns));
        self
    }

    /// With these behind it, a comma between each two.
    pub(super) fn and_listed(mut self, items: impl IntoIterator<Item = Paragraph>) -> Self {
        for (index, item) in items.into_iter().enumerate() {
            self = if index > 0 { self.and(", ") } else { self };
            self = self.and_all(item);
        }
        self
    }

    /// With the parts of another.
    pub(super) fn and_all(mut self, other: Paragraph) -> Self {
        for part in other.parts {
            self = match part {
                Part::Said(sentence) => self.and(sentence),
                Part::Name(name, columns) => self.and_name_of(name, columns),
                Part::Quoted(sentence) => self.and_quoted(sentence),
            };
        }
        self
    }

    pub(super) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    pub(super) fn marked(self, mark: Mark) -> Self {
        Self { mark, ..self }
    }

    pub(super) fn at_most(self, lines: usize) -> Self {
        Self { lines: Some(lines), ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Said(sentence) if sentence.is_empty()))
    }
}

impl From<Paragraph> for Block {
    fn from(paragraph: Paragraph) -> Self {
        Self::Paragraph(paragraph)
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl Section {
    /// A part with a title.
    pub(super) fn titled(title: Paragraph) -> Self {
        let title = if title.tone == Tone::Plain { title.tone(Tone::Strong) } else { title };
        Self { title: Some(title), ..Self::default() }
    }

    pub(super) fn of(blocks: Vec<Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    pub(super) fn kind(self, kind: SectionKind) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn with(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }

    pub(super) fn with_all<B: Into<Block>>(mut self, blocks: impl IntoIterator<Item = B>) -> Self {
        self.blocks.extend(blocks.into_iter().map(Into::into));
        self
    }

    /// A label with what is said under it, where that is anything.
    pub(super) fn fact(mut self, label: &'static str, said: Paragraph) -> Self {
        if !said.is_empty() {
            self.blocks.push(Block::Fact(label, said));
        }
        self
    }
}

/// A table: columns of one type each, and rows, of which some may be parts of the one above them.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Whether the columns have headings.
    pub(super) headed: bool,
    /// What the table is about, where a page folds it up.
    pub(super) folded: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// In smaudit's own words.
    pub(super) heading: String,
    pub(super) kind: ColumnKind,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// Numbers: sizes, shares, counts.
    Figure,
    /// Words of smaudit's own, which are short.
    Word,
    /// Names from a model: what gives way on a narrow page.
    Name,
    /// Bars for shares.
    Bar,
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// How many rows above it are what this is a part of.
    pub(super) depth: usize,
    pub(super) tone: Tone,
    /// What is said below it.
    pub(super) notes: Vec<Block>,
}

/// What stands in a column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Blank,
    /// Exact bytes.
    Bytes(u64),
    /// Bytes as people say them.
    Size(u64),
    /// A part of a whole.
    Share(u64, u64),
    /// How many; nothing where there is nothing to count.
    Count(u64),
    /// In smaudit's own words.
    Word(String, Tone),
    /// A short name from the model, in a column of words.
    Label(String),
    Name(Name),
    Bar(u64, u64),
}

impl Cell {
    /// The figure in a cell, as every format says it; nothing where there is none to be said, and `None` for words and names.
    pub(super) fn figure(&self) -> Option<String> {
        match *self {
            Self::Blank | Self::Bar(..) | Self::Count(0) => Some(String::new()),
            Self::Bytes(bytes) => Some(exact(bytes)),
            Self::Size(bytes) => Some(human(bytes)),
            Self::Share(part, whole) => Some(share(part, whole)),
            Self::Count(count) => Some(exact(count)),
            Self::Word(..) | Self::Label(_) | Self::Name(_) => None,
        }
    }
}

/// A name from a model, in a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    /// What tells it from others of the same name.
    pub(super) also: Option<String>,
    /// Whether that is a type with its sizes, of which a part would say something else: where there is no room for it, it is left out.
    pub(super) is_also_whole: bool,
    /// How many are meant and what became of them, in full and shorter: figures, which are never cut.
    pub(super) counts: Option<[String; 2]>,
    /// Whether it stands for what the rows do not apply to, as `[variables]` does in a table of ops.
    pub(super) is_bookkeeping: bool,
    /// A problem of what it names.
    pub(super) is_marked: bool,
}

impl Name {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Column {
    pub(super) fn figure(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), kind: ColumnKind::Figure }
    }

    pub(super) fn word(heading: &'static str) -> Self {
        Self { heading: heading.to_owned(), kind: ColumnKind::Word }
    }

    pub(super) fn name(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), kind: ColumnKind::Name }
    }

    pub(super) fn bar() -> Self {
        Self { heading: String::new(), kind: ColumnKind::Bar }
    }
}

impl Row {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        Self { cells, depth: 0, tone: Tone::Plain, notes: Vec::new() }
    }

    pub(super) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    pub(super) fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }
}

impl Table {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new(), headed: true, folded: None }
    }

    /// Columns without headings, as what stands in them says what it is.
    pub(super) fn bare(columns: Vec<Column>) -> Self {
        Self { headed: false, ..Self::new(columns) }
    }

    /// About `what`, where a page folds it up.
    pub(super) fn folded(self, what: impl Into<String>) -> Self {
        Self { folded: Some(what.into()), ..self }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row::new(cells));
    }
}

/// What tells how to see all rows of a table that was cut.
pub(super) const SHOWS_ALL: &str = "-n 0 shows all";

/// `… 3 more (-n 0 shows all)`, where the bytes stand in a column of their own or are not known.
pub(super) fn more(rest: Rest) -> String {
    format!("… {} more ({SHOWS_ALL})", exact(rest.rows))
}

/// `… 3 more, 600 bytes (-n 0 shows all)`.
pub(super) fn more_bytes(rest: Rest) -> String {
    format!("… {} more, {} ({SHOWS_ALL})", exact(rest.rows), bytes(rest.bytes))
}
