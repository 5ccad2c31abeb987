"""What is read, in how many requests, and how many of them wait for each other."""

import json
import struct

import pytest
from conftest import FIXTURES, run

MODEL = FIXTURES / "two-metagraphs"

# What reads that are not repeated come to: the listing, and a request for each of the three files.
SMALL = 4


def test_a_small_model_is_one_listing_and_one_request_a_file(s3):
    url = s3.put_model(MODEL, "reads/small")
    answer = s3.run("--json", url)
    assert len(s3.proxy.asked) == SMALL
    assert answer.model["remote"]["requests"] == SMALL
    sizes = sum(file["bytes"] for file in answer.model["files"])
    assert answer.model["remote"]["bytes_read"] == sizes == answer.model["total_bytes"]


def test_a_model_of_300_kb_takes_at_most_six_round_trips(s3):
    url = s3.put_model(MODEL, "reads/trips")
    s3.put("reads/trips/assets/vocab.txt", bytes(range(256)) * 700)
    s3.put("reads/trips/fingerprint.pb", b"")
    s3.proxy.reset(latency=0.02)
    answer = s3.run("--json", url)
    assert 290_000 < answer.model["total_bytes"] < 310_000
    assert s3.proxy.round_trips() == 2, "the listing, and all files together"


def test_the_listing_alone(s3):
    url = s3.put_model(MODEL, "reads/list")
    answer = s3.run("--json", "--remote-depth", "list", url)
    assert answer.code == 0 and len(s3.proxy.asked) == 1
    model = answer.model
    assert (model["remote"]["depth"], model["remote"]["bytes_read"], model["remote"]["requests"]) == ("list", 0, 1)
    on_disk = run("--json", MODEL).model
    assert model["total_bytes"] == on_disk["total_bytes"]
    assert [file["path"] for file in model["files"]] == [file["path"] for file in on_disk["files"]]
    said = s3.run("--remote-depth", "list", url)
    assert said.code == 0
    assert "what can be avoided was not looked for" in " ".join(said.out.split())


# A checkpoint, made by hand: an index is a table of LevelDB's format.


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


TABLE = []
for value in range(256):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    TABLE.append(value)


def masked(crc):
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def block(entries):
    out = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    return out + struct.pack("<II", 0, 1)


def field(number, wire, value):
    return varint(number << 3 | wire) + (varint(value) if wire == 0 else value)


def index(tensors, shards=1):
    """The index of tensors given as key, offset, size and masked checksum, of type uint8, and perhaps the shard."""
    entries = [(b"", field(1, 0, shards))]
    for key, offset, size, checksum, *shard in tensors:
        shape = field(2, 2, varint(len(field(1, 0, size))) + field(1, 0, size))
        shape = varint(2 << 3 | 2) + varint(len(shape)) + shape
        entry = field(1, 0, 4) + shape + field(3, 0, shard[0] if shard else 0) + field(4, 0, offset) + field(5, 0, size) + field(6, 5, struct.pack("<I", checksum))
        entries.append((key.encode(), entry))
    table, handles = b"", []
    for contents in (block(entries), block([])):
        handles.append(varint(len(table)) + varint(len(contents)))
        table += contents + b"\0" + struct.pack("<I", masked(crc32c(contents + b"\0")))
    contents = block([(b"~", handles[0])])
    handles.append(varint(len(table)) + varint(len(contents)))
    table += contents + b"\0" + struct.pack("<I", masked(crc32c(contents + b"\0")))
    return table + (handles[1] + handles[2]).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def main_file():
    """A metagraph with a node that restores, and the tag `serve`."""
    node = field(1, 2, varint(1) + b"r") + field(2, 2, varint(9) + b"RestoreV2")
    graph = field(1, 2, varint(len(node)) + node)
    info = field(4, 2, varint(5) + b"serve")
    meta = field(1, 2, varint(len(info)) + info) + field(2, 2, varint(len(graph)) + graph)
    return field(1, 0, 1) + field(2, 2, varint(len(meta)) + meta)


