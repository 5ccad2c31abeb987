"""What an audit of a large checkpoint in a store on this machine reads, and how long that takes beside a plain client.

    python tests/remote/measure.py [GIGABYTES] [LATENCY_MS] [MEGABYTES_PER_SECOND] [MEGABYTES_OF_A_TENSOR]

The checkpoint is a sparse file with a few pairs of tensors that agree in their checksums. The ranges that the audit asked for
are then fetched again by curl, as many at a time: into files in memory (/dev/shm), where they are had afterwards, and into
nothing, which no client does that wants them. Prints the medians of some rounds, all three in turn.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from conftest import BINARY, SECRETS
from test_reads import index, main_file

GIGABYTES = float(sys.argv[1]) if len(sys.argv) > 1 else 8
LATENCY = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0
RATE = float(sys.argv[3]) * 1e6 if len(sys.argv) > 3 else 0
TENSOR = (int(sys.argv[4]) if len(sys.argv) > 4 else 40) << 20
ROUNDS = 9
# As many pairs as 8 GB of data have room for in 2%, and more.
PAIRED = 8 if TENSOR >= 40 << 20 else 24


class Store(ThreadingHTTPServer):
    """Answers as S3 does, of the files of one folder."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.lock, self.asked = folder, Lock(), []
        self.free = 0.0
        Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        time.sleep(LATENCY)
        path, _, query = self.path.partition("?")
        if "list-type=2" in query:
            files = [file for file in sorted(self.server.folder.rglob("*")) if file.is_file()]
            keys = "".join(
                f"<Contents><Key>{file.relative_to(self.server.folder.parent)}</Key><Size>{file.stat().st_size}</Size>"
                '<ETag>"1"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>'
                for file in files
            )
            return self.answer(200, {}, f"<ListBucketResult>{keys}<IsTruncated>false</IsTruncated></ListBucketResult>".encode())
        start, end = (int(text) for text in self.headers["Range"].removeprefix("bytes=").split("-"))
        name = path.replace("%2E", ".").replace("%5F", "_").replace("%2D", "-").split("/", 2)[2]
        file = self.server.folder.parent / name
        with self.server.lock:
            self.server.asked.append((self.path, start, end))
        with open(file, "rb") as opened:
            self.answer(206, {
                "Content-Range": f"bytes {start}-{end}/{file.stat().st_size}",
                "ETag": '"1"',
                "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            }, None, end + 1 - start)
            sent = 0
            while sent < end + 1 - start:
                piece = min(256 << 10, end + 1 - start - sent)
                self.wait(piece)
                sent += os.sendfile(self.connection.fileno(), opened.fileno(), start + sent, piece)

    def wait(self, piece):
        """All answers together take no more than the rate."""
        if RATE:
            with self.server.lock:
                self.server.free = max(self.server.free, time.perf_counter()) + piece / RATE
                until = self.server.free
            time.sleep(max(0, until - time.perf_counter()))

    def answer(self, status, headers, data, length=None):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(length or len(data)))
        self.end_headers()
        self.wfile.flush()
        if data:
            self.wfile.write(data)


def make(folder):
    number = int(GIGABYTES * 1e9) // TENSOR
    checksums = [at + 1 for at in range(number)]
    for at in range(0, PAIRED, 2):
        checksums[at] = checksums[at + 1]
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(main_file() + b"\x7a" + bytes([0x80, 0x80, 0x80, 0x02]) + bytes(4 << 20))
    tensors = [(f"t{at:04}", at * TENSOR, TENSOR, checksum) for at, checksum in enumerate(checksums)]
    (folder / "variables/variables.index").write_bytes(index(tensors))
    with open(folder / "variables/variables.data-00000-of-00001", "wb") as data:
        data.truncate(number * TENSOR)
        for at in range(number):
            # What is compared differs in its last byte only, and is not one value throughout.
            for offset, content in ((0, os.urandom(64) if at >= PAIRED else bytes(range(64))), (TENSOR - 1, bytes([at // 2 % 256]))):
                data.seek(at * TENSOR + offset)
                data.write(content)


def audit(env):
    """The report of a run, how long it took, and the most memory that it had in use."""
    kept = {key: os.environ[key] for key in ("PATH",) if key in os.environ}
    env = {**kept, "HOME": "/nonexistent", "NO_PROXY": "127.0.0.1", **SECRETS, **env}
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        running = subprocess.Popen([BINARY, "--json", "s3://bucket/model"], env=env, stdout=out)
        _, status, usage = os.wait4(running.pid, 0)
        took = time.perf_counter() - start
        running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0
        out.seek(0)
        (model,) = json.load(out)["models"]
    return model, took, usage.ru_maxrss * 1024


def fetch(address, ranges, place, names):
    """How long curl takes for these ranges, as many at a time, each into a file of this name."""
    config = pathlib.Path(place) / "ranges"
    config.write_text("\nnext\n".join(
        f'url = "{address}{path}"\nrange = "{start}-{end}"\noutput = "{name}"\nsilent'
        for (path, start, end), name in zip(ranges, names)
    ))
    start = time.perf_counter()
    subprocess.run(["curl", "-s", "--no-progress-meter", "-Z", "--parallel-immediate", "--parallel-max", "16", "-K", config], check=True)
    return time.perf_counter() - start


def main():
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        folder = pathlib.Path(place) / "model"
        make(folder)
        store = Store(folder)
        address = f"http://127.0.0.1:{store.server_address[1]}"
        times = {"audit": [], "into memory": [], "into nothing": []}
        for _ in range(ROUNDS):
            store.asked.clear()
            model, took, held = audit({"AWS_ENDPOINT_URL": address})
            times["audit"].append(took)
            ranges = list(store.asked)
            names = [f"{memory}/{at}" for at in range(len(ranges))]
            times["into memory"].append(fetch(address, ranges, place, names))
            for name in names:
                os.unlink(name)
            times["into nothing"].append(fetch(address, ranges, place, ["/dev/null"] * len(ranges)))
        data = sum(file["bytes"] for file in model["files"] if ".data-" in file["path"])
        remote = model["remote"]
        print(f"model: {model['total_bytes']:,} bytes, of which data {data:,}; {len(model['checkpoint']['tensors'])} tensors")
        print(f"read: {remote['bytes_read']:,} bytes in {remote['requests']} requests; data {remote['data_bytes_read']:,}, ",
              f"{remote['data_bytes_read'] / data:.2%}; left out {remote['uncompared']}, {remote['unseen']}")
        print(f"redundant: {model['duplicates']['redundant_bytes']:,}; memory: {held:,}")
        took = statistics.median(times["audit"])
        for what, each in times.items():
            median = statistics.median(each)
            print(f"{what}: {median:.3f} s {sorted(round(it, 3) for it in each)}: {took / median:.2f}")


main()
