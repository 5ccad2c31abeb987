//! The pipeline over one model: files → spans → charges → answers → report.

mod answers;
mod neighbours;
mod treemap;
mod whole;
mod why;

pub use neighbours::neighbours;
pub use why::why;

use bytes::Bytes;
use thiserror::Error;

use crate::charge::{self, MainFile};
use crate::checkpoint::layout::INDEX;
use crate::checkpoint::{Checked, Checkpoint, Verified};
use crate::duplicates::{self, Duplicates, Marks};
use crate::findings::{self, Facts, Findings};
use crate::fingerprint::{self, Fingerprint};
use crate::graph::{self, Reach};
use crate::identity::FileId;
use crate::input::layout::{BINARY, VARIABLES};
use crate::input::{Model, Source};
use crate::ledger::{Category, Dimension, Imbalance, Ledger, Only};
use crate::outline::{MetaGraph, SavedModel};
use crate::problem::{Problem, ProblemKind};
use crate::progress::{Progress, Silent, Step, Work};
use crate::queue;
use crate::report::ModelReport;
use crate::verify;
use crate::wire::{Field, Layout};

/// What is asked of an audit.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the breakdown is by, outermost first.
    pub by: Vec<Dimension>,
    /// What of the model the breakdown is restricted to; all of these must hold.
    pub only: Vec<Only>,
    /// The rows a level of the breakdown, 0 for all; `None` leaves it complete.
    pub top: Option<usize>,
    /// The smallest payload that is compared for duplicates, in bytes.
    pub min_duplicate: u64,
    /// Whether every tensor is read and its CRC32C checked, and all of the main file held against its schema.
    pub verify: bool,
    /// How large, in bytes of a page, what a treemap is drawn from may be; `None` where none is wanted.
    pub treemap: Option<usize>,
    /// Whether the report has digests by which it can be told from another one what changed but for names; see
    /// [`crate::report::MetaGraphReport::structures`].
    pub digests: bool,
    /// Whether it has digests of files as well, which are read for that.
    pub file_digests: bool,
    /// Whether the nodes of graphs are listed where there are digests, so that a diff says which came, went or changed. They are in
    /// no report that is written.
    pub nodes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            by: vec![Dimension::Category],
            only: Vec::new(),
            top: None,
            min_duplicate: 1024,
            verify: false,
            treemap: None,
            digests: false,
            file_digests: false,
            nodes: false,
        }
    }
}

impl Options {
    /// A ledger that can answer what is asked.
    fn ledger(&self) -> Ledger {
        let asked = self.by.iter().copied().chain(self.only.iter().map(|only| only.dimension));
        let mapped = self.treemap.iter().flat_map(|_| treemap::dimensions());
        let mut ledger = Ledger::new(&FIXED.into_iter().chain(asked).chain(mapped).collect::<Vec<_>>());
        if self.only.iter().any(|only| only.dimension == Dimension::Scope) {
            ledger.keep_whole_scopes();
        }
        ledger
    }
}

/// Why there is no report of a model.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A mistake in smaudit.
    #[error("{0}; please report this, with the model if you can")]
    Imbalance(#[from] Imbalance),
}

/// The dimensions that the fixed parts of a report are rolled up by.
const FIXED: [Dimension; 6] = [
    Dimension::Category,
    Dimension::MetaGraph,
    Dimension::Section,
    Dimension::Op,
    Dimension::Function,
    Dimension::File,
];

/// For a main file of fewer bytes nothing takes long enough for a thread of its own to be worth it.
const WORTH_A_THREAD: usize = 1 << 20;

/// Audits a model: charges every byte of its files and says what they are.
///
/// Damage does not end an audit: it is in the report's `problems`, and its bytes are charged all the same.
///
/// # Errors
/// [`AuditError::Imbalance`] where a byte was not charged exactly once.
pub fn audit(model: &Model, options: &Options, progress: &dyn Progress) -> Result<ModelReport, AuditError> {
    examine(model, options, progress, |_, _| ()).map(|(report, ())| report)
}

/// As [`audit`], of a model of whose data some was checked by who asks.
///
/// # Errors
/// Those of [`audit`].
pub(crate) fn audit_rest(
    model: &Model,
    options: &Options,
    checked: &Checked,
    progress: &dyn Progress,
) -> Result<ModelReport, AuditError> {
    let parts = Parts { checked: Some(checked), ..Parts::open(model, options, progress) };
    examine_parts(&parts, |_, _| ()).map(|(report, ())| report)
}

