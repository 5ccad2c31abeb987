//! The levels of `smaudit slim` and its steps: what each is called, what it does, and what is lost by it.

use schemars::JsonSchema;
use serde::Serialize;

/// What a smaller model may do without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SlimLevel {
    /// Nothing: everything that loads, trains, saves or converts the model does so as before.
    #[default]
    Safe,
    /// Training state, custom gradients, initial values and saving in a session: every signature and every function that can be
    /// called gives the same.
    Inference,
    /// All that the kept signatures do not need: these give the same in Python and in sessions.
    Serving,
}

impl SlimLevel {
    /// All levels, the least first.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Inference, Self::Serving];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Inference => "inference",
            Self::Serving => "serving",
        }
    }

    /// What it promises.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Safe => "everything that loads, trains, saves or converts the model does so as before",
            Self::Inference => "every signature and every function gives the same; training cannot go on",
            Self::Serving => "the kept signatures give the same in Python and in sessions; other functions are gone",
        }
    }
}

/// A way to make a model smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SlimStep {
    /// A main file in text is written in binary.
    TextMainFile,
    /// A main file in chunks is written in binary. Without their compression it may be larger: then it is done only where the other
    /// steps save more.
    ChunkedMainFile,
    /// Metagraphs of other tags are left out.
    Metagraphs,
    /// Nodes, functions and items of collections that nothing reaches are left out.
    Unreached,
    /// What only saving in a session needs is left out.
    SaverSave,
    /// Gradients that are registered and functions that only training calls are left out.
    Gradients,
    /// Stack traces are left out.
    DebugInfo,
    /// Signatures that are not asked for, and functions that no kept one needs, are left out.
    OtherFunctions,
    /// Keras' own metadata are left out.
    KerasMetadata,
    /// Nodes of functions that nothing runs are left out.
    DeadNodes,
    /// Functions that only call another one are passed by.
    Forward,
    /// Functions that do the same become one.
    Fold,
    /// Variables that no signature and no function reads are left out.
    UnreadVariables,
    /// The copy that Python has of a variable is the one that a session reads.
    Twins,
    /// Objects of Python that no kept signature needs are left out.
    OtherObjects,
    /// Definitions of ops that no node is of are left out.
    UnusedOps,
    /// Initial values of variables that are restored become placeholders.
    InitialValues,
    /// Shapes of nodes in functions, and names of arguments, are left out. Only where that is asked for.
    Strip,
    /// Constants of a function that equal another one of it become that.
    EqualConstants,
    /// Constants of functions that are a slice repeated become that, and an op repeats it.
    EqualSlices,
    /// Files that no loader reads are left out.
    StaleFiles,
    /// Assets of one content share a file.
    EqualAssets,
    /// Bytes of shards that no tensor claims are left out.
    UnusedData,
    /// Tensors of one content share a range of a shard, and tensors of zeros one of zeros.
    Alias,
}

