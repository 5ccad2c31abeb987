"""What smaudit reports, as frozen dataclasses. Made by `python/generate.py` from `smaudit schema`: not for editing.

Sizes are integers of bytes. A key that only a newer smaudit writes is kept as an attribute without a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from smaudit._records import OfDiff, OfModel, OfReport, OfSlim, Record

__all__ = [
    "Allowed",
    "Archive",
    "ArchiveFormat",
    "AssetReport",
    "CauseSeries",
    "Change",
    "Check",
    "CheckpointFormat",
    "CheckpointReport",
    "Checks",
    "ConfigFile",
    "Diff",
    "DiffBreakdown",
    "DiffKind",
    "DiffList",
    "DiffRow",
    "DiffSide",
    "DiffStatus",
    "Dimension",
    "Duplicates",
    "DuplicatesChange",
    "FileReport",
    "Finding",
    "FindingChange",
    "FindingChanges",
    "Fingerprint",
    "FunctionReport",
    "Gate",
    "Group",
    "GroupKind",
    "Information",
    "Level",
    "LimitOutcome",
    "Link",
    "LinkKind",
    "MainFileForm",
    "MainFileReport",
    "Member",
    "MetaGraphReport",
    "ModelKind",
    "ModelReport",
    "NeighbourPair",
    "OpReport",
    "OutsideFile",
    "OutsideReport",
    "Overlap",
    "Own",
    "OwnElements",
    "Pair",
    "Parts",
    "Place",
    "Problem",
    "ProblemKind",
    "RemoteDepth",
    "RemoteReport",
    "Repeated",
    "Report",
    "Rest",
    "Restriction",
    "Rollup",
    "Row",
    "RowKind",
    "RuleOutcome",
    "Series",
    "SeriesModel",
    "Shared",
    "SharedKind",
    "SideKind",
    "SideProblem",
    "SignatureChange",
    "SignatureReport",
    "Slim",
    "SlimFile",
    "SlimFinding",
    "SlimLevel",
    "SlimModel",
    "SlimOutcome",
    "SlimReport",
    "SlimSaving",
    "SlimStep",
    "Status",
    "Structural",
    "StructuralGroup",
    "TensorChange",
    "TensorInfoReport",
    "TensorReport",
    "Tool",
    "Totals",
    "Unread",
    "UnreadableInput",
    "Verified",
    "Which",
]


ArchiveFormat = Literal["tar", "tar.gz", "tar.zst", "zip"]
"""The archives that are read.

- `tar`: A tar that is not compressed.
- `tar.gz`: A tar in gzip.
- `tar.zst`: A tar in Zstandard.
- `zip`: A zip, its files stored or deflated.
"""

Check = Literal["fits", "differs", "not_checked"]
"""What a check of a hash came to.

- `fits`: The hash is that of the model.
- `differs`: The hash is of something else.
- `not_checked`: There is no such hash, or nothing that it could be of.
"""

CheckpointFormat = Literal["bundle", "v1"]
"""How a checkpoint is written.

- `bundle`: A TensorBundle: an index and data shards.
- `v1`: TensorFlow 1's first format, tables of SavedTensorSlices.
"""

DiffKind = Literal[
    "category",
    "naming",
    "meta_graph",
    "group",
    "function",
    "op",
    "node",
    "signature",
    "variable",
    "file",
    "section",
    "part",
    "name",
    "duplicate",
    "unchanged",
    "small",
]
"""What a row is.

- `category`: A category of the model, without what differs in names only.
- `naming`: All that differs only by names and counters.
- `meta_graph`: A metagraph that only one model has, or in `meta_graphs` any.
- `group`: Functions, or nodes of the graph: what is below them.
- `function`: A function of the library.
- `op`: The nodes of the graph with one op.
- `node`: A node of the graph; of a graph with very many, those that are the same but for names, by the name of the
  first.
- `signature`: A signature.
- `variable`: A tensor of the checkpoint.
- `file`: A file.
- `section`: A field of a metagraph.
- `part`: What is left of the row above: lengths, indexes, gaps.
- `name`: A name in a dimension of `--by`.
- `duplicate`: A group of duplicates, by the name of the place that is kept.
- `unchanged`: What is the same on both sides, all of it.
- `small`: Rows that changed by less than `--min-delta`, all of them.
"""

DiffStatus = Literal["added", "removed", "changed", "resized", "retyped", "content", "naming", "same"]
"""What became of an item.

- `added`: Only the new model has it.
- `removed`: Only the old model has it.
- `changed`: It is another one now.
- `resized`: A variable of another shape.
- `retyped`: A variable of another type.
- `content`: Of the same size, and its bytes are others.
- `naming`: The same but for names and counters.
- `same`: The same.
"""

Dimension = Literal[
    "category",
    "metagraph",
    "section",
    "field",
    "op",
    "scope",
    "function",
    "node",
    "dtype",
    "variable",
    "key",
    "file",
    "duplicate",
]
"""A question that can be asked of a charge: `--by`.

- `category`: The part of the model: see [`Category`].
- `metagraph`: The MetaGraphDef, by its index and tags: `#0 serve`.
- `section`: The field of the MetaGraphDef: `graph_def`, `signature_def`, ...
- `field`: The path of fields down to the bytes: `graph_def.node.attr[value]`.
- `op`: The op of a node, in the graph or in a function: `Const`.
- `scope`: The folders of a node's or variable's name; given again, one level deeper each time.
- `function`: The FunctionDef, by its name.
- `node`: The node, by its name.
- `dtype`: The element type: of a checkpoint's tensor, or the `dtype` attribute of a node.
- `variable`: The tensor of the checkpoint, by the variable's own name; the key is behind it where several have that
  name.
- `key`: The tensor of the checkpoint, by its key.
- `file`: The file, relative to the model's directory.
- `duplicate`: Whether the bytes are there once: see `State`.
"""

GroupKind = Literal["variable", "const", "attr", "asset", "element"]
"""What the members of a group are.

- `variable`: The one that is kept is a tensor of the checkpoint.
- `const`: It is a constant in a node.
- `attr`: It is a byte string in an attribute of a node.
- `asset`: It is an asset.
- `element`: A part of a metagraph, with everything in it.
"""

Level = Literal["warn", "fail"]
"""What a broken rule does.

- `warn`: It is said, and no more.
- `fail`: It fails the run: exit code 1.
"""

LinkKind = Literal["symbolic", "hard"]
"""The sorts of links.

- `symbolic`: A path to another name.
- `hard`: Another name of a file in the model.
"""

MainFileForm = Literal["binary", "text", "chunked"]
"""How a SavedModel's main file is written.

- `binary`: `saved_model.pb`: wire format.
- `text`: `saved_model.pbtxt`: text format.
- `chunked`: `saved_model.cpb`: wire format in chunks, which may be compressed.
"""

ModelKind = Literal["tf1", "tf_keras", "keras3", "tf_module", "jax", "unknown"]
"""What a model was made with.

