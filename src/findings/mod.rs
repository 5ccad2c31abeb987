//! Findings: why a model is as big as it is, how many bytes that costs, and what to do about it.
//!
//! A table of bytes leaves the work to the reader. A finding is a claim that can be checked: it names a cause, the ranges
//! of files that would go, evidence and a remedy. Each cause is a file of its own, with a detector over what the other
//! parts know already ([`Context`]) and its long form in `docs/findings/<id>.md`, which `smaudit explain` prints.
//!
//! Several causes may be true of the same bytes: a variable that nothing binds may also be a duplicate. Each finding says
//! all that its own remedy frees, and how much of that a larger finding claims already; the rest adds up.

mod arrays;
mod assets;
mod assignments;
mod bounds;
mod causes;
mod claims;
mod constants;
mod context;
mod copies;
mod cure;
mod elements;
mod evidence;
mod facts;
mod flow;
mod information;
mod kind;
mod nodes;
mod objects;
mod program;
mod remedy;
mod removal;
mod repeats;
mod savers;
mod scope;
mod slices;
mod stablehlo;
mod variables;

use crate::duplicates::{Group, Member};
use crate::escape::{escape_also, shortened};
use crate::progress::{Progress as _, Step, Work};
use crate::queue;

pub use causes::CAUSES;
pub(crate) use causes::stale_files::unread_by_all;
pub use context::Context;
use cure::Cure;
pub use cure::Slim;
pub use evidence::Place;
pub use facts::Facts;
pub use information::Information;
pub use kind::{ModelKind, Provenance};
pub use remedy::Remedy;

pub(crate) use claims::Claims;
use evidence::Evidence;

/// What costs less than this is no finding: a remedy is work.
const LEAST_BYTES: u64 = 1 << 10;

/// How many places of a finding are named; one more line says how many are not.
const NAMED: usize = 20;

/// A cause of size that is known, and how it is found.
#[non_exhaustive]
pub struct Cause {
    /// What it is called everywhere: `optimizer-state`.
    pub id: &'static str,
    /// What to do, by what the model was made with: the first one that is for it. The last one is for all kinds.
    pub remedies: &'static [Remedy],
    /// The long form, in Markdown: `docs/findings/<id>.md`. The first line is `# <id>: <what it is>`.
    pub long: &'static str,
    detect: fn(&Context<'_>) -> Option<Detected>,
    /// Of a cause that takes room in many models and is a mistake in few: whether what was found is worth knowing and no
    /// finding.
    only_information: Option<fn(&Context<'_>, &Detected) -> bool>,
    /// What of `smaudit slim` takes away what it claims.
    cure: Cure,
}

impl Cause {
    /// What it is, as the long form's first line has it.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let heading = self.long.lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }

    /// What to do about it in a model that was made so.
    fn remedy(&self, model: &Provenance) -> Option<&'static Remedy> {
        self.remedies.iter().find(|remedy| remedy.is_for(model))
    }
}

/// The cause with this id.
#[must_use]
pub fn cause(id: &str) -> Option<&'static Cause> {
    CAUSES.iter().find(|cause| cause.id == id)
}

/// What a detector found.
pub(crate) struct Detected {
    /// What is so in this model, in one sentence with its numbers.
    pub(crate) message: String,
    /// What it rests on: names, places, bytes.
    pub(crate) evidence: Evidence,
    /// The bytes that the remedy frees.
    pub(crate) claims: Claims,
    /// What it frees besides, as an estimate: bytes that have no range of their own, such as entries of an index.
    pub(crate) beyond: u64,
}

/// A cause that was found in a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The cause's id, for `smaudit explain` and `finding:ID`.
    pub id: String,
    /// What the remedy frees, as an estimate.
    pub bytes: u64,
    /// `bytes` without what larger findings claim as well. These add up.
    pub additional_bytes: u64,
    /// What is so in this model.
    pub message: String,
    /// What to do with a model of this kind.
    pub remedy: String,
    /// The same as at most three lines of Python; empty where it is the user's own code that has to change. In it `model`,
    /// `module` or `graph` is what was saved, and `tf` and `keras` are imported.
    pub remedy_code: String,
    /// When not to do it.
    pub unless: String,
    /// The level from which on `smaudit slim` takes it away.
    pub slim: Slim,
    /// What it rests on, largest first; of more than 20 places the last line says how many are left out.
    pub evidence: Vec<String>,
    /// The same places by their names, as far as they have one.
    pub places: Vec<Place>,
    /// The larger findings that claim some of the same bytes.
    pub overlaps: Vec<Overlap>,
}

/// Bytes that two findings claim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overlap {
    /// The larger finding.
    pub id: String,
    /// What both claim.
    pub bytes: u64,
}

/// What was found in a model, most bytes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The causes.
    pub findings: Vec<Finding>,
    /// What all remedies together free: the sum of `additional_bytes`.
    pub bytes: u64,
    /// What takes room and is no cause for alarm.
    pub information: Vec<Information>,
    /// What the model was made with.
    pub provenance: Provenance,
    /// For each group of equal contents the id of the finding that explains it.
    pub explained: Vec<Option<&'static str>>,
    /// What each finding claims, in their order.
    pub(crate) claims: Vec<Claims>,
}

