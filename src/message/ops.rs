//! The ops that are known by their names: what each list has in common, and the file of TensorFlow that registers them.

use std::ops::Range;
use std::sync::LazyLock;

use foldhash::HashSet;

/// A constant (tensorflow/core/ops/array_ops.cc).
pub const CONST: &[u8] = b"Const";

/// What is to be fed (tensorflow/core/ops/array_ops.cc).
pub const PLACEHOLDER: &[u8] = b"Placeholder";

/// What only makes others run before it (tensorflow/core/ops/no_op.cc); a Saver groups assignments so.
pub const GROUP: &[u8] = b"NoOp";

/// The value of its input and nothing else (tensorflow/core/ops/array_ops.cc).
pub const IDENTITY: &[u8] = b"Identity";

/// All of its inputs (tensorflow/core/ops/array_ops.cc).
pub const IDENTITY_N: &[u8] = b"IdentityN";

/// Its input in another element type (tensorflow/core/ops/math_ops.cc).
pub const CAST: &[u8] = b"Cast";

/// The elements of its input in another shape (tensorflow/core/ops/array_ops.cc).
pub const RESHAPE: &[u8] = b"Reshape";

/// Numbers that count up (tensorflow/core/ops/math_ops.cc).
pub const RANGE: &[u8] = b"Range";

/// The value of a variable by its handle (tensorflow/core/ops/resource_variable_ops.cc).
pub const READ: &[u8] = b"ReadVariableOp";

/// Rows of a variable by its handle (tensorflow/core/ops/resource_variable_ops.cc).
pub const GATHER_OF_HANDLE: &[u8] = b"ResourceGather";

/// Ops that write tensors to a checkpoint (tensorflow/core/ops/io_ops.cc). The second input has the keys, the third of
/// `SaveV2` and `SaveSlices` the slices.
pub const SAVES: [&[u8]; 3] = [b"SaveV2", b"SaveSlices", b"Save"];

/// Ops that read tensors of a checkpoint (tensorflow/core/ops/io_ops.cc). The second input has the keys, the third of
/// `RestoreV2` and `RestoreSlice` the slices.
pub const RESTORES: [&[u8]; 3] = [b"RestoreV2", b"RestoreSlice", b"Restore"];

/// The op that restores of these that TensorFlow 2 writes (tensorflow/core/ops/io_ops.cc).
pub const RESTORE_V2: &[u8] = b"RestoreV2";

/// Which inputs of a node with this op are names of tensors, or say which slices of them are meant
/// (tensorflow/core/ops/io_ops.cc).
#[must_use]
pub fn named_inputs(op: &[u8]) -> Range<usize> {
    match op {
        b"SaveV2" | b"RestoreV2" | b"SaveSlices" | b"RestoreSlice" => 1..3,
        b"Save" | b"Restore" => 1..2,
        _ => 0..0,
    }
}

/// What a Saver puts around these, besides assignments and what passes values on (tensorflow/python/training/saver.py): several
/// file names in one tensor, and the checkpoints of several devices as one.
pub const OF_SAVERS: [&[u8]; 2] = [b"Pack", b"MergeV2Checkpoints"];

/// Whether an op writes or reads a checkpoint.
#[must_use]
pub fn is_saver(op: &[u8]) -> bool {
    SAVES.contains(&op) || RESTORES.contains(&op)
}

/// Ops that give what their first input has, in another type, shape or state of the handle (tensorflow/core/ops/array_ops.cc,
/// math_ops.cc for `Cast`, resource_variable_ops.cc for `DisableCopyOnRead`).
pub const PASSES: [&[u8]; 8] =
    [IDENTITY, CAST, RESHAPE, b"ExpandDims", b"Squeeze", b"StopGradient", b"EnsureShape", b"DisableCopyOnRead"];

/// Ops that give a handle or a value on as it is (tensorflow/core/ops/array_ops.cc).
pub const GIVE_ON: [&[u8]; 4] = [IDENTITY, b"StopGradient", b"Snapshot", b"EnsureShape"];