- `tf1`: A session's graph, without objects: TensorFlow 1, an Estimator, `tf.compat.v1`.
- `tf_keras`: A model of Keras 2: `tf.keras` before TensorFlow 2.16, `tf_keras`.
- `keras3`: A model of Keras 3.
- `tf_module`: A `tf.Module` or another object, saved with `tf.saved_model.save`; it may hold a Keras model.
- `jax`: A program of JAX, by jax2tf or by Keras 3 on JAX.
- `unknown`: None of these is known of it.
"""

ProblemKind = Literal["not-whole", "damaged", "changed", "limit", "link"]
"""What sort of problem it is, for who decides by it.

- `not-whole`: No loader can restore the model as it is: a part of it is missing, or is something else.
- `damaged`: A file, or a part of one, is not what it should be, or cannot be read.
- `changed`: The model changed while it was read.
- `limit`: There is more of something than is looked into.
- `link`: A symbolic link leads to nothing that is counted.
"""

RemoteDepth = Literal["list", "index", "full"]
"""How much of a model in a store was to be read, as `--remote-depth` says.

- `list`: The listing alone.
- `index`: The main file, the index and the object graph; of the data what agrees with something else in length and
  checksum, up to 2% of it or 1 MiB.
- `full`: As of a model on a disk.
"""

RowKind = Literal["name", "category", "part"]
"""Whose word the name of a row is: an op may be called `[framing]`.

- `name`: A name in the dimension, as the model has it; of a dimension with fixed names, one of these.
- `category`: A category: the dimension does not apply to these bytes.
- `part`: A part of the checkpoint that is no variable: `[index]`, `[unused data]`.
"""

SharedKind = Literal["variable", "file"]
"""What several models have.

- `variable`: A tensor of their checkpoints.
- `file`: Any other file.
"""

SideKind = Literal["model", "report"]
"""What a side of a diff was read from.

- `model`: The model itself.
- `report`: A JSON report of it.
"""

Slim = Literal["safe", "inference", "serving", "none"]
"""The level from which on `smaudit slim` takes away what a finding is about.

- `safe`: At level `safe` the bytes of files and of the checkpoint's data go; what else there is of it stays.
- `inference`: At level `inference`.
- `serving`: At level `serving`, where all signatures are kept.
- `none`: Not at all, or in part only.
"""

SlimLevel = Literal["safe", "inference", "serving"]
"""What a smaller model may do without.

- `safe`: Nothing: everything that loads, trains, saves or converts the model does so as before.
- `inference`: Training state, custom gradients, initial values and saving in a session: every signature and every
  function that can be called gives the same.
- `serving`: All that the kept signatures do not need: these give the same in Python and in sessions.
"""

SlimOutcome = Literal["smaller", "nothing_to_gain", "not_proven", "changed", "refused"]
"""How it went with a model.

- `smaller`: It becomes smaller. Where it was written, that was proven before.
- `nothing_to_gain`: Nothing of it can go at this level.
- `not_proven`: The result was not proven to be the same, so there is none.
- `changed`: It changed while it was read, so there is no result.
- `refused`: It has problems, or is not of a form that can be written again.
"""

SlimStep = Literal[
    "text-main-file",
    "chunked-main-file",
    "metagraphs",
    "unreached",
    "saver-save",
    "gradients",
    "debug-info",
    "other-functions",
    "keras-metadata",
    "dead-nodes",
    "forward",
    "fold",
    "unread-variables",
    "twins",
    "other-objects",
    "unused-ops",
    "initial-values",
    "strip",
    "equal-constants",
    "equal-slices",
    "stale-files",
    "equal-assets",
    "unused-data",
    "alias",
]
"""A way to make a model smaller.

- `text-main-file`: A main file in text is written in binary.
- `chunked-main-file`: A main file in chunks is written in binary. Without their compression it may be larger: then it
  is done only where the other steps save more.
- `metagraphs`: Metagraphs of other tags are left out.
- `unreached`: Nodes, functions and items of collections that nothing reaches are left out.
- `saver-save`: What only saving in a session needs is left out.
- `gradients`: Gradients that are registered and functions that only training calls are left out.
- `debug-info`: Stack traces are left out.
- `other-functions`: Signatures that are not asked for, and functions that no kept one needs, are left out.
- `keras-metadata`: Keras' own metadata are left out.
- `dead-nodes`: Nodes of functions that nothing runs are left out.
- `forward`: Functions that only call another one are passed by.
- `fold`: Functions that do the same become one.
- `unread-variables`: Variables that no signature and no function reads are left out.
- `twins`: The copy that Python has of a variable is the one that a session reads.
- `other-objects`: Objects of Python that no kept signature needs are left out.
- `unused-ops`: Definitions of ops that no node is of are left out.
- `initial-values`: Initial values of variables that are restored become placeholders.
- `strip`: Shapes of nodes in functions, and names of arguments, are left out. Only where that is asked for.
- `equal-constants`: Constants of a function that equal another one of it become that.
- `equal-slices`: Constants of functions that are a slice repeated become that, and an op repeats it.
- `stale-files`: Files that no loader reads are left out.
- `equal-assets`: Assets of one content share a file.
- `unused-data`: Bytes of shards that no tensor claims are left out.
- `alias`: Tensors of one content share a range of a shard, and tensors of zeros one of zeros.
"""

Status = Literal["pass", "fail", "warn", "unsure"]
"""How a rule came out.

- `pass`: It holds.
- `fail`: It is broken, and its level is `fail`.
- `warn`: It is broken, and its level is `warn`.
- `unsure`: It holds for what could be read of the model, which is not all.
"""

Which = Literal["old", "new"]
"""Which of two models.

- `old`: The old one.
- `new`: The new one.
"""


@dataclass(frozen=True)
class Allowed(Record):
    """What an allow-list entry takes out of the rules for a model. It stays in the report."""

    group: str
    """The entry's pattern."""

    reason: str
    """Why that is allowed."""

    source: str
    """Where the entry is: `smaudit.toml:12`."""

    model: str
    """The model's path."""

    groups: int
    """How many groups of duplicates it matches."""

    redundant_bytes: int
    """What it takes out of `duplication`."""

    between_meta_graphs_bytes: int
    """What of that it takes out of `between-meta-graphs` as well."""

    structural_bytes: int
    """What it takes out of `structural-duplication`."""


@dataclass(frozen=True)
class Archive(Record):
    """The archive that a model was read from, in `models[].archive` of the JSON report."""

    path: str
    """The archive, as it was named; `-` for standard input."""

    format: ArchiveFormat
    """How it is packed."""

    folder: str
    """The folder in it that is the model; empty where it is not in a folder."""

    packed_bytes: int
    """The size of the archive, with all that is in it: what is stored and sent."""

    files: int
    """The files in it, those of no model and of other models too."""

    unpacked_bytes: int
    """The sizes that these have when unpacked. `total_bytes` is the model's part of it."""


@dataclass(frozen=True)
class AssetReport(Record):
    """An asset that a MetaGraphDef names."""

    filename: str
    """Relative to `assets/`."""

    bytes: int | None
    """The file's size; null where it is not there."""