/// Looks for every known cause. All cores take them from one queue: what costs time is mostly one cause that looks through all
/// functions, beside another.
#[must_use]
pub fn find(context: &Context<'_>, work: &Work<'_>) -> Findings {
    let looking = work.begin(Step::LookingForCauses, CAUSES.len() as u64);
    let detect = |cause: &'static Cause| {
        let detected = (cause.detect)(context);
        looking.advance(1);
        detected.map(|detected| (cause, detected))
    };
    let causes: Vec<&'static Cause> = CAUSES.iter().collect();
    let (mut information, detected) =
        queue::both(|| information::informations(context), || queue::map(&causes, |cause| detect(cause)));
    let is_information = |(cause, found): &(&'static Cause, Detected)| {
        cause.only_information.is_some_and(|is_information| is_information(context, found))
    };
    let (worth_knowing, detected): (Vec<_>, Vec<_>) = detected.into_iter().flatten().partition(is_information);
    information.extend(worth_knowing.iter().map(|(cause, found)| Information::of(cause, found)));
    // Stable: those of equal size stay in the order in which they were looked for.
    information.sort_by_key(|information| std::cmp::Reverse(information.bytes));
    let (findings, claims) = weigh(detected, context.provenance(), |cause, found| cause.cure.slim(context, found));
    let explained = explained(context, &claims);
    let claims = claims.into_iter().map(|(_, claims)| claims).collect();
    Findings { information, explained, claims, ..findings }
}

/// For each group of equal contents the finding whose remedy frees at least half of what is redundant in it: the first of those
/// in `claims` that do.
fn explained(context: &Context<'_>, claims: &[(&'static str, Claims)]) -> Vec<Option<&'static str>> {
    let explains = |group: &Group, claims: &Claims| {
        let claimed =
            |member: &Member| context.file_of(member.place).map_or(0, |file| claims.common(file, &member.range));
        let bytes = group.members.iter().map(claimed).fold(0, u64::saturating_add);
        bytes > 0 && bytes >= group.redundant_bytes.div_ceil(2)
    };
    let finding = |group| claims.iter().find(|(_, claims)| explains(group, claims)).map(|(id, _)| *id);
    context.duplicates.groups.iter().map(finding).collect()
}

/// Findings by their ids, each with what it claims.
type ClaimsById = Vec<(&'static str, Claims)>;

/// Orders findings by their bytes, and says of each what larger ones have claimed and what slim can do. Also returns what each
/// claims.
fn weigh(
    detected: Vec<(&'static Cause, Detected)>,
    provenance: &Provenance,
    slim: impl Fn(&Cause, &Detected) -> Slim,
) -> (Findings, ClaimsById) {
    let mut sized: Vec<(u64, &Cause, Detected)> =
        detected.into_iter().map(|(cause, found)| (found.bytes(), cause, found)).collect();
    sized.retain(|(bytes, ..)| *bytes >= LEAST_BYTES);
    // Stable: causes of equal size stay in the order of the list.
    sized.sort_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
    let mut claimed = Claims::default();
    let mut larger = ClaimsById::new();
    let mut findings = Vec::with_capacity(sized.len());
    for (bytes, cause, found) in sized {
        let shared = |(id, claims): &(&'static str, Claims)| {
            let bytes = found.claims.common_bytes(claims);
            (bytes > 0).then(|| Overlap { id: (*id).to_owned(), bytes })
        };
        let overlaps = larger.iter().filter_map(shared).collect();
        let slim = slim(cause, &found);
        let (evidence, places) = found.evidence.into_lines();
        let remedy = cause.remedy(provenance);
        let of_remedy = |part: fn(&Remedy) -> &'static str| remedy.map_or("", part).to_owned();
        findings.push(Finding {
            id: cause.id.to_owned(),
            bytes,
            additional_bytes: bytes.saturating_sub(found.claims.common_bytes(&claimed)),
            message: found.message,
            remedy: of_remedy(|remedy| remedy.text),
            remedy_code: of_remedy(|remedy| remedy.code),
            unless: of_remedy(|remedy| remedy.unless),
            slim,
            evidence,
            places,
            overlaps,
        });
        claimed.add_all(&found.claims);
        larger.push((cause.id, found.claims));
    }
    let bytes = findings.iter().map(|finding| finding.additional_bytes).fold(0, u64::saturating_add);
    let (information, explained, claims) = Default::default();
    (Findings { findings, bytes, information, provenance: provenance.clone(), explained, claims }, larger)
}

impl Detected {
    fn bytes(&self) -> u64 {
        self.claims.bytes().saturating_add(self.beyond)
    }
}

/// A name from the model inside a sentence: escaped, and with no backtick of its own to end the code span that it is in; of a
/// long one the ends.
pub(crate) fn quoted(name: impl AsRef<[u8]>) -> String {
    format!("`{}`", escape_also(&shortened(&String::from_utf8_lossy(name.as_ref())), |_, c| c == '`'))
}

#[cfg(test)]
#[path = "serving/tests.rs"]
mod serving;
#[cfg(test)]
mod tests;
