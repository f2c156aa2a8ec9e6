"""A server of one object, in a process of the test: it records requests, and sends as slowly as the test says."""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

from tests.http_server import QuietHTTPServer


class Trickler:
    """Serves ranges of *data* as any key; *pace* is asked before each request for (bytes at once, seconds between)."""

    def __init__(self, data: bytes, pace=lambda number: None) -> None:
        self.data, self.pace = data, pace
        self.ranges: list[str | None] = []
        self.broken: list[float] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.answer(self)

            def do_HEAD(self):
                outer.head(self, 200, len(outer.data), {})

        self._server = QuietHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @staticmethod
    def head(request, status, size, headers):
        request.send_response(status)
        for name, value in {"ETag": '"tag"', "Content-Length": str(size), **headers}.items():
            request.send_header(name, value)
        request.end_headers()

    def answer(self, request):
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        number = len(self.ranges)
        start, end = 0, len(self.data) - 1
        if asked:
            start, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(start), min(int(last), end)
        body = self.data[int(start) : end + 1]
        self.head(request, 206, len(body), {"Content-Range": f"bytes {start}-{end}/{len(self.data)}"})
        pace, began = self.pace(number), time.monotonic()
        try:
            if pace is None:
                request.wfile.write(body)
            else:
                at_once, seconds = pace
                for place in range(0, len(body), at_once):
                    request.wfile.write(body[place : place + at_once])
                    time.sleep(seconds)  # the pace of a slow server is what clients measure
        except OSError:
            self.broken.append(time.monotonic() - began)
            request.close_connection = True

    def close(self):
        with suppress(OSError):
            self._server.shutdown()
        self._server.server_close()