@dataclass(frozen=True)
class CauseSeries(Record):
    """A cause in models in their order."""

    id: str
    """Its id."""

    since: str
    """The name of the first model that has it."""

    until: str | None
    """The name of the last model that has it; null where the newest one does."""

    bytes: tuple[int, ...]
    """What can go in each model; 0 where it is not."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "bytes": ("many", None),
    }


@dataclass(frozen=True)
class Change(Record):
    """A size before and after."""

    old: int
    """Of the old model."""

    new: int
    """Of the new one."""

    delta: int
    """`new` minus `old`."""


@dataclass(frozen=True)
class CheckpointReport(Record):
    """The checkpoint under `variables/`."""

    format: CheckpointFormat
    """How it is written."""

    shards: int
    """How many data shards the index speaks of; for V1, how many files there are."""

    index_bytes: int
    """The index file."""

    data_bytes: int
    """The data shards of the set that the index speaks of; for V1 the tables, with all that is in them."""

    unused_data_bytes: int
    """What no tensor lies on in these shards: gaps, alignment, orphans."""

    stale_bytes: int
    """Files of another set, which no loader reads."""

    verified: Verified | None
    """What reading all of the data came to; null without `--verify`."""

    tensors: tuple[TensorReport, ...]
    """The tensors, in the order of the index."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "verified": ("one", "Verified"),
        "tensors": ("many", "TensorReport"),
    }


@dataclass(frozen=True)
class Checks(Record):
    """Which hashes are those of the model. That of the graph is not checked."""

    saved_model_checksum: Check
    """Of saved_model.pb. It fits or is not checked: it may be that of the same model, its maps in another order."""

    signature_def_hash: Check
    """Of the signatures of the first metagraph."""

    saved_object_graph_hash: Check
    """Of the concrete functions of the first metagraph."""

    checkpoint_hash: Check
    """Of variables/variables.index."""


@dataclass(frozen=True)
class ConfigFile(Record):
    """A file of rules."""

    file: str
    """Its path."""

    rules: int
    """How many rules it has."""


@dataclass(frozen=True)
class DiffBreakdown(Record):
    """The delta as a tree: rows of a level add up to the row above, the outermost to `delta_bytes`."""

    by: tuple[Dimension, ...]
    """The dimensions of `--by`; empty where none were asked for, and rows are what they are."""

    rows: tuple[DiffRow, ...]
    """The outermost rows: categories, without what differs in names only, and `naming`. The largest delta first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "by": ("many", None),
        "rows": ("many", "DiffRow"),
    }


@dataclass(frozen=True)
class DiffList(Record):
    """Items of one kind that are not the same, and how many of which."""

    same: int
    """The same on both sides; not in `rows`."""

    naming: int
    """The same but for names and counters."""

    renamed: int
    """Those of `naming` and `changed` that have another name."""

    changed: int
    """In both models, and others than they were."""

    added: int
    """Only in the new model."""

    removed: int
    """Only in the old one."""

    delta_bytes: int
    """Their deltas, those of `naming` included."""

    rows: tuple[DiffRow, ...]
    """A row for each that is not the same, the largest delta first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "rows": ("many", "DiffRow"),
    }


@dataclass(frozen=True)
class DiffRow(Record):
    """An item of the old model, of the new one, or of both."""

    name: str
    """What it is called; in the old model where only that has it."""

    old_name: str | None
    """What it is called in the old model, where that is something else."""

    kind: DiffKind
    """What it is."""

    status: DiffStatus
    """What became of it."""

    meta_graph: int | None
    """The metagraph that it is in, in the new model; in the old one where only that has it. Null where it is in none.
    """

    old: int
    """Its bytes in the old model."""

    new: int
    """Its bytes in the new one."""

    delta: int
    """`new` minus `old`."""

    old_count: int
    """How many items (nodes, tensors, files) the old bytes hold."""

    new_count: int
    """How many the new ones hold."""

    note: str | None
    """What is said of it: `float32[3] → float32[4]`."""

    children: tuple[DiffRow, ...]
    """What it consists of, the largest delta first. Empty where no more is known."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "children": ("many", "DiffRow"),
    }


@dataclass(frozen=True)
class DiffSide(Record):
    """One of two models."""

    path: str
    """As it was named or found."""

    kind: SideKind
    """What was read."""

    total_bytes: int
    """The model's size."""

    whole: bool
    """Whether a loader could restore it."""

    tensorflow_version: str
    """The TensorFlow that wrote the first metagraph; empty where it does not say."""


@dataclass(frozen=True)
class Duplicates(Record):
    """What a model has twice, in `duplicates` of the JSON report. All sizes are bytes on disk."""

    redundant_bytes: int
    """What would go if each content were stored once: redundant elements and redundant payloads, no byte twice."""

    ratio: float
    """`redundant_bytes` of the model's `total_bytes`; 0 for a model of no bytes."""

    zero_bytes: int
    """The part of `fill_bytes` that is nothing but zeros."""

    fill_bytes: int
    """Payloads of one value throughout (one element or byte repeated: zeros, ones), which are equal without being
    copies; not in `redundant_bytes`.
    """

    meta_graph_pairs: tuple[Pair, ...]
    """What metagraphs repeat of earlier ones. Pairs that share nothing are left out."""

    meta_graph_own: tuple[Own, ...]
    """What each metagraph but the first has that no earlier one has."""

    groups: tuple[Group, ...]
    """Equal contents, the most redundant bytes first."""

    structural: Structural
    """Functions that are equal but for the names in them."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "meta_graph_pairs": ("many", "Pair"),
        "meta_graph_own": ("many", "Own"),
        "groups": ("many", "Group"),
        "structural": ("one", "Structural"),
    }


@dataclass(frozen=True)
class DuplicatesChange(Record):
    """What became of the duplicates."""

    redundant_bytes: Change
    """Redundant bytes."""

    structural_bytes: Change
    """Those of functions that are equal but for names."""

    groups: DiffList
    """The groups of one content: bytes are the redundant ones, counts are of places."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "redundant_bytes": ("one", "Change"),
        "structural_bytes": ("one", "Change"),
        "groups": ("one", "DiffList"),
    }


@dataclass(frozen=True)
class FileReport(Record):
    """A file of the model."""

    path: str
    """Relative to the model's directory."""

    bytes: int
    """Its size."""

    category: str
    """The category of its bytes. A file with several has the largest, followed by `...`."""

    digest: str | None
    """XXH3 of its contents, 16 hexadecimal digits. Of files that are no part of a checkpoint and not the main file, and
    only where that was asked for: in a diff.
    """


