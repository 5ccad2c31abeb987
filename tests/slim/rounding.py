#!/usr/bin/env python3
"""Random sums and products of constants that are slices repeated, before and after `smaudit slim`: no result has other bits.

    python-with-tensorflow tests/slim/rounding.py SMAUDIT [--seeds N] [--first K]

What `equal-slices` makes of a constant is none for TensorFlow's optimizer any more, which joins constants beside each other and so
rounds otherwise; src/broadcast/rounding.rs says where that cannot be. A seed is a model of forty signatures, each a chain of two to
five steps, through calls as well. To show that the question is not idle, the same is done to all such constants, whatever is beside
them: some of the results differ then. Prints both; exit code 1 where slim changed a bit, or changed no constant at all.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import tensor_util

ROWS, COLUMNS, SIGNATURES = 16, 2048, 40
tf.get_logger().setLevel("ERROR")


class Chains:
    """Steps from a seed, and what they use."""

    def __init__(self, seed):
        self.random, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.module = tf.Module()
        self.module.variable = tf.Variable(self.floats(ROWS))

    def floats(self, rows):
        return self.numbers.standard_normal((rows, COLUMNS)).astype("f")

    def constant(self):
        kind = self.random.choice(("repeated", "repeated", "repeated", "full", "row", "scalar"))
        if kind == "repeated":
            return np.broadcast_to(self.floats(1), (ROWS, COLUMNS)).copy()
        if kind == "scalar":
            return np.float32(self.numbers.standard_normal() + 1.5)
        return self.floats(ROWS if kind == "full" else 1)

    def step(self):
        value, variable = self.constant(), self.module.variable
        if self.random.random() < 0.1:
            inner = [self.step() for _ in range(self.random.choice((1, 2)))]
            return tf.function(lambda x: along(inner, x))
        return self.random.choice((
            lambda x: x * tf.constant(value),
            lambda x: x + tf.constant(value),
            lambda x: x - tf.constant(value),
            lambda x: tf.constant(value) - x,
            lambda x: x / tf.constant(value),
            lambda x: tf.maximum(x, tf.constant(value)),
            lambda x: tf.add_n([x, x, tf.broadcast_to(tf.constant(value), [ROWS, COLUMNS])]),
            lambda x: x * variable,
            lambda x: tf.exp(-tf.abs(x)),
            lambda x: tf.reshape(tf.reshape(x, [ROWS, COLUMNS // 2, 2]), [ROWS, COLUMNS]),
            lambda x: tf.concat([x[:, COLUMNS // 2:], x[:, :COLUMNS // 2]], 1),
            lambda x: tf.cast(tf.cast(x, tf.float64), tf.float32),
            tf.sigmoid, tf.nn.relu, tf.tanh, tf.identity, tf.square, tf.negative,
        ))

    def save(self, folder):
        signatures = {}
        for number in range(SIGNATURES):
            steps = [self.step() for _ in range(self.random.choice((2, 3, 4, 5)))]
            spec = tf.TensorSpec([self.random.choice((None, ROWS)), COLUMNS], tf.float32, name="x")
            signatures[f"s{number}"] = tf.function(lambda x, steps=steps: {"y": along(steps, x)}, input_signature=[spec])
        tf.saved_model.save(self.module, str(folder), signatures=signatures)
        return self.floats(ROWS)


def along(steps, x):
    for step in steps:
        x = step(x)
    return x


def made_anyway(main_file):
    """Makes all constants of functions that repeat their first row of that row, whatever is beside them."""
    model = saved_model_pb2.SavedModel.FromString(main_file.read_bytes())
    for function in (f for graph in model.meta_graphs for f in graph.graph_def.library.function):
        more = []
        for node in (n for n in function.node_def if n.op == "Const" and n.attr["dtype"].type == 1):
            value = tensor_util.MakeNdarray(node.attr["value"].tensor)
            if value.shape != (ROWS, COLUMNS) or (value != value[:1]).any():
                continue
            for part, tensor in (("row", value[:1]), ("shape", np.array(value.shape, np.int32))):
                new = type(node)(name=f"{node.name}/{part}", op="Const")
                new.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(tensor))
                new.attr["dtype"].type = new.attr["value"].tensor.dtype
                node.input.append(f"{new.name}:output:0")
                more.append(new)
            node.op = "BroadcastTo"
            del node.attr["value"], node.attr["dtype"]
            node.attr["T"].type, node.attr["Tidx"].type = 1, 3
        function.node_def.extend(more)
    main_file.write_bytes(model.SerializeToString())


def results(folder, x):
    """The bits of each signature's result, in a session of TensorFlow 1 and in Python."""
    v1, found = tf.compat.v1, {}
    with tf.Graph().as_default(), v1.Session() as session:
        meta_graph = v1.saved_model.loader.load(session, ["serve"], str(folder))
        for name, signature in meta_graph.signature_def.items():
            if not name.startswith("__"):
                [output], [given] = signature.outputs.values(), signature.inputs.values()
                found["session", name] = session.run(output.name, {given.name: x}).tobytes()
    loaded = tf.saved_model.load(str(folder))
    for name, signature in loaded.signatures.items():
        found["python", name] = signature(x=tf.constant(x))["y"].numpy().tobytes()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("smaudit"); parser.add_argument("--seeds", type=int, default=1); parser.add_argument("--first", type=int, default=1)
    args = parser.parse_args()
    compared = wrong = made = otherwise = 0
    for seed in range(args.first, args.first + args.seeds):
        with tempfile.TemporaryDirectory() as tmp:
            model, out, anyway = (pathlib.Path(tmp) / name for name in ("model", "out", "anyway"))
            x = Chains(seed).save(model)
            command = [args.smaudit, "slim", str(model), "-o", str(out), "--level", "serving", "--json"]
            report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            made += sum(step["saved_bytes"] for step in report["models"][0]["steps"] if step["step"] == "equal-slices")
            subprocess.run(["cp", "-r", model, anyway], check=True)
            made_anyway(anyway / "saved_model.pb")
            old, new, other = (results(folder, x) for folder in (model, out, anyway))
            compared += len(old)
            differ = [name for name in old if new.get(name) != old[name]]
            otherwise += sum(other[name] != old[name] for name in old)
            wrong += len(differ)
            if differ:
                print(f"seed {seed}: {differ}", flush=True)
        tf.keras.backend.clear_session()
    print(f"{compared} results, {made:,} bytes of constants made by ops: {wrong} differ; with all of them made: {otherwise} differ")
    return bool(wrong or not made)


if __name__ == "__main__":
    sys.exit(main())
