//! How the elements lie that are another value: what can be computed, and what is enough to say where they are.

/// What each element of a sparse tensor takes besides its value: an `int64` for each dimension
/// (`tf.sparse.SparseTensor.indices`).
const INDEX_BYTES: u64 = 8;

/// What it takes to say which column of a row is the other one (`tf.one_hot` of an `int32`).
const COLUMN_BYTES: u64 = 4;

/// So many ways to cut a matrix into blocks are tried, those of the smallest blocks first: few numbers can be divided by more.
const MOST_CUTS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OthersLie {
    /// All along a diagonal of the last two dimensions, and a number of columns to each side: one value, which
    /// `tf.linalg.band_part` or `tf.eye` puts there.
    InBand,
    /// In so many blocks along the diagonal of the last two dimensions: `tf.linalg.LinearOperatorBlockDiag` has the blocks only.
    InBlocks(u64),
    /// One value, in one place of each row at the most: `tf.one_hot` makes them of the columns.
    InRows,
    Anyhow,
}

/// The elements of a tensor, as they are in memory, and the value that most of them have.
pub(super) struct Elements<'p> {
    pub(super) payload: &'p [u8],
    pub(super) width: usize,
    pub(super) value: &'p [u8],
    pub(super) shape: &'p [u64],
}

/// The sizes of the last two dimensions.
#[derive(Clone, Copy)]
struct Matrix {
    rows: usize,
    columns: usize,
}

impl Matrix {
    /// The row and the column of an element that is at this place of all matrices.
    fn place(self, at: usize) -> Option<(usize, usize)> {
        let within = at.checked_rem(self.rows.checked_mul(self.columns)?)?;
        Some((within.checked_div(self.columns)?, within.checked_rem(self.columns)?))
    }

    /// How many of its elements are in a band from `left` columns before the diagonal to `right` columns behind it.
    fn in_band(self, left: usize, right: usize) -> usize {
        let of_row = |row: usize| {
            let end = row.saturating_add(right).saturating_add(1).min(self.columns);
            end.saturating_sub(row.saturating_sub(left))
        };
        (0..self.rows).map(of_row).fold(0, usize::saturating_add)
    }
}

impl<'p> Elements<'p> {
    /// How the others lie, of which there are so many and whose values are two in all with the common one or more, and the
    /// bytes that are enough to say them.
    pub(super) fn others_lie(&self, others: u64, has_two_values: bool) -> Option<(OthersLie, u64)> {
        let elements = (self.payload.len() as u64).checked_div(self.width as u64)?;
        let place = INDEX_BYTES.checked_mul(self.shape.len() as u64)?.checked_add(self.width as u64)?;
        let anyhow = others.checked_mul(place)?;
        if has_two_values && self.is_band(others) {
            return Some((OthersLie::InBand, 0));
        }
        if has_two_values && self.is_one_in_a_row() {
            let columns = self.shape.last().copied().unwrap_or(elements);
            return Some((OthersLie::InRows, elements.checked_div(columns)?.checked_mul(COLUMN_BYTES)?.min(anyhow)));
        }
        let blocks = self.blocks(others).map(|blocks| (blocks, self.payload.len() as u64 / blocks.max(1)));
        Some(match blocks {
            Some((blocks, kept)) if kept < anyhow => (OthersLie::InBlocks(blocks), kept),
            _ => (OthersLie::Anyhow, anyhow),
        })
    }

    fn matrix(&self) -> Option<Matrix> {
        let [.., rows, columns] = self.shape else { return None };
        let matrix = Matrix { rows: usize::try_from(*rows).ok()?, columns: usize::try_from(*columns).ok()? };
        (matrix.rows > 0 && matrix.columns > 0).then_some(matrix)
    }

    /// The rows and columns of the others, matrix by matrix.
    fn places(&self, matrix: Matrix) -> impl Iterator<Item = (usize, usize)> + '_ {
        let all = self.payload.chunks_exact(self.width).enumerate();
        all.filter(|(_, element)| *element != self.value).filter_map(move |(at, _)| matrix.place(at))
    }

    /// Whether the others are all that is in a band along the diagonal.
    fn is_band(&self, others: u64) -> bool {
        let Some(matrix) = self.matrix() else { return false };
        let (mut left, mut right) = (0, 0);
        for (row, column) in self.places(matrix) {
            left = left.max(row.saturating_sub(column));
            right = right.max(column.saturating_sub(row));
        }
        let matrices = self.payload.len() / self.width / matrix.rows.saturating_mul(matrix.columns).max(1);
        matrices.checked_mul(matrix.in_band(left, right)).is_some_and(|band| band as u64 == others)
    }

    /// Into how many blocks along the diagonal a matrix can be cut so that all others are in one.
    fn blocks(&self, others: u64) -> Option<u64> {
        let matrix = self.matrix()?;
        let both = matrix.rows.min(matrix.columns);
        let is_cut = |blocks: &usize| matrix.rows.is_multiple_of(*blocks) && matrix.columns.is_multiple_of(*blocks);
        // Fewer places than there are others are in no blocks of this size.
        let has_room = |blocks: &usize| (self.payload.len() / self.width / blocks) as u64 >= others;
        let mut cuts: Vec<usize> = (2..=both).rev().filter(is_cut).filter(has_room).take(MOST_CUTS).collect();
        // One pass for all of them, as the tensor is large.
        for (row, column) in self.places(matrix) {
            cuts.retain(|blocks| row / (matrix.rows / blocks) == column / (matrix.columns / blocks));
            if cuts.is_empty() {
                break;
            }
        }
        cuts.first().map(|blocks| *blocks as u64)
    }

    /// Whether no row of the last dimension has two of the others.
    fn is_one_in_a_row(&self) -> bool {
        let columns = self.shape.last().and_then(|columns| usize::try_from(*columns).ok()).unwrap_or_default();
        let Some(row) = columns.checked_mul(self.width).filter(|row| *row > 0) else { return false };
        let others = |row: &[u8]| row.chunks_exact(self.width).filter(|element| *element != self.value).count();
        self.payload.chunks(row).all(|row| others(row) < 2)
    }
}