@dataclass(frozen=True)
class Finding(Record):
    """A cause that was found in a model."""

    id: str
    """The cause's id, for `smaudit explain` and `finding:ID`."""

    bytes: int
    """What the remedy frees, as an estimate."""

    additional_bytes: int
    """`bytes` without what larger findings claim as well. These add up."""

    message: str
    """What is so in this model."""

    remedy: str
    """What to do with a model of this kind."""

    remedy_code: str
    """The same as at most three lines of Python; empty where it is the user's own code that has to change. In it
    `model`, `module` or `graph` is what was saved, and `tf` and `keras` are imported.
    """

    unless: str
    """When not to do it."""

    slim: Slim
    """The level from which on `smaudit slim` takes it away."""

    evidence: tuple[str, ...]
    """What it rests on, largest first; of more than 20 places the last line says how many are left out."""

    places: tuple[Place, ...]
    """The same places by their names, as far as they have one."""

    overlaps: tuple[Overlap, ...]
    """The larger findings that claim some of the same bytes."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "evidence": ("many", None),
        "places": ("many", "Place"),
        "overlaps": ("many", "Overlap"),
    }


@dataclass(frozen=True)
class FindingChange(Record):
    """What became of a cause."""

    id: str
    """Its id, for `smaudit explain`."""

    bytes: Change
    """What can go."""

    message: str
    """What is so, in the new model; in the old one where it is resolved."""

    remedy: str
    """What to do; empty where it is resolved."""

    remedy_code: str
    """The same as code; empty where it is the user's own that has to change, or it is resolved."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "bytes": ("one", "Change"),
    }


@dataclass(frozen=True)
class FindingChanges(Record):
    """What became of the causes of size."""

    bytes: Change
    """All that can go."""

    new: tuple[FindingChange, ...]
    """Only the new model has them; the most bytes first."""

    changed: tuple[FindingChange, ...]
    """Both have them, and of other sizes."""

    resolved: tuple[FindingChange, ...]
    """Only the old model had them."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "bytes": ("one", "Change"),
        "new": ("many", "FindingChange"),
        "changed": ("many", "FindingChange"),
        "resolved": ("many", "FindingChange"),
    }


@dataclass(frozen=True)
class Fingerprint(Record):
    """What `fingerprint.pb` says. Hashes are decimal digits in a string, as TensorFlow shows them: many readers of JSON
    round integers of their size.
    """

    version: int
    """The version of the hashing: 0 in TensorFlow 2.11, 4 in 2.21."""

    uuid: str
    """Drawn at random when the model was saved; older versions leave it empty."""

    saved_model_checksum: str
    """Of saved_model.pb."""

    graph_def_program_hash: str
    """Of the graph without what differs from one export to the next."""

    signature_def_hash: str
    """Of the signatures."""

    saved_object_graph_hash: str
    """Of the concrete functions of the object graph."""

    checkpoint_hash: str
    """Of variables/variables.index, and by the checksums in it of the variables."""

    checkpoint: Check
    """Whether `checkpoint_hash` is that of variables/variables.index. Loaders take a model whose is not; but its
    fingerprint was made for another export, or its variables were.
    """

    verified: Checks | None
    """Whether it fits the model; null without `--verify`."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "verified": ("one", "Checks"),
    }


@dataclass(frozen=True)
class FunctionReport(Record):
    """A function of the library."""

    name: str
    """Its name."""

    nodes: int
    """How many nodes it has."""

    bytes: int
    """Its `function` field, tag and length included."""

    structure: str | None
    """What it is but for the names in it, with what it calls: 32 hexadecimal digits, equal for functions that are, in
    any report of a version of smaudit that makes them the same way. Of several functions of one name that of the last,
    null where there are so many functions that it was not compared.
    """

    form: str | None
    """The same of the function alone, whatever it calls: functions of one form and of two structures differ in what
    they call.
    """

    ops: str | None
    """Which ops its nodes have, and how many of each: 16 hexadecimal digits, equal for functions of which that is
    equal. In JSON and in a diff only, as what follows.
    """


@dataclass(frozen=True)
class Gate(Record):
    """The outcome of all rules, in `gate` of the JSON report."""

    passed: bool
    """Whether every rule whose level is `fail` is known to hold; true where there are none."""

    rules: tuple[RuleOutcome, ...]
    """Each rule held against each model that it is for, in the order of the rules: those of the command line first."""

    allowed: tuple[Allowed, ...]
    """What allow-list entries took out of the rules, by entry and model."""

    unchecked: int
    """Inputs that no rule was held against, as they could not be read; 0 where there are no rules."""

    warnings: tuple[str, ...]
    """What is odd about the rules and does not break them."""

    notes: tuple[str, ...]
    """What to do next with the rules."""

    config: ConfigFile | None
    """The configuration that was read; null where there is none."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "rules": ("many", "RuleOutcome"),
        "allowed": ("many", "Allowed"),
        "warnings": ("many", None),
        "notes": ("many", None),
        "config": ("one", "ConfigFile"),
    }


@dataclass(frozen=True)
class Group(Record):
    """One content in several places."""

    kind: GroupKind
    """What the member that is kept is."""

    bytes: int
    """The size of the member that is kept."""

    copies: int
    """How many places."""

    redundant_bytes: int
    """All of them but the one that is kept, and those that are counted with an element."""

    elements: int
    """For a part of a metagraph, how many elements it is; 1 for a payload."""

    finding: str | None
    """The finding whose remedy would free at least half of these redundant bytes, by its id; of several the one of most
    bytes.
    """

    members: tuple[Member, ...]
    """The places, the one that is kept first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "members": ("many", "Member"),
    }


@dataclass(frozen=True)
class Information(Record):
    """A part of a model that is worth knowing of."""

    id: str
    """What it is called."""

    bytes: int
    """The bytes that it takes."""

    message: str
    """What it is, in this model's numbers."""


@dataclass(frozen=True)
class LimitOutcome(Record):
    """A limit of a rule, held against a model."""

    limit: str
    """As it was written: `5%`, `10MB`."""

    limit_bytes: int
    """The most bytes that are within it, in this model."""

    passed: bool
    """Whether there are no more than these."""


@dataclass(frozen=True)
class Link(Record):
    """A name in the model's directory that holds no bytes of its own, in `links[]` of the JSON report."""

    name: str
    """The name, relative to the model's directory."""

    kind: LinkKind
    """Which sort of link it is."""

    target: str
    """What it points to: a symbolic link's text as it is stored, or the name that a hard link is equal to."""

    file: str | None
    """The file of the model that a loader reads under this name; `null` where there is none."""

    note: str | None
    """Where else it leads; `null` where there is a file."""


@dataclass(frozen=True)
class MainFileReport(Record):
    """The file that makes a directory a SavedModel."""

    form: MainFileForm
    """How it is written."""

    stored_bytes: int
    """Its size. Every figure of what is in it is of these bytes."""

    decoded_bytes: int | None
    """The SavedModel in wire format, as a `saved_model.pb` would have it; null where it cannot be read."""


