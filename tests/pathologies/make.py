#!/usr/bin/env python3
"""Makes models that are larger than they need to be for one known cause, each beside the same model without it.

    python tests/pathologies/make.py OUT [--only ID ...] [--seed N] [--scale F]

writes OUT/<id>/bloated and OUT/<id>/fixed, and adds a line for each to OUT/TRUTH.tsv: the bytes of both, and what the fix saves.
These are the pairs of the causes that smaudit 0.2 brought; those before them came from elsewhere. Other seeds and scales make
other models of the same causes: SMAUDIT_PATHOLOGIES=OUT cargo test --test findings asks the same of them.

Needs tensorflow 2.21, keras 3.15, tf_keras 2.21 and tensorflow-model-optimization 0.8. Each pair is made in a process of its own.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

CASES = {}


def case(ident):
    def register(function):
        CASES[ident] = function
        return function
    return register


class Bench:
    """Where a case writes, how large it is to be, and a seeded source of numbers."""

    def __init__(self, out, seed, scale):
        import numpy
        self.bloated, self.fixed, self.work = (str(out / form) for form in ("bloated", "fixed", "work"))
        self.scale, self.rng, self.seed = scale, numpy.random.default_rng(seed), seed
        os.makedirs(self.work)

    def n(self, count):
        return max(2, int(count * self.scale))

    def floats(self, *shape):
        return self.rng.standard_normal(shape, dtype="float32")


@case("distiller")                     # the teacher is saved with the student that serves
def _(b):
    import tensorflow as tf
    width, wide = 24, b.n(96)

    class Net(tf.Module):
        def __init__(self, hidden):
            super().__init__()
            self.first, self.last = tf.Variable(b.floats(width, hidden)), tf.Variable(b.floats(hidden, 8))

        def __call__(self, x):
            return tf.nn.relu(x @ self.first) @ self.last

    class Distiller(tf.Module):
        def __init__(self, student, teacher):
            super().__init__()
            self.student, self.teacher = student, teacher

        @tf.function(input_signature=[tf.TensorSpec([None, width])])
        def serve(self, x):
            return self.student(x)

        @tf.function(input_signature=[tf.TensorSpec([None, width])])
        def targets(self, x):
            return tf.nn.softmax(self.teacher(x) / 3.0)

    class Served(tf.Module):
        def __init__(self, student):
            super().__init__()
            self.student = student

        @tf.function(input_signature=[tf.TensorSpec([None, width])])
        def serve(self, x):
            return self.student(x)

    student = Net(16)
    for module, path in (Distiller(student, Net(wide)), b.bloated), (Served(student), b.fixed):
        tf.saved_model.save(module, path, signatures=module.serve)


@case("pruning-masks")                 # tfmot's wrappers are not stripped: a mask for each weight
def _(b):
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf
    import tf_keras as keras
    import tensorflow_model_optimization as tfmot
    keras.utils.set_random_seed(b.seed)
    prune = tfmot.sparsity.keras.prune_low_magnitude
    model = keras.Sequential([keras.layers.Input((32,)), keras.layers.Dense(b.n(128), activation="relu"), keras.layers.Dense(4)])
    schedule = tfmot.sparsity.keras.ConstantSparsity(0.5, 0, frequency=1)
    pruned = prune(model, pruning_schedule=schedule)

    pruned.compile("sgd", "mse")
    pruned.fit(b.floats(8, 32), b.floats(8, 4), epochs=2, verbose=0, callbacks=[tfmot.sparsity.keras.UpdatePruningStep()])
    for model, path in (pruned, b.bloated), (tfmot.sparsity.keras.strip_pruning(pruned), b.fixed):
        serve = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec([None, 32])])
        model.save(path, include_optimizer=False, save_traces=False, signatures=serve.get_concrete_function())


@case("files-beside")                  # checkpoints, logs and other formats in the model's directory
def _(b):
    import tensorflow as tf
    module = tf.Module()
    module.w = tf.Variable(b.floats(16, b.n(64)))
    serve = tf.function(lambda x: x @ module.w, input_signature=[tf.TensorSpec([None, 16])])
    for path in b.bloated, b.fixed:
        tf.saved_model.save(module, path, signatures=serve)
    checkpoint = tf.train.Checkpoint(w=module.w)
    manager = tf.train.CheckpointManager(checkpoint, b.bloated, max_to_keep=2)
    for _ in range(2):
        manager.save()
    with tf.summary.create_file_writer(b.bloated + "/logs").as_default():
        for step in range(b.n(20)):
            tf.summary.write("loss", tf.constant(1 / (step + 1)), step)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)
    pathlib.Path(b.bloated, "model.tflite").write_bytes(converter.convert())


@case("rows-without-words")            # an embedding of more rows than the table has words
def _(b):
    import tensorflow as tf
    words = [f"w{i}" for i in range(b.n(60))]
    table = b.floats(b.n(1500), 8)

    class Words(tf.Module):
        def __init__(self, rows):
            super().__init__()
            vocabulary = pathlib.Path(b.work, "words.txt")
            vocabulary.write_text("".join(word + "\n" for word in words))
            init = tf.lookup.TextFileInitializer(
                str(vocabulary), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
            self.table, self.rows = tf.lookup.StaticHashTable(init, -1), tf.Variable(rows)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, x):
            # 0 is for padding, 1 for an unknown word.
            ids = self.table.lookup(x) + 2
            return tf.reduce_sum(tf.nn.embedding_lookup(self.rows, tf.expand_dims(ids, 0)), 1)

    for rows, path in (table, b.bloated), (table[: len(words) + 2], b.fixed):
        module = Words(rows)
        tf.saved_model.save(module, path, signatures=module.serve)


@case("adjacency")                     # a sparse matrix as a dense constant
def _(b):
    import numpy as np
    import tensorflow as tf
    count = b.n(160)
    matrix = np.eye(count, dtype="float32")
    for row in range(count):
        for column in b.rng.choice(count, 2, replace=False):
            matrix[row, column] = matrix[column, row] = 0.25
    places = np.argwhere(matrix)
    sparse = tf.sparse.SparseTensor(places, matrix[tuple(places.T)], matrix.shape)
    module = tf.Module()
    module.w = tf.Variable(b.floats(8, 4))
    spec = [tf.TensorSpec([count, 8])]
    dense = tf.function(lambda x: tf.constant(matrix) @ (x @ module.w), input_signature=spec)
    places = tf.function(lambda x: tf.sparse.sparse_dense_matmul(sparse, x @ module.w), input_signature=spec)
    tf.saved_model.save(module, b.bloated, signatures=dense)
    tf.saved_model.save(module, b.fixed, signatures=places)


@case("half-precision")                # float32 weights that are only read through a cast
def _(b):
    import tensorflow as tf

    class Net(tf.Module):
        def __init__(self, kernels):
            super().__init__()
            self.kernels = [tf.Variable(kernel) for kernel in kernels]

        @tf.function(input_signature=[tf.TensorSpec([None, 32])])
        def serve(self, x):
            x = tf.cast(x, tf.bfloat16)
            for kernel in self.kernels:
                x = tf.nn.relu(x @ tf.cast(kernel, tf.bfloat16))
            return x

    kernels = [b.floats(32, b.n(160)), b.floats(b.n(160), 32)]
    for kernels, path in (kernels, b.bloated), ([tf.cast(kernel, tf.bfloat16) for kernel in kernels], b.fixed):
        module = Net(kernels)
        tf.saved_model.save(module, path, signatures=module.serve)


@case("one-backbone-three-times")      # three heads that loaded the same backbone, each for itself
def _(b):
    import tensorflow as tf
    kernels = [b.floats(16, b.n(128)), b.floats(b.n(128), 16)]

    class Heads(tf.Module):
        def __init__(self, backbones):
            super().__init__()
            self.backbones = backbones
            self.heads = [tf.Variable(b.floats(16, 2)) for _ in range(3)]

        @tf.function(input_signature=[tf.TensorSpec([None, 16])])
        def serve(self, x):
            outputs = zip(self.backbones, self.heads)
            return tf.concat([tf.nn.relu(x @ first) @ last @ head for (first, last), head in outputs], 1)

    def backbone():
        return [tf.Variable(kernel, name=f"kernel_{at}") for at, kernel in enumerate(kernels)]

    shared = backbone()
    for backbones, path in ([backbone() for _ in range(3)], b.bloated), ([shared] * 3, b.fixed):
        module = Heads(backbones)
        tf.saved_model.save(module, path, signatures=module.serve)


@case("training-graph-tf1")            # gradients, metrics and summaries in the graph that serves
def _(b):
    import tensorflow as tf
    v1 = tf.compat.v1
    v1.disable_eager_execution()

    def build(train):
        x = v1.placeholder(tf.float32, [None, 16], "x")
        hidden = x
        for at in range(b.n(6)):
            with v1.variable_scope(f"layer_{at}"):
                kernel = v1.get_variable("kernel", [16, 16])
                hidden = tf.nn.relu(hidden @ kernel)
        if train:
            y = v1.placeholder(tf.float32, [None, 16], "y")
            loss = tf.reduce_mean(tf.square(y - hidden))
            v1.summary.scalar("loss", loss)
            v1.train.GradientDescentOptimizer(0.1).minimize(loss)
            v1.summary.merge_all()
        return x, hidden

    for train, path in (True, b.bloated), (False, b.fixed):
        with tf.Graph().as_default(), v1.Session() as session:
            v1.set_random_seed(b.seed)
            x, y = build(train)
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, path, {"x": x}, {"y": y})


@case("main-file-as-text")             # saved_model.pbtxt
def _(b):
    import tensorflow as tf
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2
    module = tf.Module()
    module.w = [tf.Variable(b.floats(4, 4)) for _ in range(b.n(6))]

    def serve(x):
        for w in module.w:
            x = tf.nn.relu(x @ w)
        return x

    for path in b.bloated, b.fixed:
        tf.saved_model.save(module, path, signatures=tf.function(serve, input_signature=[tf.TensorSpec([None, 4])]))
    main = pathlib.Path(b.bloated, "saved_model.pb")
    model = saved_model_pb2.SavedModel.FromString(main.read_bytes())
    main.with_suffix(".pbtxt").write_text(text_format.MessageToString(model))
    main.unlink()


@case("debug-info")                    # save_debug_info=True
def _(b):
    import tensorflow as tf
    module = tf.Module()
    module.w = tf.Variable(b.floats(4, 4))

    def deep(x, calls):
        # What is written of a node is the calls that made it.
        return tf.nn.relu(deep(x, calls - 1)) if calls else x @ module.w

    sys.setrecursionlimit(10_000)
    serve = tf.function(lambda x: deep(x, b.n(125)), input_signature=[tf.TensorSpec([None, 4])], autograph=False)
    for debug, path in (True, b.bloated), (False, b.fixed):
        tf.saved_model.save(module, path, signatures=serve, options=tf.saved_model.SaveOptions(save_debug_info=debug))


@case("dead-nodes")                    # nodes of a function that nothing in it needs
def _(b):
    import tensorflow as tf
    module = tf.Module()
    module.w = tf.Variable(b.floats(8, 8))

    def serve(x, dead):
        y = x @ module.w
        if dead:
            for _ in range(b.n(170)):
                tf.nn.softmax(tf.reshape(y, [-1, 4]) * 2.0)
        return y

    for dead, path in (True, b.bloated), (False, b.fixed):
        spec = [tf.TensorSpec([None, 8])]
        tf.saved_model.save(module, path, signatures=tf.function(lambda x: serve(x, dead), input_signature=spec))


@case("functions-of-python")           # functions of objects that no signature calls
def _(b):
    import tensorflow as tf

    class Policy(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(b.floats(8, 8))

        @tf.function(input_signature=[tf.TensorSpec([None, 8])])
        def action(self, x):
            return x @ self.w

    class Full(Policy):
        @tf.function(input_signature=[tf.TensorSpec([None, 8])])
        def distribution(self, x):
            y = x @ self.w
            for _ in range(b.n(160)):
                y = tf.nn.softmax(tf.reshape(y, [-1, 8]) * 2.0)
            return y

    for module, path in (Full(), b.bloated), (Policy(), b.fixed):
        tf.saved_model.save(module, path, signatures=module.action)


def size(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())


def make(out, ident, seed, scale):
    bench = Bench(out / ident, seed, scale)
    CASES[ident](bench)
    shutil.rmtree(bench.work)
    bloated, fixed = size(bench.bloated), size(bench.fixed)
    with open(out / "TRUTH.tsv", "a") as truth:
        truth.write(f"{ident}\t{bloated}\t{fixed}\t{bloated - fixed}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        return make(args.out, args.only[0], args.seed, args.scale)
    truth = args.out / "TRUTH.tsv"
    kept = truth.read_text().splitlines() if truth.exists() else ["id\tbloated_bytes\tfixed_bytes\tsaved_bytes"]
    args.out.mkdir(parents=True, exist_ok=True)
    truth.write_text("".join(line + "\n" for line in kept if line.split("\t")[0] not in args.only))
    for ident in args.only:
        shutil.rmtree(args.out / ident, ignore_errors=True)
        options = ["--seed", str(args.seed), "--scale", str(args.scale), "--only", ident]
        subprocess.run([sys.executable, __file__, str(args.out), "--here", *options], check=True)


if __name__ == "__main__":
    main()