impl SlimStep {
    /// All steps, in the order in which they are taken.
    pub const ALL: [Self; 24] = [
        Self::TextMainFile,
        Self::ChunkedMainFile,
        Self::Metagraphs,
        Self::Unreached,
        Self::SaverSave,
        Self::Gradients,
        Self::DebugInfo,
        Self::OtherFunctions,
        Self::KerasMetadata,
        Self::DeadNodes,
        Self::Forward,
        Self::Fold,
        Self::UnreadVariables,
        Self::Twins,
        Self::OtherObjects,
        Self::InitialValues,
        Self::UnusedOps,
        Self::Strip,
        Self::EqualConstants,
        Self::EqualSlices,
        Self::StaleFiles,
        Self::EqualAssets,
        Self::UnusedData,
        Self::Alias,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TextMainFile => "text-main-file",
            Self::ChunkedMainFile => "chunked-main-file",
            Self::Metagraphs => "metagraphs",
            Self::Unreached => "unreached",
            Self::SaverSave => "saver-save",
            Self::Gradients => "gradients",
            Self::DebugInfo => "debug-info",
            Self::OtherFunctions => "other-functions",
            Self::KerasMetadata => "keras-metadata",
            Self::DeadNodes => "dead-nodes",
            Self::Forward => "forward",
            Self::Fold => "fold",
            Self::UnreadVariables => "unread-variables",
            Self::Twins => "twins",
            Self::OtherObjects => "other-objects",
            Self::UnusedOps => "unused-ops",
            Self::InitialValues => "initial-values",
            Self::Strip => "strip",
            Self::EqualConstants => "equal-constants",
            Self::EqualSlices => "equal-slices",
            Self::StaleFiles => "stale-files",
            Self::EqualAssets => "equal-assets",
            Self::UnusedData => "unused-data",
            Self::Alias => "alias",
        }
    }

    /// What it does.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::TextMainFile => "write a main file that is text in binary",
            Self::ChunkedMainFile => "write a main file that is in chunks in binary, where the model becomes smaller",
            Self::Metagraphs => "leave out metagraphs of other tags",
            Self::Unreached => "leave out nodes and functions that nothing reaches",
            Self::SaverSave => "leave out what only saving in a session needs",
            Self::Gradients => "leave out gradients that are registered, and functions that only training calls",
            Self::DebugInfo => "leave out stack traces",
            Self::OtherFunctions => "leave out functions that no kept signature needs",
            Self::KerasMetadata => "leave out Keras' own metadata",
            Self::DeadNodes => "leave out nodes of functions that nothing runs",
            Self::Forward => "pass by functions that only call another one",
            Self::Fold => "let functions that do the same be one",
            Self::UnreadVariables => "leave out variables that no signature and no function reads",
            Self::Twins => "let Python and a session have one copy of a variable",
            Self::OtherObjects => "leave out objects of Python that no kept signature needs",
            Self::UnusedOps => "leave out definitions of ops that no node is of",
            Self::InitialValues => "empty initial values of variables that are restored",
            Self::Strip => "leave out shapes of nodes in functions, and names of arguments: with --strip only",
            Self::EqualConstants => "let equal constants of a function be one",
            Self::EqualSlices => "let an op repeat what a constant of a function has several times",
            Self::StaleFiles => "leave out files that no loader reads",
            Self::EqualAssets => "let assets of one content share a file",
            Self::UnusedData => "leave out bytes of shards that no tensor claims",
            Self::Alias => "let tensors of one content share their bytes",
        }
    }

    /// The least level that has it.
    #[must_use]
    pub fn level(self) -> SlimLevel {
        match self {
            Self::StaleFiles | Self::EqualAssets | Self::UnusedData | Self::Alias => SlimLevel::Safe,
            Self::Metagraphs | Self::OtherFunctions | Self::KerasMetadata | Self::DeadNodes | Self::OtherObjects => {
                SlimLevel::Serving
            }
            Self::TextMainFile
            | Self::ChunkedMainFile
            | Self::Unreached
            | Self::SaverSave
            | Self::Gradients
            | Self::DebugInfo
            | Self::UnusedOps
            | Self::Forward
            | Self::Fold
            | Self::UnreadVariables
            | Self::Twins
            | Self::InitialValues
            | Self::Strip
            | Self::EqualConstants
            | Self::EqualSlices => SlimLevel::Inference,
        }
    }

    /// What a model does not have any more after it; `None` of one that takes nothing away.
    #[must_use]
    pub fn loses(self) -> Option<&'static str> {
        Some(match self {
            Self::TextMainFile => "saved_model.pbtxt, the main file as text",
            Self::ChunkedMainFile => "saved_model.cpb, the main file in chunks",
            Self::Metagraphs => "metagraphs of other tags",
            Self::Unreached => "nodes that nothing reaches, which a session could run by their names",
            Self::SaverSave => "saving in a v1 session: `Saver.save` fails, restoring works",
            Self::Gradients => "custom gradients: asking for one is an error",
            Self::DebugInfo => "stack traces of the program that made the model",
            Self::OtherFunctions => "functions that Python could call, other than those of signatures",
            Self::KerasMetadata => "loading with tf_keras, which wants keras_metadata.pb",
            Self::DeadNodes => "nodes of functions that nothing runs",
            Self::OtherObjects => "objects of Python, as layers, that no kept signature needs",
            Self::Forward => "functions that only call another one, which a session could call by their names",
            Self::Fold => "functions that do what others do, which a session could call by their names",
            Self::UnreadVariables => "variables that nothing reads: training cannot go on where it ended",
            Self::Twins => "the second of two objects that were one variable",
            Self::Strip => "shapes of nodes in functions, which loaders find again, and what messages call arguments",
            Self::EqualConstants => "constants of functions that equal another one, which a debugger could name",
            Self::InitialValues => "initial values: running an initializer asks to be fed",
            Self::StaleFiles
            | Self::EqualAssets
            | Self::UnusedData
            | Self::Alias
            | Self::UnusedOps
            | Self::EqualSlices => return None,
        })
    }
}
