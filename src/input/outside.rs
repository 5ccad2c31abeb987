//! What lies in a tree beside its models and in none of them: README files, checkpoints of a training, exports that failed.

use walkdir::DirEntry;

/// The largest files that are named.
const NAMED: usize = 20;

/// Files that are in no model. However many there are, the largest are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// How many; links are not among them.
    pub files: u64,
    /// What they take.
    pub bytes: u64,
    /// The largest, as they would be named on the command line, with their bytes; equal ones in the order of the tree.
    pub largest: Vec<(String, u64)>,
}

impl Outside {
    /// Takes note of an entry of a tree, where it is a regular file.
    pub(super) fn add(&mut self, entry: &DirEntry) {
        let Ok(metadata) = entry.metadata() else { return };
        if metadata.is_file() {
            self.add_file(&entry.path().to_string_lossy(), metadata.len());
        }
    }

    /// Takes note of a file by its name.
    pub(super) fn add_file(&mut self, path: &str, bytes: u64) {
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.keep(path.to_owned(), bytes);
    }

    /// Adds what lies in another tree.
    pub fn add_all(&mut self, other: Self) {
        self.files = self.files.saturating_add(other.files);
        self.bytes = self.bytes.saturating_add(other.bytes);
        other.largest.into_iter().for_each(|(path, bytes)| self.keep(path, bytes));
    }

    /// Keeps a file where it is among the largest.
    fn keep(&mut self, path: String, bytes: u64) {
        let place = self.largest.partition_point(|(_, kept)| *kept >= bytes);
        if place < NAMED {
            self.largest.insert(place, (path, bytes));
            self.largest.truncate(NAMED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_largest_named() {
        let mut outside = Outside::default();
        (0..100).for_each(|n| outside.add_file(&format!("f{n}"), n % 50));
        assert_eq!((outside.files, outside.bytes), (100, 2 * (0..50).sum::<u64>()));
        assert_eq!(outside.largest.len(), NAMED);
        assert_eq!(outside.largest[..3], [("f49".to_owned(), 49), ("f99".to_owned(), 49), ("f48".to_owned(), 48)]);
    }

    #[test]
    fn two_trees_are_one_sum() {
        let mut outside = Outside::default();
        outside.add_file("a", 1);
        let mut other = Outside::default();
        other.add_file("b", 2);
        outside.add_all(other);
        assert_eq!(outside, Outside { files: 2, bytes: 3, largest: vec![("b".to_owned(), 2), ("a".to_owned(), 1)] });
    }
}
