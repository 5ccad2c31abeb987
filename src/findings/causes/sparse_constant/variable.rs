//! The same in the checkpoint: a variable that was made as it is and never set, of one value nearly everywhere.
//!
//! An identity matrix as the weights of an embedding, an adjacency matrix that a layer keeps. Weights that are trained are not
//! meant: what pruning has made zero in them is no matter of how they were made. That a variable is not trained is what its
//! object says, or its content: where there are two values in all, training did not end at that. The object alone is not
//! enough, as one of Keras 3 says what its variable was made with, whatever became of the layer's `trainable`
//! (`keras/src/backend/tensorflow/core.py`).
//!
//! The first bytes of a variable say mostly that it is dense, so hardly any is read.

use super::{LARGE, SAMPLES, Sparse, common};
use crate::dtype::element_bytes;
use crate::findings::Context;
use crate::findings::nodes::Function;
use crate::findings::program::Program;
use crate::findings::variables::{Variables, is_numeric, objects_by_key};
use crate::message::number::saved_variable::TRAINABLE;
use crate::message::ops;
use crate::message::saved_object::Kind;

/// A variable, and what is known of it.
pub(super) struct Variable {
    /// Its position in the bundle.
    pub(super) tensor: usize,
    sparse: Sparse,
    pub(super) freed: u64,
    label: String,
}

impl Variable {
    pub(super) fn describe(&self, context: &Context<'_>) -> String {
        let tensors = context.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
        let shape = tensors.get(self.tensor).map_or(&[][..], |tensor| &tensor.shape);
        self.sparse.describe(&self.label, shape.iter().filter_map(|size| u64::try_from(*size).ok()))
    }
}

/// The variables that a signature needs, each once; none where it cannot be said who needs what.
pub(super) fn find(context: &Context<'_>) -> Vec<Variable> {
    let Some(variables) = context.variables() else { return Vec::new() };
    let may_be = |tensor: usize| {
        let about = variables.tensors.get(tensor);
        let is_large = about.is_some_and(|about| {
            about.shape.len() > 1 && about.bytes >= LARGE as u64 && about.slice_of.is_none() && is_numeric(about)
        });
        is_large && variables.is_called(tensor) && context.data_bytes(tensor) > 0
    };
    let tensors: Vec<usize> = variables.all().map(|(tensor, _)| tensor).filter(|tensor| may_be(*tensor)).collect();
    if tensors.is_empty() {
        return Vec::new();
    }
    let objects = objects_by_key(context);
    let object = |tensor: &usize| objects.get(&*variables.tensors.get(*tensor)?.key).copied();
    // That a variable is never set is to be seen where its functions are.
    let [program] = context.programs() else { return Vec::new() };
    let numbered = tensors.into_iter().filter_map(|tensor| Some((tensor, object(&tensor)?)));
    let sparse = numbered.filter_map(|(tensor, object)| Some((object, variable(context, variables, tensor)?)));
    let is_made = |found: &Variable, object| found.sparse.has_two_values || is_not_trained(program, object);
    let made = sparse.filter(|(object, found)| is_made(found, *object));
    made.filter(|(object, _)| !is_set(program, *object)).map(|(_, variable)| variable).collect()
}

fn is_not_trained(program: &Program<'_>, object: u32) -> bool {
    let object = program.object(program.vertex_of(object as usize));
    object.is_some_and(|object| matches!(&object.kind, Kind::Variable(about) if about.integer(TRAINABLE) == 0))
}

fn variable(context: &Context<'_>, variables: &Variables<'_>, tensor: usize) -> Option<Variable> {
    let about = variables.tensors.get(tensor)?;
    let width = usize::try_from(element_bytes(about.dtype)?).ok()?;
    let shape: Vec<u64> = about.shape.iter().map(|size| u64::try_from(*size).ok()).collect::<Option<_>>()?;
    let mut start = about.clone();
    start.bytes = start.bytes.min((SAMPLES * width) as u64);
    common(&context.tensor_content(&start)?, width)?;
    let content = context.tensor_content(about).filter(|content| content.len() as u64 == about.bytes)?;
    let sparse = Sparse::of(&content, width, &shape)?;
    let freed = about.bytes.saturating_sub(sparse.kept as u64).min(context.data_bytes(tensor));
    Some(Variable { tensor, sparse, freed, label: variables.label(tensor) })
}

