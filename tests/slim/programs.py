"""What the signatures of a SavedModel compute, as hashes that do not go by the names of functions: without running TensorFlow.

This is the third opinion on `smaudit slim`, beside its own proof (which is Rust) and TensorFlow's results (which take seconds a
model). Every call is written out, so two functions with one body, or a wrapper around a call, make no difference; a variable is
what the checkpoint has for it, and an asset is its file. Two models whose programs are equal compute the same.

    python-with-tensorflow tests/slim/programs.py SMAUDIT MODEL ...

slims each model at each level, and prints what of its programs is gone or is another; exit code 1 where there is such.
"""

import concurrent.futures
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import threading

import numpy as np
from google.protobuf import text_format
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2, trackable_object_graph_pb2
from tensorflow.python.framework import importer, op_def_registry, ops, tensor_util
from tensorflow.python.training import py_checkpoint_reader

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
CALL_ATTRIBUTES = ("f", "config", "config_proto", "executor_type", "Tin", "Tout")
# Ops that TensorFlow calls stateful, which change nothing that another op could see.
READS = ("VarHandleOp", "VariableV2", "Variable", "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "Placeholder")
READS += ("LookupTableFindV2", "LookupTableFind", "LookupTableSizeV2", "HashTableV2", "HashTable", "MutableHashTableV2")
READS += ("If", "While", "Case", "VarIsInitializedOp", "RestoreV2", "AnonymousIterator", "AnonymousIteratorV3")
RANDOM = ("Random", "Stateless", "Multinomial", "TruncatedNormal", "ParameterizedTruncatedNormal")
NOTHING = frozenset()


def digest(*parts):
    """A hash of parts, which are bytes, strings, numbers, and lists of these."""
    return hashlib.sha256(repr(parts).encode()).digest()[:16]


def is_effect(op):
    definition = op_def_registry.get(op)
    return definition is not None and definition.is_stateful and op not in READS + CALLS and not op.startswith(RANDOM)


class Context:
    """A graph, or a function with the hashes of its arguments."""

    def __init__(self, nodes, arguments):
        self.nodes, self.arguments, self.hashes, self.effects = nodes, arguments, {}, {}


class Programs:
    """A metagraph's programs."""

    def __init__(self, metagraph, folder, contents):
        self.metagraph, self.folder, self.contents = metagraph, folder, contents
        library = metagraph.graph_def.library
        self.functions = {f.signature.name: f for f in library.function}
        self.bodies = {name: {n.name: n for n in f.node_def} for name, f in self.functions.items()}
        self.called, self.named, self.waiting = {}, {}, {}
        self.main = Context({n.name: n for n in metagraph.graph_def.node}, {})
        for asset in metagraph.asset_file_def:
            name = asset.tensor_info.name.split(":")[0]
            self.main.hashes[name] = digest("asset", file_hash(folder / "assets" / asset.filename))

    def output(self, context, reference):
        """The hash of what a reference to an output of a node, or to an argument, is."""
        name, _, rest = reference.partition(":")
        if name in context.arguments:
            return context.arguments[name]
        node = context.nodes[name]
        if node.op in CALLS:
            return self.call(context, node)[0][int(rest.rsplit(":", 1)[-1] or 0)]
        if node.op == "Identity":
            return self.waits(self.output(context, node.input[0]), self.after(context, node))
        return digest(self.node(context, node), rest if rest not in ("", "0") else "0")

    def node(self, context, node):
        if node.name in context.hashes:
            return context.hashes[node.name]
        if context is self.main:
            # A cycle of TensorFlow 1's loops comes back here: it is known by the name of the node then.
            context.hashes[node.name] = digest("loop", node.name)
        node = repeated(context.nodes, node)
        data = [self.output(context, r) for r in node.input if not r.startswith("^")]
        after = self.after(context, node)
        attributes = [(k, self.attribute(v)) for k, v in sorted(node.attr.items()) if not k.startswith("_")]
        own = node.name if node.op.startswith("Placeholder") or self.is_known_by_name(node) else ""
        context.hashes[node.name] = digest(node.op, own, node.device, attributes, data, sorted(after))
        return context.hashes[node.name]

    @staticmethod
    def is_known_by_name(node):
        return "shared_name" in node.attr and not node.attr["shared_name"].s

    def attribute(self, value):
        kind = value.WhichOneof("value")
        if kind == "func":
            return self.function(value.func.name)
        if kind == "list" and value.list.func:
            return [self.function(f.name) for f in value.list.func]
        return value.SerializeToString(deterministic=True)

    def waits(self, value, after):
        """The hash of a value that is there after some effects: said once for all of them, however often it is waited."""
        value, before = self.waiting.get(value, (value, NOTHING))
        after |= before
        if not after:
            return value
        result = digest(value, "after", sorted(after))
        self.waiting[result] = value, after
        return result

    def after(self, context, node):
        """The effects that a node waits for by its control inputs."""
        found = NOTHING
        for reference in node.input:
            if reference.startswith("^") and reference[1:] in context.nodes:
                found |= self.effects(context, context.nodes[reference[1:]])
        return found

    def effects(self, context, node):
        """The effects of a node and of all that runs before it."""
        if node.name in context.effects:
            return context.effects[node.name]
        context.effects[node.name] = NOTHING
        found = self.after(context, node)
        for reference in node.input:
            name = reference.partition(":")[0]
            if name in context.nodes:
                found |= self.effects(context, context.nodes[name])
        if node.op in CALLS:
            found |= self.call(context, node)[1]
        elif is_effect(node.op):
            found |= {self.node(context, node)}
        context.effects[node.name] = found
        return found

    def call(self, context, node):
        """The hashes of a call's outputs, and its effects."""
        data = tuple(self.output(context, r) for r in node.input if not r.startswith("^"))
        outputs, effects = self.body(node.attr["f"].func.name, data)
        after = self.after(context, node)
        return [self.waits(output, after) for output in outputs], effects

    def body(self, name, data):
        if (name, data) not in self.called:
            function = self.functions[name]
            arguments = {a.name: d for a, d in zip(function.signature.input_arg, data, strict=True)}
            context = Context(self.bodies[name], arguments)
            outputs = [self.output(context, function.ret[a.name]) for a in function.signature.output_arg]
            effects = NOTHING
            for node in function.node_def:
                if node.op in CALLS:
                    effects |= self.call(context, node)[1]
                elif is_effect(node.op):
                    effects |= {self.node(context, node)}
            self.called[name, data] = outputs, effects
        return self.called[name, data]

    def function(self, name):
        """The hash of a function that is named and not called with known arguments, as a loop's body is."""
        if name not in self.functions:
            return digest("no function", name)
        if name not in self.named:
            signature = self.functions[name].signature
            data = tuple(digest("argument", k, a.type) for k, a in enumerate(signature.input_arg))
            outputs, effects = self.body(name, data)
            self.named[name] = digest(outputs, sorted(effects))
        return self.named[name]

    def session(self):
        """What a session computes: each signature, what loading runs, and what variables are restored to."""
        seen = {}
        for key, signature in self.metagraph.signature_def.items():
            if key.startswith("__saved_model_"):
                continue
            seen["session", key] = digest(signature.method_name, self.tensors(signature.inputs), self.tensors(signature.outputs))
        operation = self.metagraph.signature_def.get("__saved_model_init_op")
        if operation is not None:
            for info in operation.outputs.values():
                seen["init op", ""] = sorted(self.effects(self.main, self.main.nodes[info.name.split(":")[0]]))
        return seen

    def tensors(self, infos):
        described = sorted(infos.items())
        return [(k, self.output(self.main, i.name) if i.name else "", i.dtype, str(i.tensor_shape)) for k, i in described]

    def objects(self):
        """What tf.saved_model.load makes of the signatures in the graph of objects."""
        nodes, seen = self.metagraph.object_graph_def.nodes, {}
        if not nodes:
            return seen
        child = {c.local_name: c.node_id for c in nodes[0].children}
        if "signatures" not in child:
            return seen
        for entry in nodes[child["signatures"]].children:
            node, concrete = nodes[entry.node_id], self.metagraph.object_graph_def.concrete_functions
            if node.WhichOneof("kind") != "bare_concrete_function":
                continue
            name = node.bare_concrete_function.concrete_function_name
            bound = [self.object(k) for k in concrete[name].bound_inputs]
            free = len(self.functions[name].signature.input_arg) - len(bound)
            outputs, effects = self.body(name, tuple(digest("free", k) for k in range(free)) + tuple(bound))
            structure = (concrete[name].canonicalized_input_signature, concrete[name].output_signature)
            structure = [part.SerializeToString(deterministic=True) for part in structure]
            seen["object", entry.local_name] = digest(outputs, sorted(effects), structure)
        return seen

    def object(self, number):
        node = self.metagraph.object_graph_def.nodes[number]
        kind = node.WhichOneof("kind")
        if kind == "variable":
            return digest("variable", node.variable.dtype, str(node.variable.shape), self.contents.of(number))
        if kind == "asset":
            asset = self.metagraph.asset_file_def[node.asset.asset_file_def_index]
            return digest("asset", file_hash(self.folder / "assets" / asset.filename))
        if kind == "constant":
            constant = self.main.nodes[node.constant.operation]
            return digest("constant", self.node(self.main, constant))
        if kind == "resource":
            children = {c.local_name: c.node_id for c in node.children}
            made = [self.made(children[n]) for n in ("_create_resource", "_initialize") if n in children]
            return digest("resource", made)
        return digest(kind, number)

    def made(self, number):
        """What a function without arguments does, which makes a table or fills one."""
        concrete = self.metagraph.object_graph_def.concrete_functions
        found = []
        for name in self.metagraph.object_graph_def.nodes[number].function.concrete_functions:
            bound = concrete[name].bound_inputs
            held = tuple(digest("itself") if self.is_resource(k) else self.object(k) for k in bound)
            outputs, effects = self.body(name, held)
            found.append(digest(outputs, sorted(effects)))
        return found

    def is_resource(self, number):
        return self.metagraph.object_graph_def.nodes[number].WhichOneof("kind") == "resource"


def repeated(nodes, node):
    """The constant that a BroadcastTo of two constants is; any other node as it is."""
    of = [nodes.get(reference.partition(":")[0]) for reference in node.input]
    if node.op != "BroadcastTo" or any(n is None or n.op != "Const" for n in of):
        return node
    value, shape = (tensor_util.MakeNdarray(n.attr["value"].tensor) for n in of)
    constant = node_def_pb2.NodeDef(name=node.name, op="Const", device=node.device)
    constant.attr["dtype"].type = node.attr["T"].type
    constant.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(np.broadcast_to(value, shape).copy()))
    return constant


