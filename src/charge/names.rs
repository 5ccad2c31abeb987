//! Field numbers as the paths that `--by field` shows. From the .proto files under `proto/`.

/// `SavedModel`'s own fields.
pub(super) fn saved_model(number: u32) -> &'static str {
    match number {
        1 => "saved_model_schema_version",
        super::META_GRAPHS => "meta_graphs",
        _ => "(unknown)",
    }
}

/// `MetaGraphDef.MetaInfoDef`.
pub(super) fn meta_info_def(number: u32) -> &'static str {
    match number {
        1 => "meta_info_def.meta_graph_version",
        2 => "meta_info_def.stripped_op_list",
        3 => "meta_info_def.any_info",
        4 => "meta_info_def.tags",
        5 => "meta_info_def.tensorflow_version",
        6 => "meta_info_def.tensorflow_git_version",
        7 => "meta_info_def.stripped_default_attrs",
        8 => "meta_info_def.function_aliases",
        _ => "meta_info_def.(unknown)",
    }
}

/// `GraphDef`.
pub(super) fn graph_def(number: u32) -> &'static str {
    match number {
        1 => "graph_def.node",
        2 => "graph_def.library",
        3 => "graph_def.version",
        4 => "graph_def.versions",
        5 => "graph_def.debug_info",
        _ => "graph_def.(unknown)",
    }
}

/// `FunctionDefLibrary`.
pub(super) fn library(number: u32) -> &'static str {
    match number {
        1 => "graph_def.library.function",
        2 => "graph_def.library.gradient",
        3 => "graph_def.library.registered_gradients",
        _ => "graph_def.library.(unknown)",
    }
}

/// `FunctionDef`.
pub(super) fn function(number: u32) -> &'static str {
    match number {
        1 => "graph_def.library.function.signature",
        3 => "graph_def.library.function.node_def",
        4 => "graph_def.library.function.ret",
        5 => "graph_def.library.function.attr",
        6 => "graph_def.library.function.control_ret",
        7 => "graph_def.library.function.arg_attr",
        8 => "graph_def.library.function.resource_arg_unique_id",
        _ => "graph_def.library.function.(unknown)",
    }
}

/// `NodeDef` in the graph.
pub(super) fn node(number: u32) -> &'static str {
    match number {
        1 => "graph_def.node.name",
        2 => "graph_def.node.op",
        3 => "graph_def.node.input",
        4 => "graph_def.node.device",
        5 => "graph_def.node.attr",
        6 => "graph_def.node.experimental_debug_info",
        7 => "graph_def.node.experimental_type",
        _ => "graph_def.node.(unknown)",
    }
}

/// `NodeDef` in a function.
pub(super) fn function_node(number: u32) -> &'static str {
    match number {
        1 => "graph_def.library.function.node_def.name",
        2 => "graph_def.library.function.node_def.op",
        3 => "graph_def.library.function.node_def.input",
        4 => "graph_def.library.function.node_def.device",
        5 => "graph_def.library.function.node_def.attr",
        6 => "graph_def.library.function.node_def.experimental_debug_info",
        7 => "graph_def.library.function.node_def.experimental_type",
        _ => "graph_def.library.function.node_def.(unknown)",
    }
}

/// `SavedObjectGraph`.
pub(super) fn object_graph(number: u32) -> &'static str {
    match number {
        1 => "object_graph_def.nodes",
        2 => "object_graph_def.concrete_functions",
        _ => "object_graph_def.(unknown)",
    }
}

/// The kind of a `SavedObject`, by the field of its `oneof`; the other fields say nothing about the kind.
pub(super) fn object_kind(number: u32) -> Option<&'static str> {
    Some(match number {
        4 => "user_object",
        5 => "asset",
        6 => "function",
        7 => "variable",
        8 => "bare_concrete_function",
        9 => "constant",
        10 => "resource",
        12 => "captured_tensor",
        _ => return None,
    })
}

/// `FingerprintDef`.
pub(super) fn fingerprint(number: u32) -> &'static str {
    match number {
        1 => "files.fingerprint.saved_model_checksum",
        2 => "files.fingerprint.graph_def_program_hash",
        3 => "files.fingerprint.signature_def_hash",
        4 => "files.fingerprint.saved_object_graph_hash",
        5 => "files.fingerprint.checkpoint_hash",
        6 => "files.fingerprint.version",
        7 => "files.fingerprint.uuid",
        _ => "files.fingerprint.(unknown)",
    }
}

/// `GraphDebugInfo` as a file.
pub(super) fn debug_info(number: u32) -> &'static str {
    match number {
        1 => "files.debug_info.files",
        2 => "files.debug_info.traces",
        4 => "files.debug_info.frames_by_id",
        5 => "files.debug_info.name_to_trace_id",
        6 => "files.debug_info.traces_by_id",
        _ => "files.debug_info.(unknown)",
    }
}

/// `ModuleDef` of TensorFlow Hub (tensorflow_hub/module_def.proto).
pub(super) fn hub_module(number: u32) -> &'static str {
    match number {
        1 => "files.tfhub_module.format",
        2 => "files.tfhub_module.required_features",
        _ => "files.tfhub_module.(unknown)",
    }
}
