//! What people read of a report, as documents: which page answers the question, and what stands on it.
//!
//! By default that is the answer ([`brief`], [`fleet`]), which fits on a screen: what the model is and weighs, what is
//! wrong with it, where its bytes are, and last what can be avoided and which rules are broken. `--by` asks for one table
//! ([`breakdown`]), `--findings` for all that is known of causes ([`avoidable`]), `--full` for everything ([`full`]).

mod avoidable;
mod breakdown;
mod brief;
mod fleet;
mod full;
mod headline;
mod largest;
mod lists;
mod metagraphs;
mod problems;
mod repeats;
mod rules;

use super::document::{Document, Paragraph, Section};
use super::view::Page;
use super::{ModelReport, Report, View};

/// Whom a document is for, as far as that changes what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// A screen: what is not on it is asked for.
    Terminal,
    /// A page, on which details are folded up below the answer.
    Page,
}

/// How much of each kind stands on a page that must fit on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amounts {
    /// Rows of tables of the largest.
    pub(super) largest: usize,
    /// Causes with a line of their own.
    pub(super) causes: usize,
    /// How many of them say what is so; and how many what to do.
    pub(super) sentences: usize,
    pub(super) remedies: usize,
    /// Whether these say it as code, where there is any.
    pub(super) is_code: bool,
    /// Whether the first one says when not to.
    pub(super) unless: bool,
    /// The most lines of a sentence.
    pub(super) lines: usize,
    /// Pairs of metagraphs, problems, broken rules.
    pub(super) pairs: usize,
    pub(super) problems: usize,
    pub(super) rules: usize,
    /// Rows of a table of models.
    pub(super) models: usize,
    /// Whether blank lines are between sections.
    pub(super) is_open: bool,
}

impl Amounts {
    const MOST: Self = Self {
        largest: 5,
        causes: 3,
        sentences: 3,
        remedies: 3,
        is_code: true,
        unless: true,
        lines: 4,
        pairs: 3,
        problems: 3,
        rules: 3,
        models: 10,
        is_open: true,
    };

    /// What stands on a page that is as long as it needs to be.
    pub(super) fn for_a_page() -> Self {
        const ROWS: usize = 20;
        Self {
            largest: 8,
            causes: ROWS,
            sentences: ROWS,
            remedies: ROWS,
            pairs: ROWS,
            problems: ROWS,
            models: usize::MAX,
            rules: usize::MAX,
            ..Self::MOST
        }
    }

    /// Amounts, each less than the one before it: what is missed least goes first.
    pub(super) fn from_most_to_least() -> Vec<Self> {
        let steps: [fn(&mut Self); 24] = [
            |a| a.unless = false,
            |a| a.largest = 4,
            |a| a.remedies = 2,
            |a| a.largest = 3,
            |a| a.lines = 3,
            |a| a.remedies = 1,
            |a| a.sentences = 2,
            |a| a.pairs = 2,
            |a| a.largest = 2,
            |a| a.is_open = false,
            |a| a.models = 8,
            |a| a.models = 6,
            |a| a.is_code = false,
            |a| a.lines = 2,
            |a| a.sentences = 1,
            |a| a.problems = 2,
            |a| a.causes = 2,
            |a| (a.pairs, a.models) = (1, 5),
            |a| a.problems = 1,
            |a| a.largest = 0,
            |a| a.models = 3,
            |a| (a.causes, a.sentences, a.lines) = (1, 0, 1),
            |a| a.rules = 2,
            |a| a.rules = 1,
        ];
        let mut all = vec![Self::MOST];
        let mut amounts = Self::MOST;
        for step in steps {
            step(&mut amounts);
            all.push(amounts);
        }
        all
    }
}

/// Whether what is asked for is to be on one screen.
pub(super) fn must_fit(view: &View) -> bool {
    view.page == Page::Brief && view.top.is_none()
}

/// What a person reads of `report`.
pub(super) fn document(report: &Report, view: &View, amounts: Amounts, medium: Medium) -> Document {
    let mut sections = problems::unreadable(report, amounts, view);
    match report.models.as_slice() {
        [] => {}
        [model] => sections.extend(match view.page {
            Page::Brief => brief::model(model, view, amounts, medium),
            Page::Table => breakdown::page(model, view),
            Page::Findings => avoidable::page(model, view),
            Page::Full => full::model(model, view),
        }),
        models => {
            sections.extend(match view.page {
                Page::Brief => fleet::brief(report, view, amounts),
                Page::Table => fleet::breakdown(report, view),
                Page::Findings => fleet::findings(report, view),
                Page::Full => models.iter().flat_map(|model| full::model(model, view)).collect(),
            });
            if view.page == Page::Full {
                sections.extend(fleet::brief(report, view, amounts));
            }
        }
    }
    sections.extend(rules::sections(&report.gate, view, amounts));
    if let [model] = report.models.as_slice()
        && view.page == Page::Brief
    {
        match medium {
            Medium::Terminal => sections.extend(brief::leads_on(model)),
            Medium::Page => sections.extend(full::details(model, view)),
        }
    }
    if !amounts.is_open && must_fit(view) {
        sections.iter_mut().for_each(|section| section.close = true);
    }
    Document { sections: sections.into_iter().filter(|section| !is_empty(section)).collect() }
}

fn is_empty(section: &Section) -> bool {
    section.title.is_none() && section.blocks.is_empty()
}

/// What a page of its own says of a model, around what it draws.
pub(super) struct ModelPage {
    /// What it is and weighs, and what is wrong with it.
    pub(super) head: Vec<Section>,
    /// What can be avoided, in a line.
    pub(super) answer: Paragraph,
    /// Where the bytes are, for who cannot see what is drawn.
    pub(super) tables: Vec<Section>,
    /// All else that is known, folded up.
    pub(super) details: Vec<Section>,
}

/// What a page of its own says of a model.
pub(super) fn model_page(model: &ModelReport, view: &View) -> ModelPage {
    let amounts = Amounts::for_a_page();
    let problems = problems::section(model, &View { top: Some(0), ..*view }, amounts);
    let (tables, largest) = (brief::tables(model, amounts), amounts.largest);
    ModelPage {
        head: [headline::section(model, usize::MAX)].into_iter().chain(problems).collect(),
        answer: avoidable::answer_line(model),
        tables: tables.into_iter().chain(largest::section(model, largest, Medium::Page)).collect(),
        details: full::details(model, view),
    }
}

/// What a page of several models says of them together.
pub(super) fn fleet_page(report: &Report, view: &View) -> Vec<Section> {
    let amounts = Amounts::for_a_page();
    let brief = fleet::sections(report, view, amounts).filter(|section| !is_empty(section));
    unreadable(report, view).into_iter().chain(brief).chain(rules(report, view)).collect()
}

/// The numbers of a report's models in the order that was asked for.
pub(super) fn order_of_models(report: &Report, view: &View) -> Vec<usize> {
    fleet::order(report, view)
}

/// What there is no report of.
pub(super) fn unreadable(report: &Report, view: &View) -> Vec<Section> {
    problems::unreadable(report, Amounts::for_a_page(), view)
}

/// The rules, and whether they hold.
pub(super) fn rules(report: &Report, view: &View) -> Vec<Section> {
    rules::sections(&report.gate, view, Amounts::for_a_page())
}
