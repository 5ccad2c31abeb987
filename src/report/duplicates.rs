//! `duplicates` of the JSON report: what a model has twice, in words. `audit` makes it of the facts that the part of this name
//! finds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a model has twice, in `duplicates` of the JSON report. All sizes are bytes on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Duplicates {
    /// What would go if each content were stored once: redundant elements and redundant payloads, no byte twice.
    pub redundant_bytes: u64,
    /// `redundant_bytes` of the model's `total_bytes`; 0 for a model of no bytes.
    pub ratio: f64,
    /// The part of `fill_bytes` that is nothing but zeros.
    pub zero_bytes: u64,
    /// Payloads of one value throughout (one element or byte repeated: zeros, ones), which are equal without being copies; not
    /// in `redundant_bytes`.
    pub fill_bytes: u64,
    /// What metagraphs repeat of earlier ones. Pairs that share nothing are left out.
    pub meta_graph_pairs: Vec<Pair>,
    /// What each metagraph but the first has that no earlier one has.
    pub meta_graph_own: Vec<Own>,
    /// Equal contents, the most redundant bytes first.
    pub groups: Vec<Group>,
    /// Functions that are equal but for the names in them.
    pub structural: Structural,
}

/// What one metagraph repeats of an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Pair {
    /// The metagraph that has it first.
    pub original: u64,
    /// The metagraph that has it again.
    pub copy: u64,
    /// The repeated elements, tags and lengths included.
    pub bytes: u64,
    /// `bytes` of the copy's; 0 for a metagraph of no bytes.
    pub share_of_copy: f64,
    /// `bytes` by the MetaGraphDef's fields.
    pub by_section: Sections,
    /// `bytes` by the kind of element, in the order of the MetaGraphDef's fields.
    pub elements: Vec<Repeated>,
}

/// Bytes by field of a MetaGraphDef. In a list, as a model of a thousand metagraphs has half a million pairs of them, most of
/// which share one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sections(Box<[(Cow<'static, str>, u64)]>);

impl Sections {
    /// The fields and their bytes, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, bytes)| (&**name, *bytes))
    }
}

impl<S: Into<Cow<'static, str>>> FromIterator<(S, u64)> for Sections {
    /// Of these fields, those of one name added up.
    fn from_iter<I: IntoIterator<Item = (S, u64)>>(fields: I) -> Self {
        let mut sums: Vec<(Cow<'static, str>, u64)> = Vec::new();
        for (name, bytes) in fields {
            let name = name.into();
            match sums.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(at) => sums.get_mut(at).into_iter().for_each(|(_, sum)| *sum = sum.saturating_add(bytes)),
                Err(at) => sums.insert(at, (name, bytes)),
            }
        }
        Self(sums.into_boxed_slice())
    }
}

impl<const N: usize> From<[(&'static str, u64); N]> for Sections {
    fn from(fields: [(&'static str, u64); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl Serialize for Sections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Sections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, u64>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl JsonSchema for Sections {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Sections".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, u64>::json_schema(generator)
    }
}

/// The elements of one kind that a metagraph repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Repeated {
    /// The field that they are: `graph_def.node`.
    pub field: Cow<'static, str>,
    /// How many are repeated.
    pub count: u64,
    /// How many the copy has in all.
    pub of: u64,
    /// The bytes of those that are repeated.
    pub bytes: u64,
}

/// What a metagraph has that no earlier one has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Own {
    /// The metagraph.
    pub meta_graph: u64,
    /// The bytes of its own elements.
    pub bytes: u64,
    /// These by the kind of element.
    pub elements: Vec<OwnElements>,
}

/// The elements of one kind that only this metagraph has, or has first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct OwnElements {
    /// The field that they are.
    pub field: String,
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The names of the largest, largest first.
    pub largest: Vec<String>,
}

/// What the members of a group are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupKind {
    /// The one that is kept is a tensor of the checkpoint.
    Variable,
    /// It is a constant in a node.
    Const,
    /// It is a byte string in an attribute of a node.
    Attr,
    /// It is an asset.
    Asset,
    /// A part of a metagraph, with everything in it.
    Element,
}

/// One content in several places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Group {
    /// What the member that is kept is.
    pub kind: GroupKind,
    /// The size of the member that is kept.
    pub bytes: u64,
    /// How many places.
    pub copies: u64,
    /// All of them but the one that is kept, and those that are counted with an element.
    pub redundant_bytes: u64,
    /// For a part of a metagraph, how many elements it is; 1 for a payload.
    pub elements: u64,
    /// The finding whose remedy would free at least half of these redundant bytes, by its id; of several the one of most bytes.
    pub finding: Option<String>,
    /// The places, the one that is kept first.
    pub members: Vec<Member>,
}

/// A place that holds the content of its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Member {
    /// `variables`, `assets`, or the field of the MetaGraphDef: `graph_def.node`, `graph_def.library.function`.
    #[serde(rename = "where")]
    pub place: Cow<'static, str>,
    /// The variable's own name, or its checkpoint key where nothing names it; the node, the file, the function; for a part of
    /// a metagraph, the part.
    pub name: Arc<str>,
    /// The checkpoint key of a variable.
    pub key: Option<String>,
    /// The function that the node is in.
    pub function: Option<Arc<str>>,
    /// The metagraph that it is in.
    pub meta_graph: Option<u64>,
    /// The bytes that it takes.
    pub bytes: u64,
    /// Whether it is inside an element that repeats one of an earlier metagraph: its bytes are counted with that.
    pub in_element: bool,
    /// Whether this is the one that is counted as needed.
    pub kept: bool,
}

/// Functions that are equal but for the names in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Structural {
    /// All members of all groups but one each. Not in the model's `redundant_bytes`.
    pub redundant_bytes: u64,
    /// The bytes of all functions that were compared.
    pub function_bytes: u64,
    /// The groups, the most redundant bytes first.
    pub groups: Vec<StructuralGroup>,
}

/// Functions of one structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StructuralGroup {
    /// What their names have in common: `__inference_lstm_cell_*`.
    pub stem: String,
    /// Their names, in the order of the file.
    pub functions: Vec<String>,
    /// All of them, tags and lengths included.
    pub bytes: u64,
    /// All of them but the largest.
    pub redundant_bytes: u64,
}
