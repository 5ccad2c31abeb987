//! The archives of a tree: each is opened only when the ones before it are done, audited and let go of, so that what a thousand of them
//! unpack to does not add up.

use std::sync::Mutex;

use rayon::prelude::*;
use smaudit::AuditError;
use smaudit::input::{ClosedArchive, FindError, Found, Limits, Location, Model};
use smaudit::progress::Progress;
use smaudit::report::{ModelReport, Report, UnreadableInput};

use crate::{LARGE, unreadable};

/// What came of an archive.
#[derive(Default)]
pub(crate) struct Audited {
    pub(crate) models: Vec<ModelReport>,
    pub(crate) unreadable: Vec<UnreadableInput>,
}

/// Audits the models in the archives that were met, side by side; `large` is held by whoever takes much memory. A path
/// at which there is no model, in an archive or elsewhere, is reported.
pub(crate) fn audit_all<A>(found: &[Found], audit: A, large: &Mutex<()>, progress: &dyn Progress, report: &mut Report)
where
    A: Fn(&Model) -> Result<ModelReport, AuditError> + Sync,
{
    for found in found {
        let audited: Vec<Audited> =
            found.archives.par_iter().map(|archive| audit_one(archive, &audit, large, progress)).collect();
        let nothing = audited.iter().all(|audited| audited.models.is_empty() && audited.unreadable.is_empty());
        for audited in audited {
            report.models.extend(audited.models);
            report.unreadable.extend(audited.unreadable);
        }
        if let Some(error) = found.otherwise.as_ref().filter(|_| nothing) {
            report.unreadable.push(unreadable(error.path(), error));
        }
    }
}

/// An archive is first opened within [`LARGE`]; if it holds more, again and alone.
pub(crate) fn audit_one<A>(archive: &ClosedArchive, audit: &A, large: &Mutex<()>, progress: &dyn Progress) -> Audited
where
    A: Fn(&Model) -> Result<ModelReport, AuditError>,
{
    let mut alone = None;
    let mut opened = archive.open(Limits { unpacked: LARGE, ..Limits::default() }, progress);
    if let Err(FindError::Limit { .. }) = opened {
        alone = Some(large.lock());
        opened = archive.open(Limits::default(), progress);
    }
    let found = match opened {
        Ok(found) => found,
        Err(error) => {
            return Audited { unreadable: vec![unreadable(&archive.shown(), &error)], ..Audited::default() };
        }
    };
    let models: Vec<Model> = found.locations.iter().map(Location::read).collect();
    let _alone = alone.or_else(|| models.iter().any(|model| model.bytes() > LARGE).then(|| large.lock()));
    let problems = found.problems.into_iter().map(UnreadableInput::from);
    let mut audited = Audited { unreadable: problems.collect(), ..Audited::default() };
    for model in &models {
        match audit(model) {
            Ok(report) => audited.models.push(report),
            Err(error) => audited.unreadable.push(unreadable(&model.path, &error)),
        }
    }
    audited
}