def file_hash(path):
    return hashlib.sha256(path.read_bytes()).digest()[:16]


class Contents:
    """What a checkpoint has for the objects of a model."""

    def __init__(self, folder):
        prefix = folder / "variables" / "variables"
        self.reader = py_checkpoint_reader.NewCheckpointReader(str(prefix)) if prefix.with_suffix(".index").exists() else None
        self.keys, self.hashes = {}, {}
        graph = "_CHECKPOINTABLE_OBJECT_GRAPH"
        if self.reader is not None and self.reader.has_tensor(graph):
            objects = trackable_object_graph_pb2.TrackableObjectGraph.FromString(self.reader.get_tensor(graph))
            for number, node in enumerate(objects.nodes):
                for attribute in node.attributes:
                    if attribute.name == "VARIABLE_VALUE":
                        self.keys[number] = attribute.checkpoint_key

    def of(self, number):
        return self.of_key(self.keys[number]) if number in self.keys else "not saved"

    def of_key(self, key):
        if key not in self.hashes:
            tensor = self.reader.get_tensor(key)
            raw = repr(tensor.tolist()).encode() if tensor.dtype == object else tensor.tobytes()
            self.hashes[key] = digest(str(tensor.dtype), tensor.shape, hashlib.sha256(raw).digest())
        return self.hashes[key]


