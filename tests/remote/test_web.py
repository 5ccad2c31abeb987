"""Models on web servers."""

import shutil
import tarfile

import pytest
from conftest import FIXTURES, run
from web import Web, certificate

MODEL = FIXTURES / "keras-export"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(MODEL, tmp_path / "models/a b/1")
    with tarfile.open(tmp_path / "models/model.tar.gz", "w:gz") as archive:
        archive.add(MODEL, "model")
    return tmp_path


def test_a_directory_is_listed_by_webdav(folder):
    web = Web(folder)
    answer = run("--json", "--remote-depth", "full", web.url + "/models/a%20b/1")
    assert answer.code == 0, answer.err
    assert answer.without_store() == run("--json", MODEL).without_store()
    tree = run("--json", web.url + "/models")
    assert tree.code == 0 and len(tree.models) == 2, "the model, and the one in the archive"


def test_an_archive_needs_ranges_alone(folder):
    answer = run("--json", Web(folder).url + "/models/model.tar.gz")
    assert answer.code == 0, answer.err
    assert answer.model["total_bytes"] == run("--json", MODEL).model["total_bytes"]


needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make certificates")


@needs_openssl
def test_tls_with_a_certificate_that_is_trusted(folder):
    files = certificate(folder)
    url = Web(folder, files).url + "/models/a%20b/1"
    assert url.startswith("https://")
    answer = run("--json", url, env={"SSL_CERT_FILE": str(files[0])})
    assert answer.code == 0, answer.err
    assert answer.model["total_bytes"] == run("--json", MODEL).model["total_bytes"]


@needs_openssl
@pytest.mark.parametrize("name", ["localhost", "other"])
def test_tls_with_a_certificate_that_is_not(folder, name):
    files = certificate(folder, name)
    trusted = files if name == "other" else certificate(folder, "trusted")
    answer = run(Web(folder, files).url + "/models/a%20b/1", env={"SSL_CERT_FILE": str(trusted[0])})
    said = " ".join((answer.out + answer.err).split())
    assert answer.code == 3 and "the connection failed: invalid peer certificate" in said, said
