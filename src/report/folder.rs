//! The folder that all models of a report are in, which is said once and not with each of them.

use super::Report;

/// The folder that all models are in, up to its slash; empty where there is none.
pub(super) fn common_folder(report: &Report) -> &str {
    let mut folder = report.models.first().map_or("", |model| &model.path);
    for model in &report.models {
        let same = folder.bytes().zip(model.path.bytes()).take_while(|(a, b)| a == b).count();
        let end = folder.get(..same).and_then(|common| common.rfind('/')).map_or(0, |slash| slash + 1);
        folder = folder.get(..end).unwrap_or_default();
    }
    folder
}

/// A path as it is called in the folder that all models are in.
pub(super) fn inside<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).filter(|rest| !rest.is_empty()).unwrap_or(path)
}