@dataclass(frozen=True)
class Member(Record):
    """A place that holds the content of its group."""

    where: str
    """`variables`, `assets`, or the field of the MetaGraphDef: `graph_def.node`, `graph_def.library.function`."""

    name: str
    """The variable's own name, or its checkpoint key where nothing names it; the node, the file, the function; for a
    part of a metagraph, the part.
    """

    key: str | None
    """The checkpoint key of a variable."""

    function: str | None
    """The function that the node is in."""

    meta_graph: int | None
    """The metagraph that it is in."""

    bytes: int
    """The bytes that it takes."""

    in_element: bool
    """Whether it is inside an element that repeats one of an earlier metagraph: its bytes are counted with that."""

    kept: bool
    """Whether this is the one that is counted as needed."""


@dataclass(frozen=True)
class MetaGraphReport(Record):
    """A MetaGraphDef."""

    index: int
    """Its place in the file, from 0."""

    tags: tuple[str, ...]
    """`meta_info_def.tags`: what a loader names it by."""

    tensorflow_version: str
    """`meta_info_def.tensorflow_version`: the TensorFlow that wrote it; empty where it does not say."""

    bytes: int
    """The message's bytes, without its own tag and length."""

    sections: Mapping[str, int]
    """`bytes` by the MetaGraphDef's fields; those that it does not have are left out."""

    structures: Mapping[str, str]
    """What its fields are but for the names in them, 16 hexadecimal digits each; that of `graph_def` is of all but its
    nodes and functions. Empty where that was not asked for.
    """

    nodes: int
    """Nodes of `graph_def` itself."""

    functions: int
    """Functions of its library."""

    function_nodes: int
    """Nodes in these functions."""

    object_nodes: int
    """Objects of `object_graph_def`."""

    signatures: tuple[SignatureReport, ...]
    """The signatures, in the order of the file."""

    assets: tuple[AssetReport, ...]
    """The assets that it names."""

    ops: tuple[OpReport, ...]
    """The nodes of `graph_def` itself by op, largest first. Nodes in functions are counted under the functions."""

    function_defs: tuple[FunctionReport, ...]
    """The functions of the library, largest first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "tags": ("many", None),
        "signatures": ("many", "SignatureReport"),
        "assets": ("many", "AssetReport"),
        "ops": ("many", "OpReport"),
        "function_defs": ("many", "FunctionReport"),
    }


@dataclass(frozen=True, repr=False)
class ModelReport(OfModel):
    """One SavedModel. All sizes are bytes on disk, or what the files of an archive have when unpacked."""

    path: str
    """The model's directory, as it was named or found; in an archive, the archive and the folder in it."""

    archive: Archive | None
    """The archive that it is in; null where it is in none."""

    remote: RemoteReport | None
    """What was read of it where it is in a store; null elsewhere."""

    kind: ModelKind
    """What it was made with, which decides the code in `remedy_code`."""

    kind_evidence: tuple[str, ...]
    """What `kind` is known by."""

    total_bytes: int
    """The sum of all regular files under it."""

    whole: bool
    """Whether a loader could restore it: no problem is of the kind `not-whole`."""

    categories: Mapping[str, int]
    """`total_bytes` by category. Every category is there."""

    files: tuple[FileReport, ...]
    """Every regular file, by name."""

    links: tuple[Link, ...]
    """Symbolic and hard links, which are named but not counted again."""

    main_file: MainFileReport | None
    """How the main file is written; null where there is none."""

    meta_graphs: tuple[MetaGraphReport, ...]
    """The MetaGraphDefs, in the order of the file."""

    checkpoint: CheckpointReport | None
    """The checkpoint under `variables/`; null where there is none."""

    fingerprint: Fingerprint | None
    """What `fingerprint.pb` says; null where there is none that can be read."""

    breakdown: Rollup
    """`total_bytes` by the dimensions of `--by`. Complete, unless `--top` was given."""

    duplicates: Duplicates
    """What is stored more than once."""

    findings: tuple[Finding, ...]
    """Why the model is as big as it is, the most bytes first."""

    findings_bytes: int
    """What the remedies of all findings free together: the sum of their `additional_bytes`."""

    information: tuple[Information, ...]
    """What takes room and is no cause for alarm, the most bytes first."""

    problems: tuple[Problem, ...]
    """What could not be read. Its bytes are charged all the same."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "archive": ("one", "Archive"),
        "remote": ("one", "RemoteReport"),
        "kind_evidence": ("many", None),
        "files": ("many", "FileReport"),
        "links": ("many", "Link"),
        "main_file": ("one", "MainFileReport"),
        "meta_graphs": ("many", "MetaGraphReport"),
        "checkpoint": ("one", "CheckpointReport"),
        "fingerprint": ("one", "Fingerprint"),
        "breakdown": ("one", "Rollup"),
        "duplicates": ("one", "Duplicates"),
        "findings": ("many", "Finding"),
        "information": ("many", "Information"),
        "problems": ("many", "Problem"),
    }


@dataclass(frozen=True)
class NeighbourPair(Record):
    """What one model repeats of an earlier one, in `neighbours` of the JSON report."""

    original: str
    """The path of the model that has it first."""

    copy: str
    """The path of the model that has it again."""

    bytes: int
    """What is repeated: `tensors.bytes` and `files.bytes`."""

    share_of_copy: float
    """`bytes` of the copy's."""

    tensors: Parts
    """The tensors of the checkpoint."""

    files: Parts
    """Files that are no part of the checkpoint."""

    whole_checkpoint: bool
    """Whether every tensor that was compared is repeated."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "tensors": ("one", "Parts"),
        "files": ("one", "Parts"),
    }


@dataclass(frozen=True)
class OpReport(Record):
    """The nodes with one op."""

    op: str
    """The op's name."""

    count: int
    """How many nodes."""

    bytes: int
    """Their `node` fields, tag and length included."""

    structure: str | None
    """What they are but for the names in them, in whatever order: 16 hexadecimal digits. Null where that was not asked
    for.
    """


@dataclass(frozen=True)
class OutsideFile(Record):
    """A file that is in no model."""

    path: str
    """As it would be named on the command line."""

    bytes: int
    """Its size."""


@dataclass(frozen=True)
class OutsideReport(Record):
    """Files of the trees that were searched which are in no model."""

    files: int
    """How many; links and archives are not among them."""

    bytes: int
    """Their sizes."""

    largest: tuple[OutsideFile, ...]
    """The largest of them, at most 20."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "largest": ("many", "OutsideFile"),
    }


@dataclass(frozen=True)
class Overlap(Record):
    """Bytes that two findings claim."""

    id: str
    """The larger finding."""

    bytes: int
    """What both claim."""


@dataclass(frozen=True)
class Own(Record):
    """What a metagraph has that no earlier one has."""

    meta_graph: int
    """The metagraph."""

    bytes: int
    """The bytes of its own elements."""

    elements: tuple[OwnElements, ...]
    """These by the kind of element."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "elements": ("many", "OwnElements"),
    }


