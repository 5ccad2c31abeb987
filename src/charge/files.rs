//! The files of a model: each goes to the part that knows what is in it, or is charged as a whole.

use bytes::Bytes;

use super::{charge_saved_model, side_files};
use crate::checkpoint::{Checkpoint, Extent, Format, Role, VariableNames};
use crate::chunked;
use crate::input::{File, MODEL_FILES, Model};
use crate::ledger::{Category, Dimension, Imbalance, Label, Labels, Ledger};
use crate::message::number::saved_model::META_GRAPHS;
use crate::outline::{MAX_META_GRAPHS, SavedModel};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::text;
use crate::wire::{Field, Layout, fields};

/// How a main file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `saved_model.pb`: wire format.
    Binary,
    /// `saved_model.pbtxt`: text format.
    Text,
    /// `saved_model.cpb`: wire format in chunks.
    Chunked,
}

impl Form {
    /// By a file's name among [`MODEL_FILES`].
    fn of(name: &str) -> Self {
        match name {
            "saved_model.pbtxt" => Self::Text,
            "saved_model.cpb" => Self::Chunked,
            _ => Self::Binary,
        }
    }
}

/// The file that makes a directory a SavedModel.
#[derive(Debug)]
pub struct MainFile<'m> {
    /// The file. Its own name may be another where links are involved.
    pub file: &'m File,
    /// How it is written.
    pub form: Form,
    /// The SavedModel in wire format: the file's contents, or what they mean; `None` where they cannot be read.
    pub bytes: Option<Bytes>,
    /// Which part of the file each field of `bytes` is.
    pub layout: Layout,
    /// Why they cannot be read, or what of them.
    problems: Vec<Problem>,
}

impl<'m> MainFile<'m> {
    /// Opens the main file of a model: the first that a loader would look for
    /// (`tensorflow/python/saved_model/loader_impl.py`).
    #[must_use]
    pub fn open(model: &'m Model) -> Option<Self> {
        let (name, file) = MODEL_FILES.iter().find_map(|name| Some((*name, model.file(name)?)))?;
        let form = Form::of(name);
        Some(match file.contents_ahead() {
            Ok(bytes) => Self::read(file, form, bytes),
            // The listing may have said so already; `audit` keeps each problem once.
            Err(error) => Self { file, form, bytes: None, layout: Layout::Wire, problems: vec![error.into()] },
        })
    }

    fn read(file: &'m File, form: Form, contents: Bytes) -> Self {
        let (bytes, layout, problems) = match form {
            Form::Binary => (Some(contents), Layout::Wire, Vec::new()),
            Form::Text => {
                let text = text::read(&contents);
                let problems = problems_of_text(file, &text);
                (Some(text.wire), text.layout, problems)
            }
            Form::Chunked => {
                let chunked = chunked::read(&file.name, &contents, &chunked::limits());
                (chunked.wire, chunked.layout, chunked.problems)
            }
        };
        Self { file, form, bytes, layout, problems }
    }

    /// Its MetaGraphDefs, those that are told apart and as far as they lie within the file.
    #[must_use]
    pub fn meta_graphs(&self) -> Vec<Field> {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        fields(bytes, 0..bytes.len()).filter(|field| field.is_len(META_GRAPHS)).take(MAX_META_GRAPHS).collect()
    }
}

fn problems_of_text(file: &File, text: &text::Text) -> Vec<Problem> {
    let problem = |fault: &text::Fault| Problem::at(&file.name, fault.offset as u64, fault);
    let mut problems: Vec<Problem> = text.faults.iter().map(problem).collect();
    if text.more_faults > 0 {
        let message = format!("{} more places that are not what they should be", text.more_faults);
        problems.push(Problem::of_file(&file.name, message));
    }
    problems
}

