"""Stores on this machine, and what audits a model in them."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from proxy import Proxy  # noqa: E402

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("SMAUDIT", str(ROOT / "target/release/smaudit"))
CORPUS = pathlib.Path(os.environ.get("CORPUS", ROOT.parent / "shared/corpus"))
FIXTURES = ROOT / "fixtures"

# What no message and no report may show.
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIASECRETID", "AWS_SECRET_ACCESS_KEY": "verysecretkey"}


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def wait_for(port):
    # Two minutes: the machine may have much else to do.
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("a store does not start")


def models():
    """The models that are at hand: those of the corpus where it is there, and the fixtures."""
    main = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
    found = [path for root in (CORPUS, FIXTURES) if root.is_dir() for path in sorted(root.iterdir())]
    return [path for path in found if any((path / name).is_file() for name in main)]


def files(model):
    return sorted(path for path in model.rglob("*") if path.is_file() and not path.is_symlink())


class Answer:
    """What a run came to."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        for secret in [*SECRETS.values(), "secret-of-the-store"]:
            assert secret not in self.out + self.err, "a secret is shown"

    @property
    def models(self):
        return json.loads(self.out)["models"]

    @property
    def model(self):
        (model,) = self.models
        return model

    def without_store(self):
        """The models but for what is theirs by being in a store."""
        return [{key: value for key, value in model.items() if key not in ("path", "remote")} for model in self.models]


def run(*args, env=None, **options):
    """Runs smaudit with nothing of this machine's credentials."""
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
    env = {**kept, "HOME": "/nonexistent", "NO_PROXY": "127.0.0.1", **(env or {})}
    done = subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, env=env, timeout=300, **options)
    return Answer(done)


@pytest.fixture(scope="session")
def moto():
    port = free_port()
    server = shutil.which("moto_server") or str(pathlib.Path(sys.executable).parent / "moto_server")
    env = {**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "1048576"}
    done = subprocess.Popen(
        [server, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
    )
    wait_for(port)
    yield "127.0.0.1", port
    done.terminate()
    done.wait()


class S3:
    """S3 as moto has it, through the proxy."""

    def __init__(self, target):
        import boto3

        self.proxy = Proxy(target)
        self.target = target
        self.env = {**SECRETS, "AWS_ENDPOINT_URL": self.proxy.url, "AWS_REGION": "us-east-1"}
        endpoint = "http://{}:{}".format(*target)
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
        )
        self.client.create_bucket(Bucket="models")

    def put(self, key, contents, bucket="models"):
        # Anyone may read it, as requests without a signature do that stand for those to Google.
        self.client.put_object(Bucket=bucket, Key=key, Body=contents, ACL="public-read")

    def put_model(self, model, prefix):
        for path in files(model):
            self.put(f"{prefix}/{path.relative_to(model).as_posix()}", path.read_bytes())
        return f"s3://models/{prefix}"

    def run(self, *args, **options):
        env = {**self.env, **options.pop("env", {})}
        return run(*args, env=env, **options)


@pytest.fixture(scope="session")
def s3_store(moto):
    return S3(moto)


@pytest.fixture
def s3(s3_store):
    """The store, which makes no mistakes any more."""
    s3_store.proxy.reset()
    yield s3_store
    s3_store.proxy.reset()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory):
    """Azurite, where npm has put it."""
    program = os.environ.get("AZURITE") or shutil.which("azurite-blob")
    if not program:
        pytest.skip("there is no Azurite: AZURITE names its azurite-blob")
    port = free_port()
    place = tmp_path_factory.mktemp("azurite")
    args = [program, "--disableTelemetry", "--silent", "--skipApiVersionCheck", "--blobPort", str(port), "--location", place]
    done = subprocess.Popen([*map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(port)
    yield "127.0.0.1", port
    done.terminate()
    done.wait()


def http(method, url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()
