//! The pipeline over one model: files → spans → charges → answers → report.

mod answers;

use bytes::Bytes;
use thiserror::Error;

use crate::charge::{self, MainFile};
use crate::checkpoint::Checkpoint;
use crate::duplicates::{self, Duplicates, Inputs, Marks};
use crate::input::Model;
use crate::ledger::{Dimension, Imbalance, Ledger};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::report::ModelReport;

/// What is asked of an audit.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the breakdown is by, outermost first.
    pub by: Vec<Dimension>,
    /// The rows a level of the breakdown, 0 for all; `None` leaves it complete.
    pub top: Option<usize>,
    /// The smallest payload that is compared for duplicates, in bytes.
    pub min_duplicate: u64,
    /// Whether every tensor is read and its CRC32C checked.
    pub verify: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { by: vec![Dimension::Category], top: None, min_duplicate: 1024, verify: false }
    }
}

/// Why there is no report of a model.
#[derive(Debug, Error)]
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

/// Audits a model: charges every byte of its files and says what they are.
///
/// Damage does not end an audit: it is in the report's `problems`, and its bytes are charged all the same.
///
/// # Errors
/// [`AuditError::Imbalance`] where a byte was not charged exactly once.
pub fn audit(model: &Model, options: &Options, progress: &dyn Progress) -> Result<ModelReport, AuditError> {
    let dimensions: Vec<Dimension> = FIXED.iter().chain(&options.by).copied().collect();
    let mut ledger = Ledger::new(&dimensions);
    let checkpoint = read_checkpoint(model);
    let verified = checkpoint.as_ref().filter(|_| options.verify);
    let bytes: u64 = model.files.iter().map(|file| file.bytes).sum();
    progress.start(&model.path, bytes.saturating_add(verified.map_or(0, Checkpoint::bytes_to_verify)));
    let main_file = MainFile::open(model);
    let (duplicates, marks) = find_duplicates(model, main_file.as_ref(), checkpoint.as_ref(), options);
    marks.into_files().for_each(|(file, marks)| ledger.mark(file, marks));
    let saved_model = charge::charge_model(model, main_file.as_ref(), checkpoint.as_ref(), &mut ledger, progress)?;
    let verified = verified.map(|checkpoint| checkpoint.verify(|name| open(model, name), progress));
    progress.finish();
    let mut report = answers::report(model, &ledger, &saved_model, checkpoint.as_ref(), duplicates, options);
    if let Some((verified, problems)) = verified {
        report.checkpoint.iter_mut().for_each(|checkpoint| checkpoint.verified = Some(verified));
        report.problems.extend(problems);
    }
    report.problems.extend(model.changes());
    report.problems.sort();
    report.problems.dedup();
    Ok(report)
}

/// Reads the checkpoint among the files under `variables/`.
fn read_checkpoint(model: &Model) -> Option<Checkpoint> {
    let files = model.files.iter().filter(|file| file.name.starts_with("variables/"));
    let files: Vec<(String, u64)> = files.map(|file| (file.name.clone(), file.bytes)).collect();
    Checkpoint::read(&files, |name| open(model, name))
}

/// The contents of one of the model's files.
fn open(model: &Model, name: &str) -> Result<Bytes, Problem> {
    let file = model.file(name).ok_or_else(|| Problem::of_file(name, "not in the listing"))?;
    file.contents().map_err(Problem::from)
}

fn find_duplicates(
    model: &Model,
    main_file: Option<&MainFile<'_>>,
    checkpoint: Option<&Checkpoint>,
    options: &Options,
) -> (Duplicates, Marks) {
    let meta_graphs = main_file.map(MainFile::meta_graphs).unwrap_or_default();
    let main_file = main_file.and_then(|main| Some((&*main.file.name, main.bytes.as_ref()?, &*meta_graphs)));
    let is_asset = |name: &str| name.starts_with("assets/") || name.starts_with("assets.extra/");
    let assets = model.files.iter().filter(|file| is_asset(&file.name)).map(|file| (&*file.name, file.bytes));
    duplicates::find(&Inputs {
        main_file,
        checkpoint,
        assets: &assets.collect::<Vec<_>>(),
        total_bytes: model.files.iter().map(|file| file.bytes).sum(),
        min_duplicate: options.min_duplicate,
        open: &|name| match main_file {
            Some((main, bytes, _)) if main == name => Some(bytes.clone()),
            _ => model.file(name)?.contents().ok(),
        },
    })
}