def restored(programs):
    """What each variable of a metagraph's session is restored to, by the hash of its handle."""
    name = programs.metagraph.saver_def.restore_op_name
    if not name or programs.contents.reader is None:
        return {}
    found = {}
    restore = programs.main.nodes[name]
    for context, node in assignments(programs, programs.main, restore, set()):
        source = restored_key(programs, context, node.input[1])
        if source is not None:
            found[programs.output(context, node.input[0])] = programs.contents.of_key(source)
    return found


def assignments(programs, context, node, seen):
    """The nodes that assign, of all that a node runs, each with the context it is in."""
    if (id(context), node.name) in seen:
        return
    seen.add((id(context), node.name))
    if node.op in ("AssignVariableOp", "Assign"):
        yield context, node
    if node.op in CALLS:
        data = tuple(programs.output(context, r) for r in node.input if not r.startswith("^"))
        function = programs.functions[node.attr["f"].func.name]
        inner = Context(programs.bodies[function.signature.name], dict(zip([a.name for a in function.signature.input_arg], data, strict=True)))
        for body in function.node_def:
            yield from assignments(programs, inner, body, seen)
    for reference in node.input:
        name = reference.lstrip("^").partition(":")[0]
        if name in context.nodes:
            yield from assignments(programs, context, context.nodes[name], seen)


