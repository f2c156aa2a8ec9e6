"""The connection to an agent: each call returns within its timeout over a persistent connection, or fails fast."""

import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from typing import NamedTuple

from gpurules.errors import GpurulesError
from gpurules.remote.connection.address import Address
from gpurules.remote.connection.breaker import AgentBreaker
from gpurules.remote.connection.messages import BrokenAnswerError, read_head, request, with_body

MAX_IDLE = 32
_CHUNK = 1 << 16
_TIMEVAL = struct.Struct("@ll") if sys.platform == "linux" else None
"""A span of time as the kernel takes it (socket(7), SO_RCVTIMEO)."""


class AgentUnavailable(GpurulesError):
    """The agent did not answer, and there is no fallback for this request."""


class Answer(NamedTuple):
    """A response of the agent."""

    status: int
    body: bytes


class Connection:
    """One connection, used by one caller at a time."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._limit = 0.0
        self._in_kernel = type(opened) is socket.socket and _TIMEVAL is not None
        self.is_reusable = True

    def _limit_to(self, seconds: float) -> None:
        """Set the timeout of each socket call to *seconds*.

        The kernel enforces it: Python's own timeouts take two more system calls each.
        """
        if not self._in_kernel:
            self._socket.settimeout(seconds)
        elif seconds != self._limit:
            assert _TIMEVAL is not None
            value = _TIMEVAL.pack(int(seconds), max(1, int(seconds % 1 * 1e6)))
            self._socket.settimeout(None)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
            self._limit = seconds

    def exchange(self, message: bytes, timeout: float, deadline: float) -> Answer:
        """Send a request and return its response.

        Raises:
            OSError: it is not complete by *deadline*, *timeout* seconds from now (``TimeoutError``), or is cut off.
        """
        try:
            return self._exchange(message, timeout, deadline)
        except BlockingIOError:  # the timeout expired in the kernel (``_limit_to``)
            raise TimeoutError("the agent did not answer in time") from None

    def _exchange(self, message: bytes, timeout: float, deadline: float) -> Answer:
        self.is_reusable = (
            False  # until the body is read completely: late bytes must not be taken for the next response
        )
        self._limit_to(timeout)
        self._socket.sendall(message)
        data = self._socket.recv(_CHUNK)
        end = data.find(b"\r\n\r\n")
        while end < 0:
            data += self._more(deadline, is_first=not data)
            end = data.find(b"\r\n\r\n")
            if end < 0 and len(data) > _CHUNK:
                raise BrokenAnswerError("the head of the answer is too long")
        head = read_head(data[:end])
        body = data[end + 4 :]
        if len(body) < head.length:
            parts, size = [body], len(body)
            while size < head.length:
                parts.append(self._more(deadline))
                size += len(parts[-1])
            body = b"".join(parts)
        if len(body) != head.length:
            raise BrokenAnswerError("the answer is longer than it says")
        self.is_reusable = head.is_reusable
        return Answer(head.status, body)

    def _more(self, deadline: float, is_first: bool = False) -> bytes:
        left = _left(deadline)
        if left < 0.9 * self._limit or not self._in_kernel:
            self._limit_to(left)
        data = b"" if is_first else self._socket.recv(_CHUNK)
        if not data:
            raise _ClosedError("the agent closed the connection") if is_first else BrokenAnswerError("half an answer")
        return data

    def interrupt(self) -> None:
        """Wake every caller that waits for a response."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class _ClosedError(OSError):
    """The agent closed a connection before it sent a response."""


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the agent did not answer in time")
    return left


class Link:
    """Calls to one agent. Thread-safe."""

    def __init__(self, address: Address, token: str | None, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self.breaker = AgentBreaker()
        self._token = token
        self._idle: deque[Connection] = deque(maxlen=MAX_IDLE)
        self._open: set[Connection] = set()
        self._is_closed = False
        self.decide_head = self.head("POST", "/v1/decide")

    def head(self, method: str, path: str) -> bytes:
        """Return the head of a request for *path*, up to the value of its Content-Length."""
        return request(method, path, self.address.host, self._token)

    def call(self, head: bytes, body: bytes = b"", timeout: float | None = None) -> Answer:
        """Send a request, and return its response within the timeout.

        Raises:
            OSError: the agent has not responded.
        """
        seconds = self.timeout if timeout is None else timeout
        message = with_body(head, body)
        try:
            answer = self._exchange(message, seconds, time.monotonic() + seconds)
        except OSError as error:
            is_final = isinstance(error, ConnectionRefusedError | FileNotFoundError | PermissionError)
            self.breaker.record_failure(time.monotonic(), is_final)
            raise
        self.breaker.record_success()
        return answer

    def _exchange(self, message: bytes, timeout: float, deadline: float) -> Answer:
        while True:
            try:
                connection, is_fresh = self._idle.pop(), False
            except IndexError:
                connection, is_fresh = self._connected(deadline), True
            try:
                answer = connection.exchange(message, timeout, deadline)
            except (_ClosedError, BrokenPipeError, ConnectionResetError):
                self._close(connection)
                if is_fresh or self._is_closed:
                    raise
                continue  # stale (idle too long, or the agent restarted): try the next, or connect
            except BaseException:
                self._close(connection)
                raise
            if connection.is_reusable and len(self._idle) < MAX_IDLE and not self._is_closed:
                self._idle.append(connection)
            else:
                self._close(connection)
            return answer

    def _connected(self, deadline: float) -> Connection:
        if self._is_closed:
            raise ConnectionAbortedError("the link is closed")
        connection = Connection(self.address.open(_left(deadline)))
        self._open.add(connection)
        return connection

    def _close(self, connection: Connection) -> None:
        self._open.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close all connections, including those with a waiting caller."""
        self._is_closed = True
        while self._idle:
            try:
                self._close(self._idle.pop())
            except IndexError:
                break
        for connection in list(self._open):
            connection.interrupt()  # closed by the caller that is waiting on it

    def after_fork(self) -> None:
        """Leave the connections to the parent."""
        self._idle = deque(maxlen=MAX_IDLE)
        inherited, self._open = self._open, set()
        for connection in inherited:
            connection.close()
        self.breaker.after_fork()
