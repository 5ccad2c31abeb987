//! What became of an item that has a digest but for its names.

use crate::report::{Change, DiffStatus};

/// Of one whose digests are equal or not; `None` where one side has none.
pub(super) fn status(change: Change, is_equal: Option<bool>) -> DiffStatus {
    match (change.delta, is_equal) {
        (0, None | Some(true)) => DiffStatus::Same,
        (_, Some(true)) => DiffStatus::Naming,
        (0, Some(false)) => DiffStatus::Content,
        _ => DiffStatus::Changed,
    }
}

/// Whether it differs in nothing but names.
pub(super) fn is_clean(status: DiffStatus) -> bool {
    matches!(status, DiffStatus::Same | DiffStatus::Naming)
}