/// Its first input in the shape that its second one says, by repeating what is 1 there
/// (tensorflow/core/ops/array_ops.cc, tensorflow/core/kernels/broadcast_to_op.cc).
pub const BROADCAST_TO: &[u8] = b"BroadcastTo";

/// Ops that give the elements of their first input as they are, in whatever shape and order
/// (tensorflow/core/ops/array_ops.cc).
pub const GIVE_ON_ELEMENTS: [&[u8]; 9] = [
    b"EnsureShape",
    b"ExpandDims",
    IDENTITY,
    b"PreventGradient",
    RESHAPE,
    b"Snapshot",
    b"Squeeze",
    b"StopGradient",
    b"Transpose",
];

/// Ops that add two tensors or subtract one from the other, element by element (tensorflow/core/ops/math_ops.cc).
pub const SUMS: [&[u8]; 3] = [b"Add", b"AddV2", b"Sub"];

/// Multiplies two tensors, element by element (tensorflow/core/ops/math_ops.cc).
pub const PRODUCT: &[u8] = b"Mul";

/// Ops that sum products of their first input and weights (tensorflow/core/ops/math_ops.cc, nn_ops.cc).
pub const WEIGHTED: [&[u8]; 3] = [b"Conv2D", b"DepthwiseConv2dNative", b"MatMul"];

/// Ops that no rewriting of tensorflow/core/grappler/optimizers (2.21) joins with a sum or a product of constants beside them: they
/// are no arithmetic that could be done in another order, or take no part of it.
pub const APART_FROM_ARITHMETIC: [&[u8]; 40] = [
    b"ArgMax",
    CAST,
    b"Ceil",
    b"CombinedNonMaxSuppression",
    b"ConcatV2",
    b"DecodeJpeg",
    b"DecodePng",
    b"Elu",
    b"Exp",
    b"Floor",
    b"GatherNd",
    b"GatherV2",
    b"Greater",
    b"GreaterEqual",
    b"LeakyRelu",
    b"Less",
    b"LessEqual",
    b"Log",
    b"Maximum",
    b"Minimum",
    b"NonMaxSuppressionV3",
    b"Pack",
    PLACEHOLDER,
    READ,
    b"Relu",
    b"Relu6",
    b"ResizeBilinear",
    b"ResizeNearestNeighbor",
    GATHER_OF_HANDLE,
    b"Selu",
    b"Sigmoid",
    b"Slice",
    b"Softmax",
    b"Softplus",
    b"Split",
    b"SplitV",
    b"StridedSlice",
    b"Tanh",
    b"TopKV2",
    b"Unpack",
];

/// Ops that gather rows of a value (tensorflow/core/ops/array_ops.cc).
pub const GATHERS: [&[u8]; 2] = [b"GatherV2", b"Gather"];

/// Ops that take a part of a value, or its elements in another shape or order, and change none
/// (tensorflow/core/ops/array_ops.cc).
pub const PARTS: [&[u8]; 7] = [b"GatherV2", b"Gather", RESHAPE, b"ExpandDims", b"Squeeze", b"Transpose", IDENTITY];

/// Ops that are variables (tensorflow/core/ops/state_ops.cc, resource_variable_ops.cc).
pub const VARIABLES: [&[u8]; 4] = [b"VarHandleOp", b"VariableV2", b"Variable", b"AutoReloadVariable"];

/// Variables of TensorFlow 1 that are their own values (tensorflow/core/ops/state_ops.cc).
pub const REFERENCE_VARIABLES: [&[u8]; 2] = [b"VariableV2", b"Variable"];

/// Ops that read a variable's value from its handle, the second rows of it (tensorflow/core/ops/resource_variable_ops.cc).
pub const READS_OF_HANDLES: [&[u8]; 2] = [READ, GATHER_OF_HANDLE];

