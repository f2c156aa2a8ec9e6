"""One HTTP request: bounded in time and size, no redirects, and if asked to no private address."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from gpurules.actions.action import Event, numeric
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater, event_id
from gpurules.actions.effects.transport.addresses import is_public
from gpurules.actions.effects.transport.time_limit import TimeLimit

MAX_ANSWER_BYTES = 64 * 1024
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Post:
    """What to send, and where.

    Units: ``timeout`` in seconds, for the whole exchange.
    Missing: ``ca_file`` None: certificates are checked against those of the system.
    """

    url: str
    body: bytes
    headers: Mapping[str, str]
    timeout: float
    deny_private: bool = False
    method: str = "POST"
    ca_file: str | None = None
    max_answer_bytes: int = MAX_ANSWER_BYTES


class HttpReply(NamedTuple):
    """What a server answered.

    Units: ``retry_after`` in seconds; ``date``, by the clock of the server and in whole seconds, since 1970.
    Missing: ``retry_after`` and ``date`` None: it does not say.
    """

    status: int
    reason: str
    body: bytes
    retry_after: float | None
    date: float | None = None


def redact_url(url: str) -> str:
    """Return *url* without what may be secret: user, password, path and query.

    >>> redact_url("https://user:key@hooks.example.org/services/T0/B0?token=x")
    'https://hooks.example.org'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL leads. ``target`` is path and query."""

    secure: bool
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str) -> "_Place":
        """Read *url*.

        Raises:
            RefusedError: the URL cannot be called.
        """
        try:
            parts = urlsplit(url)
            secure, host = parts.scheme == "https", parts.hostname or ""
            port = parts.port or (443 if secure else 80)
        except ValueError:
            raise RefusedError("the URL of the webhook is not valid") from None
        return cls(secure, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _addresses(place: _Place, post: Post) -> list[tuple[str, int]]:
    """Return the addresses to connect to; resolved once, so that what is checked is what is used."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise RetryLater(f"{redact_url(post.url)}: the host cannot be resolved: {reason}", of_receiver=True) from None
    addresses = [(str(address[0]), int(address[1])) for *_, address in found]
    allowed = [a for a in addresses if not post.deny_private or is_public(a[0])]
    if not allowed:
        raise RefusedError(f"{redact_url(post.url)} resolves only to private addresses, and deny_private is on")
    return allowed


def post_json(event: Event, url: str, body: str, headers: Mapping[str, str] = NO_HEADERS) -> HttpReply:
    """Post JSON once, under the idempotency key of *event* and within its limits; *headers* replace the usual ones.

    Raises:
        RefusedError: the endpoint refuses it for good.
        RetryLater: a later attempt may succeed.
    """
    usual = {"Content-Type": "application/json", "User-Agent": "gpurules", "Idempotency-Key": event_id(event)}
    named = {name.lower() for name in headers}
    kept = {name: value for name, value in usual.items() if name.lower() not in named}
    timeout = numeric(event.parameters, "timeout") or 5.0
    return send(Post(url, body.encode(), {**kept, **headers}, timeout, event.parameters.get("deny_private") is True))


def send(post: Post) -> HttpReply:
    """Send, and return the answer, whose status is from 200 to 299.

    Raises:
        RefusedError: the endpoint answered that the request is wrong (4xx but 408, 425 and 429), or the URL is; or it
            redirects, which is never followed.
        RetryLater: it could not be reached, took too long, or answered anything else.
    """
    answer = exchange(post)
    if 200 <= answer.status < 300:
        return answer
    message = f"{redact_url(post.url)} answered {answer.status} {answer.reason[:80]}"
    if 300 <= answer.status < 400:
        raise RefusedError(f"{message}; redirects are not followed")
    if 400 <= answer.status < 500 and answer.status not in (408, 425, 429):
        raise RefusedError(message)
    raise RetryLater(message, answer.retry_after, of_receiver=answer.status in (429, 503))


def exchange(post: Post) -> HttpReply:
    """Send, and return what is answered, whatever it is.

    Raises:
        RefusedError: the URL cannot be called.
        RetryLater: there was no answer in time.
    """
    import ssl  # these take longer to import than all actions
    from http.client import HTTPException

    place = _Place.of(post.url)
    addresses = _addresses(place, post)
    with TimeLimit(post.timeout) as limit:
        try:
            raw = limit.watch(_connected(addresses, post.timeout))
            if place.secure:
                context = ssl.create_default_context(cafile=post.ca_file)
                secured = context.wrap_socket(raw, server_hostname=place.host, do_handshake_on_connect=False)
                limit.watch(secured)  # before the handshake, so that one that drips can be cut
                secured.do_handshake()
                raw = secured
            return _exchange(post, raw, place)
        except (OSError, HTTPException, ValueError) as error:
            reason = f"no answer within {post.timeout:g} s" if limit.is_over else _reason(error)
            raise RetryLater(f"{redact_url(post.url)}: {reason}", of_receiver=isinstance(error, OSError)) from None


def _reason(error: Exception) -> str:
    """Return what went wrong; the words of other errors are left out, since they may quote a path or a header."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, CutOffError):
        return str(error)
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _connected(addresses: list[tuple[str, int]], timeout: float) -> socket.socket:
    """Return a connection to the first of *addresses* that takes one."""
    for address in addresses[:-1]:
        try:
            return socket.create_connection(address, timeout=timeout / len(addresses))
        except OSError:
            continue
    return socket.create_connection(addresses[-1], timeout=timeout)


class CutOffError(ValueError):
    """An answer ended within its header."""


class _Watched:
    """What an answer is read from, with the last line that was read: at the end of a header an empty one."""

    def __init__(self, file: BufferedReader) -> None:
        self.file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.file.readline(limit)
        return self.last

    def close(self) -> None:
        self.file.close()


def _exchange(post: Post, opened: socket.socket, place: _Place) -> HttpReply:
    from http.client import HTTPConnection, HTTPResponse

    class Answer(HTTPResponse):
        """An answer whose header must be whole: http.client takes the end of the connection for its end."""

        def begin(self) -> None:
            file = self.fp
            watched = self.fp = _Watched(file)  # type: ignore[assignment]
            try:
                super().begin()
            finally:
                self.fp = None if self.fp is None else file
            if watched.last not in (b"\r\n", b"\n"):
                raise CutOffError("the response ends within its header")

    connection = HTTPConnection(place.host, place.port, timeout=post.timeout)
    connection.response_class = Answer
    connection.auto_open = 0  # never to whatever the name leads to by now: the address was checked
    connection.sock = opened
    connection.default_port = 443 if place.secure else 80  # else Host has the port
    connection.request(post.method, place.target, post.body, dict(post.headers))
    answer = connection.getresponse()
    body = answer.read(post.max_answer_bytes)
    after = retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"))
    return HttpReply(answer.status, answer.reason, body, after, date_of(answer.headers.get("Date")))


def date_of(value: str | None) -> float | None:
    """Return a time of an HTTP header, in seconds since 1970.

    >>> date_of("Wed, 21 Oct 2026 07:28:30 GMT"), date_of("soon"), date_of(None)
    (1792567710.0, None, None)
    """
    from email.utils import parsedate_to_datetime

    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def retry_after(value: str | None, date: str | None) -> float | None:
    """Return the seconds that a receiver asks to wait, as a number or as a time by its own clock.

    >>> retry_after("120", None), retry_after("soon", None), retry_after("-5", None)
    (120.0, None, None)
    >>> retry_after("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")
    30.0
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    until, now = date_of(text), date_of(date)
    return None if until is None or now is None else max(0.0, until - now)