/// Audits a model, and asks what was found out about it something more.
///
/// # Errors
/// [`AuditError::Imbalance`] where a byte was not charged exactly once.
pub(crate) fn examine<T>(
    model: &Model,
    options: &Options,
    progress: &dyn Progress,
    ask: impl FnOnce(&findings::Context<'_>, &Findings) -> T,
) -> Result<(ModelReport, T), AuditError> {
    examine_parts(&Parts::open(model, options, progress), ask)
}

fn examine_parts<T>(
    parts: &Parts<'_>,
    ask: impl FnOnce(&findings::Context<'_>, &Findings) -> T,
) -> Result<(ModelReport, T), AuditError> {
    let (model, options) = (parts.model, parts.options);
    let mut ledger = options.ledger();
    parts.work.start(parts.bytes_to_read());
    let (answers, findings, sums) = if options.treemap.is_some() {
        parts.answers_with_treemap(&mut ledger)?
    } else {
        let answers = parts.answer(&mut ledger)?;
        let (findings, sums) = parts.findings_and_sums(&answers, &ledger);
        (answers, findings, sums)
    };
    let asked = ask(&parts.context(&answers), &findings);
    let verified = parts.verify();
    let mut problems = parts.problems(&answers.saved_model);
    problems.extend(parts.too_many_pairs(&answers.duplicates));
    whole::check(parts, &answers.saved_model, &answers.reach, &ledger, &mut problems);
    let mut report = answers::report(parts, ledger.total(), sums, answers, findings, problems);
    if let Some((verified, problems)) = verified {
        report.checkpoint.iter_mut().for_each(|checkpoint| checkpoint.verified = Some(verified));
        report.problems.extend(problems);
    }
    let has_meta_graph = !report.meta_graphs.is_empty() || report.main_file.is_none();
    if options.verify
        && let Some(fingerprint) = &mut report.fingerprint
    {
        report.problems.extend(parts.verify_fingerprint(fingerprint));
    }
    if options.verify && has_meta_graph {
        report.problems.extend(parts.verify_main_file());
    }
    report.problems.extend(model.changes());
    report.remote = model.reads().map(Into::into);
    model.forget();
    report.problems.sort();
    report.problems.dedup();
    report.whole = has_meta_graph && report.problems.iter().all(|problem| problem.kind != ProblemKind::NotWhole);
    Ok((report, asked))
}

/// How many bytes an audit of `model` reads, as far as its listing says; the audit itself tells better when it starts.
#[must_use]
pub fn bytes_to_read(model: &Model, options: &Options) -> u64 {
    let is_read = |category| category == Category::Files || options.verify && category == Category::Variables;
    let files = model.files.iter().filter(|file| is_read(charge::category_of(&file.name)));
    files.map(|file| file.bytes).fold(0, u64::saturating_add)
}

/// What is found out about a model besides the sums in its ledger.
struct Answers<'p> {
    duplicates: Duplicates,
    saved_model: SavedModel,
    reach: Reach<'p>,
}

/// A model with its parts opened, and what is asked of it.
struct Parts<'m> {
    model: &'m Model,
    options: &'m Options,
    work: Work<'m>,
    main_file: Option<MainFile<'m>>,
    checkpoint: Option<Checkpoint>,
    /// What of the checkpoint's data was checked by who asks.
    checked: Option<&'m Checked>,
}

impl<'m> Parts<'m> {
    fn open(model: &'m Model, options: &'m Options, progress: &'m dyn Progress) -> Self {
        let messages = Options { verify: false, ..Options::default() };
        let work = Work::new(progress, &model.path, bytes_to_read(model, &messages));
        let _reading = work.begin(Step::Reading, 0);
        if model.is_listed_only() {
            return Self { model, options, work, main_file: None, checkpoint: None, checked: None };
        }
        model.expect_messages();
        let (main_file, checkpoint) = (MainFile::open(model), read_checkpoint(model));
        Self { model, options, work, main_file, checkpoint, checked: None }
    }

    /// The SavedModel of the main file in wire format; nothing where it cannot be read.
    fn main_bytes(&self) -> &[u8] {
        self.main_file.as_ref().and_then(|main| main.bytes.as_deref()).unwrap_or_default()
    }

    /// Which part of the main file each field of these bytes is.
    fn layout(&self) -> &Layout {
        self.main_file.as_ref().map_or(&Layout::Wire, |main| &main.layout)
    }

    /// What is wrong with the files, the main file and the checkpoint.
    fn problems(&self, saved_model: &SavedModel) -> Vec<Problem> {
        let checkpoint = self.checkpoint.iter().flat_map(|checkpoint| &checkpoint.problems);
        self.model.problems.iter().chain(&saved_model.problems).chain(checkpoint).cloned().collect()
    }

    /// Where not all pairs of metagraphs are listed that repeat something.
    fn too_many_pairs(&self, found: &Duplicates) -> Option<Problem> {
        let main = self.main_file.as_ref().filter(|_| found.more_pairs > 0)?;
        let message = format!(
            "expected at most {} pairs of metagraphs that repeat something, found {} more, which are counted and not listed",
            duplicates::MAX_PAIRS,
            found.more_pairs
        );
        Some(Problem::of_file(&main.file.name, message).of_kind(ProblemKind::Limit))
    }