/// Ops that ask about a variable or its value, and not for that (tensorflow/core/ops/array_ops.cc,
/// resource_variable_ops.cc).
pub const ASK_ABOUT_VARIABLES: [&[u8]; 6] =
    [b"Shape", b"VariableShape", b"Size", b"Rank", b"VarIsInitializedOp", b"DisableCopyOnRead"];

/// Ops that read a variable or ask about it, which every variable has (tensorflow/core/ops/resource_variable_ops.cc,
/// state_ops.cc).
pub const READ_OR_ASK_ABOUT_VARIABLES: [&[u8]; 4] = [READ, b"VarIsInitializedOp", b"IsVariableInitialized", IDENTITY];

/// Ops that read a variable (tensorflow/core/ops/resource_variable_ops.cc; array_ops.cc for reference variables).
pub const READS: [&[u8]; 2] = [READ, IDENTITY];

/// Ops that set a variable, their first input, to their second (tensorflow/core/ops/state_ops.cc,
/// resource_variable_ops.cc).
pub const ASSIGNS: [&[u8]; 2] = [b"Assign", b"AssignVariableOp"];

/// Ops that are there for the variable which is their first input: they read it, set it, change it or ask about it
/// (tensorflow/core/ops/state_ops.cc, resource_variable_ops.cc).
pub const OF_VARIABLES: [&[u8]; 9] = [
    b"ReadVariableOp",
    IDENTITY,
    b"DisableCopyOnRead",
    b"Assign",
    b"AssignVariableOp",
    b"VarIsInitializedOp",
    b"IsVariableInitialized",
    b"AssignSubVariableOp",
    b"AssignAddVariableOp",
];

/// Whether an op is an optimizer's step: `ApplyAdam`, `ResourceSparseApplyMomentum`
/// (tensorflow/core/ops/training_ops.cc).
#[must_use]
pub fn is_optimizer_step(op: &[u8]) -> bool {
    let op = op.strip_prefix(b"Resource").unwrap_or(op);
    op.starts_with(b"Apply") || op.starts_with(b"SparseApply")
}

/// Ops that fill a table, their first input, with keys and values (tensorflow/core/ops/lookup_ops.cc).
pub const TABLE_FILLS: [&[u8]; 4] =
    [b"InitializeTable", b"InitializeTableV2", b"LookupTableImport", b"LookupTableImportV2"];

/// Ops that fill a table from a file (tensorflow/core/ops/lookup_ops.cc).
pub const TABLE_FILLS_FROM_FILE: [&[u8]; 2] = [b"InitializeTableFromTextFileV2", b"InitializeTableFromTextFile"];

/// Ops that look keys up in a table (tensorflow/core/ops/lookup_ops.cc).
pub const TABLE_LOOKUPS: [&[u8]; 2] = [b"LookupTableFindV2", b"LookupTableFind"];

/// Ops that ask a table for something else, and change nothing (tensorflow/core/ops/lookup_ops.cc).
pub const ASK_ABOUT_TABLES: [&[u8]; 4] =
    [b"LookupTableSizeV2", b"LookupTableSize", b"LookupTableExportV2", b"LookupTableExport"];

/// Whether an op puts what it is given into a variable or a table: `Assign` and all that begin so, `InitializeTable` and
/// `InitializeTableFromTextFile`, `LookupTableImport` (tensorflow/core/ops/state_ops.cc, lookup_ops.cc).
#[must_use]
pub fn sets_resource(op: &[u8]) -> bool {
    [&b"Assign"[..], b"InitializeTable", b"LookupTableImport"].iter().any(|start| op.starts_with(start))
}

/// Whether an op sets a variable or changes it: `AssignVariableOp`, `ResourceScatterUpdate`, an optimizer's step
/// (tensorflow/core/ops/state_ops.cc, resource_variable_ops.cc).
#[must_use]
pub fn changes_variable(op: &[u8]) -> bool {
    let of_resource = op.strip_prefix(b"Resource").unwrap_or(op);
    is_optimizer_step(op)
        || op.starts_with(b"Assign")
        || of_resource.starts_with(b"Scatter")
        || of_resource.starts_with(b"StridedSliceAssign")
}