@dataclass(frozen=True)
class OwnElements(Record):
    """The elements of one kind that only this metagraph has, or has first."""

    field: str
    """The field that they are."""

    count: int
    """How many."""

    bytes: int
    """Their bytes."""

    largest: tuple[str, ...]
    """The names of the largest, largest first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "largest": ("many", None),
    }


@dataclass(frozen=True)
class Pair(Record):
    """What one metagraph repeats of an earlier one."""

    original: int
    """The metagraph that has it first."""

    copy: int
    """The metagraph that has it again."""

    bytes: int
    """The repeated elements, tags and lengths included."""

    share_of_copy: float
    """`bytes` of the copy's; 0 for a metagraph of no bytes."""

    by_section: Mapping[str, int]
    """`bytes` by the MetaGraphDef's fields."""

    elements: tuple[Repeated, ...]
    """`bytes` by the kind of element, in the order of the MetaGraphDef's fields."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "elements": ("many", "Repeated"),
    }


@dataclass(frozen=True)
class Parts(Record):
    """Parts of a model that an earlier one has."""

    count: int
    """How many are repeated."""

    of: int
    """How many the copy has that are large enough to be compared and not one value throughout."""

    bytes: int
    """The bytes of those that are repeated."""


@dataclass(frozen=True)
class Place(Record):
    """One place that a finding rests on, as far as it has a name."""

    meta_graph: int | None
    """The metagraph's place in the file, from 0."""

    section: str | None
    """The field of the MetaGraphDef: `graph_def`, `object_graph_def`, ..."""

    function: str | None
    """The function of the library that it is, or is in."""

    node: str | None
    """The node."""

    variable: str | None
    """The variable's own name, where the checkpoint knows one, else its key."""

    key: str | None
    """The variable's key in the checkpoint."""

    file: str | None
    """The file, relative to the model's directory, where the place is all of it or is in none of the above."""

    bytes: int
    """What it costs."""


@dataclass(frozen=True)
class Problem(Record):
    """Something that could not be read, in `problems[]` of the JSON report."""

    file: str
    """The file, relative to the model's directory."""

    offset: int | None
    """The byte of the file where it was noticed; `null` where the file as a whole is meant."""

    message: str
    """What was expected and what was found instead."""

    kind: ProblemKind
    """What sort of problem it is."""


@dataclass(frozen=True)
class RemoteReport(Record):
    """What was read of a model in a store, and what was not."""

    depth: RemoteDepth
    """How much was to be read."""

    requests: int
    """The requests that were sent, those that were repeated as well."""

    bytes_read: int
    """The bytes of its files that came."""

    data_bytes_read: int
    """Of them, those of the checkpoint's data and of assets."""

    uncompared: Unread
    """Tensors and assets that may be there twice, by length and checksum, and were not read: what they repeat is in no
    figure.
    """

    unseen: Unread
    """Tensors and assets at whose beginning nobody looked: whether they are one value throughout is not known."""

    e_tag: str
    """Changes where the listing does: a hash over the names, sizes and e-tags of the files."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "uncompared": ("one", "Unread"),
        "unseen": ("one", "Unread"),
    }


@dataclass(frozen=True)
class Repeated(Record):
    """The elements of one kind that a metagraph repeats."""

    field: str
    """The field that they are: `graph_def.node`."""

    count: int
    """How many are repeated."""

    of: int
    """How many the copy has in all."""

    bytes: int
    """The bytes of those that are repeated."""


@dataclass(frozen=True)
class Rest(Record):
    """Rows that are not shown: how many, and what they add up to."""

    rows: int
    """How many rows."""

    bytes: int
    """Their bytes."""

    count: int
    """Their count."""


@dataclass(frozen=True)
class Restriction(Record):
    """A restriction, as a report has it."""

    dimension: Dimension
    """The dimension."""

    glob: str
    """The pattern that a name in it has to match."""


@dataclass(frozen=True)
class Rollup(Record):
    """A tree of sums, one level for each dimension asked for. The rows of each level add up to the row above."""

    by: tuple[Dimension, ...]
    """The dimensions, outermost first."""

    rows: tuple[Row, ...]
    """The outermost rows, largest first."""

    only: tuple[Restriction, ...] = ()
    """What the bytes are restricted to by `--only`. Left out where that is nothing, and the rows are of all bytes."""

    rest: Rest | None = None
    """What `--top` left out of `rows`."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "by": ("many", None),
        "rows": ("many", "Row"),
        "only": ("many", "Restriction"),
        "rest": ("one", "Rest"),
    }


@dataclass(frozen=True)
class Row(Record):
    """One row: a name in its dimension and what it adds up to."""

    name: str
    """The label. Bytes that the dimension does not apply to have their category in brackets: `[variables]`."""

    kind: RowKind
    """Whose word that is."""

    bytes: int
    """Bytes on disk."""

    count: int
    """How many items (nodes, tensors, files, ...) these bytes hold; framing counts nothing."""

    children: tuple[Row, ...]
    """The same bytes by the next dimension, largest first; empty on the last level."""

    rest: Rest | None = None
    """What `--top` left out of `children`."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "children": ("many", "Row"),
        "rest": ("one", "Rest"),
    }


@dataclass(frozen=True)
class RuleOutcome(Record):
    """A rule held against a model."""

    rule: str
    """`max-duplication` or `max-size`; the metric of a rule in a file."""

    metric: str
    """What is limited: `duplication`, `total`, `graph_def`, `variable:optimizer/*`, ..."""

    model: str
    """The model's path."""

    limit: str
    """The limits as they were written: `5%`; two of them as `5% and 10MB`."""

    actual: str
    """What was found, where the first limit is a share: `59.9%`; else its bytes."""

    passed: bool
    """Whether it is known to hold."""

    status: Status
    """The same, and why not."""

    level: Level
    """What it does when broken."""

    actual_bytes: int
    """What was found, without what is allowed."""

    total_bytes: int
    """What shares are of: the model's size; for growth, that of the same of the baseline."""

    over_bytes: int
    """How many bytes are more than the limit that is exceeded by the most; 0 where none is."""

    fix: str | None
    """The finding that takes the most of what is too much; null where none is known to."""

    limits: tuple[LimitOutcome, ...]
    """Each limit in bytes."""

    floor_bytes: int | None
    """Up to here no share is exceeded; null where there is no floor."""

    allowed_bytes: int
    """What allow-list entries took out."""

    matches: int | None
    """For a pattern, how many variables, functions or findings match it; null for other metrics."""

    reason: str | None
    """Why there is the rule; null where it does not say."""

    source: str
    """Where it is: `--max-duplication`, `smaudit.toml:3`."""

    line: int | None
    """The line of the file; null where it is on the command line."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "limits": ("many", "LimitOutcome"),
    }


@dataclass(frozen=True)
class Series(Record):
    """Models in their order."""

    models: tuple[SeriesModel, ...]
    """The models, the oldest first."""

    categories: Mapping[str, tuple[int, ...]]
    """For each category the size of it in each model."""

    findings: tuple[CauseSeries, ...]
    """Each cause that any of them has, the one with the most bytes in the last model first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "models": ("many", "SeriesModel"),
        "findings": ("many", "CauseSeries"),
    }


