//! Models in their order: each against the one before it, and all of them by category and cause.
//!
//! They are handed in one by one, and but for the first and the last one no more than their sums is kept, so that a tree of many
//! versions takes the memory of three.

use std::collections::BTreeMap;

use super::{ByMismatch, Options, Side, diff};
use crate::ledger::Category;
use crate::report::{CauseSeries, DiffReport, ModelReport, Series, SeriesModel, SideKind, delta};

/// Models in their order, as they come.
#[derive(Debug)]
pub struct Versions {
    options: Options,
    first: Option<Owned>,
    last: Option<Owned>,
    steps: Vec<DiffReport>,
    sums: Vec<Sums>,
}

/// A model that is kept.
#[derive(Debug, Clone)]
struct Owned {
    model: ModelReport,
    kind: SideKind,
}

impl Owned {
    fn side(&self) -> Side<'_> {
        Side { model: &self.model, kind: self.kind }
    }
}

/// What is kept of each model.
#[derive(Debug)]
struct Sums {
    path: String,
    total_bytes: u64,
    categories: BTreeMap<Category, u64>,
    findings: BTreeMap<String, u64>,
}

impl Versions {
    /// No models yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, first: None, last: None, steps: Vec::new(), sums: Vec::new() }
    }

    /// Adds the next model.
    ///
    /// # Errors
    /// As for [`diff`].
    pub fn push(&mut self, model: ModelReport, kind: SideKind) -> Result<(), ByMismatch> {
        let next = Owned { model, kind };
        if let Some(before) = self.last.as_ref().or(self.first.as_ref()) {
            self.steps.push(diff(before.side(), next.side(), &self.options)?);
        }
        let model = &next.model;
        self.sums.push(Sums {
            path: model.path.clone(),
            total_bytes: model.total_bytes,
            categories: model.categories.clone(),
            findings: model.findings.iter().map(|finding| (finding.id.clone(), finding.bytes)).collect(),
        });
        let place = if self.first.is_none() { &mut self.first } else { &mut self.last };
        *place = Some(next);
        Ok(())
    }

    /// The first and the last model, where there are two.
    #[must_use]
    pub fn ends(&self) -> Option<[&ModelReport; 2]> {
        Some([&self.first.as_ref()?.model, &self.last.as_ref()?.model])
    }

    /// The diff of the first and the last one, of more than two with the steps between them; of fewer nothing.
    ///
    /// # Errors
    /// As for [`diff`].
    pub fn report(&mut self) -> Result<Option<DiffReport>, ByMismatch> {
        let (Some(first), Some(last)) = (&self.first, &self.last) else { return Ok(None) };
        if self.steps.len() == 1 {
            return Ok(self.steps.pop());
        }
        let mut report = diff(first.side(), last.side(), &self.options)?;
        report.series = Some(self.series());
        report.steps = std::mem::take(&mut self.steps);
        Ok(Some(report))
    }

    fn series(&self) -> Series {
        let mut all = Series::default();
        let first = self.sums.first().map_or(0, |sums| sums.total_bytes);
        for (at, sums) in self.sums.iter().enumerate() {
            let mut model = SeriesModel::new(&sums.path, sums.total_bytes);
            if let Some(step) = at.checked_sub(1).and_then(|before| self.steps.get(before)) {
                (model.step_bytes, model.naming_bytes) = (step.delta_bytes, step.naming_bytes);
            }
            model.delta_bytes = delta(first, model.total_bytes);
            all.models.push(model);
        }
        let bytes = |category| self.sums.iter().map(move |sums| sums.categories.get(&category).copied().unwrap_or(0));
        all.categories = Category::ALL.map(|category| (category, bytes(category).collect())).into();
        let mut causes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (at, sums) in self.sums.iter().enumerate() {
            for (id, bytes) in &sums.findings {
                let sizes = causes.entry(id).or_insert_with(|| vec![0; self.sums.len()]);
                sizes.get_mut(at).into_iter().for_each(|size| *size = *bytes);
            }
        }
        let names: Vec<&str> = all.models.iter().map(|model| &*model.name).collect();
        let mut findings: Vec<CauseSeries> =
            causes.into_iter().map(|(id, bytes)| CauseSeries::new(id, bytes, &names)).collect();
        findings.sort_by_key(|cause| std::cmp::Reverse(cause.bytes.last().copied()));
        all.findings = findings;
        all
    }
}
