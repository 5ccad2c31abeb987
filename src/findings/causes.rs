//! The list of all causes: a module for each.

mod assign_constants;
mod broadcast_constant;
mod constant_equals_variable;
mod constant_in_every_metagraph;
mod constant_in_every_trace;
mod duplicate_asset;
mod embedded_dataset;
mod extra_metagraph;
mod gradient_functions;
mod layer_traces;
mod load_save_wrappers;
mod metadata_array;
mod optimizer_state;
mod per_variable_overhead;
mod repeated_savers;
mod size_limit;
mod stale_files;
mod trace_per_argument;
mod unrolled_loop;
mod unused_variable;
mod variable_stored_twice;
mod vocabulary_constant;
mod weights_in_attribute;

use super::Cause;

/// Every cause that is looked for. Findings of equal size are told in this order.
pub const CAUSES: &[Cause] = &[
    variable_stored_twice::CAUSE,
    constant_in_every_metagraph::CAUSE,
    extra_metagraph::CAUSE,
    assign_constants::CAUSE,
    constant_in_every_trace::CAUSE,
    constant_equals_variable::CAUSE,
    metadata_array::CAUSE,
    optimizer_state::CAUSE,
    unused_variable::CAUSE,
    vocabulary_constant::CAUSE,
    layer_traces::CAUSE,
    trace_per_argument::CAUSE,
    gradient_functions::CAUSE,
    load_save_wrappers::CAUSE,
    repeated_savers::CAUSE,
    unrolled_loop::CAUSE,
    broadcast_constant::CAUSE,
    embedded_dataset::CAUSE,
    weights_in_attribute::CAUSE,
    stale_files::CAUSE,
    duplicate_asset::CAUSE,
    per_variable_overhead::CAUSE,
    size_limit::CAUSE,
];