@dataclass(frozen=True)
class SeriesModel(Record):
    """A model among others."""

    path: str
    """As it was named or found."""

    name: str
    """What it is called in a table: the last folder of its path."""

    total_bytes: int
    """Its size."""

    step_bytes: int
    """What it is larger than the one before; 0 for the first."""

    naming_bytes: int
    """The part of that which differs in names only."""

    delta_bytes: int
    """What it is larger than the first."""


@dataclass(frozen=True)
class Shared(Record):
    """One content that several models have, in `shared` of the JSON report."""

    kind: SharedKind
    """What it is."""

    name: str
    """What it is called in the first model that has it: a variable by its own name, a file by its path in the model."""

    bytes: int
    """Its size."""

    models: int
    """How many models have it."""

    repeated_bytes: int
    """What these repeat of it: its size for each model but the first."""


@dataclass(frozen=True)
class SideProblem(Record):
    """A problem of one of the models."""

    side: Which
    """Which has it."""

    file: str
    """The file, relative to the model's directory."""

    offset: int | None
    """The byte of the file where it was noticed; `null` where the file as a whole is meant."""

    message: str
    """What was expected and what was found instead."""

    kind: ProblemKind
    """What sort of problem it is."""


@dataclass(frozen=True)
class SignatureChange(Record):
    """What became of a signature."""

    name: str
    """Its key."""

    meta_graph: int
    """The metagraph."""

    status: DiffStatus
    """What became of it."""

    bytes: Change
    """Its own bytes."""

    reachable_bytes: Change | None
    """What it reaches; null where that is not known of both."""

    inputs: tuple[TensorChange, ...]
    """Its inputs that are not the same."""

    outputs: tuple[TensorChange, ...]
    """Its outputs that are not the same."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "bytes": ("one", "Change"),
        "reachable_bytes": ("one", "Change"),
        "inputs": ("many", "TensorChange"),
        "outputs": ("many", "TensorChange"),
    }


@dataclass(frozen=True)
class SignatureReport(Record):
    """An entry of `signature_def`."""

    name: str
    """Its key."""

    bytes: int
    """The entry, tag and length included."""

    method_name: str
    """`tensorflow/serving/predict`, `__saved_model_init_op`, ...; empty where the signature cannot be read."""

    inputs: tuple[TensorInfoReport, ...]
    """Its inputs."""

    outputs: tuple[TensorInfoReport, ...]
    """Its outputs."""

    reachable_bytes: int | None
    """The bytes of the nodes, functions, tensors and assets that it reaches; null where the metagraph has too many
    nodes or signatures to follow them.
    """

    exclusive_bytes: int | None
    """The bytes of what nothing else reaches: no other signature of any metagraph, no main op, no function of the
    object graph. What would no longer be needed without it.
    """

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "inputs": ("many", "TensorInfoReport"),
        "outputs": ("many", "TensorInfoReport"),
    }


@dataclass(frozen=True)
class SlimFile(Record):
    """A file that a step changes."""

    path: str
    """Its name, relative to the model's directory."""

    old_bytes: int
    """Its size before the step; 0 where it was not there."""

    new_bytes: int | None
    """Its size after it; null where it goes."""


@dataclass(frozen=True)
class SlimFinding(Record):
    """What becomes of a finding."""

    id: str
    """The cause's id."""

    bytes: int
    """What the finding claims, as in the report of an audit."""

    saved_bytes: int
    """What of this is not there any more, to the byte but for its share of the checkpoint's index. Two findings may
    claim the same.
    """


@dataclass(frozen=True)
class SlimModel(Record):
    """What became of a model."""

    path: str
    """The model's directory, as it was named or found."""

    archive: str | None
    """The archive that the model is in; null where it is in none."""

    output: str | None
    """The smaller model's directory, which may be in an archive; null where there is none."""

    outcome: SlimOutcome
    """How it went."""

    reasons: tuple[str, ...]
    """Why there is no smaller model, where there is none."""

    proven: bool
    """Whether the result was read back and held against the model."""

    old_bytes: int
    """Its bytes."""

    new_bytes: int
    """What it has then."""

    saved_bytes: int
    """The difference of the two."""

    steps: tuple[SlimSaving, ...]
    """What each step saves; adds up to `saved_bytes`."""

    findings: tuple[SlimFinding, ...]
    """What is taken away of what findings claim, in the order of an audit; empty where nothing becomes smaller, and
    where the main file is not binary.
    """

    left: tuple[str, ...]
    """What was left as it is although a step is about it, and why."""

    lost: tuple[str, ...]
    """What the smaller model does not have any more."""

    problems: tuple[Problem, ...]
    """What is wrong with the model."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "reasons": ("many", None),
        "steps": ("many", "SlimSaving"),
        "findings": ("many", "SlimFinding"),
        "left": ("many", None),
        "lost": ("many", None),
        "problems": ("many", "Problem"),
    }


@dataclass(frozen=True)
class SlimSaving(Record):
    """What a step saves."""

    step: SlimStep
    """The step."""

    saved_bytes: int
    """By how much the files become smaller. Below zero they become larger, which is so of `chunked-main-file` alone:
    that takes a compression away, and other steps save more.
    """

    message: str
    """What is done, in words."""

    files: tuple[SlimFile, ...]
    """The files that change, or go."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "files": ("many", "SlimFile"),
    }


@dataclass(frozen=True)
class Structural(Record):
    """Functions that are equal but for the names in them."""

    redundant_bytes: int
    """All members of all groups but one each. Not in the model's `redundant_bytes`."""

    function_bytes: int
    """The bytes of all functions that were compared."""

    groups: tuple[StructuralGroup, ...]
    """The groups, the most redundant bytes first."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "groups": ("many", "StructuralGroup"),
    }


@dataclass(frozen=True)
class StructuralGroup(Record):
    """Functions of one structure."""

    stem: str
    """What their names have in common: `__inference_lstm_cell_*`."""

    functions: tuple[str, ...]
    """Their names, in the order of the file."""

    bytes: int
    """All of them, tags and lengths included."""

    redundant_bytes: int
    """All of them but the largest."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "functions": ("many", None),
    }


@dataclass(frozen=True)
class TensorChange(Record):
    """What became of an input or output."""

    name: str
    """Its key in the signature."""

    status: DiffStatus
    """What became of it."""

    old: str | None
    """What it was: `float32[?,3]`."""

    new: str | None
    """What it is."""