/// Whether a Saver puts restored values where they belong with this op.
#[must_use]
pub fn sets_restored(op: &[u8]) -> bool {
    [&b"Assign"[..], b"LookupTableImport"].iter().any(|start| op.starts_with(start))
}

/// Whether a node with this op makes a handle of a resource that goes by the node's name where it shares no other: variables
/// (tensorflow/core/ops/state_ops.cc, resource_variable_ops.cc) and tables (lookup_ops.cc: `HashTableV2`,
/// `MutableDenseHashTableV2`, `MutableHashTableOfTensors`, ...). Anonymous ones have no name to go by.
#[must_use]
#[inline]
pub fn makes_resource(op: &[u8]) -> bool {
    // Asked of every node: the ends of most ops say that it is none, without a comparison with each.
    matches!(op.last_chunk::<4>(), Some(b"leOp" | b"leV2" | b"able" | b"sors" | b"rsV2")) && is_of_resource(op)
}

fn is_of_resource(op: &[u8]) -> bool {
    VARIABLES.contains(&op)
        || [&b"HashTable"[..], b"HashTableV2", b"HashTableOfTensors", b"HashTableOfTensorsV2"]
            .iter()
            .any(|end| op.ends_with(end) && !op.starts_with(b"Anonymous"))
}

/// Ops that hand their inputs to the function that their attribute `f` names, the first to its first argument
/// (tensorflow/core/ops/functional_ops.cc).
pub const CALLS: [&[u8]; 2] = [b"PartitionedCall", b"StatefulPartitionedCall"];

/// The attribute by which these name it.
pub const CALLED: &[u8] = b"f";

/// Calls the gradient of the function that its attribute `f` names (tensorflow/core/ops/functional_ops.cc).
pub const SYMBOLIC_GRADIENT: &[u8] = b"SymbolicGradient";

/// How an op calls functions with its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// The attributes that name the functions.
    pub attributes: &'static [&'static [u8]],
    /// Which of its inputs is their first argument.
    pub first: usize,
}

/// How an op calls functions with its inputs; `None` of others, which may be called as a function is
/// (tensorflow/core/ops/functional_ops.cc).
#[must_use]
pub fn calls(op: &[u8]) -> Option<Calls> {
    let (attributes, first): (&'static [&'static [u8]], usize) = match op {
        _ if CALLS.contains(&op) => (&[b"f"], 0),
        b"RemoteCall" => (&[b"f"], 1),
        b"If" | b"StatelessIf" => (&[b"then_branch", b"else_branch"], 1),
        b"While" | b"StatelessWhile" => (&[b"cond", b"body"], 0),
        b"Case" | b"StatelessCase" => (&[b"branches"], 1),
        _ => return None,
    };
    Some(Calls { attributes, first })
}

/// Calls a module of StableHLO, in which jax2tf puts what JAX computes (tensorflow/compiler/tf2xla/ops/xla_ops.cc).
pub const XLA_CALL_MODULE: &[u8] = b"XlaCallModule";

/// What the names of ops that make a lookup table have in them (tensorflow/core/ops/lookup_ops.cc): `HashTableV2`,
/// `MutableDenseHashTable`.
pub const TABLE: &[u8] = b"HashTable";

/// Data sets whose elements are their inputs (tensorflow/core/ops/dataset_ops.cc). Inputs of others say how to read or how to
/// change elements.
pub const DATA_SETS_OF_TENSORS: [&[u8]; 3] = [b"TensorSliceDataset", b"TensorDataset", b"SparseTensorSliceDataset"];

/// Whether an op is known to keep no state and to read none: what it gives depends on its inputs and attributes alone, and nobody
/// misses it who takes nothing of it. Those that TensorFlow 2.21 registers so (`OpDef.is_stateful` is not set); any other may keep
/// state.
#[must_use]
pub fn is_stateless(op: &[u8]) -> bool {
    static NAMES: LazyLock<HashSet<&[u8]>> =
        LazyLock::new(|| include_str!("stateless_ops.txt").lines().map(str::as_bytes).collect());
    NAMES.contains(op)
}