    fn bytes_to_read(&self) -> u64 {
        let verified = self.checkpoint.as_ref().filter(|_| self.options.verify);
        self.work.shared_bytes().saturating_add(verified.map_or(0, Checkpoint::bytes_to_verify))
    }

    /// Finds duplicates, charges every file and follows the signatures: side by side, as all of it only reads, unless
    /// the ledger is to divide its charges by what is redundant.
    fn answer(&self, ledger: &mut Ledger) -> Result<Answers<'_>, Imbalance> {
        let charge_and_follow = |ledger: &mut Ledger| {
            let saved_model = self.charge(ledger)?;
            Ok((self.reach_of_signatures(&saved_model), saved_model))
        };
        let (duplicates, followed) = if ledger.wants(Dimension::Duplicate) {
            let (duplicates, marks) = self.duplicates(true);
            marks.into_files().for_each(|(file, marks)| ledger.mark(file, marks));
            (duplicates, charge_and_follow(ledger))
        } else {
            queue::both(|| self.duplicates(false).0, || charge_and_follow(ledger))
        };
        followed.map(|(reach, saved_model)| Answers { duplicates, saved_model, reach })
    }

    /// The causes of size that are known, as far as they are there.
    fn findings(&self, answers: &Answers<'_>) -> Findings {
        findings::find(&self.context(answers), &self.work)
    }

    /// What is known of the model.
    fn context<'a>(&'a self, answers: &'a Answers<'_>) -> findings::Context<'a> {
        let Answers { duplicates, saved_model, reach } = answers;
        let (main_file, checkpoint) = (self.main_file.as_ref(), self.checkpoint.as_ref());
        let facts = Facts::new(self.model, main_file, saved_model, checkpoint, duplicates, reach);
        findings::Context::new(facts)
    }

    /// The causes of size, and the sums of the ledger; side by side where that is worth a thread.
    fn findings_and_sums(&self, answers: &Answers<'_>, ledger: &Ledger) -> (Findings, answers::Sums) {
        let findings = || self.findings(answers);
        let sums = || answers::Sums::of(self, &answers.saved_model, ledger);
        if self.main_bytes().len() < WORTH_A_THREAD { (findings(), sums()) } else { queue::both(findings, sums) }
    }

    /// As [`Parts::answer`] and [`Parts::findings_and_sums`], with a treemap. Its ledger divides charges by what findings
    /// claim and signatures reach, which is known only when all was charged once; so all is charged again.
    fn answers_with_treemap(&self, ledger: &mut Ledger) -> Result<(Answers<'_>, Findings, answers::Sums), Imbalance> {
        let (duplicates, marks) = self.duplicates(true);
        let saved_model = self.charge(&mut Ledger::new(&[]))?;
        let reach = self.reach_of_signatures(&saved_model);
        let answers = Answers { duplicates, saved_model, reach };
        let findings = self.findings(&answers);
        let said = treemap::Said::of(self, &answers, &findings, marks);
        let (main_file, checkpoint) = (self.main_file.as_ref(), self.checkpoint.as_ref());
        said.mark(ledger);
        charge::charge_model(self.model, main_file, checkpoint, ledger, &Silent)?;
        let mut sums = answers::Sums::of(self, &answers.saved_model, ledger);
        sums.treemap = self.options.treemap.map(|room| treemap::of(ledger, self.options, said, room));
        Ok((answers, findings, sums))
    }

    fn charge(&self, ledger: &mut Ledger) -> Result<SavedModel, Imbalance> {
        let charging = self.work.begin(Step::Charging, self.work.shared_bytes());
        charge::charge_model(self.model, self.main_file.as_ref(), self.checkpoint.as_ref(), ledger, &charging)
    }

    /// What is stored more than once, and, where marks are wanted, which bytes these are.
    fn duplicates(&self, marks: bool) -> (Duplicates, Marks) {
        let meta_graphs = self.main_file.as_ref().map(MainFile::meta_graphs).unwrap_or_default();
        let main_file = self.main_file.as_ref().and_then(|main| {
            let (name, bytes, layout) = (&*main.file.name, main.bytes.as_ref()?, &main.layout);
            Some(duplicates::MainFile { name, bytes, layout, meta_graphs: &meta_graphs })
        });
        let files = (0..).map(FileId).zip(&self.model.files);
        let assets = files.filter(|(_, file)| charge::category_of(&file.name) == Category::Assets);
        let assets: Vec<(FileId, &str, u64)> = assets.map(|(id, file)| (id, &*file.name, file.bytes)).collect();
        duplicates::find(&duplicates::Inputs {
            main_file,
            checkpoint: self.checkpoint.as_ref(),
            assets: &assets,
            min_duplicate: self.options.min_duplicate,
            marks,
            work: &self.work,
            open: &|name| match main_file {
                Some(main) if main.name == name => Some(main.bytes.clone().into()),
                // What cannot be opened is noted by the model.
                _ => open(self.model, name).ok().inspect(|source| {
                    if self.options.verify && self.checked.is_none_or(Checked::is_empty) {
                        source.expect_all();
                    }
                }),
            },
        })
    }

    /// Holds a main file that has a metagraph against its schema. One that has none is no SavedModel, which has been said.
    fn verify_main_file(&self) -> Vec<Problem> {
        let name = self.main_file.as_ref().map_or("", |main| &main.file.name);
        verify::problems(name, self.main_bytes(), self.layout())
    }

    /// Reads the data of the checkpoint, if that was asked for.
    fn verify(&self) -> Option<(Verified, Vec<Problem>)> {
        let checkpoint = self.checkpoint.as_ref().filter(|_| self.options.verify)?;
        let verifying = self.work.begin_own(Step::Verifying, checkpoint.bytes_to_verify());
        let (nothing, open) = (Checked::default(), |name: &str| open(self.model, name));
        Some(checkpoint.verify(open, self.checked.unwrap_or(&nothing), &verifying))
    }

    /// The index of the checkpoint, as the fingerprint has a hash of it. What cannot be read is noted by the model.
    fn index(&self) -> Option<Bytes> {
        self.model.file(INDEX).and_then(|index| index.contents().ok())
    }

    /// What TensorFlow knows the model by; a problem where the file is a message, but not this one.
    fn fingerprint(&self) -> Option<Result<Fingerprint, Problem>> {
        let bytes = self.model.file(fingerprint::FILE)?.contents().ok()?;
        let expected = |error| Problem::of_file(fingerprint::FILE, format!("expected a FingerprintDef: {error}"));
        Some(Fingerprint::read(&bytes).map_err(expected).map(|mut fingerprint| {
            fingerprint.check_index(self.index().as_ref());
            fingerprint
        }))
    }

    /// Holds the fingerprint against the model; TensorFlow makes none of a model in text.
    fn verify_fingerprint(&self, fingerprint: &mut Fingerprint) -> Vec<Problem> {
        let binary = self.model.file(BINARY).map(|file| &file.name);
        let Some(main) = self.main_file.as_ref().filter(|main| Some(&main.file.name) == binary) else {
            return Vec::new();
        };
        let Some(main_file) = &main.bytes else { return Vec::new() };
        let meta_graph = main.meta_graphs().first().map(Field::payload);
        let index = self.index();
        fingerprint.verify(&fingerprint::Inputs { main_file, meta_graph, index })
    }

    /// What the signatures and the functions of the object graph need, and what is restored into what. Without any of these
    /// there is no need to look.
    fn reach_of_signatures(&self, saved_model: &SavedModel) -> Reach<'_> {
        let has_roots = |graph: &MetaGraph| !graph.signatures.is_empty() || graph.object_nodes > 0;
        let is_restored = self.checkpoint.as_ref().is_some_and(|checkpoint| !checkpoint.bundle.tensors.is_empty());
        if is_restored || saved_model.meta_graphs.iter().any(has_roots) {
            return self.reach(saved_model);
        }
        self.work.skip(Step::FollowingSignatures);
        Reach::default()
    }

    /// What the signatures need, over the metagraphs as they were charged.
    fn reach(&self, saved_model: &SavedModel) -> Reach<'_> {
        let meta_graphs: Vec<_> = saved_model.meta_graphs.iter().map(graph::MetaGraph::from).collect();
        let bytes = meta_graphs.iter().map(|meta_graph| meta_graph.range.len() as u64).sum();
        graph::reach(&graph::Inputs {
            file: self.main_bytes(),
            layout: self.layout(),
            meta_graphs: &meta_graphs,
            checkpoint: self.checkpoint.as_ref(),
            progress: &self.work.begin(Step::FollowingSignatures, bytes),
            asset_bytes: &|name| self.model.file(&format!("assets/{name}")).map_or(0, |file| file.bytes),
        })
    }
}

/// Reads the checkpoint among the files under `variables/`.
fn read_checkpoint(model: &Model) -> Option<Checkpoint> {
    let files = model.files.iter().filter(|file| file.name.starts_with(VARIABLES));
    let files: Vec<(String, u64)> = files.map(|file| (file.name.clone(), file.bytes)).collect();
    Checkpoint::read(&files, |name| open(model, name))
}

/// One of the model's files, to be read by ranges.
fn open(model: &Model, name: &str) -> Result<Source, Problem> {
    let file = model.file(name).ok_or_else(|| Problem::of_file(name, "not in the listing"))?;
    file.open().map_err(Problem::from)
}