SIZE = 1 << 20


def contents(seed, size=SIZE):
    return (struct.pack("<Q", seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) + bytes([seed % 251, 7, 9])) * (size // 11) + bytes(
        [seed % 256]
    ) * (size % 11)


def put_checkpoint(s3, prefix, seeds, checksums=None):
    """A model with a tensor of a mebibyte for each seed: equal seeds are equal tensors. Zero is zeros."""
    data = b"".join(contents(seed) if seed else bytes(SIZE) for seed in seeds)
    checksums = checksums or [seed + 1 for seed in seeds]
    tensors = [(f"t{at:04}", at * SIZE, SIZE, checksum) for at, checksum in enumerate(checksums)]
    s3.put(f"{prefix}/saved_model.pb", main_file())
    s3.put(f"{prefix}/variables/variables.index", index(tensors))
    s3.put(f"{prefix}/variables/variables.data-00000-of-00001", data)
    return f"s3://models/{prefix}"


def test_no_data_is_read_where_nothing_can_be_a_duplicate(s3):
    url = put_checkpoint(s3, "reads/unlike", range(1, 21))
    answer = s3.run("--json", url)
    assert answer.code == 0, answer.err
    remote = answer.model["remote"]
    assert (remote["data_bytes_read"], remote["requests"], len(s3.proxy.asked)) == (0, 3, 3)
    assert remote["uncompared"] == {"count": 0, "bytes": 0}
    assert remote["unseen"] == {"count": 20, "bytes": 20 * SIZE}
    full = s3.run("--json", "--remote-depth", "full", url).model
    assert full["remote"]["data_bytes_read"] == 20 * 64
    part = answer.model
    del full["remote"], part["remote"]
    assert full == part


def test_of_the_data_no_more_than_two_hundredths_are_read(s3):
    # Of 120 MiB two hundredths are enough for one pair, and there are two.
    seeds = [*range(1, 117), 300, 300, 301, 301]
    url = put_checkpoint(s3, "reads/pairs", seeds)
    answer = s3.run("--json", url)
    remote = answer.model["remote"]
    assert remote["data_bytes_read"] <= len(seeds) * SIZE / 50
    assert answer.model["duplicates"]["redundant_bytes"] == SIZE
    assert remote["uncompared"] == {"count": 2, "bytes": 2 * SIZE}
    said = " ".join(s3.run(url).out.split())
    assert "2 tensors (2.10 MB) may be there twice" in said and "--remote-depth full" in said
    full = s3.run("--json", "--remote-depth", "full", url).model
    assert full["duplicates"]["redundant_bytes"] == 2 * SIZE
    assert full["remote"]["uncompared"] == {"count": 0, "bytes": 0}


def test_large_tensors_are_compared_in_pieces_and_as_few(s3):
    # A piece is 16 MiB.
    size = 20 * SIZE
    data = [contents(seed, size) for seed in (1, 1, 2, 2, 3)]
    data[3] = data[3][:-1] + b"x"
    tensors = [(f"t{at}", at * size, size, (7, 7, 8, 8, 9)[at]) for at in range(5)]
    s3.put("reads/large/saved_model.pb", main_file())
    s3.put("reads/large/variables/variables.index", index(tensors))
    s3.put("reads/large/variables/variables.data-00000-of-00001", b"".join(data))
    model = s3.run("--json", "s3://models/reads/large").model
    assert model["remote"]["data_bytes_read"] <= 5 * size / 50
    assert model["remote"]["uncompared"] == {"count": 4, "bytes": 4 * size}
    full = s3.run("--json", "--remote-depth", "full", "s3://models/reads/large").model
    assert full["duplicates"]["redundant_bytes"] == size
    assert full["remote"]["uncompared"] == {"count": 0, "bytes": 0}


def test_zeros_that_agree_are_zeros_and_no_duplicates(s3):
    url = put_checkpoint(s3, "reads/zeros", [*range(1, 117), 0, 0])
    model = s3.run("--json", url).model
    assert model["duplicates"]["redundant_bytes"] == 0
    assert model["duplicates"]["zero_bytes"] == 2 * SIZE


