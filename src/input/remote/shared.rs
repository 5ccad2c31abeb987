//! What the files of a model in a store share: what may still be read of its data, and what is the same in them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::cause::Cause;
use super::super::ranged::{Compared, Depth, Group};
use super::coming::Wanted;
use super::compare;
use super::entry::Entry;
use super::tally::{Role, Tally};
use super::{Fault, Store};

/// What the files of a model share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) tally: Arc<Tally>,
    pub(super) depth: Depth,
    /// All files, and what is in each.
    pub(super) files: Vec<(Arc<Entry>, Role)>,
    /// The bytes of data that may still be read.
    pub(super) left: AtomicU64,
}

impl Shared {
    /// How many of a number of ranges of these bytes may still be read; not a single one of several, as there would be nothing
    /// to compare it with.
    pub(super) fn afford(&self, bytes: u64, number: usize) -> usize {
        let fit = |left: u64| {
            let fit = left.checked_div(bytes).map_or(number, |fit| usize::try_from(fit).unwrap_or(number).min(number));
            if fit < number.min(2) { 0 } else { fit }
        };
        let spent = |left: u64| left.saturating_sub(bytes.saturating_mul(fit(left) as u64));
        let before = self.left.fetch_update(Relaxed, Relaxed, |left| Some(spent(left)));
        before.map(fit).unwrap_or_default()
    }

    /// Counts a range that is left out.
    pub(super) fn leave_out(&self, bytes: u64) {
        Tally::leave_out(&self.tally.uncompared, bytes);
    }

    /// The ranges of a group as they are asked for; `None` where they are no files of this model.
    fn wanted(&self, group: &Group) -> Option<Vec<Wanted>> {
        let wanted = |(file, range): &(usize, Range<u64>)| {
            let (entry, role) = self.files.get(*file)?;
            Some(Wanted { entry: Arc::clone(entry), role: *role, range: range.clone() })
        };
        group.iter().map(wanted).collect()
    }

    /// Compares the ranges of each group while they come, as far as they may be read.
    pub(super) fn compare(&self, groups: &[Group]) -> Vec<Result<Compared, Cause>> {
        let is_restricted = self.depth < Depth::Full;
        let (mut asked, mut spent) = (Vec::new(), Vec::new());
        for group in groups {
            let wanted = self.wanted(group).filter(|wanted| wanted.len() <= compare::MOST);
            spent.push(wanted.map(|mut wanted| {
                let bytes = wanted.first().map(Wanted::bytes).unwrap_or_default();
                let is_paid = is_restricted && wanted.iter().any(|wanted| wanted.role == Role::Data);
                if is_paid {
                    wanted.truncate(self.afford(bytes, wanted.len()));
                }
                let paid = if is_paid { bytes.saturating_mul(wanted.len() as u64) } else { 0 };
                asked.push(wanted);
                (bytes, paid)
            }));
        }
        let mut compared = compare::compare(&self.store, &self.tally, asked).into_iter();
        let of_group = |(group, spent): (&Group, Option<(u64, u64)>)| {
            let Some(((bytes, paid), compared)) = spent.and_then(|spent| Some((spent, compared.next()?))) else {
                return Ok(Compared::Unfit);
            };
            match compared {
                Err(Fault::NoRanges) => {
                    self.left.fetch_add(paid, Relaxed);
                    Ok(Compared::Unfit)
                }
                Err(fault) => Err(fault.cause(self.store.scheme)),
                Ok(same) => {
                    let left_out = same.len()..group.len();
                    left_out.clone().for_each(|_| self.leave_out(bytes));
                    Ok(Compared::Same(same.into_iter().map(Some).chain(left_out.map(|_| None)).collect()))
                }
            }
        };
        groups.iter().zip(spent).map(of_group).collect()
    }
}
