//! The order of several models in a report.

use std::cmp::Reverse;
use std::fmt;

use super::Report;
use super::view::Sort;
use crate::natural;

impl Sort {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 3] = [Self::Avoidable, Self::Size, Self::Path];

    /// The name that `--sort` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avoidable => "avoidable",
            Self::Size => "size",
            Self::Path => "path",
        }
    }

    /// What it is, in a line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Avoidable => "what can be avoided, the most first",
            Self::Size => "the largest first",
            Self::Path => "by path, with numbers in it counted",
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Report {
    /// Sorts the models. What is equal stays in the order in which it was.
    pub fn sort(&mut self, by: Sort) {
        match by {
            Sort::Avoidable => self.models.sort_by_key(|model| Reverse((model.findings_bytes, model.total_bytes))),
            Sort::Size => self.models.sort_by_key(|model| Reverse(model.total_bytes)),
            Sort::Path => self.models.sort_by(|a, b| natural::compare(&a.path, &b.path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ModelReport, sample};

    fn sorted(by: Sort) -> Vec<String> {
        let model = |(path, findings_bytes, total_bytes): (&str, u64, u64)| ModelReport {
            path: path.to_owned(),
            findings_bytes,
            total_bytes,
            ..sample::model()
        };
        let models = [("b/10", 1, 90), ("b/9", 5, 20), ("a", 1, 30), ("b/9/x", 0, 90)].map(model).to_vec();
        let mut report = Report { models, ..Report::new() };
        report.sort(by);
        report.models.into_iter().map(|model| model.path).collect()
    }

    #[test]
    fn models_are_sorted_by_what_can_be_saved_by_size_or_by_path() {
        assert_eq!(sorted(Sort::Avoidable), ["b/9", "b/10", "a", "b/9/x"]);
        assert_eq!(sorted(Sort::Size), ["b/10", "b/9/x", "a", "b/9"]);
        assert_eq!(sorted(Sort::Path), ["a", "b/9", "b/9/x", "b/10"]);
    }
}
