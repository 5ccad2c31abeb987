//! What the models of one run repeat of each other.

use crate::charge::category_of;
use crate::checkpoint::Checkpoint;
use crate::duplicates::{Neighbour, Neighbours};
use crate::input::Model;
use crate::ledger::Category;
use crate::progress::{Progress, Work};

use super::{open, read_checkpoint};

/// Finds what each model repeats of those before it, and what several have.
#[must_use]
pub fn neighbours(models: &[Model], min_duplicate: u64, progress: &dyn Progress) -> Neighbours {
    if models.len() < 2 {
        return Neighbours::default();
    }
    let work = Work::new(progress, "", 0);
    let checkpoints: Vec<Option<Checkpoint>> = models.iter().map(read_checkpoint).collect();
    let openers: Vec<_> = models.iter().map(|model| |name: &str| open(model, name).ok()).collect();
    let neighbours = models.iter().zip(&checkpoints).zip(&openers).map(|((model, checkpoint), open)| {
        let files = model.files.iter().filter(|file| category_of(&file.name) != Category::Variables);
        Neighbour {
            path: &model.path,
            bytes: model.bytes(),
            checkpoint: checkpoint.as_ref(),
            files: files.map(|file| (&*file.name, file.bytes)).collect(),
            open,
        }
    });
    crate::duplicates::neighbours(&neighbours.collect::<Vec<_>>(), min_duplicate, &work)
}
