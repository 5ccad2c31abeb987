#!/usr/bin/env python3
"""Damages models at random, slims what comes of it at all three levels, and holds each smaller model that appears against it.

    python-with-tensorflow tests/slim/damages.py SMAUDIT [--rounds N] [--seconds S] [--seed K] [--run-every N] [MODEL ...]

A round is a model with one to three changes of bytes (a bit, a byte, a piece that is moved, a varint that is another), most of
them in saved_model.pb, slimmed at each level. The programs of each smaller model that appears must be those of the damaged one
(programs.py). Of N rounds one asks TensorFlow as well: where the damaged model and a smaller one are both loaded, all results of all
signatures must be the same bits, in Python (tf.saved_model.load) and in a session of TensorFlow 1, for the same inputs; where the
damaged one is loaded or computes, the smaller one must. A signature whose results differ between two looks at the damaged model is
random, and is left out. Prints what became of the rounds; exit code 1 where a wrong model appeared, which is kept.
"""
import argparse, collections, hashlib, json, os, pathlib, random, shutil, subprocess, sys, tempfile, time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import tensorflow as tf

import programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHOICE = ["fixtures/keras-export", "fixtures/keras-lstm", "fixtures/lookup-table", "fixtures/two-metagraphs", "fixtures/partitioned",
          "tests/pathologies/unused-variable/bloated", "tests/pathologies/custom-gradients/bloated"]
LEVELS = ("safe", "inference", "serving")
tf.get_logger().setLevel("ERROR")


def damaged(data, rng):
    """Bytes with some of them changed."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not data:
            break
        at, kind = rng.randrange(len(data)), rng.randrange(8)
        if kind < 3:
            data[at] ^= 1 << rng.randrange(8)
        elif kind < 5:
            data[at] = rng.randrange(256)
        elif kind == 5:
            data[at] = (data[at] + rng.choice((1, 255))) % 256
        elif kind == 6:
            end, to = at + rng.randrange(1, 40), rng.randrange(len(data))
            data[to:to + end - at] = data[at:end]
        else:
            # A letter for another one: names that are no names any more, or are others'.
            text = [k for k in range(at, min(at + 400, len(data))) if 97 <= data[k] <= 122 or 48 <= data[k] <= 57]
            if text:
                data[rng.choice(text)] = data[rng.choice(text)]
    return bytes(data)


def value(dtype, shape, key):
    """An input that is the same for the same name, type and shape."""
    shape = [2 if d is None or d < 0 else min(d, 64) for d in (shape or [])]
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little")
    rng = np.random.default_rng(seed)
    if dtype == tf.string:
        return np.array(rng.choice(["a", "word", "unknown"], shape or None), dtype=object)
    if dtype == tf.bool:
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.is_integer:
        return rng.integers(0, 3, shape).astype(dtype.as_numpy_dtype)
    return rng.standard_normal(shape).astype(dtype.as_numpy_dtype)


def bits(array):
    array = np.asarray(array)
    raw = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
    return str(array.dtype), array.shape, hashlib.sha256(raw).hexdigest()


def python(path):
    """What Python sees: of each signature its results, or that it fails."""
    try:
        loaded = tf.saved_model.load(path)
        signatures = dict(loaded.signatures)
    except Exception:
        return None
    seen = {}
    for name, function in signatures.items():
        try:
            inputs = {k: tf.constant(value(s.dtype, s.shape.as_list() if s.shape.rank is not None else [2], k), s.dtype)
                      for k, s in function.structured_input_signature[1].items()}
            seen[name] = {k: bits(v.numpy()) for k, v in function(**inputs).items()}
        except Exception:
            seen[name] = None
    return seen


def session(path, tags):
    """The same in a session of TensorFlow 1."""
    try:
        graph = tf.Graph()
        with graph.as_default(), tf.compat.v1.Session(graph=graph) as sess:
            meta = tf.compat.v1.saved_model.load(sess, tags, path)
            seen = {}
            for name, signature in meta.signature_def.items():
                if name.startswith("__saved_model_") or not signature.outputs:
                    continue
                try:
                    feed = {}
                    for k, info in signature.inputs.items():
                        tensor = graph.get_tensor_by_name(info.name)
                        shape = None if info.tensor_shape.unknown_rank else [d.size for d in info.tensor_shape.dim]
                        feed[tensor] = value(tensor.dtype, shape or [2] if shape is None else shape, k)
                    fetched = sess.run({k: info.name for k, info in signature.outputs.items()}, feed)
                    seen[name] = {k: bits(v) for k, v in fetched.items()}
                except Exception:
                    seen[name] = None
            return seen
    except Exception:
        return None


def looks(path, tags):
    return python(path), session(path, tags)


def wrong(old, new, again):
    """What the smaller model lacks of what the model has, or gives otherwise."""
    faults = []
    for how, a, b, c in zip(("python", "session"), old, new, again):
        if a is None or c is None:
            continue
        if b is None:
            faults.append(f"{how}: is not loaded any more")
            continue
        for name, results in a.items():
            if results is not None and results == c.get(name) and b.get(name) != results:
                faults.append(f"{how}: {name}: {'fails' if b.get(name) is None else 'gives something else'}")
    return faults


def damage(model, rng):
    files = sorted(f for f in model.rglob("*") if f.is_file())
    main_file = [f for f in files if f.name.startswith("saved_model.pb")]
    victim = rng.choice(main_file) if main_file and rng.random() < 0.9 else rng.choice(files)
    victim.write_bytes(damaged(victim.read_bytes(), rng))


def program_faults(old, out):
    """What of a damaged model's programs a smaller one has not; nothing where they are not understood, which is None."""
    if old is None:
        return []
    try:
        return programs.differences(old, programs.programs_of(out))
    except Exception as error:
        return [f"its programs cannot be read: {error!r}"]