@dataclass(frozen=True)
class TensorInfoReport(Record):
    """An input or output of a signature."""

    name: str
    """Its key in the signature."""

    dtype: str
    """`float32`, `string`, ..."""

    shape: tuple[int, ...] | None
    """-1 for an unknown dimension; null for an unknown rank."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "shape": ("many", None),
    }


@dataclass(frozen=True)
class TensorReport(Record):
    """A tensor of the checkpoint."""

    key: str
    """Its key. The key of a slice is given as the variable's name with the slice in brackets."""

    name: str | None
    """The variable's own name, where the object graph gives one: `dense/kernel`."""

    dtype: str
    """`float32`, `string`, ..."""

    shape: tuple[int, ...]
    """Its shape."""

    bytes: int
    """The bytes of its data; 0 for a partitioned variable, whose slices are tensors of their own. For V1 the value in
    the table: a message with the elements and the variable's name; before compression where its block is compressed.
    """

    shard: int
    """The shard that holds it; for V1 the table."""

    offset: int
    """Where it starts in the shard; in a compressed block of V1, where the block does."""

    crc32c: int | None
    """The masked CRC32C of its bytes, as the index has it; null where it has none."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "shape": ("many", None),
    }


@dataclass(frozen=True)
class Tool(Record):
    """What wrote the report."""

    name: str
    """`smaudit`."""

    version: str
    """Its version."""


@dataclass(frozen=True)
class Totals(Record):
    """All models of a report together."""

    models: int
    """How many."""

    bytes: int
    """Their `total_bytes`."""

    redundant_bytes: int
    """Their `redundant_bytes`: what each has twice in itself."""

    findings_bytes: int
    """Their `findings_bytes`."""

    neighbours_bytes: int
    """What models repeat of others, as far as it is in `neighbours`. Some of it may be redundant in a model as well."""

    problems: int
    """Their problems."""


@dataclass(frozen=True)
class Unread(Record):
    """Parts of the data that were not read."""

    count: int
    """How many."""

    bytes: int
    """Their bytes."""


@dataclass(frozen=True)
class UnreadableInput(Record):
    """Something that was to be audited and is not in the report."""

    path: str
    """The path, as it was named or found."""

    message: str
    """Why, and what to do."""


@dataclass(frozen=True)
class Verified(Record):
    """What `--verify` came to. Tensors that are wrong are not counted here: each is a problem."""

    tensors: int
    """The tensors whose data has the checksum that the index has for it; for V1 those in blocks that have theirs."""

    bytes: int
    """Their bytes. A range under two keys counts twice."""

    skipped: int
    """The tensors that were not checked: variants, whose checksum is of a form in memory; types that smaudit does not
    know; and those whose entry or shard is damaged, which is a problem of its own.
    """


@dataclass(frozen=True, repr=False)
class Diff(OfDiff):
    """What changed."""

    schema_version: int
    """1, until a key goes or changes its meaning."""

    tool: Tool
    """What wrote it."""

    old: DiffSide
    """What is compared with."""

    new: DiffSide
    """What is compared."""

    delta_bytes: int
    """The new total minus the old one."""

    naming_bytes: int
    """The part of it that differs only by names and counters."""

    categories: Mapping[str, Change]
    """Both totals by category. Every category is there."""

    breakdown: DiffBreakdown
    """The delta as a tree."""

    meta_graphs: tuple[DiffRow, ...]
    """The metagraphs, joined by their tags."""

    functions: DiffList
    """The functions that are not the same."""

    nodes: DiffList
    """The nodes of graphs that are not the same: one a row, or, where a graph has very many, those that are the same
    but for names. Where a side is a report they are not known.
    """

    variables: DiffList
    """The variables that are not the same."""

    signatures: tuple[SignatureChange, ...]
    """The signatures that are not the same."""

    files: DiffList
    """The files that are not the same, but for the main file and those of the checkpoint."""

    duplicates: DuplicatesChange
    """What is duplicated."""

    findings: FindingChanges
    """The causes of size."""

    problems: tuple[SideProblem, ...]
    """What is wrong with either."""

    not_known: tuple[str, ...]
    """What two reports do not say, and why."""

    gate: Gate
    """The rules, held against the new one, with the old one as the baseline."""

    series: Series | None = None
    """Of more than two models: all of them by category."""

    steps: tuple[Diff, ...] = ()
    """Of more than two models: each compared with the one before it."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "tool": ("one", "Tool"),
        "old": ("one", "DiffSide"),
        "new": ("one", "DiffSide"),
        "categories": ("map", "Change"),
        "breakdown": ("one", "DiffBreakdown"),
        "meta_graphs": ("many", "DiffRow"),
        "functions": ("one", "DiffList"),
        "nodes": ("one", "DiffList"),
        "variables": ("one", "DiffList"),
        "signatures": ("many", "SignatureChange"),
        "files": ("one", "DiffList"),
        "duplicates": ("one", "DuplicatesChange"),
        "findings": ("one", "FindingChanges"),
        "problems": ("many", "SideProblem"),
        "not_known": ("many", None),
        "gate": ("one", "Gate"),
        "series": ("one", "Series"),
        "steps": ("many", "Diff"),
    }


@dataclass(frozen=True, repr=False)
class Report(OfReport):
    """The whole report: one document for one run."""

    schema_version: int
    """1, until a key goes or changes its meaning."""

    tool: Tool
    """What wrote the report."""

    models: tuple[ModelReport, ...]
    """One entry for each SavedModel, in the order of the command line, then by name."""

    neighbours: tuple[NeighbourPair, ...]
    """What models repeat of those before them, the most bytes first."""

    shared: tuple[Shared, ...]
    """Each content that several models have, the most repeated bytes first."""

    outside: OutsideReport
    """What lies beside the models, in no model."""

    totals: Totals
    """All models together."""

    unreadable: tuple[UnreadableInput, ...]
    """Paths, and folders on the way to a model, of which there is no report."""

    gate: Gate
    """The rules and whether they hold."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "tool": ("one", "Tool"),
        "models": ("many", "ModelReport"),
        "neighbours": ("many", "NeighbourPair"),
        "shared": ("many", "Shared"),
        "outside": ("one", "OutsideReport"),
        "totals": ("one", "Totals"),
        "unreadable": ("many", "UnreadableInput"),
        "gate": ("one", "Gate"),
    }


@dataclass(frozen=True, repr=False)
class SlimReport(OfSlim):
    """What became of one or more models: the document of `smaudit slim --json`."""

    schema_version: int
    """1; it changes when a key goes or changes its meaning, not when one is added."""

    tool: Tool
    """What wrote it."""

    level: SlimLevel
    """What the smaller models may do without."""

    output: str
    """The directory, or the archive, that was asked for."""

    written: bool
    """Whether it is there now."""

    packed_bytes: int | None
    """The size of the archive; null where a directory was asked for, or nothing was written."""

    old_bytes: int
    """The bytes of the models that are made smaller."""

    new_bytes: int
    """What they have then."""

    saved_bytes: int
    """The difference of the two."""

    steps: tuple[SlimSaving, ...]
    """What the steps save in all models; adds up to `saved_bytes`."""

    models: tuple[SlimModel, ...]
    """The models, in the order in which they were found."""

    unreadable: tuple[UnreadableInput, ...]
    """What was to be slimmed and could not be read."""

    _parts: ClassVar[Mapping[str, tuple[str, str | None]]] = {
        "tool": ("one", "Tool"),
        "steps": ("many", "SlimSaving"),
        "models": ("many", "SlimModel"),
        "unreadable": ("many", "UnreadableInput"),
    }
