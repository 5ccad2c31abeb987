//! A metagraph beside its graph: what it says of itself, its signatures, collections, assets and objects.

use std::collections::{BTreeMap, BTreeSet};

use super::Reasons;
use super::graph::{Graph, Read};
use crate::message::number::meta_graph_def::meta_info_def::STRIPPED_OP_LIST;
use crate::message::number::meta_graph_def::{
    ASSET_FILE_DEF, COLLECTION_DEF, GRAPH_DEF, META_INFO_DEF, OBJECT_GRAPH_DEF, SAVER_DEF, SIGNATURE_DEF,
};
use crate::message::number::{op_def, op_list};
use crate::message::view::Message;
use crate::proto::collection_def::Kind;
use crate::proto::meta_graph_def::MetaInfoDef;
use crate::proto::{AssetFileDef, CollectionDef, SavedObjectGraph, SaverDef, SignatureDef};
use crate::wire::{WireType, fields};

/// A metagraph as it lies.
pub(super) struct MetaGraph<'f> {
    pub(super) info: MetaInfoDef,
    pub(super) graph: Read<'f>,
    pub(super) rest: Rest,
    message: Message<'f>,
}

/// What a metagraph has beside its graph.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) saver: Option<SaverDef>,
    pub(super) collections: BTreeMap<String, CollectionDef>,
    pub(super) signatures: BTreeMap<String, SignatureDef>,
    pub(super) assets: Vec<AssetFileDef>,
    pub(super) objects: SavedObjectGraph,
}

impl<'f> MetaGraph<'f> {
    /// Reads a MetaGraphDef; `None` where some of it cannot be.
    pub(super) fn read(message: Message<'f>) -> Option<Self> {
        let of = |entries: Vec<crate::message::Entry<'f>>| {
            entries.into_iter().map(|entry| Some((String::from_utf8(entry.key.to_vec()).ok()?, entry.value)))
        };
        let mut rest =
            Rest { saver: message.message(SAVER_DEF).map(|it| decoded(&it)).transpose_or()?, ..Rest::default() };
        for entry in of(message.entries(COLLECTION_DEF)) {
            let (key, value) = entry?;
            rest.collections.insert(key, decoded(&value)?);
        }
        for entry in of(message.entries(SIGNATURE_DEF)) {
            let (key, value) = entry?;
            rest.signatures.insert(key, decoded(&value)?);
        }
        for asset in message.repeated(ASSET_FILE_DEF) {
            rest.assets.push(decoded(&Message::new(message.file(), asset.payload()))?);
        }
        let objects = message.message(OBJECT_GRAPH_DEF).map(|it| decoded(&it)).transpose_or()?;
        rest.objects = objects.unwrap_or_default();
        let info = message.message(META_INFO_DEF).map(|it| decoded_without(&it, STRIPPED_OP_LIST)).transpose_or()?;
        let graph = Read::of(&message.message(GRAPH_DEF).unwrap_or(Message::new(message.file(), 0..0)));
        Some(Self { info: info.unwrap_or_default(), graph, rest, message })
    }

    /// The tags by which it is asked for.
    pub(super) fn tags(&self) -> BTreeSet<&str> {
        self.info.tags.iter().map(String::as_str).collect()
    }

    /// The ops that are listed, as they lie: one takes a hundred times its two bytes where it is read.
    pub(super) fn ops(&self) -> impl Iterator<Item = &'f [u8]> + use<'f> {
        let list = self.message.message(META_INFO_DEF).and_then(|info| info.message(STRIPPED_OP_LIST));
        let ops = list.into_iter().flat_map(|list| list.repeated(op_list::OP).collect::<Vec<_>>());
        let file = self.message.file();
        ops.map(move |op| file.get(op.payload()).unwrap_or_default())
    }

    /// What of it is none of the parts that are known, field by field.
    fn others(&self) -> Vec<(u32, &'f [u8])> {
        let known =
            [META_INFO_DEF, GRAPH_DEF, SAVER_DEF, COLLECTION_DEF, SIGNATURE_DEF, ASSET_FILE_DEF, OBJECT_GRAPH_DEF];
        let others = self.message.fields().filter(|field| !known.iter().any(|number| field.is_len(*number)));
        others.map(|field| (field.number, field.bytes(self.message.file()))).collect()
    }

    /// Holds what stands beside the graph against that of another metagraph.
    pub(super) fn hold(&self, new: &Self, reasons: &mut Reasons) {
        let bare = |of: &Self| MetaInfoDef { function_aliases: BTreeMap::new(), ..of.info.clone() };
        if bare(self) != bare(new) || self.others() != new.others() {
            reasons.add(|| "a metagraph says something else of itself".to_owned());
        }
        if self.rest.saver != new.rest.saver {
            reasons.add(|| "a metagraph is saved and restored by other nodes".to_owned());
        }
        for (function, alias) in &self.info.function_aliases {
            let is_kept = new.graph.functions.names.find(function.as_bytes()).is_some();
            if is_kept && new.info.function_aliases.get(function) != Some(alias) {
                reasons.add(|| format!("the function {function} has not the alias {alias} any more"));
            }
        }
        if new
            .info
            .function_aliases
            .iter()
            .any(|(function, alias)| self.info.function_aliases.get(function) != Some(alias))
        {
            reasons.add(|| "a function has an alias that it had not".to_owned());
        }
    }
}

/// `Option<Option<T>>` reversed: what is there and cannot be read is an error.
trait TransposeOr<T> {
    fn transpose_or(self) -> Option<Option<T>>;
}

