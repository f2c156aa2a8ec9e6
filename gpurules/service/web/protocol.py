"""HTTP over one connection, within limits: a client that sends its headers slowly, or too many of them, is cut off."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from gpurules.service.web.endpoint import Endpoint
from gpurules.service.web.operation import Reply
from gpurules.service.wire.json_bytes import encode
from gpurules.service.wire.problems import ProblemError

HEADER_SECONDS = 10.0
MAX_HEADER_BYTES = 64 << 10
SPARE_FILES = 64
"""Files that are left to the agent itself when connections take all others."""
_PEER_CREDENTIALS = struct.Struct("3i")
_HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
_ANSWER = b"%s%scontent-type: %s\r\ncontent-length: %d\r\nx-request-id: %s\r\n\r\n%s"
_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
_NONE: Mapping[str, Endpoint] = MappingProxyType({})
_Base: Any = AutoHTTPProtocol  # httptools if it is installed, else h11


def peer_user(transport: asyncio.BaseTransport) -> int | None:
    """Return the user id of the peer of a Unix socket.

    Missing: None over TCP, and if the system does not report it.
    Source: unix(7), SO_PEERCRED.
    """
    given = transport.get_extra_info("socket")
    if given is None or given.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        with socket.socket(fileno=os.dup(given.fileno())) as peer:
            data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
        user: int = _PEER_CREDENTIALS.unpack(data)[1]
        return user
    except OSError:
        return None


@cache
def most_connections() -> int:
    """Return the connection limit: the limit on open files of this process, minus a reserve."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            pass
    return max(16, soft - SPARE_FILES)


def http_answer(reply: Reply, request_id: bytes, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a response as bytes, head and body."""
    more = b"".join([b"%s: %s\r\n" % header for header in (*default_headers, *reply.headers)])
    body = reply.body
    return _ANSWER % (_STATUS_LINES[reply.status], more, reply.content_type, len(body), request_id, body)


class LimitedProtocol(_Base):  # type: ignore[misc]
    """Limits what a connection may send before its request is complete, and identifies the peer."""

    def connection_made(self, transport: Any) -> None:
        """Start."""
        self.app_state: dict[str, Any] = {**self.app_state, "peer": peer_user(transport)}
        super().connection_made(transport)
        self._received, self._tail = 0, b""
        self._at_once: Mapping[str, Endpoint] = getattr(self.app, "at_once", _NONE)
        self._may_be_at_once = False
        self._waiting: tuple[Any, Endpoint] | None = None
        self._timer = self.loop.call_later(HEADER_SECONDS, self._cut_off)
        if len(self.connections) > most_connections():
            self._refuse(b"503 Service Unavailable")

    def data_received(self, data: bytes) -> None:
        """Process received data, unless the headers are too large.

        One request in the data may be handled directly; further ones take turns with other connections.
        """
        self._may_be_at_once = True
        self._take(data)
        self._may_be_at_once = False
        if self._waiting is not None:
            (cycle, _), self._waiting = self._waiting, None
            super()._start_asgi_task(cycle, self.app)

    def _take(self, data: bytes) -> None:
        if self._timer is None and data.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES) > 0:
            super().data_received(data)  # usually all headers of a request; or part of a body, which does no harm
            return
        if self._timer is None and not self._has_request():
            self._received, self._tail = 0, b""
            self._timer = self.loop.call_later(HEADER_SECONDS, self._cut_off)
        if self._timer is not None:
            joined = self._tail + data
            end = joined.find(b"\r\n\r\n")
            self._received += len(data) if end < 0 else end
            self._tail = joined[-3:]
            if self._received > MAX_HEADER_BYTES:
                self._refuse(b"431 Request Header Fields Too Large")
                return
        before = self.cycle
        super().data_received(data)
        if self._timer is not None and (self.cycle is not before or self._has_request()):
            self._timer.cancel()
            self._timer = None

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Start a request whose head has arrived; one that can be handled directly waits for its body."""
        if self._may_be_at_once and cycle.keep_alive and not (self.expect_100_continue or self.flow.write_paused):
            endpoint = self._at_once.get(cycle.scope["path"])
            if endpoint is not None:
                self._may_be_at_once = False
                self._waiting = cycle, endpoint
                return
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Finish a request, and respond to it directly if possible."""
        super().on_message_complete()
        if self._waiting is None:
            return
        (cycle, endpoint), self._waiting = self._waiting, None
        answered = endpoint.answer_at_once(cycle.scope, bytes(cycle.body))
        if answered is None:
            super()._start_asgi_task(cycle, self.app)
            return
        cycle.response_started = cycle.response_complete = True
        cycle.on_response = None  # a reference cycle, which only the garbage collector would free
        self.transport.write(http_answer(*answered, self.server_state.default_headers))
        self.on_response_complete()

    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_lost(self, error: Exception | None) -> None:
        """Clean up."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(error)
        self._unset_keepalive_if_required()  # otherwise a client that resets connections leaves them until the timeout

    def _cut_off(self) -> None:
        self._timer = None
        if not self._has_request():
            self._refuse(b"408 Request Timeout")

    def send_400_response(self, message: str) -> None:
        """Respond to data that is not HTTP."""
        self._refuse(b"400 Bad Request", message)

    def _refuse(self, status: bytes, detail: str = "") -> None:
        if self.transport.is_closing():
            return
        code, title = status.decode().split(" ", 1)
        problem = ProblemError(int(code), "refused", detail or title)
        body = encode(problem.to_dict())
        self.transport.write(_HEAD % (status, len(body)) + body)
        self.transport.close()