def test_tensors_of_one_checksum_that_differ_are_no_duplicates(s3):
    url = put_checkpoint(s3, "reads/forged", range(1, 120), checksums=[9, 9, *range(10, 127)])
    model = s3.run("--json", url).model
    assert model["duplicates"]["redundant_bytes"] == 0


def test_a_rule_says_that_not_all_was_compared(s3):
    url = put_checkpoint(s3, "reads/rule", [*range(1, 40), 300, 300])
    answer = s3.run("--max-duplication", "1%", url)
    assert answer.code == 0
    assert "what was not compared counts as no duplicate" in answer.out + answer.err
    assert s3.run("--max-duplication", "1%", "--remote-depth", "full", url).code == 1


def test_to_verify_reads_all_of_it(s3):
    url = s3.put_model(MODEL, "reads/verify")
    answer = s3.run("--json", "--verify", url)
    assert answer.model["remote"]["depth"] == "full"
    assert answer.without_store() == run("--json", "--verify", MODEL).without_store()
    refused = s3.run("--verify", "--remote-depth", "index", url)
    assert refused.code == 2 and "--verify reads all of a model" in refused.err


def test_a_depth_is_for_urls():
    answer = run("--remote-depth", "full", MODEL)
    assert answer.code == 2 and "none of these is one" in answer.err


def test_urls_wherever_a_path_is_taken(s3, tmp_path):
    url = s3.put_model(MODEL, "reads/old")
    other = s3.put_model(MODEL, "reads/new")
    s3.put("reads/new/assets.extra/x", b"x" * 5000)
    assert s3.run(url + "/saved_model.pb", "--json").model["path"] == url

    difference = json.loads(s3.run("diff", url, other, "--json").out)
    assert difference["delta_bytes"] == 5000

    assert s3.run("baseline", url, "-o", "s3://models/reads/base.json").code == 0
    assert s3.run(other, "--baseline", "s3://models/reads/base.json", "--max-growth", "100kB").code == 0
    assert s3.run(other, "--baseline", url, "--max-growth", "1kB").code == 1
    assert s3.run(MODEL, "--baseline", url, "--max-growth", "1kB").code == 0

    assert s3.run(other, "--json", "-o", "s3://models/reads/report.json").code == 0
    difference = json.loads(s3.run("diff", url, "s3://models/reads/report.json", "--json").out)
    assert difference["delta_bytes"] == 5000

    why = s3.run("why", url, "MyVariable", "--json")
    assert why.code in (0, 1, 2, 3) and json.loads(why.out)["models"][0]["path"] == url

    refused = s3.run("slim", url, "-o", tmp_path / "x")
    assert refused.code == 2 and "download the model" in refused.err


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_an_archive(s3, tmp_path, kind):
    import shutil

    name = {"tar": "tar", "tar.gz": "gztar", "zip": "zip"}[kind]
    packed = shutil.make_archive(tmp_path / "model", name, MODEL)
    with open(packed, "rb") as file:
        s3.put(f"reads/archives/model.{kind}", file.read())
    answer = s3.run("--json", f"s3://models/reads/archives/model.{kind}")
    assert answer.code == 0, answer.err
    found = answer.without_store()[0]
    expected = run("--json", packed).without_store()[0]
    assert {**found, "archive": None} == {**expected, "archive": None}
    assert found["archive"]["path"] == f"s3://models/reads/archives/model.{kind}"
    # And one among others, in a tree.
    assert s3.run("--json", "s3://models/reads/archives").code == 0


def test_what_is_no_archive_is_said_after_its_beginning(s3):
    s3.put("reads/other.tar", b"x" * 3_000_000)
    answer = s3.run("s3://models/reads/other.tar")
    assert answer.code == 3 and "expected an archive" in " ".join((answer.out + answer.err).split())
    assert s3.proxy.sent < 10_000