/// Charges every file of `model` and returns what its main file holds. `checkpoint` is what is under `variables/`;
/// `progress` is given the bytes that were read.
///
/// # Errors
/// Books that do not balance.
pub fn charge_model(
    model: &Model,
    main_file: Option<&MainFile<'_>>,
    checkpoint: Option<&Checkpoint>,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<SavedModel, Imbalance> {
    let mut saved_model = SavedModel::default();
    let mut problems = Vec::new();
    let needs_names = ledger.wants(Dimension::Variable) || ledger.wants(Dimension::Scope);
    let names = checkpoint.filter(|_| needs_names).map(Checkpoint::variable_names).unwrap_or_default();
    for file in &model.files {
        let part = checkpoint.and_then(|checkpoint| Some((checkpoint, checkpoint.file(&file.name)?)));
        if let Some(main) = main_file.filter(|main| main.file.name == file.name) {
            saved_model = charge_main_file(main, ledger, progress)?;
        } else if let Some((checkpoint, part)) = part {
            charge_checkpoint_file(file, (checkpoint, &names), part, ledger)?;
        } else if let Some(kind) = side_files::SideFile::of(&file.name).filter(|_| !model.is_listed_only()) {
            match file.contents() {
                Ok(bytes) => problems.extend(side_files::charge(file, &bytes, kind, ledger, progress)?),
                Err(error) => {
                    charge_whole(file, ledger)?;
                    problems.push(error.into());
                }
            }
        } else {
            charge_whole(file, ledger)?;
        }
    }
    saved_model.problems.append(&mut problems);
    Ok(saved_model)
}

fn charge_main_file(
    main: &MainFile<'_>,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<SavedModel, Imbalance> {
    let mut saved_model = match &main.bytes {
        Some(bytes) => charge_saved_model((&main.file.name, main.file.bytes), bytes, &main.layout, ledger, progress)?,
        None => {
            charge_as(main.file, "(not read)", Category::Framing, ledger)?;
            SavedModel::default()
        }
    };
    saved_model.problems.extend_from_slice(&main.problems);
    Ok(saved_model)
}

/// Charges a file under `variables/`: the tensors of a shard or table each to their variable, other files as what they are.
fn charge_checkpoint_file(
    file: &File,
    (checkpoint, names): (&Checkpoint, &VariableNames<'_>),
    part: &crate::checkpoint::File,
    ledger: &mut Ledger,
) -> Result<(), Imbalance> {
    match part.role {
        Role::Index => charge_as(file, "[index]", Category::Variables, ledger),
        Role::Stale => charge_as(file, "[stale]", Category::Variables, ledger),
        Role::Other => charge_as(file, "[other]", Category::Variables, ledger),
        Role::Shard(_) | Role::V1(_) => {
            let mut account = ledger.open(&file.name, file.bytes);
            for extent in &part.extents {
                let labels = extent_labels(checkpoint, names, extent, account.ledger());
                account.charge(extent.range.clone(), labels, u64::from(extent.tensor.is_some()));
            }
            account.close()
        }
    }
}

fn extent_labels(checkpoint: &Checkpoint, names: &VariableNames<'_>, extent: &Extent, ledger: &mut Ledger) -> Labels {
    let labels = Labels::new(Category::Variables);
    let tensor = extent.tensor.and_then(|index| Some((index, checkpoint.bundle.tensors.get(index)?)));
    let Some((index, tensor)) = tensor else {
        let name = match (checkpoint.index_is_whole, checkpoint.format) {
            (false, _) => "[not read]",
            (true, Format::Bundle) => "[unused data]",
            (true, Format::V1) => "[table]",
        };
        return with_name(labels, name, ledger);
    };
    let variable = match ledger.wants(Dimension::Variable) {
        true => ledger.label(names.distinct(index, &tensor.key).as_bytes()),
        false => Label::NONE,
    };
    let key = label(ledger, Dimension::Key, &tensor.key);
    let dtype = label(ledger, Dimension::Dtype, &tensor.dtype_name());
    let field = label(ledger, Dimension::Field, "variables.tensor");
    let labels = labels.with(Dimension::Variable, variable).with(Dimension::Key, key).with(Dimension::Dtype, dtype);
    labels.with(Dimension::Field, field).with(Dimension::Scope, ledger.scope(names.own(index).as_bytes()))
}

/// The category of a file's bytes by its name, the main file's aside.
pub(crate) fn category_of(name: &str) -> Category {
    match name.split_once('/') {
        Some(("variables", _)) => Category::Variables,
        Some(("assets" | "assets.extra", _)) => Category::Assets,
        _ => Category::Files,
    }
}

/// Charges a file that nothing here looks into.
fn charge_whole(file: &File, ledger: &mut Ledger) -> Result<(), Imbalance> {
    let mut account = ledger.open(&file.name, file.bytes);
    account.charge_up_to(file.bytes, Labels::new(category_of(&file.name)), 1);
    account.close()
}

/// Charges a whole file under a name of ours, in brackets so that no name of a model's is mistaken for it.
fn charge_as(file: &File, name: &str, category: Category, ledger: &mut Ledger) -> Result<(), Imbalance> {
    let mut account = ledger.open(&file.name, file.bytes);
    let labels = with_name(Labels::new(category), name, account.ledger());
    account.charge_up_to(file.bytes, labels, 1);
    account.close()
}

/// `labels` with a name of ours where a variable's would be, and a field's.
fn with_name(labels: Labels, name: &str, ledger: &mut Ledger) -> Labels {
    let field = label(ledger, Dimension::Field, &format!("{}.{name}", labels.category()));
    let of_variables = |ledger: &mut Ledger, dimension| match labels.category() {
        Category::Variables if ledger.wants(dimension) => ledger.part_label(name),
        _ => Label::NONE,
    };
    let [variable, key] = [Dimension::Variable, Dimension::Key].map(|dimension| of_variables(ledger, dimension));
    labels.with(Dimension::Field, field).with(Dimension::Variable, variable).with(Dimension::Key, key)
}

fn label(ledger: &mut Ledger, dimension: Dimension, name: &str) -> Label {
    if ledger.wants(dimension) { ledger.label(name.as_bytes()) } else { Label::NONE }
}
