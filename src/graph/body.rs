//! The nodes of one function as a graph of their own: which of them its outputs need.
//!
//! In the graph of a metagraph a function is one vertex. Which of its nodes run is asked of a few functions, so a body is
//! read when it is asked about.
//!
//! Whoever runs a function drops the nodes that nothing needs: `PruneFunctionGraph` in
//! `tensorflow/core/common_runtime/function_utils.cc` keeps what the results (`ret`) and control outputs (`control_ret`)
//! need, and what nodes with side effects need. Which ops have some is not known here: [`Body::needed_by`] is given it.

use std::ops::Range;

use foldhash::HashMap;

use crate::message::{FunctionDef, NodeDef, input_node};
use crate::wire::Field;

/// A function's nodes, and what each needs.
pub struct Body<'a> {
    nodes: Vec<BodyNode<'a>>,
    /// The nodes that they need, by position; those of a node are `needs[start..start of the next one]`.
    needs: Vec<u32>,
    /// The nodes that the results and control outputs are of.
    outputs: Vec<u32>,
}

/// A node of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyNode<'a> {
    /// The whole `node_def` field.
    pub field: Field,
    /// Its name, as the file has it.
    pub name: &'a [u8],
    /// Its op.
    pub op: &'a [u8],
    /// Where what it needs starts in [`Body::needs`].
    needs: usize,
}

impl<'a> Body<'a> {
    /// Reads the FunctionDef at `function` of the main file's wire format. Of two nodes of one name the first counts.
    #[must_use]
    pub fn read(file: &'a [u8], function: Range<usize>) -> Self {
        let (mut nodes, mut inputs) = (Vec::new(), Vec::new());
        let def = FunctionDef::new(file, function);
        for field in def.node_fields() {
            let node = NodeDef::read(file, field.payload());
            nodes.push(BodyNode { field, name: node.name(), op: node.op(), needs: inputs.len() });
            inputs.extend(node.inputs().map(input_node));
        }
        let mut by_name: HashMap<&[u8], u32> = HashMap::default();
        for (number, node) in (0..).zip(&nodes) {
            by_name.entry(node.name).or_insert(number);
        }
        // What is no node is an argument of the function, which nothing of it has to make.
        let find = |name: &[u8]| by_name.get(name).copied().unwrap_or(u32::MAX);
        let returned = def.returned().into_iter().chain(def.control_returned());
        let outputs = returned.map(|output| find(input_node(output))).collect();
        Self { needs: inputs.into_iter().map(find).collect(), nodes, outputs }
    }

    /// Its nodes, in the order of the file.
    #[must_use]
    pub fn nodes(&self) -> &[BodyNode<'a>] {
        &self.nodes
    }

    /// For each node whether a result or a control output of the function needs it, or one of the nodes for which `runs`
    /// holds: those that have side effects.
    #[must_use]
    pub fn needed_by(&self, runs: impl Fn(&BodyNode<'a>) -> bool) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        let running = (0..).zip(&self.nodes).filter(|(_, node)| runs(node)).map(|(number, _)| number);
        let mut open: Vec<u32> = self.outputs.iter().copied().chain(running).collect();
        while let Some(number) = open.pop() {
            if let Some(seen @ false) = needed.get_mut(number as usize) {
                *seen = true;
                open.extend(self.needs(number as usize));
            }
        }
        needed
    }

    fn needs(&self, node: usize) -> &[u32] {
        let start = |node: usize| self.nodes.get(node).map_or(self.needs.len(), |node| node.needs);
        self.needs.get(start(node)..start(node.saturating_add(1))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::number::function_def::{CONTROL_RET, RET};
    use crate::support::graph::node_of;
    use crate::support::wire::{Message, message};

    fn function(nodes: &[Message], ret: &[(&str, &str)], control_ret: &[(&str, &str)]) -> Vec<u8> {
        let entry = |number: u32| {
            move |function: Message, (key, value): &(&str, &str)| {
                function.message(number, &message().bytes(1, key).bytes(2, value))
            }
        };
        let function = message().message(1, &message().bytes(1, "f")).messages(3, nodes);
        let function = ret.iter().fold(function, entry(RET));
        control_ret.iter().fold(function, entry(CONTROL_RET)).0
    }

    fn needed(function: &[u8], runs: &str) -> Vec<bool> {
        Body::read(function, 0..function.len()).needed_by(|node| node.op == runs.as_bytes())
    }

    #[test]
    fn nodes_are_needed_by_results_control_outputs_and_side_effects() {
        let nodes = [
            node_of("x", "Const", &[]),
            node_of("y", "AddV2", &["x:output:0", "argument", "^first"]),
            node_of("first", "NoOp", &[]),
            node_of("idle", "Mul", &["y:z:0"]),
            node_of("print", "PrintV2", &["text:output:0"]),
            node_of("text", "Const", &[]),
            node_of("last", "NoOp", &[]),
        ];
        let of = function(&nodes, &[("out", "y:z:0")], &[("end", "last")]);
        assert_eq!(needed(&of, ""), [true, true, true, false, false, false, true]);
        assert_eq!(needed(&of, "PrintV2"), [true, true, true, false, true, true, true]);
    }

    #[test]
    fn a_circle_in_a_body_has_an_end_and_an_argument_that_is_returned_needs_no_node() {
        let of = function(&[node_of("a", "A", &["b"]), node_of("b", "B", &["a"])], &[("out", "x")], &[]);
        assert_eq!(needed(&of, ""), [false, false]);
        assert_eq!(needed(&of, "A"), [true, true]);
    }
}
