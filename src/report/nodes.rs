//! The nodes of graphs one by one, for a diff: in no report that is written, as there may be millions.

/// A node of a graph, or several that are the same but for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeReport {
    /// The name of the first.
    pub(crate) name: String,
    /// What each is but for names.
    pub(crate) structure: u64,
    /// How many.
    pub(crate) count: u64,
    /// Their `node` fields, tag and length included.
    pub(crate) bytes: u64,
}

/// Whether the nodes of a graph are listed, for a diff.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NodesListed {
    /// They are not: nobody asked for that, it is a stored report, or there are too many.
    #[default]
    No,
    /// One by one.
    Each,
    /// Those that are the same but for names together.
    ByKind,
}
