//! The files of a model: each goes to the part that knows what is in it, or is charged as a whole.

use super::{SavedModel, charge_saved_model};
use crate::checkpoint::{Checkpoint, Extent, Role};
use crate::input::{File, MODEL_FILES, Model};
use crate::ledger::{Category, Dimension, Imbalance, Label, Labels, Ledger};
use crate::problem::Problem;
use crate::progress::Progress;

/// The one form of a SavedModel's main file that is read so far.
const BINARY: &str = "saved_model.pb";

/// Charges every file of `model` and returns what its main file holds. `checkpoint` is what is under `variables/`.
///
/// # Errors
/// Books that do not balance.
pub fn charge_model(
    model: &Model,
    checkpoint: Option<&Checkpoint>,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<SavedModel, Imbalance> {
    let main_file = main_file(model);
    let mut saved_model = SavedModel::default();
    for file in &model.files {
        let part = checkpoint.and_then(|checkpoint| Some((checkpoint, checkpoint.file(&file.name)?)));
        if let Some((form, _)) = main_file.filter(|(_, main)| main.name == file.name) {
            saved_model = charge_main_file(file, form, ledger, progress)?;
        } else if let Some((checkpoint, part)) = part {
            charge_checkpoint_file(file, checkpoint, part, ledger)?;
            progress.advance(file.bytes);
        } else {
            charge_whole(file, ledger)?;
            progress.advance(file.bytes);
        }
    }
    Ok(saved_model)
}

/// The main file, and the name that it stands for: the first that a loader would look for
/// (`tensorflow/python/saved_model/loader_impl.py`).
fn main_file(model: &Model) -> Option<(&'static str, &File)> {
    MODEL_FILES.iter().find_map(|name| Some((*name, model.file(name)?)))
}

fn charge_main_file(
    file: &File,
    form: &str,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<SavedModel, Imbalance> {
    let unread = |problem| SavedModel { problems: Vec::from_iter(problem), ..SavedModel::default() };
    let saved_model = if form == BINARY {
        match file.contents() {
            Ok(bytes) => return charge_saved_model(&file.name, &bytes, ledger, progress),
            // The listing may have said so already; `audit` keeps each problem once.
            Err(error) => unread(Some(error.into())),
        }
    } else {
        let message = "this form of a SavedModel is not read yet: its bytes are charged, what they hold is not known";
        unread(Some(Problem::of_file(&file.name, message)))
    };
    charge_as(file, "(not read)", Category::Framing, ledger)?;
    Ok(saved_model)
}

/// Charges a file under `variables/`: the tensors of a shard each to their variable, other files as what they are.
fn charge_checkpoint_file(
    file: &File,
    checkpoint: &Checkpoint,
    part: &crate::checkpoint::File,
    ledger: &mut Ledger,
) -> Result<(), Imbalance> {
    match part.role {
        Role::Index => charge_as(file, "[index]", Category::Variables, ledger),
        Role::Stale => charge_as(file, "[stale]", Category::Variables, ledger),
        Role::V1 => charge_as(file, "[V1 checkpoint]", Category::Variables, ledger),
        Role::Other => charge_as(file, "[other]", Category::Variables, ledger),
        Role::Shard(_) => {
            let mut account = ledger.open(&file.name, file.bytes);
            for extent in &part.extents {
                let labels = extent_labels(checkpoint, extent, account.ledger());
                account.charge(extent.range.clone(), labels, u64::from(extent.tensor.is_some()));
            }
            account.close()
        }
    }
}

fn extent_labels(checkpoint: &Checkpoint, extent: &Extent, ledger: &mut Ledger) -> Labels {
    let labels = Labels::new(Category::Variables);
    let Some(tensor) = extent.tensor.and_then(|index| checkpoint.bundle.tensors.get(index)) else {
        let name = if checkpoint.index_is_whole { "[unused data]" } else { "[not read]" };
        return with_name(labels, name, ledger);
    };
    let variable = label(ledger, Dimension::Variable, &tensor.key);
    let dtype = label(ledger, Dimension::Dtype, &tensor.dtype_name());
    let field = label(ledger, Dimension::Field, "variables.tensor");
    let labels = labels.with(Dimension::Variable, variable).with(Dimension::Dtype, dtype);
    labels.with(Dimension::Field, field).with(Dimension::Scope, ledger.scope(tensor.key.as_bytes()))
}

/// Charges a file that nothing here looks into.
fn charge_whole(file: &File, ledger: &mut Ledger) -> Result<(), Imbalance> {
    let category = match file.name.split_once('/') {
        Some(("variables", _)) => Category::Variables,
        Some(("assets" | "assets.extra", _)) => Category::Assets,
        _ => Category::Files,
    };
    let mut account = ledger.open(&file.name, file.bytes);
    account.charge_up_to(file.bytes, Labels::new(category), 1);
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
    let variable = match labels.category() {
        Category::Variables => label(ledger, Dimension::Variable, name),
        _ => Label::NONE,
    };
    labels.with(Dimension::Field, field).with(Dimension::Variable, variable)
}

fn label(ledger: &mut Ledger, dimension: Dimension, name: &str) -> Label {
    if ledger.wants(dimension) { ledger.label(name.as_bytes()) } else { Label::NONE }
}
