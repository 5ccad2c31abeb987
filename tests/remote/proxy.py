"""A proxy before a store that is told to make mistakes, to wait, and to count.

It forwards what it gets, and tells of each request when it came and when it was answered. A rule is asked before a request is
forwarded, and may answer itself.
"""

import http.client
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Request:
    """What was asked, as a rule sees it."""

    def __init__(self, handler, number):
        self.method, self.path, self.headers, self.number = handler.command, handler.path, handler.headers, number
        self.range = handler.headers.get("Range") or handler.headers.get("x-ms-range")

    def is_listing(self):
        return "list-type=2" in self.path or "comp=list" in self.path or self.method == "PROPFIND"


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = target
        self.lock = threading.Lock()
        self.reset()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def reset(self, rule=None, latency=0.0):
        """Forgets what was counted; from now on `rule(request)` may return what to do: see `Handler.act`."""
        with self.lock:
            self.rule, self.latency, self.number = rule, latency, 0
            self.asked, self.times, self.sent = [], [], 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def round_trips(self):
        """How many requests came one after the other at most: those of which none came before another was answered."""
        count, end = 0, 0.0
        for start, done in sorted(self.times, key=lambda time: time[1]):
            if start >= end:
                count, end = count + 1, done
        return count

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_any(self):
        server = self.server
        start = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with server.lock:
            request = Request(self, server.number)
            server.number += 1
            server.asked.append(request)
        if server.latency:
            time.sleep(server.latency)
        act = server.rule(request) if server.rule else None
        try:
            self.act(act, body)
        finally:
            with server.lock:
                server.times.append((start, time.monotonic()))

    do_GET = do_HEAD = do_PUT = do_POST = do_PROPFIND = handle_any

    def act(self, act, body):
        """`None` forwards; a number is a status, with a word and headers where it is a tuple; a function changes the answer."""
        if isinstance(act, int):
            act = (act, "Error", {})
        if isinstance(act, tuple):
            status, code, headers = act
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>secret-of-the-store</Message></Error>".encode()
            return self.answer(status, {**headers, "Content-Type": "application/xml"}, b"" if self.command == "HEAD" else text)
        host, port = self.server.target
        connection = http.client.HTTPConnection(host, port, timeout=60)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("connection", "proxy-connection")}
        path = self.path
        if path.startswith("http://"):
            # It is used as a proxy, and stands for every host.
            path = "/" + path.split("/", 3)[3]
            headers = {key: value for key, value in headers.items() if key.lower() != "host"}
        connection.request(self.command, path, body=body or None, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        kept = {
            key: value
            for key, value in answer.getheaders()
            if key.lower() not in ("transfer-encoding", "connection", "content-length", "server", "date")
        }
        connection.close()
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        if callable(act):
            return act(self, answer.status, kept, data)
        return self.answer(answer.status, kept, data, length)

    def answer(self, status, headers, data, length=None):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        with self.server.lock:
            self.server.sent += len(data)


# Answers that are wrong.


def cut(handler, status, headers, data):
    """Half of what was promised, and the connection ends."""
    handler.send_response(status)
    for key, value in headers.items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def truncated(handler, status, headers, data):
    """Half of the range, as if that were all of it."""
    handler.answer(status, headers, data[: len(data) // 2])


def other_range(handler, status, headers, data):
    """The range says that it is another one."""
    for key in list(headers):
        if key.lower() == "content-range":
            unit, _, rest = headers[key].partition(" ")
            first, _, total = rest.partition("/")
            start, _, end = first.partition("-")
            headers[key] = f"{unit} {int(start) + 1}-{int(end) + 1}/{total}"
    handler.answer(status, headers, data)


def whole(handler, status, headers, data):
    """The range was not heeded."""
    headers = {key: value for key, value in headers.items() if key.lower() != "content-range"}
    handler.answer(200, headers, data)


def longer(handler, status, headers, data):
    """More than the range."""
    handler.answer(status, headers, data + b"more")


def silent(handler, status, headers, data):
    """Nothing, for longer than anyone waits."""
    time.sleep(6)
    handler.close_connection = True


def trickling(handler, status, headers, data):
    """A few bytes, and then nothing."""
    handler.send_response(status)
    for key, value in headers.items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[:10])
    handler.wfile.flush()
    time.sleep(6)
    handler.close_connection = True
