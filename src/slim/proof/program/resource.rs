//! Resources by the names that they share.

use crate::message::attributes::SHARED_NAME;
use crate::message::{NodeDef, ops};

/// A variable or a table, as every node finds it that makes a handle of it: by its op, its container and its name
/// (tensorflow/core/framework/resource_op_kernel.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Resource<'f> {
    op: &'f [u8],
    container: &'f [u8],
    name: &'f [u8],
    /// Whether the name is that of the node.
    pub(super) is_by_name: bool,
}

/// The resource that a node makes a handle of.
pub(super) fn resource<'f>(node: &NodeDef<'f>) -> Option<Resource<'f>> {
    let op = node.op();
    if !ops::makes_resource(op) {
        return None;
    }
    let text = |key: &[u8]| node.attribute(key).map(|value| value.text()).unwrap_or_default();
    let (container, shared) = (text(b"container"), text(SHARED_NAME));
    let is_by_name = shared.is_empty();
    Some(Resource { op, container, name: if is_by_name { node.name() } else { shared }, is_by_name })
}
