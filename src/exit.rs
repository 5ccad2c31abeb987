//! The exit codes, which scripts rely on.

use std::process::ExitCode;

/// How a run ended. The larger code wins where several models end differently: of a model that could not be read nobody
/// knows what it would break, and of a mistake in smaudit nobody knows what it would make of any model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Exit {
    /// Everything was audited, and every rule holds.
    Audited = 0,
    /// Everything was audited, and a rule is broken.
    RuleBroken = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// An input cannot be read, is damaged, or is not a whole model; what could be read is reported.
    Unreadable = 3,
    /// A mistake in smaudit: its books do not balance. `EX_SOFTWARE` of sysexits.h.
    Internal = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