def restored_key(programs, context, reference):
    """The checkpoint's key behind an output of a RestoreV2, through identities."""
    while True:
        name, _, rest = reference.partition(":")
        node = context.nodes.get(name)
        if node is None or not node.input:
            return None
        if node.op == "RestoreV2":
            names = context.nodes.get(node.input[1].partition(":")[0])
            if names is None or names.op != "Const":
                return None
            keys = names.attr["value"].tensor.string_val
            return keys[int(rest.rsplit(":", 1)[-1] or 0)].decode()
        if node.op != "Identity":
            return None
        reference = node.input[0]


def is_imported(graph_def):
    """Whether TensorFlow makes a graph of it, which is where it looks at all nodes and functions, needed or not."""
    try:
        with ops.Graph().as_default():
            importer.import_graph_def(graph_def, name="")
    except Exception:
        return False
    return True


def programs_of(path):
    """All programs of a model, by the tags of their metagraph and what asks for them."""
    folder = pathlib.Path(path)
    model, contents, seen = saved_model_pb2.SavedModel(), Contents(folder), {}
    if (folder / "saved_model.pb").exists():
        model.ParseFromString((folder / "saved_model.pb").read_bytes())
    else:
        text_format.Parse((folder / "saved_model.pbtxt").read_text(), model)
    for metagraph in model.meta_graphs:
        tags = ",".join(sorted(metagraph.meta_info_def.tags))
        programs = Programs(metagraph, folder, contents)
        found = programs.session() | programs.objects()
        if is_imported(metagraph.graph_def):
            found["graph", ""] = "is imported"
        found |= {("restored", handle): value for handle, value in restored(programs).items()}
        seen |= {(tags, *what): program for what, program in found.items()}
    return seen


def differences(old, new):
    """What of a model's programs its smaller copy has not, or has otherwise; variables only where it has them."""
    left = {tags for tags, *_ in new}
    faults = []
    for (tags, kind, name), program in old.items():
        if tags not in left or (kind == "restored" and (tags, kind, name) not in new):
            continue
        if new.get((tags, kind, name)) != program:
            faults.append(f"{tags}: {kind} {name!r}: {'is gone' if (tags, kind, name) not in new else 'is another program'}")
    return faults


def deeply(call):
    """Runs what goes as deep as a graph is long."""
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(1 << 29)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(call).result()


def main():
    looked_at = wrong = 0
    for model in sys.argv[2:]:
        old = programs_of(model)
        for level in ("safe", "inference", "serving"):
            with tempfile.TemporaryDirectory() as folder:
                out = pathlib.Path(folder) / "smaller"
                subprocess.run([sys.argv[1], "slim", model, "-o", out, "--level", level], capture_output=True)
                if not out.exists():
                    continue
                faults = differences(old, programs_of(out))
            looked_at, wrong = looked_at + 1, wrong + bool(faults)
            for fault in faults:
                print(f"{model}, {level}: {fault}")
    print(f"{looked_at} smaller models, {wrong} with another program")
    return bool(wrong or not looked_at)


if __name__ == "__main__":
    sys.exit(deeply(main))
