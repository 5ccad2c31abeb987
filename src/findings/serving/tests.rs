//! Models for tests: variables that a signature gives to a function, as `tf.saved_model.save` writes them, and the nodes that
//! read them there.

use super::Finding;
use super::tests::finding;
use crate::support::bundle::{DATA, INDEX, index};
use crate::support::graph::{call, function_of, graph_of, node_of, signature, strings};
use crate::support::table::masked;
use crate::support::wire::{Message, message, meta_graph, node, saved_model};

/// `DataType` (tensorflow/core/framework/types.proto).
pub(super) const FLOAT: u64 = 1;
pub(super) const INT64: u64 = 9;
pub(super) const BFLOAT16: u64 = 14;
pub(super) const HALF: u64 = 19;

/// A variable: its type, its shape, its bytes.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) dtype: u64,
    pub(super) shape: Vec<u64>,
    pub(super) content: Vec<u8>,
}

impl Variable {
    /// A table of floats that are all different, and other ones with another seed.
    pub(super) fn floats(seed: u32, shape: &[u64]) -> Self {
        let count = u32::try_from(shape.iter().product::<u64>()).unwrap();
        let content =
            (0..count).flat_map(|at| (at.wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(40_503)).to_le_bytes());
        Self { dtype: FLOAT, shape: shape.to_vec(), content: content.collect() }
    }
}

/// A model whose signature gives `x` and the handles of all variables, `v0`, `v1`, ..., to the function `f`.
#[derive(Debug, Clone, Default)]
pub(super) struct Served {
    pub(super) variables: Vec<Variable>,
    /// The nodes of `f`, whose arguments are called as the handles are.
    pub(super) body: Vec<Message>,
    /// What `f` gives back.
    pub(super) returns: &'static str,
    /// Other functions.
    pub(super) functions: Vec<Message>,
    /// Other nodes of the graph, and those of them that are given to `f` as well, under their names.
    pub(super) nodes: Vec<Message>,
    pub(super) given: Vec<&'static str>,
    /// Further fields of the metagraph, and further files.
    pub(super) fields: Message,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
}

impl Served {
    fn meta_graph(&self) -> Message {
        let names: Vec<String> = (0..self.variables.len()).map(|at| format!("v{at}")).collect();
        let mut nodes = self.nodes.clone();
        for (at, name) in names.iter().enumerate() {
            nodes.push(node(name, "VarHandleOp").entry(5, "shared_name", &message().bytes(2, name)));
            let restored = format!("save/RestoreV2:{at}");
            nodes.push(node_of(&format!("save/Assign_{at}"), "AssignVariableOp", &[name, &restored]));
        }
        let arguments: Vec<&str> =
            ["x"].into_iter().chain(names.iter().map(String::as_str)).chain(self.given.iter().copied()).collect();
        let keys: Vec<&str> = names.iter().map(String::as_str).collect();
        let assigns: Vec<String> = (0..names.len()).map(|at| format!("^save/Assign_{at}")).collect();
        nodes.extend([
            node("x", "Placeholder"),
            call("y", "f", &arguments),
            strings("save/names", &keys),
            strings("save/slices", &vec![""; keys.len()]),
            node_of("save/RestoreV2", "RestoreV2", &["save/Const", "save/names", "save/slices"]),
            node_of("save/restore_all", "NoOp", &assigns.iter().map(String::as_str).collect::<Vec<_>>()),
        ]);
        let output = message().bytes(1, "out");
        let f = message().message(
            1,
            &arguments
                .iter()
                .fold(message().bytes(1, "f"), |op, name| op.message(2, &message().bytes(1, name)))
                .message(3, &output),
        );
        let f = f.messages(3, &self.body).message(4, &message().bytes(1, "out").bytes(2, self.returns));
        let functions: Vec<Message> = [f].into_iter().chain(self.functions.iter().cloned()).collect();
        let graph = meta_graph(&["serve"], &graph_of(&nodes, &functions));
        let saver = message().bytes(3, "save/restore_all");
        signature(graph.message(3, &saver), "serving_default", &["x:0"], &["y:0"]).raw(&self.fields.0)
    }

    /// What is found of a cause.
    pub(super) fn finding(&self, id: &str) -> Option<Finding> {
        let main = saved_model([&self.meta_graph()]).0;
        let mut data = Vec::new();
        let mut entries = Vec::new();
        for (at, Variable { dtype, shape, content }) in self.variables.iter().enumerate() {
            let shape = shape.iter().fold(message(), |shape, size| shape.message(2, &message().int(1, *size)));
            let entry =
                message().int(1, *dtype).message(2, &shape).int(4, data.len() as u64).int(5, content.len() as u64);
            entries.push((format!("v{at}"), entry.fixed32(6, masked(crc32c::crc32c(content)))));
            data.extend_from_slice(content);
        }
        let entries: Vec<(&str, Message)> = entries.iter().map(|(key, entry)| (&**key, entry.clone())).collect();
        let index = index(&entries);
        let mut files: Vec<(&str, &[u8])> = vec![("saved_model.pb", &main), (INDEX, &index), (DATA, &data)];
        files.extend(self.files.iter().map(|(name, bytes)| (*name, &**bytes)));
        finding(id, &files)
    }
}

/// A read of a variable in a function: its value is `name:value:0`.
pub(super) fn read(name: &str, handle: &str) -> Message {
    node_of(name, "ReadVariableOp", &[handle])
}

/// A cast to a type: its result is `name:y:0`.
pub(super) fn cast(name: &str, input: &str, to: u64) -> Message {
    node_of(name, "Cast", &[input]).entry(5, "DstT", &message().int(6, to))
}

/// A function of one argument and one result, `out`.
pub(super) fn function(name: &str, arguments: &[&str], nodes: &[Message], returns: &str) -> Message {
    let function = function_of(name, arguments, nodes);
    function
        .message(1, &message().message(3, &message().bytes(1, "out")))
        .message(4, &message().bytes(1, "out").bytes(2, returns))
}

/// A scalar constant of `int64`.
pub(super) fn number(name: &str, value: i64) -> Message {
    let tensor = message().int(1, INT64).message(2, &message()).int(10, value.cast_unsigned());
    node(name, "Const").entry(5, "value", &message().message(8, &tensor))
}
