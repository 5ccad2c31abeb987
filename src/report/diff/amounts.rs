//! How much of a diff a page has room for.

/// How much of each kind is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amounts {
    pub(super) rows: usize,
    pub(super) categories: usize,
    pub(super) causes: usize,
    pub(super) signatures: usize,
    pub(super) problems: usize,
    pub(super) rules: usize,
    pub(super) models: usize,
    /// The most lines of a sentence.
    pub(super) lines: usize,
    pub(super) is_open: bool,
    /// Whether whole lists follow, folded up.
    pub(super) lists: bool,
}

impl Amounts {
    /// What stands on a page that is as long as it needs to be.
    pub(super) fn for_a_page(rows: Option<usize>) -> Self {
        let asked = |usual| asked(rows, usual);
        Self {
            rows: asked(20),
            categories: usize::MAX,
            causes: asked(20),
            signatures: asked(20),
            problems: 20,
            rules: usize::MAX,
            models: usize::MAX,
            lines: 9,
            is_open: true,
            lists: true,
        }
    }

    /// Amounts, each less than the one before it; as many rows as were asked for, where they were.
    pub(super) fn from_most_to_least(rows: Option<usize>) -> Vec<Self> {
        let asked = |usual| asked(rows, usual);
        let most = Self {
            rows: asked(8),
            categories: 5,
            causes: asked(3),
            signatures: asked(3),
            problems: 3,
            rules: 4,
            models: asked(12),
            lines: 2,
            is_open: true,
            lists: false,
        };
        let steps: [fn(&mut Self); 13] = [
            |a| a.rows = 6,
            |a| a.categories = 4,
            |a| a.rows = 5,
            |a| a.signatures = 2,
            |a| a.lines = 1,
            |a| (a.rows, a.models) = (4, 8),
            |a| a.is_open = false,
            |a| a.rows = 3,
            |a| (a.problems, a.causes) = (2, 2),
            |a| (a.categories, a.signatures) = (2, 1),
            |a| (a.rows, a.models) = (2, 5),
            |a| (a.problems, a.causes, a.rules) = (1, 1, 2),
            |a| (a.rows, a.categories, a.models) = (1, 1, 3),
        ];
        let mut all = vec![most];
        let mut amounts = most;
        for step in steps {
            step(&mut amounts);
            all.push(amounts);
        }
        all
    }
}

/// As many as `-n` asks for, where it does; 0 is all.
fn asked(rows: Option<usize>, usual: usize) -> usize {
    rows.map_or(usual, |rows| if rows == 0 { usize::MAX } else { rows })
}
