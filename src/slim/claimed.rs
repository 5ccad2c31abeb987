//! What a plan takes away of what the audit's findings claim, so that the two can be held against each other to the byte.
//!
//! A finding claims ranges of the model's files, and a plan knows of each of these files which ranges of it are still there. Of
//! what is there twice either may go, and a finding may claim the other one, so what goes counts for whichever is claimed.

use std::collections::BTreeMap;
use std::ops::Range;

use super::draft::{Draft, Untaken};
use super::facts::{Bundle, Facts};
use crate::charge::Form;
use crate::checkpoint::layout::INDEX;
use crate::checkpoint::object_graph;
use crate::checkpoint::strings::Strings;
use crate::duplicates::Member;
use crate::edit::{Piece, Recipe, Tree, Version};
use crate::findings::{Claims, Context, Finding, Findings};
use crate::report::SlimFinding;

/// A finding, all of its bytes, and those of them that are ranges of files.
#[derive(Debug)]
struct Claim {
    id: String,
    bytes: u64,
    claims: Claims,
}

/// A file, and a range of it.
type Stretch = (String, Range<u64>);

/// What an audit's findings claim, and which contents are in a model several times.
#[derive(Debug)]
pub(super) struct Claimed {
    claims: Vec<Claim>,
    equal: Vec<Vec<Stretch>>,
}

impl Claimed {
    /// What was found.
    pub(super) fn of(context: &Context<'_>, findings: &Findings) -> Self {
        let claims = findings.findings.iter().zip(&findings.claims);
        let claim =
            |(it, claims): (&Finding, &Claims)| Claim { id: it.id.clone(), bytes: it.bytes, claims: claims.clone() };
        let place = |member: &Member| Some((context.file_of(member.place)?.to_owned(), member.range.clone()));
        let groups = context.duplicates.groups.iter();
        let equal = groups.map(|group| group.members.iter().filter_map(place).collect()).collect();
        Self { claims: claims.map(claim).collect(), equal }
    }
}

/// How much of each a plan takes away. Where the main file is not binary that cannot be said, as findings claim parts of the text.
pub(super) fn taken(
    facts: &Facts<'_>,
    draft: &Draft,
    tree: &Tree,
    claimed: &Claimed,
) -> Result<Vec<SlimFinding>, Untaken> {
    let Some(assets) =
        facts.assets.as_ref().filter(|assets| assets.main.1 == Form::Binary && !claimed.claims.is_empty())
    else {
        return Ok(Vec::new());
    };
    let mut kept: BTreeMap<&str, Vec<Range<u64>>> = BTreeMap::new();
    for piece in tree.files().flat_map(|(_, recipe)| recipe.pieces()) {
        if let Piece::Kept(file, range) = piece
            && let Some(file) = facts.model.files.get(file.position())
        {
            kept.entry(&file.name).or_default().push(range.clone());
        }
    }
    let ranges = |version: &Version, start: u64| -> Vec<Range<u64>> {
        let at = |offset: usize| start.saturating_add(offset as u64);
        version.kept().map(|range| at(range.start)..at(range.end)).collect()
    };
    if let Some(main) = draft.main(facts)? {
        kept.entry(&assets.main.0).or_default().extend(ranges(&main, 0));
    }
    if let (Some(tracked), Some((name, start))) =
        (draft.tracked(), facts.bundle.as_ref().and_then(|it| of_objects(facts, it)))
    {
        kept.entry(name).or_default().extend(ranges(tracked, start));
    }
    let mut stays = Claims::default();
    kept.into_iter().for_each(|(name, ranges)| stays.add_ranges(name, ranges));
    let old = facts.model.file(INDEX).map_or(0, |file| file.bytes);
    let of_index = old.saturating_sub(tree.get(INDEX).map_or(0, Recipe::bytes));
    let saved = |it: &Claim| {
        let own = it.claims.bytes();
        let mut gone = own.saturating_sub(it.claims.common_bytes(&stays));
        // What has no range is a share of the index.
        gone = gone.saturating_add(it.bytes.saturating_sub(own).min(of_index));
        for group in &claimed.equal {
            let (mut claimed_and_there, mut gone_and_not_claimed) = (0_u64, 0_u64);
            for (name, range) in group {
                let bytes = range.end.saturating_sub(range.start);
                let (claimed, there) = (it.claims.common(name, range), stays.common(name, range));
                if there == bytes {
                    claimed_and_there = claimed_and_there.saturating_add(claimed);
                } else if claimed == 0 {
                    gone_and_not_claimed = gone_and_not_claimed.saturating_add(bytes.saturating_sub(there));
                }
            }
            gone = gone.saturating_add(claimed_and_there.min(gone_and_not_claimed));
        }
        SlimFinding { id: it.id.clone(), bytes: it.bytes, saved_bytes: gone }
    };
    Ok(claimed.claims.iter().map(saved).collect())
}

/// The file that holds the checkpoint's objects, and where their message starts in it.
fn of_objects<'m>(facts: &Facts<'m>, bundle: &'m Bundle) -> Option<(&'m str, u64)> {
    let all = &bundle.checkpoint.bundle;
    let tensor = all.tensors.iter().find(|tensor| tensor.key == object_graph::KEY)?;
    let range = tensor.range()?;
    let at = |offset: u64| usize::try_from(offset).ok();
    let data = bundle.contents.get(&tensor.shard)?.get(at(range.start)?..at(range.end)?)?;
    let string = Strings::read(data, 1, all.big_endian).ok()?.ranges.first()?.start;
    Some((bundle.name(facts.model, tensor.shard)?, range.start.checked_add(string as u64)?))
}
