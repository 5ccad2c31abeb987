//! Field numbers as the paths that `--by field` shows.

use crate::message::number::meta_graph_def::meta_info_def;
use crate::message::number::tensorflow_hub::module_def;
use crate::message::number::{
    fingerprint_def, function_def, function_def_library, graph_debug_info, graph_def, node_def, saved_model,
    saved_object, saved_object_graph,
};

/// `SavedModel`'s own fields.
pub(super) fn saved_model(number: u32) -> &'static str {
    match number {
        saved_model::SAVED_MODEL_SCHEMA_VERSION => "saved_model_schema_version",
        saved_model::META_GRAPHS => "meta_graphs",
        _ => "(unknown)",
    }
}

/// `MetaGraphDef.MetaInfoDef`.
pub(super) fn meta_info_def(number: u32) -> &'static str {
    match number {
        meta_info_def::META_GRAPH_VERSION => "meta_info_def.meta_graph_version",
        meta_info_def::STRIPPED_OP_LIST => "meta_info_def.stripped_op_list",
        meta_info_def::ANY_INFO => "meta_info_def.any_info",
        meta_info_def::TAGS => "meta_info_def.tags",
        meta_info_def::TENSORFLOW_VERSION => "meta_info_def.tensorflow_version",
        meta_info_def::TENSORFLOW_GIT_VERSION => "meta_info_def.tensorflow_git_version",
        meta_info_def::STRIPPED_DEFAULT_ATTRS => "meta_info_def.stripped_default_attrs",
        meta_info_def::FUNCTION_ALIASES => "meta_info_def.function_aliases",
        _ => "meta_info_def.(unknown)",
    }
}

/// `GraphDef`.
pub(super) fn graph_def(number: u32) -> &'static str {
    match number {
        graph_def::NODE => "graph_def.node",
        graph_def::LIBRARY => "graph_def.library",
        graph_def::VERSION => "graph_def.version",
        graph_def::VERSIONS => "graph_def.versions",
        graph_def::DEBUG_INFO => "graph_def.debug_info",
        _ => "graph_def.(unknown)",
    }
}

/// `FunctionDefLibrary`.
pub(super) fn library(number: u32) -> &'static str {
    match number {
        function_def_library::FUNCTION => "graph_def.library.function",
        function_def_library::GRADIENT => "graph_def.library.gradient",
        function_def_library::REGISTERED_GRADIENTS => "graph_def.library.registered_gradients",
        _ => "graph_def.library.(unknown)",
    }
}

/// `FunctionDef`.
pub(super) fn function(number: u32) -> &'static str {
    match number {
        function_def::SIGNATURE => "graph_def.library.function.signature",
        function_def::NODE_DEF => "graph_def.library.function.node_def",
        function_def::RET => "graph_def.library.function.ret",
        function_def::ATTR => "graph_def.library.function.attr",
        function_def::CONTROL_RET => "graph_def.library.function.control_ret",
        function_def::ARG_ATTR => "graph_def.library.function.arg_attr",
        function_def::RESOURCE_ARG_UNIQUE_ID => "graph_def.library.function.resource_arg_unique_id",
        _ => "graph_def.library.function.(unknown)",
    }
}

/// `NodeDef` in the graph.
pub(super) fn node(number: u32) -> &'static str {
    match number {
        node_def::NAME => "graph_def.node.name",
        node_def::OP => "graph_def.node.op",
        node_def::INPUT => "graph_def.node.input",
        node_def::DEVICE => "graph_def.node.device",
        node_def::ATTR => "graph_def.node.attr",
        node_def::EXPERIMENTAL_DEBUG_INFO => "graph_def.node.experimental_debug_info",
        node_def::EXPERIMENTAL_TYPE => "graph_def.node.experimental_type",
        _ => "graph_def.node.(unknown)",
    }
}

/// `NodeDef` in a function.
pub(super) fn function_node(number: u32) -> &'static str {
    match number {
        node_def::NAME => "graph_def.library.function.node_def.name",
        node_def::OP => "graph_def.library.function.node_def.op",
        node_def::INPUT => "graph_def.library.function.node_def.input",
        node_def::DEVICE => "graph_def.library.function.node_def.device",
        node_def::ATTR => "graph_def.library.function.node_def.attr",
        node_def::EXPERIMENTAL_DEBUG_INFO => "graph_def.library.function.node_def.experimental_debug_info",
        node_def::EXPERIMENTAL_TYPE => "graph_def.library.function.node_def.experimental_type",
        _ => "graph_def.library.function.node_def.(unknown)",
    }
}

/// `SavedObjectGraph`.
pub(super) fn object_graph(number: u32) -> &'static str {
    match number {
        saved_object_graph::NODES => "object_graph_def.nodes",
        saved_object_graph::CONCRETE_FUNCTIONS => "object_graph_def.concrete_functions",
        _ => "object_graph_def.(unknown)",
    }
}

/// The kind of a `SavedObject`, by the field of its `oneof`; the other fields say nothing about the kind.
pub(super) fn object_kind(number: u32) -> Option<&'static str> {
    Some(match number {
        saved_object::USER_OBJECT => "user_object",
        saved_object::ASSET => "asset",
        saved_object::FUNCTION => "function",
        saved_object::VARIABLE => "variable",
        saved_object::BARE_CONCRETE_FUNCTION => "bare_concrete_function",
        saved_object::CONSTANT => "constant",
        saved_object::RESOURCE => "resource",
        saved_object::CAPTURED_TENSOR => "captured_tensor",
        _ => return None,
    })
}

/// `FingerprintDef`.
pub(super) fn fingerprint(number: u32) -> &'static str {
    match number {
        fingerprint_def::SAVED_MODEL_CHECKSUM => "files.fingerprint.saved_model_checksum",
        fingerprint_def::GRAPH_DEF_PROGRAM_HASH => "files.fingerprint.graph_def_program_hash",
        fingerprint_def::SIGNATURE_DEF_HASH => "files.fingerprint.signature_def_hash",
        fingerprint_def::SAVED_OBJECT_GRAPH_HASH => "files.fingerprint.saved_object_graph_hash",
        fingerprint_def::CHECKPOINT_HASH => "files.fingerprint.checkpoint_hash",
        fingerprint_def::VERSION => "files.fingerprint.version",
        fingerprint_def::UUID => "files.fingerprint.uuid",
        _ => "files.fingerprint.(unknown)",
    }
}

/// `GraphDebugInfo` as a file.
pub(super) fn debug_info(number: u32) -> &'static str {
    match number {
        graph_debug_info::FILES => "files.debug_info.files",
        graph_debug_info::TRACES => "files.debug_info.traces",
        graph_debug_info::FRAMES_BY_ID => "files.debug_info.frames_by_id",
        graph_debug_info::NAME_TO_TRACE_ID => "files.debug_info.name_to_trace_id",
        graph_debug_info::TRACES_BY_ID => "files.debug_info.traces_by_id",
        _ => "files.debug_info.(unknown)",
    }
}

/// `ModuleDef` of TensorFlow Hub (tensorflow_hub/module_def.proto).
pub(super) fn hub_module(number: u32) -> &'static str {
    match number {
        module_def::FORMAT => "files.tfhub_module.format",
        module_def::REQUIRED_FEATURES => "files.tfhub_module.required_features",
        _ => "files.tfhub_module.(unknown)",
    }
}