impl<T> TransposeOr<T> for Option<Option<T>> {
    fn transpose_or(self) -> Option<Option<T>> {
        match self {
            None => Some(None),
            Some(None) => None,
            Some(found) => Some(found),
        }
    }
}

/// A message as a whole.
pub(super) fn decoded<M: prost::Message + Default>(message: &Message<'_>) -> Option<M> {
    let file = message.file();
    let payloads = message.payloads().map(|range| file.get(range).unwrap_or_default());
    let mut all = M::default();
    for payload in payloads {
        all.merge(payload).ok()?;
    }
    Some(all)
}

/// As [`decoded`], without the fields of a number.
fn decoded_without<M: prost::Message + Default>(message: &Message<'_>, number: u32) -> Option<M> {
    let (file, mut all) = (message.file(), M::default());
    for payload in message.payloads() {
        let mut end = payload.start;
        for field in fields(file, payload.clone()) {
            end = field.end;
            if !field.is_len(number) {
                all.merge(file.get(field.range())?).ok()?;
            }
        }
        if end != payload.end {
            return None;
        }
    }
    Some(all)
}

/// Holds the ops that are listed against those in use: what goes is in use no more.
pub(super) fn hold_ops<'f>(
    old: impl Iterator<Item = &'f [u8]>,
    new: impl Iterator<Item = &'f [u8]>,
    is_used: impl Fn(&str) -> bool,
    reasons: &mut Reasons,
) {
    let mut rest = new.peekable();
    for op in old {
        let name = String::from_utf8_lossy(Message::new(op, 0..op.len()).bytes(op_def::NAME));
        if rest.next_if(|next| *next == op).is_none() && is_used(&name) {
            reasons.add(|| format!("the op {name} is used, and not listed any more"));
        }
    }
    if rest.next().is_some() {
        reasons.add(|| "an op is listed that was not".to_owned());
    }
}

/// Holds collections against each other. Items may go that name nodes which are not there any more. Returns the variables that
/// are still named.
pub(super) fn hold_collections(
    old: &Rest,
    new: &Rest,
    was: &Graph<'_>,
    is: &Graph<'_>,
    reasons: &mut Reasons,
) -> Vec<String> {
    let mut variables = Vec::new();
    let is_gone = |tensor: &str| {
        let name = crate::message::input_node(tensor.strip_prefix('^').unwrap_or(tensor).as_bytes());
        was.node(name).is_some() && is.node(name).is_none()
    };
    for (key, before) in &old.collections {
        let after = new.collections.get(key);
        let items = |collection: Option<&CollectionDef>| -> Vec<Vec<u8>> {
            match collection.and_then(|it| it.kind.as_ref()) {
                Some(Kind::NodeList(list)) => list.value.iter().map(|it| it.as_bytes().to_vec()).collect(),
                Some(Kind::BytesList(list)) => list.value.iter().map(|it| it.to_vec()).collect(),
                _ => Vec::new(),
            }
        };
        let is_known = matches!(&before.kind, Some(Kind::NodeList(_) | Kind::BytesList(_)));
        if !is_known {
            if after != Some(before) && key != "saved_model_assets" {
                reasons.add(|| format!("the collection {key} is another one"));
            }
            continue;
        }
        let is_main_op = key == "saved_model_main_op" || key == "legacy_init_op";
        let is_of_nodes = matches!(&before.kind, Some(Kind::NodeList(_)));
        let (before, after) = (items(Some(before)), items(after));
        let mut rest = after.iter().peekable();
        for item in &before {
            // In a list of nodes names, elsewhere variables and what else may name nodes: a VariableDef begins with its own.
            let names: Vec<String> = match std::str::from_utf8(item) {
                Ok(name) if is_of_nodes => vec![name.to_owned()],
                _ => {
                    let texts = fields(item, 0..item.len()).filter(|field| field.wire_type == WireType::Len);
                    texts.filter_map(|field| String::from_utf8(field.bytes(item).to_vec()).ok()).collect()
                }
            };
            if rest.next_if(|next| *next == item).is_some() {
                if let Some(gone) = names.iter().find(|name| !name.is_empty() && is_gone(name)) {
                    reasons.add(|| format!("the collection {key} names the node {gone}, which is not there any more"));
                }
                variables.extend(names.into_iter().take(1).filter(|_| !is_of_nodes));
            } else if is_main_op || !names.iter().any(|name| is_gone(name)) && !names_any(item, &is_gone) {
                reasons.add(|| format!("the collection {key} lacks an item whose nodes are there"));
            }
        }
        if rest.next().is_some() {
            reasons.add(|| format!("the collection {key} has an item that it had not"));
        }
    }
    if new.collections.keys().any(|key| !old.collections.contains_key(key)) {
        reasons.add(|| "there is a collection that was not there".to_owned());
    }
    variables
}

/// Whether any string in a message of another kind, such as a context of `tf.cond`, names such a node.
fn names_any(item: &[u8], is_gone: &impl Fn(&str) -> bool) -> bool {
    let mut open = vec![(0..item.len(), 0_usize)];
    while let Some((range, depth)) = open.pop() {
        for field in fields(item, range) {
            if field.wire_type == WireType::Len {
                if std::str::from_utf8(field.bytes(item)).is_ok_and(is_gone) {
                    return true;
                }
                if depth < 8 {
                    open.push((field.payload(), depth.saturating_add(1)));
                }
            }
        }
    }
    false
}

/// The nodes that a collection names.
pub(super) struct Main(pub(super) Vec<String>);

impl Main {
    pub(super) fn of(collection: &CollectionDef) -> Self {
        Self(match &collection.kind {
            Some(Kind::NodeList(list)) => list.value.clone(),
            _ => Vec::new(),
        })
    }
}
