"""Models on web servers."""

import functools
import pathlib
import shutil
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

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


class Plain(SimpleHTTPRequestHandler):
    """As `python -m http.server` answers: folders as pages of links, no WebDAV, and no ranges."""

    def log_message(self, *args):
        pass


class Ranges(Plain):
    """The same with ranges, as nginx and Apache have them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        file = pathlib.Path(self.translate_path(self.path))
        if "Range" not in self.headers or not file.is_file():
            return super().do_GET()
        start, end = (int(text) for text in self.headers["Range"].removeprefix("bytes=").split("-"))
        with open(file, "rb") as opened:
            opened.seek(start)
            data = opened.read(end + 1 - start)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end}/{file.stat().st_size}")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", self.date_time_string(file.stat().st_mtime))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(params=[Plain, Ranges])
def plain(request, folder):
    """The address of a web server that has the folder and no WebDAV."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(request.param, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize("url", ["/models/a%20b/1", "/models/a%20b/1/", "/models/a%20b/1/saved_model.pb"])
def test_a_directory_is_listed_by_the_pages_of_a_server(plain, url):
    answer = run("--json", "--remote-depth", "full", plain + url)
    assert answer.code == 0, answer.err
    assert answer.without_store() == run("--json", MODEL).without_store()


def test_a_tree_is_listed_by_the_pages_of_a_server(plain, folder):
    tree = run("--json", plain + "/models")
    assert tree.code == 0 and len(tree.models) == 2, "the model, and the one in the archive"
    shutil.copytree(MODEL, folder / "models/b & <c>/ü/assets/x")
    assert len(run("--json", plain).models) == 3


def test_files_of_several_parts(plain, folder):
    model = folder / "models/a b/1"
    (model / "assets").mkdir(exist_ok=True)
    for name in ("one", "two"):
        (model / "assets" / name).write_bytes(b"\n".join(b"%d" % number for number in range(1_500_000)))
    answer = run("--json", "--remote-depth", "full", plain + "/models/a%20b/1")
    assert answer.code == 0, answer.err
    assert answer.model["total_bytes"] > 20_000_000
    assert answer.without_store() == run("--json", model).without_store()


def test_a_page_in_the_place_of_the_list_is_said(plain, folder):
    (folder / "models/a b/1/variables/index.html").write_text("<title>Mine</title><a href=variables.index>download</a>")
    answer = run(plain + "/models/a%20b/1")
    said = " ".join((answer.out + answer.err).split())
    assert answer.code == 3 and "does not list what is in this folder" in said and "name an archive" in said, said


def test_nothing_there(plain):
    answer = run(plain + "/models/c")
    assert answer.code == 3 and "nothing is there (404)" in answer.out + answer.err


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
