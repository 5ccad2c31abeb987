//! Candidates in a store that are compared while they come, so that nothing of them is held.

use std::collections::BTreeMap;

use super::{Comparison, Grouped};
use crate::input::{Compared, Same};
use crate::progress::Progress as _;

/// From how many bytes on candidates are compared while they come. Smaller ones lie side by side and are better asked for together.
const STREAMED: u64 = 1 << 20;

/// How many bytes are asked for at once; then the progress is told.
const TOGETHER: u64 = 512 << 20;

impl Comparison<'_> {
    /// Groups those runs of candidates that are compared while they come; returns the others.
    pub(super) fn group_stored(&self, runs: Vec<Vec<usize>>, grouped: &mut Grouped) -> Vec<Vec<usize>> {
        let (stored, mut others): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| self.is_streamed(run));
        let (mut together, mut bytes) = (Vec::new(), 0_u64);
        for run in stored {
            bytes = bytes.saturating_add(self.length_of_all(run.iter().copied()));
            together.push(run);
            if bytes > TOGETHER {
                others.extend(self.group_together(&together, grouped));
                (together, bytes) = (Vec::new(), 0);
            }
        }
        others.extend(self.group_together(&together, grouped));
        others
    }

    /// Whether candidates are better compared while they come than held: large ones in a store, of which nothing had to be read to
    /// know that they agree.
    fn is_streamed(&self, candidates: &[usize]) -> bool {
        candidates.iter().all(|index| {
            let payload = self.payloads.get(*index);
            let payload = payload.filter(|payload| payload.content_len() > STREAMED && payload.content_crc().is_some());
            payload.is_some_and(|payload| self.sources.is_copied(payload))
        })
    }

    /// Groups some runs of candidates; returns those that have to be read all the same.
    fn group_together(&self, runs: &[Vec<usize>], grouped: &mut Grouped) -> Vec<Vec<usize>> {
        let payloads = |run: &Vec<usize>| run.iter().filter_map(|index| self.payloads.get(*index)).collect();
        let compared = self.sources.compare(&runs.iter().map(payloads).collect::<Vec<_>>());
        let mut unfit = Vec::new();
        for (run, compared) in runs.iter().zip(compared) {
            match compared {
                Some(Compared::Same(same)) => self.group_same(run, &same, grouped),
                Some(Compared::Unfit) => unfit.push(run.clone()),
                None => {}
            }
            run.iter().for_each(|index| self.comparing.advance(self.length(*index)));
        }
        unfit
    }

    /// Groups those of a run of which something came.
    fn group_same(&self, run: &[usize], same: &[Option<Same>], grouped: &mut Grouped) {
        let mut by_first: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, same) in run.iter().zip(same) {
            let Some(same) = same else { continue };
            match same.element.as_deref() {
                Some(element) if element.iter().all(|byte| *byte == 0) => grouped.zero.push(*index),
                Some(_) => grouped.fill.push(*index),
                None => by_first.entry(same.first).or_default().push(*index),
            }
        }
        grouped.groups.extend(by_first.into_values().filter(|group| group.len() > 1));
    }
}