/// Whether a function that has captured a variable sets one, or changes it.
fn is_set(program: &Program<'_>, object: u32) -> bool {
    let is_function = |vertex| program.function_at(vertex).is_some();
    let needing = program.leading_to([program.vertex_of(object as usize)], is_function);
    program.functions_among(&needing).flat_map(Function::nodes).any(|node| ops::changes_variable(node.op()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Finding;
    use crate::findings::serving::FLOAT;
    use crate::findings::tests::finding;
    use crate::message::number::saved_object::{FUNCTION, USER_OBJECT as USER, VARIABLE};
    use crate::support::bundle::{DATA, INDEX, index, string_entry};
    use crate::support::graph::{call, function_of, graph_of, node_of, object, objects, signature, tracked};
    use crate::support::table::{masked, string_tensor};
    use crate::support::wire::{Message, message, meta_graph, node, saved_model};

    /// A model whose signature calls `f`, which has captured a matrix of 64 rows and has these nodes besides.
    fn found(is_trained: bool, content: &[f32], body: &[Message]) -> Option<Finding> {
        let graph = graph_of(&[node("x", "Placeholder"), call("y", "f", &["x"])], &[function_of("f", &["x"], body)]);
        let root = object(USER, &message().bytes(1, "_generic_user_object"), &[("e", 1), ("serve", 2)]);
        let variable = object(VARIABLE, &message().int(1, FLOAT).int(3, u64::from(is_trained)), &[]);
        let all = objects(&[root, variable, object(FUNCTION, &message().bytes(1, "f"), &[])], &[("f", &[1])]);
        let graph = signature(meta_graph(&["serve"], &graph), "serving_default", &["x:0"], &["y:0"]);
        let main = saved_model([&graph.message(7, &all)]).0;
        let tracked = tracked(&["", "e", ""]).0;
        let mut data = string_tensor(&[&tracked]);
        let bytes: Vec<u8> = content.iter().flat_map(|element| element.to_le_bytes()).collect();
        let shape = [64, content.len() as u64 / 64].map(|size| message().int(1, size));
        let entry = message().int(1, FLOAT).message(2, &message().messages(2, &shape)).int(4, data.len() as u64);
        let entry = entry.int(5, bytes.len() as u64).fixed32(6, masked(crc32c::crc32c(&bytes)));
        let index = index(&[("_CHECKPOINTABLE_OBJECT_GRAPH", string_entry(0, &tracked)), ("e", entry)]);
        data.extend(bytes);
        finding(super::super::CAUSE.id, &[("saved_model.pb", &main), (INDEX, &index), (DATA, &data)])
    }

    fn eye(rows: usize) -> Vec<f32> {
        (0..rows * rows).map(|at| if at / rows == at % rows { 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn an_identity_matrix_in_a_variable_that_is_not_trained_could_be_computed() {
        let found = found(false, &eye(64), &[]).unwrap();
        assert_eq!(found.bytes, 64 * 64 * 4 - super::super::NODES_BYTES);
        assert!(found.message.starts_with("1 variable has"), "{found:?}");
        assert!(
            found.evidence[0].contains("`e`, 64 × 64, a band along the diagonal of 64 of 4,096 elements"),
            "{found:?}"
        );
    }

    /// A matrix of 64 rows with a value of `others` in every 40th place.
    fn sparse(others: impl Fn(usize) -> f32) -> Vec<f32> {
        (0..64 * 64).map(|at| if at % 40 == 7 { others(at) } else { 0.0 }).collect()
    }

    #[test]
    fn a_matrix_of_two_values_was_made_as_it_is_whatever_its_object_says_of_training() {
        assert_eq!(found(true, &eye(64), &[]).unwrap().bytes, 64 * 64 * 4 - super::super::NODES_BYTES);
        let adjacency = found(true, &sparse(|_| 1.0), &[]).unwrap();
        assert!(adjacency.evidence[0].contains("only 103 of 4,096 elements"), "{adjacency:?}");
    }

    #[test]
    fn what_is_trained_or_set_is_what_training_and_calls_made_of_it() {
        assert!(found(false, &sparse(|at| at as f32), &[]).is_some());
        assert_eq!(found(true, &sparse(|at| at as f32), &[]), None);
        assert_eq!(found(false, &eye(64), &[node_of("a", "AssignVariableOp", &["x", "x"])]), None);
        assert_eq!(found(false, &eye(64), &[node_of("a", "ResourceScatterUpdate", &["x", "x", "x"])]), None);
    }

    proptest! {
        #[test]
        fn a_matrix_of_numbers_that_differ_is_dense(others in 0.11..1.0_f64, columns in 32..80_usize) {
            // As many zeros, one behind the other, as are just not enough.
            let all = 64 * columns;
            let dense = (0..all).map(|at| if (at as f64) < others * all as f64 { at as f32 + 1.0 } else { 0.0 });
            prop_assert_eq!(found(false, &dense.collect::<Vec<f32>>(), &[]), None);
        }
    }
}
