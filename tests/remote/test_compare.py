"""Large tensors that agree in length and checksum are compared while they come: each is read once and none is held."""

import socket
import threading

import proxy
import pytest
from test_reads import contents, index, main_file

# Larger than what is asked for together, and no whole elements.
SIZE = (1 << 20) + 4099

FULL = ("--json", "--remote-depth", "full")


def put(s3, prefix, tensors, shards=1):
    """A model of tensors given as bytes and checksum, dealt to shards in turn."""
    data, entries = [bytearray() for _ in range(shards)], []
    for at, (content, checksum) in enumerate(tensors):
        shard = at % shards
        entries.append((f"t{at:04}", len(data[shard]), len(content), checksum, shard))
        data[shard] += content
    s3.put(f"{prefix}/saved_model.pb", main_file())
    s3.put(f"{prefix}/variables/variables.index", index(entries, shards))
    for shard, content in enumerate(data):
        s3.put(f"{prefix}/variables/variables.data-{shard:05}-of-{shards:05}", bytes(content))
    return f"s3://models/{prefix}"


def duplicates(answer):
    assert answer.code == 0, answer.err
    return answer.model["duplicates"]


def others(number):
    """So much of other data that two hundredths of it are something."""
    return [(bytes(number << 20), 1)]


def test_those_of_one_checksum_are_parted_by_their_bytes_in_one_reading(s3):
    a, b = contents(1, SIZE), contents(2, SIZE)
    last = a[:-1] + b"x"
    url = put(s3, "compare/parted", [(a, 7), (b, 7), (last, 7), (b, 7), (a, 7)])
    answer = s3.run(*FULL, url)
    assert duplicates(answer)["redundant_bytes"] == 2 * SIZE
    remote = answer.model["remote"]
    assert 5 * SIZE <= remote["data_bytes_read"] <= 5 * SIZE + 5 * 64


@pytest.mark.parametrize("shards", [2, 3])
def test_those_in_several_shards(s3, shards):
    a, b = contents(1, SIZE), contents(2, 9 * SIZE)
    url = put(s3, f"compare/shards{shards}", [(a, 7), (a, 7), (b, 8), (b, 8), (b, 8)], shards)
    assert duplicates(s3.run(*FULL, url))["redundant_bytes"] == SIZE + 2 * 9 * SIZE


def test_more_than_can_come_at_the_same_time(s3):
    a = contents(1, SIZE)
    url = put(s3, "compare/many", [(a, 7)] * 20)
    assert duplicates(s3.run(*FULL, url))["redundant_bytes"] == 19 * SIZE


def test_one_value_throughout_is_found_though_nobody_looked_at_the_beginning(s3):
    zeros, sevens, nearly = bytes(SIZE), b"\x07" * SIZE, bytes(SIZE - 1) + b"\x01"
    tensors = [(zeros, 7), (zeros, 7), (sevens, 8), (sevens, 8), (nearly, 9), (nearly, 9), *others(330)]
    found = duplicates(s3.run("--json", put(s3, "compare/fill", tensors)))
    assert (found["zero_bytes"], found["redundant_bytes"]) == (2 * SIZE, SIZE)
    # What has one checksum by chance or by intent is told apart there as well.
    tensors = [(zeros, 7), (nearly, 7), (zeros, 7), (nearly, 7), *others(230)]
    found = duplicates(s3.run("--json", put(s3, "compare/forged", tensors)))
    assert (found["zero_bytes"], found["redundant_bytes"]) == (2 * SIZE, SIZE)


def test_nothing_is_read_of_a_pair_of_which_only_one_may_be(s3):
    a, b = contents(1, SIZE), contents(2, SIZE)
    # Room for three.
    url = put(s3, "compare/room", [(a, 7), (a, 7), (b, 8), (b, 8), *others(170)])
    answer = s3.run("--json", url)
    assert duplicates(answer)["redundant_bytes"] == SIZE
    remote = answer.model["remote"]
    assert remote["data_bytes_read"] == 2 * SIZE
    assert remote["uncompared"] == {"count": 2, "bytes": 2 * SIZE}
    # Of three that agree two are compared, and the third is left out.
    url = put(s3, "compare/three", [(a, 7), (a, 7), (a, 7), *others(110)])
    answer = s3.run("--json", url)
    assert duplicates(answer)["redundant_bytes"] == SIZE
    assert answer.model["remote"]["uncompared"] == {"count": 1, "bytes": SIZE}


@pytest.fixture
def pair(s3):
    a = contents(1, SIZE)
    return put(s3, "compare/pair", [(a, 7), (a, 7), (contents(2, SIZE), 9)])


SERVED = threading.Lock()


def one_at_a_time(handler, status, headers, data):
    """The next answer begins when all of the one before was taken."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
    with SERVED:
        handler.answer(status, headers, data)


def test_a_server_that_gives_one_answer_after_the_other_is_not_waited_for(s3, pair):
    s3.proxy.reset(of_data(one_at_a_time, 1000))
    assert duplicates(s3.run(*FULL, pair))["redundant_bytes"] == SIZE


def of_data(act, times):
    """Requests for large ranges of the data are answered wrongly, so many times."""
    seen = []

    def rule(request):
        start, _, end = (request.range or "").removeprefix("bytes=").partition("-")
        if ".data-" in request.path and end and int(end) - int(start) > 4096 and len(seen) < times:
            seen.append(request)
            return act
        return None

    return rule


def test_a_connection_that_is_cut_while_it_is_compared_is_made_again(s3, pair):
    s3.proxy.reset(of_data(proxy.cut, 1))
    assert duplicates(s3.run(*FULL, pair))["redundant_bytes"] == SIZE


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (proxy.cut, "the connection failed"),
        (proxy.truncated, "something else than it was asked for"),
        (proxy.other_range, "something else than it was asked for"),
        (proxy.longer, "something else than it was asked for"),
        ((403, "AccessDenied", {}), "access is denied"),
    ],
)
def test_what_cannot_be_compared_is_said_and_is_no_duplicate(s3, pair, act, words):
    s3.proxy.reset(of_data(act, 1000))
    answer = s3.run(*FULL, pair)
    assert answer.code == 3
    assert answer.model["duplicates"]["redundant_bytes"] == 0
    (problem,) = answer.model["problems"]
    assert words in problem["message"] and ".data-" in problem["file"], problem
