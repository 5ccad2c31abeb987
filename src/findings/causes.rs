//! The list of all causes: a module for each.

mod assign_constants;
mod broadcast_constant;
mod cast_down_variable;
mod constant_equals_variable;
mod constant_in_every_metagraph;
mod constant_in_every_trace;
pub(super) mod debug_info;
mod duplicate_asset;
mod embedded_dataset;
mod equal_variables;
mod extra_metagraph;
mod foreign_files;
mod gradient_functions;
mod layer_traces;
mod load_save_wrappers;
mod metadata_array;
mod optimizer_state;
mod per_variable_overhead;
mod python_only_functions;
mod repeated_savers;
mod size_limit;
mod sparse_constant;
pub(super) mod stale_files;
mod text_main_file;
mod trace_per_argument;
mod training_graph;
mod training_wrapper;
mod unreached_function_nodes;
mod unreached_rows;
mod unrolled_loop;
mod unserved_variable;
mod unused_variable;
mod variable_stored_twice;
mod vocabulary_constant;
mod weights_in_attribute;

use super::Cause;

/// Every cause that is looked for. Findings of equal size are listed in this order.
pub const CAUSES: &[Cause] = &[
    variable_stored_twice::CAUSE,
    constant_in_every_metagraph::CAUSE,
    extra_metagraph::CAUSE,
    assign_constants::CAUSE,
    constant_in_every_trace::CAUSE,
    constant_equals_variable::CAUSE,
    metadata_array::CAUSE,
    optimizer_state::CAUSE,
    training_wrapper::CAUSE,
    unused_variable::CAUSE,
    unserved_variable::CAUSE,
    cast_down_variable::CAUSE,
    unreached_rows::CAUSE,
    equal_variables::CAUSE,
    vocabulary_constant::CAUSE,
    layer_traces::CAUSE,
    trace_per_argument::CAUSE,
    gradient_functions::CAUSE,
    training_graph::CAUSE,
    python_only_functions::CAUSE,
    unreached_function_nodes::CAUSE,
    load_save_wrappers::CAUSE,
    repeated_savers::CAUSE,
    unrolled_loop::CAUSE,
    broadcast_constant::CAUSE,
    sparse_constant::CAUSE,
    embedded_dataset::CAUSE,
    weights_in_attribute::CAUSE,
    stale_files::CAUSE,
    foreign_files::CAUSE,
    duplicate_asset::CAUSE,
    per_variable_overhead::CAUSE,
    text_main_file::CAUSE,
    debug_info::CAUSE,
    size_limit::CAUSE,
];
