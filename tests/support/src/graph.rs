//! What refers to what in a metagraph: inputs, calls, signatures, savers, objects.

use super::wire::{Message, message, node};

/// A NodeDef with inputs.
pub fn node_of(name: &str, op: &str, inputs: &[&str]) -> Message {
    inputs.iter().fold(node(name, op), |node, input| node.bytes(3, input))
}

/// An AttrValue that names a function.
pub fn func(name: &str) -> Message {
    message().message(10, &message().bytes(1, name))
}

/// A node that calls a function by its attribute `f`.
pub fn call(name: &str, function: &str, inputs: &[&str]) -> Message {
    node_of(name, "StatefulPartitionedCall", inputs).entry(5, "f", &func(function))
}

/// A Const of strings.
pub fn strings(name: &str, values: &[&str]) -> Message {
    let tensor = values.iter().fold(message().int(1, 7), |tensor, value| tensor.bytes(8, value));
    node(name, "Const").entry(5, "value", &message().message(8, &tensor))
}

/// A FunctionDef with arguments.
pub fn function_of(name: &str, arguments: &[&str], nodes: &[Message]) -> Message {
    let signature = arguments.iter().fold(message().bytes(1, name), |op, arg| op.message(2, &message().bytes(1, arg)));
    message().message(1, &signature).messages(3, nodes)
}

/// A GraphDef of nodes and functions.
pub fn graph_of(nodes: &[Message], functions: &[Message]) -> Message {
    message().messages(1, nodes).message(2, &message().messages(1, functions))
}

/// An entry of `signature_def`: the field of a MetaGraphDef.
pub fn signature(graph: Message, name: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let info = |tensor: &&str| message().bytes(1, tensor);
    let def = inputs.iter().fold(message(), |def, tensor| def.entry(1, tensor, &info(tensor)));
    let def = outputs.iter().fold(def, |def, tensor| def.entry(2, tensor, &info(tensor)));
    graph.entry(5, name, &def)
}

/// A collection of node names: the field of a MetaGraphDef.
pub fn collection(graph: Message, name: &str, nodes: &[&str]) -> Message {
    let list = nodes.iter().fold(message(), |list, node| list.bytes(1, node));
    graph.entry(4, name, &message().message(1, &list))
}

/// The nodes of a TF1 saver that restores `variable` from `key`, and of the restore op `save/restore_all`.
pub fn saver(variable: &str, key: &str, slice: &str) -> [Message; 5] {
    [
        strings("save/names", &[key]),
        strings("save/slices", &[slice]),
        node_of("save/RestoreV2", "RestoreV2", &["save/Const", "save/names", "save/slices"]),
        node_of("save/Assign", "Assign", &[variable, "save/RestoreV2"]),
        node_of("save/restore_all", "NoOp", &["^save/Assign"]),
    ]
}

/// A SavedObject: its kind's field, what that holds, its children.
pub fn object(kind: u32, holds: &Message, children: &[(&str, u64)]) -> Message {
    let child = |(name, number): &(&str, u64)| message().int(1, *number).bytes(2, name);
    message().messages(1, &children.iter().map(child).collect::<Vec<_>>()).message(kind, holds)
}

/// A SavedObjectGraph of objects and, by name, what concrete functions have captured.
pub fn objects(objects: &[Message], concrete: &[(&str, &[u8])]) -> Message {
    let graph = message().messages(1, objects);
    concrete.iter().fold(graph, |graph, (name, bound)| graph.entry(2, name, &message().bytes(2, bound)))
}

/// The TrackableObjectGraph of objects that have these checkpoint keys; an object without one has `""`.
pub fn tracked(keys: &[&str]) -> Message {
    let object = |key: &&str| match *key {
        "" => message(),
        key => message().message(2, &message().bytes(1, "VARIABLE_VALUE").bytes(3, key)),
    };
    message().messages(1, &keys.iter().map(object).collect::<Vec<_>>())
}
