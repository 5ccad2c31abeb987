"""A web server that lists directories by WebDAV and gives ranges, with and without TLS."""

import pathlib
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote


class Web(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = pathlib.Path(folder)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://localhost:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def place(self):
        return self.server.folder / unquote(self.path).lstrip("/")

    def do_PROPFIND(self):
        files = [file for file in sorted(self.place().rglob("*")) if file.is_file()]
        responses = "".join(
            f"<D:response><D:href>/{quote(file.relative_to(self.server.folder).as_posix())}</D:href><D:propstat><D:prop>"
            f"<D:resourcetype/><D:getcontentlength>{file.stat().st_size}</D:getcontentlength><D:getetag>\"{file.stat().st_size}\""
            "</D:getetag><D:getlastmodified>Mon, 12 Oct 2009 17:50:30 GMT</D:getlastmodified></D:prop>"
            "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
            for file in files
        )
        text = f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{responses}</D:multistatus>'
        self.answer(207 if files else 404, {"Content-Type": "application/xml"}, text.encode())

    def do_HEAD(self):
        file = self.place()
        self.answer(200 if file.is_file() else 404, {"ETag": f'"{file.stat().st_size if file.is_file() else 0}"'}, file.read_bytes() if file.is_file() else b"")

    def do_GET(self):
        contents = self.place().read_bytes()
        start, end = (int(text) for text in self.headers["Range"].removeprefix("bytes=").split("-"))
        headers = {"ETag": f'"{len(contents)}"', "Content-Range": f"bytes {start}-{end}/{len(contents)}"}
        self.answer(206, headers, contents[start : end + 1])

    def answer(self, status, headers, data):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def certificate(folder, name="localhost"):
    """A certificate for a host, signed by itself, and its key."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", file]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return file, key
