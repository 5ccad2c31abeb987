#!/usr/bin/env python3
"""Split fixtures/lookup-table into chunks, and have Riegeli's own encoder write them in each of its forms.

    pip install array_record==0.8.6
    python tests/data/chunked/make.py

An ArrayRecord file is a Riegeli/records file with an index of its own behind the records. Cut off in front of that it
is what TensorFlow would have written, had it been told to write chunks of that form.
"""

import pathlib

from array_record.python.array_record_module import ArrayRecordWriter

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parents[2] / "fixtures/lookup-table/saved_model.pb"
FORMS = {"simple": "", "transposed": ",transpose,transpose_bucket_size:2000"}
COMPRESSIONS = {"plain": "uncompressed", "brotli": "brotli:6", "zstd": "zstd:3", "snappy": "snappy"}

# Of these records each but the last chunk of Riegeli holds so many.
GROUP = 4

BLOCK, BLOCK_HEADER, CHUNK_HEADER = 1 << 16, 24, 40


# --- wire format -----------------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def field(number, payload):
    """A field of bytes or a message, or of a number."""
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def fields(message):
    """The fields of a message: their numbers, the whole field, its payload. There are varints and bytes here only."""
    at = 0
    while at < len(message):
        start = at
        tag, at = read_varint(message, at)
        value, at = read_varint(message, at)
        if tag & 7 == 2:
            at += value
            value = message[at - value : at]
        yield tag >> 3, message[start:at], value


def without(message, *numbers):
    return b"".join(whole for number, whole, _ in fields(message) if number not in numbers)


def all_of(message, number):
    return [value for found, _, value in fields(message) if found == number]


# --- the model in chunks ---------------------------------------------------------------------------


def split(model):
    """The chunks: whether each is a message, its bytes, and the way to its field: numbers, (index,) or a map's key."""
    (meta_graph,) = all_of(model, 2)
    (graph,), (objects,), entries = (all_of(meta_graph, number) for number in (2, 7, 5))
    (library,), nodes = all_of(graph, 2), all_of(graph, 1)
    (key,), (signature,) = all_of(entries[-1], 1), all_of(entries[-1], 2)
    (method,) = all_of(signature, 3)

    words = max(nodes, key=len)
    at = nodes.index(words)
    (value,) = (all_of(attr, 2)[0] for attr in all_of(words, 5) if all_of(attr, 1) == [b"value"])
    half = at + 1
    nodes[at] = b"".join(whole for _, whole, inner in fields(words) if inner != field(1, b"value") + field(2, value))
    entries[-1] = field(1, key) + field(2, without(signature, 3))

    rest = without(graph, 1, 2)
    first = without(meta_graph, 2, 5, 7) + b"".join(field(5, entry) for entry in entries)
    first += field(2, b"".join(field(1, node) for node in nodes[:half]) + rest)
    way = [2, (0,), 2]
    yield True, without(model, 2) + field(2, first), []
    yield True, value, way + [1, (at,), 5, b"value"]
    yield True, b"".join(field(1, node) for node in nodes[half:]), way
    yield True, library, way + [2]
    yield False, method, [2, (0,), 5, key, 3]
    yield True, objects, [2, (0,), 7]


def step(part):
    if isinstance(part, int):
        return field(1, field(1, part))
    if isinstance(part, tuple):
        return field(1, field(3, part[0]))
    return field(1, field(2, field(1, part)))


def metadata(chunks, positions):
    infos = b"".join(
        field(2, field(1, 1 if is_message else 2) + field(2, len(data)) + field(3, position))
        for (is_message, data, _), position in zip(chunks, positions)
    )
    ways = b"".join(
        field(2, b"".join(map(step, way)) + field(3, field(1, index)))
        for index, (_, _, way) in enumerate(chunks)
        if way
    )
    return infos + field(3, field(1, 0) + ways)


# --- the files -------------------------------------------------------------------------------------


def chunk_ends(file, count):
    """Where the chunk behind the signature begins, and where `count` chunks end, in a file of less than a block."""
    at = BLOCK_HEADER + CHUNK_HEADER
    yield at
    for _ in range(count):
        at += CHUNK_HEADER + int.from_bytes(file[at + 8 : at + 16], "little")
        assert at < BLOCK
        yield at


def write(path, options, chunks):
    chunk_count = len(chunks) // GROUP + 1
    positions = [0] * len(chunks)
    # What the metadata says is in the last chunk, so where the others begin does not depend on it.
    for _ in range(2):
        writer = ArrayRecordWriter(str(path), f"group_size:{GROUP},{options}")
        for record in [data for _, data, _ in chunks] + [metadata(chunks, positions)]:
            writer.write(record)
        writer.close()
        file = path.read_bytes()
        ends = list(chunk_ends(file, chunk_count))
        positions = [ends[number // GROUP] + number % GROUP for number in range(len(chunks))]
    path.write_bytes(file[: ends[-1]])


def write_zeros(path, options):
    """A chunk of one record, more zeros than smaudit unpacks: no model."""
    writer = ArrayRecordWriter(str(path), options)
    writer.write(bytes(300 << 20))
    writer.close()
    *_, end = chunk_ends(path.read_bytes(), 1)
    path.write_bytes(path.read_bytes()[:end])


def main():
    chunks = list(split(MODEL.read_bytes()))
    for form, option in FORMS.items():
        write_zeros(HERE / f"zeros-{form}-brotli.cpb", "group_size:1,brotli:9" + option)
    for form, option in FORMS.items():
        for name, compression in COMPRESSIONS.items():
            write(HERE / f"{form}-{name}.cpb", compression + option, chunks)


if __name__ == "__main__":
    main()
