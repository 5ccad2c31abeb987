//! What is known of a model that is to become smaller: its files, its checkpoint, what is stale, what is equal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use super::Options;
use super::alias::{self, Equal};
use super::assets::{self, EqualAssets};
use super::steps::{self, DEBUG_FOLDER};
use crate::charge::Form;
use crate::checkpoint::layout::INDEX;
use crate::checkpoint::strings::Strings;
use crate::checkpoint::{Checkpoint, Format, Tensor, object_graph};
use crate::edit::bundle::Shard;
use crate::edit::{Tree, Version};
use crate::findings::{Context, unread_by_all};
use crate::fingerprint::{self, Fingerprint};
use crate::identity::FileId;
use crate::input::layout::KERAS_METADATA;
use crate::input::{File, Model};
use crate::problem::Problem;
use crate::report::SlimStep;
use crate::size::plural;

/// A model, and what can be done about it.
pub(super) struct Facts<'m> {
    pub(super) model: &'m Model,
    /// The files that no loader reads.
    pub(super) stale: Vec<String>,
    /// The files of debug information.
    pub(super) debug: Vec<String>,
    /// Whether Keras' own metadata are there.
    pub(super) has_keras: bool,
    /// The main file with what is equal among its assets; `None` where it cannot be read.
    pub(super) assets: Option<EqualAssets>,
    /// The checkpoint, if it is a bundle.
    pub(super) bundle: Option<Bundle>,
    /// The fingerprint, where there is one.
    pub(super) fingerprint: Option<Bytes>,
    /// How the checkpoint is stored, if there is one.
    format: Option<Format>,
}

/// A checkpoint in the form of a bundle.
pub(super) struct Bundle {
    pub(super) checkpoint: Checkpoint,
    pub(super) index: Bytes,
    pub(super) shards: BTreeMap<u32, Shard>,
    /// The message of the checkpoint's objects, if there are such.
    pub(super) tracked: Option<Version>,
    /// The shards by their numbers.
    pub(super) contents: BTreeMap<u32, Bytes>,
}

impl<'m> Facts<'m> {
    /// Finds out what can be done, of a model that was audited.
    pub(super) fn of(model: &'m Model, context: &Context<'_>) -> Result<Self, Problem> {
        let stale: Vec<String> = unread_by_all(context).into_iter().map(str::to_owned).collect();
        let bundle = context.checkpoint.filter(|it| it.format == Format::Bundle && it.index_is_whole);
        let bundle = bundle.filter(|_| model.file(INDEX).is_some());
        // One that cannot be read stays as it is.
        let fingerprint = model.file(fingerprint::FILE).map(File::contents).transpose()?;
        Ok(Self {
            model,
            assets: assets::equal(model, context, &stale)?,
            has_keras: model.file(KERAS_METADATA).is_some(),
            debug: model
                .files
                .iter()
                .map(|file| &file.name)
                .filter(|it| it.starts_with(DEBUG_FOLDER))
                .cloned()
                .collect(),
            stale,
            bundle: bundle.map(|checkpoint| Bundle::read(model, checkpoint)).transpose()?,
            fingerprint: fingerprint.filter(|bytes| Fingerprint::read(bytes).is_ok()),
            format: context.checkpoint.map(|checkpoint| checkpoint.format),
        })
    }

    /// Whether there is a signature that somebody can call.
    pub(super) fn has_signature(&self) -> bool {
        self.assets.as_ref().is_some_and(|assets| steps::has_signature(&assets.bytes))
    }

    /// Whether the main file may be written anew, in binary.
    fn is_rewritten(&self, options: &Options) -> bool {
        let takes = |step: SlimStep| step.level() <= options.level && !options.skip.contains(&step);
        match self.assets.as_ref().map(|assets| assets.main.1) {
            Some(Form::Binary) => true,
            Some(Form::Text) => takes(SlimStep::TextMainFile),
            Some(Form::Chunked) => takes(SlimStep::ChunkedMainFile),
            None => false,
        }
    }

