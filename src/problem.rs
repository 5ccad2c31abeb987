//! What is wrong with an input: the file, the byte, what was expected there and what was found.
//!
//! A problem costs the part it is in and no more: the bytes are charged all the same, the rest is audited, and the
//! exit code says that the answer is not whole.

use std::fmt;

/// What sort of problem it is, for who decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// No loader can restore the model as it is: a part of it is missing, or is something else.
    NotWhole,
    /// A file, or a part of one, is not what it should be, or cannot be read.
    Damaged,
    /// The model changed while it was read.
    Changed,
    /// There is more of something than is looked into.
    Limit,
    /// A symbolic link leads to nothing that is counted.
    Link,
}

/// Something that could not be read, in `problems[]` of the JSON report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Problem {
    /// The file, relative to the model's directory.
    pub file: String,
    /// The byte of the file where it was noticed; `null` where the file as a whole is meant.
    pub offset: Option<u64>,
    /// What was expected and what was found instead.
    pub message: String,
    /// What sort of problem it is.
    pub kind: ProblemKind,
}

impl Problem {
    /// Damage that is one of the whole file.
    pub fn of_file(file: impl Into<String>, message: impl ToString) -> Self {
        Self { file: file.into(), offset: None, message: message.to_string(), kind: ProblemKind::Damaged }
    }

    /// Damage at a byte of the file.
    pub fn at(file: impl Into<String>, offset: u64, message: impl ToString) -> Self {
        Self { offset: Some(offset), ..Self::of_file(file, message) }
    }

    /// The same of another kind.
    #[must_use]
    pub fn of_kind(self, kind: ProblemKind) -> Self {
        Self { kind, ..self }
    }
}

/// The most problems that are kept of a file.
const MAX_KEPT: usize = 10_000;

/// The problems of a file as they are found. No more are kept than anyone reads, as a file may be made to have one for
/// every few bytes: the rest is counted.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    kept: Vec<Problem>,
    /// Of the first problem that was not kept, and how many there are.
    left_out: Option<(String, u64)>,
}

impl Problems {
    /// Adds a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.kept.len() < MAX_KEPT {
            return self.kept.push(problem);
        }
        let (_, count) = self.left_out.get_or_insert((problem.file, 0));
        *count = count.saturating_add(1);
    }

    /// Whether as many are kept as will be: what is found from here on is only counted.
    #[must_use]
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= MAX_KEPT
    }

    /// Whether there is none yet.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The problems, in the order in which they were found; the last one says how many more there are.
    #[must_use]
    pub(crate) fn into_list(self) -> Vec<Problem> {
        let mut list = self.kept;
        list.extend(self.left_out.map(|(file, count)| {
            let message = format!("expected at most {MAX_KEPT} problems, found {count} more, which are not listed");
            Problem::of_file(file, message).of_kind(ProblemKind::Limit)
        }));
        list
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{}: byte {offset}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_kept_up_to_a_number_and_counted_beyond_it() {
        for (found, kept) in [(0, 0), (MAX_KEPT, MAX_KEPT), (MAX_KEPT + 3, MAX_KEPT + 1)] {
            let mut problems = Problems::default();
            (0..found as u64).for_each(|offset| problems.push(Problem::at("f", offset, "wrong")));
            assert_eq!(problems.is_full(), found >= MAX_KEPT);
            let list = problems.into_list();
            assert_eq!(list.len(), kept);
            let more = list.last().filter(|problem| problem.offset.is_none());
            let said = "expected at most 10000 problems, found 3 more, which are not listed";
            let said = Problem::of_file("f", said).of_kind(ProblemKind::Limit);
            assert_eq!(more, (found > MAX_KEPT).then_some(&said));
        }
    }
}