def programs_or_none(model):
    try:
        return programs.programs_of(model)
    except Exception:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("smaudit"); parser.add_argument("models", nargs="*")
    parser.add_argument("--rounds", type=int, default=100); parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=1); parser.add_argument("--run-every", type=int, default=1)
    args = parser.parse_args()
    models = [pathlib.Path(m) for m in args.models] or [ROOT / m for m in CHOICE]
    rng, began, counts, failed = random.Random(args.seed), time.time(), collections.Counter(), False
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        model, out = tmp / "model", tmp / "out"
        for number in range(args.rounds):
            if time.time() - began > args.seconds:
                break
            source = models[number % len(models)]
            shutil.rmtree(model, ignore_errors=True)
            shutil.copytree(source, model)
            damage(model, rng)
            counts["rounds"] += 1
            old = seen = None
            for level in LEVELS:
                shutil.rmtree(out, ignore_errors=True)
                run = subprocess.run([args.smaudit, "slim", str(model), "-o", str(out), "--level", level, "--json"],
                                     capture_output=True, text=True, timeout=300)
                outcome = "failed"
                if run.returncode in (0, 1, 3) and run.stdout:
                    report = json.loads(run.stdout)
                    outcome = report["models"][0]["outcome"] if report["models"] else "unreadable"
                counts[f"{level}: {outcome}"] += 1
                if run.returncode not in (0, 1, 3):
                    print("exit", run.returncode, run.stderr[-300:], flush=True)
                    failed = True
                if not out.exists():
                    continue
                old = old or programs_or_none(model)
                faults = program_faults(old, out)
                counts[f"{level}: held against its programs"] += old is not None
                if number % args.run_every == 0:
                    tags = ["serve"]
                    seen = seen or (looks(str(model), tags), looks(str(model) + "/.", tags))
                    faults += wrong(seen[0], looks(str(out), tags), seen[1])
                    counts[f"{level}: run by TensorFlow"] += any(s is not None for s in seen[0])
                    tf.keras.backend.clear_session()
                if faults:
                    failed = True
                    kept = pathlib.Path(tempfile.mkdtemp(prefix="wrong-"))
                    shutil.copytree(model, kept / "model"); shutil.copytree(out, kept / level)
                    print(f"{source.parent.name}/{source.name}, round {number}, {level}: {'; '.join(faults)[:600]}; kept in {kept}", flush=True)
    for what, count in sorted(counts.items()):
        print(f"{what:44} {count:8,}")
    return failed


if __name__ == "__main__":
    sys.exit(programs.deeply(main))
