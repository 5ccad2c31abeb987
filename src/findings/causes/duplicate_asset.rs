//! `duplicate-asset`: one content under two names in `assets/`.
//!
//! TensorFlow copies each `Asset` object's file under its own name, so two objects made of two copies of a vocabulary
//! are two files (`tensorflow/python/saved_model/save.py`, `copy_assets_to_destination_dir`). A file that no metagraph
//! names is no object's; that is `stale-files`.

use crate::duplicates::{self, Member};
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::input::layout::ASSETS;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "duplicate-asset",
    remedies: &[Remedy::any(
        "Make one `tf.saved_model.Asset` of the file and use that object in every place that reads it.",
        "",
        "programs look for both names under assets/ by themselves.",
    )],
    long: include_str!("../../../docs/findings/duplicate-asset.md"),
    detect,
    only_information: None,
    cure: Cure::Assets,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let named = context.named_assets();
    let asset = |member: &Member| {
        let duplicates::Place::File(file) = member.place else { return None };
        let name = &*context.model.files.get(file.position())?.name;
        let is_named = named.as_ref().is_none_or(|named| named.contains(name));
        (name.starts_with(ASSETS) && is_named).then(|| (name, member.range.clone()))
    };
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    for group in &context.duplicates.groups {
        let mut assets = group.members.iter().filter_map(asset);
        let Some((first, _)) = assets.next() else { continue };
        for (copy, range) in assets {
            let bytes = range.end.saturating_sub(range.start);
            claims.add(copy, range);
            evidence.add(bytes, || (format!("{} is {} again", quoted(copy), quoted(first)), Place::of_file(copy)));
        }
    }
    let (files, size) = (plural(evidence.count(), "asset has", "assets have"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{files} the content of another one, {size} in all."),
        evidence,
        claims,
        beyond: 0,
    })
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::finding;
    use crate::support::wire::{Message, graph, message, meta_graph, saved_model};

    /// What is found where these files have one content, of which a metagraph names some.
    fn found(named: &[&str], files: &[&str]) -> Option<(u64, Vec<String>)> {
        let asset = |graph: Message, name: &&str| graph.message(6, &message().bytes(2, name));
        let model = saved_model([&named.iter().fold(meta_graph(&["serve"], &graph(&[])), asset)]).0;
        let vocabulary = "word\n".repeat(400);
        let contents = files.iter().map(|name| (*name, vocabulary.as_bytes()));
        let files: Vec<(&str, &[u8])> = std::iter::once(("saved_model.pb", &*model)).chain(contents).collect();
        finding("duplicate-asset", &files).map(|finding| (finding.bytes, finding.evidence))
    }

    #[test]
    fn an_asset_with_the_content_of_another_costs_its_file() {
        let evidence = vec!["`assets/b.txt` is `assets/a.txt` again: 2,000 bytes".to_owned()];
        assert_eq!(found(&["a.txt", "b.txt"], &["assets/a.txt", "assets/b.txt"]), Some((2000, evidence)));
    }

    #[test]
    fn a_file_that_no_metagraph_names_is_no_asset_twice() {
        assert_eq!(found(&["b.txt"], &["assets/a.txt", "assets/b.txt"]), None);
        assert_eq!(found(&["a.txt"], &["assets/a.txt", "assets.extra/a.txt"]), None);
    }
}