/// Whether a stateful op keeps its state in a resource that others share by its handle or its name, or has none of its own: two
/// nodes with it that are given the same may be one (tensorflow/core/ops/resource_variable_ops.cc, lookup_ops.cc,
/// functional_ops.cc, io_ops.cc, logging_ops.cc).
#[must_use]
pub fn shares_state(op: &[u8]) -> bool {
    let starts: [&[u8]; 7] = [
        b"Assign",
        b"ResourceGather",
        b"ResourceScatter",
        b"ResourceApply",
        b"ResourceSparseApply",
        b"LookupTable",
        b"InitializeTable",
    ];
    let ops: [&[u8]; 13] = [
        READ,
        b"VarHandleOp",
        b"VarIsInitializedOp",
        b"VariableShape",
        b"DestroyResourceOp",
        b"StatefulPartitionedCall",
        b"If",
        b"While",
        b"Case",
        b"RestoreV2",
        b"SaveV2",
        b"MergeV2Checkpoints",
        b"Assert",
    ];
    ops.contains(&op) || starts.iter().any(|start| op.starts_with(start))
}

/// Ops whose random numbers go on from call to call, beginning with the seeds in `seed` and `seed2`; with both of them zero, with
/// others in each run (tensorflow/core/ops/random_ops.cc, tensorflow/core/util/guarded_philox_random.cc).
pub const RANDOM: [&[u8]; 10] = [
    b"Multinomial",
    b"ParameterizedTruncatedNormal",
    b"RandomGamma",
    b"RandomPoisson",
    b"RandomPoissonV2",
    b"RandomShuffle",
    b"RandomStandardNormal",
    b"RandomUniform",
    b"RandomUniformInt",
    b"TruncatedNormal",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stateless_ops_are_those_of_the_list() {
        assert!(include_str!("stateless_ops.txt").lines().is_sorted_by(|one, next| one < next));
        assert!(
            ["A", "Const", "Identity", "MatMul", "PartitionedCall", "StatelessIf"]
                .iter()
                .all(|op| is_stateless(op.as_bytes()))
        );
        let stateful = [
            "ReadVariableOp",
            "RandomUniform",
            "StatefulPartitionedCall",
            "HashTableV2",
            "Assert",
            "__inference_f_1",
            "",
        ];
        assert!(stateful.iter().all(|op| !is_stateless(op.as_bytes())));
    }

    #[test]
    fn variables_and_named_tables_are_resources() {
        let named = [
            "VarHandleOp",
            "VariableV2",
            "Variable",
            "HashTableV2",
            "MutableDenseHashTableV2",
            "MutableHashTableOfTensors",
        ];
        assert!(named.iter().all(|op| makes_resource(op.as_bytes())));
        let others = ["AnonymousHashTable", "ReadVariableOp", "TemporaryVariable", "Const", "Op", ""];
        assert!(others.iter().all(|op| !makes_resource(op.as_bytes())));
    }

    #[test]
    fn arguments_begin_behind_what_chooses_the_function_or_the_device() {
        let first = |op: &str| calls(op.as_bytes()).map(|calls| calls.first);
        assert_eq!(["PartitionedCall", "StatefulPartitionedCall", "While"].map(first), [Some(0); 3]);
        assert_eq!(["RemoteCall", "If", "StatelessCase"].map(first), [Some(1); 3]);
        assert_eq!(first("__inference_call_12"), None);
    }

    #[test]
    fn steps_of_optimizers_begin_alike() {
        let steps = ["ApplyAdam", "ResourceApplyAdam", "ResourceSparseApplyMomentum", "SparseApplyFtrlV2"];
        assert!(steps.iter().all(|op| is_optimizer_step(op.as_bytes())));
        assert!(!is_optimizer_step(b"ResourceGather") && !is_optimizer_step(b"MapApply"));
    }
}
