"""A small S3 server that answers as the test says: with other ranges, without headers, or with a bit flipped."""

import base64
import hashlib
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from tests.http_server import QuietHTTPServer


class Answer(NamedTuple):
    """What is sent: None as the length of the body leaves Content-Length out."""

    status: int
    headers: dict[str, str]
    body: bytes
    length: str | None


class Hostile:
    """Has one object, *data*, at every path. ``change`` may turn each right answer into a wrong one.

    It is given the answer, and the start and the end of the range that was asked for (None: none was).
    """

    def __init__(self, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.requests: list[tuple[str, str, str]] = []
        self.headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"', **(headers or {})}
        self.change = lambda answer, asked: answer
        self.of_head = lambda answer, query: answer
        self.port = 0

    def gets(self) -> list[str]:
        """Return the ranges that were asked for."""
        return [ranged for method, _, ranged in self.requests if method == "GET"]

    def answer(self, asked: tuple[int, int] | None) -> Answer:
        """Return what a server that is in order sends."""
        if asked is None:
            return Answer(200, dict(self.headers), self.data, str(len(self.data)))
        start, end = asked[0], min(asked[1] + 1, len(self.data))
        body = self.data[start:end]
        headers = {**self.headers, "Content-Range": f"bytes {start}-{end - 1}/{len(self.data)}"}
        return Answer(206, headers, body, str(len(body)))


def crc32_of(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@contextmanager
def serving(hostile: Hostile) -> Iterator[Hostile]:
    """Have *hostile* answer at a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def _answer(self) -> None:
            _, _, query = self.path.partition("?")
            ranged = self.headers.get("Range", "")
            hostile.requests.append((self.command, query, ranged))
            asked = None
            if ranged and self.command == "GET":
                start, _, end = ranged.removeprefix("bytes=").partition("-")
                asked = (int(start), int(end))
            if asked and asked[0] >= len(hostile.data):
                found = Answer(416, {}, b"<Error><Code>InvalidRange</Code></Error>", "40")
            else:
                found = hostile.answer(asked)
                found = hostile.change(found, asked) if self.command == "GET" else hostile.of_head(found, query)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            if found.length is not None:
                self.send_header("Content-Length", found.length)
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(found.body)
                if (found.length or "").isdecimal() and len(found.body) < int(found.length or 0):
                    self.close_connection = True  # cut off, and not just slow: the client need not wait to see it

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    server = QuietHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hostile.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hostile
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