    /// Whether the main file is in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        self.assets.as_ref().is_some_and(|assets| assets.main.1 == Form::Chunked)
    }

    /// What is asked for by name and is not there.
    pub(super) fn unknown(&self, options: &Options) -> Vec<String> {
        let main = self.assets.as_ref().filter(|_| self.is_rewritten(options)).map(|assets| &assets.bytes[..]);
        match main {
            Some(main) => steps::unknown(main, &options.wanted),
            None if options.wanted.is_all() => Vec::new(),
            None => vec!["the main file is not binary, and is kept as it is".to_owned()],
        }
    }

    /// What steps are about and do not do.
    pub(super) fn left(&self, options: &Options) -> Vec<String> {
        let mut left = Vec::new();
        if self.format == Some(Format::V1) {
            left.push("the checkpoint is one of TensorFlow's first format, whose tables are not rewritten".to_owned());
        }
        if !self.is_rewritten(options) {
            left.push("the main file is not binary, and is kept as it is, with the name of every asset".to_owned());
        }
        left
    }

    /// What a tree does not have that a program may have looked for.
    pub(super) fn lost(&self, tree: &Tree) -> Vec<String> {
        let mut lost = Vec::new();
        if self.fingerprint.is_some() && tree.get(fingerprint::FILE).is_none() {
            lost.push("fingerprint.pb, as hashes of saved_model.pb cannot be made anew".to_owned());
        }
        lost
    }

    /// What a step does here.
    pub(super) fn words(&self, step: SlimStep) -> String {
        match step {
            SlimStep::StaleFiles => {
                let files = plural(self.stale.len() as u64, "file", "files");
                format!("{files} that no loader reads")
            }
            SlimStep::EqualAssets => {
                let copies = self.assets.as_ref().map_or(0, |assets| assets.copies.len());
                format!("{} of another's content", plural(copies as u64, "asset", "assets"))
            }
            SlimStep::DebugInfo => {
                let files = plural(self.debug.len() as u64, "file", "files");
                format!("{files} of debug information")
            }
            SlimStep::KerasMetadata => format!("1 file, {KERAS_METADATA}"),
            SlimStep::UnusedData => "data of shards that no tensor claims".to_owned(),
            // These say it where they do it.
            _ => step.about().to_owned(),
        }
    }
}

impl Bundle {
    fn read(model: &Model, checkpoint: &Checkpoint) -> Result<Self, Problem> {
        let missing = |name: &str| Problem::of_file(name, "not in the listing");
        let index = model.file(INDEX).ok_or_else(|| missing(INDEX))?.contents()?;
        let (mut shards, mut contents) = (BTreeMap::new(), BTreeMap::new());
        let positions: HashMap<&str, usize> = model.files.iter().map(|it| &*it.name).zip(0..).collect();
        for (number, file) in checkpoint.shards() {
            let position = *positions.get(&*file.path).ok_or_else(|| missing(&file.path))?;
            let opened = model.files.get(position).ok_or_else(|| missing(&file.path))?;
            shards.insert(number, Shard { file: FileId::at(position), bytes: opened.bytes });
            contents.insert(number, opened.contents()?);
        }
        let tracked = tracked(checkpoint, &contents);
        Ok(Self { checkpoint: checkpoint.clone(), index, shards, tracked, contents })
    }

    /// What is equal of the tensors that stay as they are: all data of equal length is read for that.
    pub(super) fn equal_but(&self, gone: &BTreeSet<usize>, replaced: &BTreeMap<usize, Bytes>) -> Equal {
        let stays = |position: &usize| !gone.contains(position) && !replaced.contains_key(position);
        let tensors = &self.checkpoint.bundle.tensors;
        let positions: Vec<usize> = (0..tensors.len()).filter(stays).collect();
        let kept: Vec<Tensor> = positions.iter().filter_map(|at| tensors.get(*at)).cloned().collect();
        let equal = alias::equal(&kept, &self.contents);
        let of = |(at, place)| Some((*positions.get(at)?, place));
        Equal { instead: equal.instead.into_iter().filter_map(of).collect(), ..equal }
    }

    /// The name of a shard's file.
    pub(super) fn name<'a>(&'a self, model: &'a Model, shard: u32) -> Option<&'a str> {
        let file = self.shards.get(&shard)?.file;
        model.files.get(file.position()).map(|file| &*file.name)
    }
}

/// The message of the checkpoint's objects.
fn tracked(checkpoint: &Checkpoint, contents: &BTreeMap<u32, Bytes>) -> Option<Version> {
    checkpoint.object_graph.as_ref()?;
    let bundle = &checkpoint.bundle;
    let tensor = bundle.tensors.iter().find(|tensor| tensor.key == object_graph::KEY)?;
    let range = tensor.range()?;
    let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
    let data = contents.get(&tensor.shard).filter(|shard| shard.len() >= range.end)?.slice(range);
    let strings = Strings::read(&data, 1, bundle.big_endian).ok()?;
    strings.ranges.first().map(|string| data.slice(string.clone()).into())
}
