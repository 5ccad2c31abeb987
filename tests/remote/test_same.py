"""A model is the same wherever it lies."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timezone

import pytest
from conftest import files, http, models, run

ALL = models()


@pytest.fixture(scope="module")
def on_disk():
    answer = run("--json", *ALL)
    return answer.without_store(), answer


def differences(left, right):
    return [str(path) for path, a, b in zip(ALL, left, right, strict=True) if a != b]


@pytest.fixture(scope="module")
def in_s3(s3_store):
    return [s3_store.put_model(model, f"same/{number}/{model.name}") for number, model in enumerate(ALL)]


def test_of_s3(s3, in_s3, on_disk):
    answer = s3.run("--json", "--remote-depth", "full", *in_s3)
    assert differences(answer.without_store(), on_disk[0]) == []
    assert answer.code == on_disk[1].code


def test_of_s3_as_far_as_the_default_reads(s3, in_s3, on_disk):
    answer = s3.run("--json", *in_s3)
    partial = [
        str(path)
        for path, model in zip(ALL, answer.models, strict=True)
        if model["remote"]["uncompared"]["count"] or model["remote"]["unseen"]["count"]
    ]
    assert set(differences(answer.without_store(), on_disk[0])) <= set(partial)
    assert len(partial) < len(ALL) / 10
    for model in answer.models:
        data = sum(file["bytes"] for file in model["files"] if ".data-" in file["path"])
        assert model["remote"]["data_bytes_read"] <= max(data / 50, 1 << 20) + graph_bytes(model)


def graph_bytes(model):
    tensors = (model["checkpoint"] or {"tensors": []})["tensors"]
    return sum(tensor["bytes"] for tensor in tensors if tensor["key"] == "_CHECKPOINTABLE_OBJECT_GRAPH")


def test_of_google_by_its_xml(moto, s3_store, in_s3, on_disk, tmp_path):
    # moto has one store for both, and answers Google's requests at the same address.
    account = tmp_path / "account.json"
    address = "http://{}:{}".format(*moto)
    said = {
        "type": "service_account",
        "gcs_base_url": address,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    account.write_text(json.dumps(said))
    urls = [url.replace("s3://", "gs://") for url in in_s3]
    answer = run("--json", "--remote-depth", "full", *urls, env={"GOOGLE_SERVICE_ACCOUNT": str(account)})
    assert answer.models, answer.err
    assert differences(answer.without_store(), on_disk[0]) == []


ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azure:
    """Azurite, with just enough of a client to fill it."""

    def __init__(self, target):
        self.url = "http://{}:{}/{}".format(*target, ACCOUNT)
        self.env = {
            "AZURE_STORAGE_USE_EMULATOR": "true",
            "AZURITE_BLOB_STORAGE_URL": "http://{}:{}".format(*target),
        }
        self.send("PUT", "models", "?restype=container", "restype:container")

    def send(self, method, path, query="", resource="", data=b"", headers=None):
        now = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": now, "x-ms-version": "2021-08-06", **(headers or {})}
        length = str(len(data)) if data else ""
        sent = "".join(f"{key}:{headers[key]}\n" for key in sorted(headers) if key.startswith("x-ms-"))
        kind = "application/octet-stream"
        text = f"{method}\n\n\n{length}\n\n{kind}\n\n\n\n\n\n\n{sent}/{ACCOUNT}/{ACCOUNT}/{path}"
        text += f"\n{resource}" if resource else ""
        digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        signature = base64.b64encode(digest).decode()
        headers |= {"Authorization": f"SharedKey {ACCOUNT}:{signature}", "Content-Type": kind}
        http(method, f"{self.url}/{path}{query}", data, headers)

    def put_model(self, model, prefix):
        for path in files(model):
            name = f"models/{prefix}/{path.relative_to(model).as_posix()}"
            self.send("PUT", name, data=path.read_bytes(), headers={"x-ms-blob-type": "BlockBlob"})
        return f"az://models/{prefix}"


def test_of_azure(azurite, on_disk):
    azure = Azure(azurite)
    urls = [azure.put_model(model, f"same/{number}") for number, model in enumerate(ALL)]
    answer = run("--json", "--remote-depth", "full", *urls, env=azure.env)
    assert differences(answer.without_store(), on_disk[0]) == []
