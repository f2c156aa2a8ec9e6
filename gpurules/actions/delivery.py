"""Posts JSON over HTTP: bounded in time and size, no redirects, and if asked to no private address."""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gpurules.actions.action import ActionError

MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Post:
    """What to post, and where.

    Units: ``timeout`` in seconds, for the whole exchange.
    """

    url: str
    body: bytes
    headers: Mapping[str, str]
    timeout: float
    deny_private: bool = False


class RefusedError(ActionError):
    """The endpoint refused for good: trying again would not help."""


def shown(url: str) -> str:
    """Return *url* without what may be secret: user, password, path and query.

    >>> shown("https://user:key@hooks.example.org/services/T0/B0?token=x")
    'https://hooks.example.org'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")


def _address(host: str, port: int, post: Post) -> tuple[str, int]:
    """Return the address to connect to; resolved once, so that what is checked is what is used."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ActionError(f"{shown(post.url)}: the host can not be resolved: {error.strerror or error}") from None
    for *_, address in found:
        if not post.deny_private or ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            return str(address[0]), int(address[1])
    raise RefusedError(f"{shown(post.url)} has only private addresses, and deny_private is on")


def send(post: Post) -> int:
    """Post, and return the status of the answer, which is below 300.

    Raises:
        RefusedError: the endpoint answered that the request is wrong (4xx but 408 and 429).
        ActionError: it could not be reached, took too long, or answered anything else.
    """
    parts = urlsplit(post.url)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    address = _address(host, parts.port or (443 if secure else 80), post)
    opened: list[socket.socket] = []
    watchdog = threading.Timer(post.timeout, _cut, [opened])
    watchdog.daemon = True
    watchdog.start()
    try:
        raw = socket.create_connection(address, timeout=post.timeout)
        opened.append(raw)
        if secure:
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
            opened.append(raw)
        return _exchange(post, raw, host)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = (
            f"no answer within {post.timeout:g} s" if not watchdog.is_alive() else str(error) or type(error).__name__
        )
        raise ActionError(f"{shown(post.url)}: {reason}") from None
    finally:
        watchdog.cancel()
        for each in opened:
            each.close()


def _cut(opened: list[socket.socket]) -> None:
    """End an exchange that took too long, wherever it hangs."""
    for each in opened:
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            each.close()


def _exchange(post: Post, opened: socket.socket, host: str) -> int:
    parts = urlsplit(post.url)
    connection = http.client.HTTPConnection(host, parts.port, timeout=post.timeout)
    connection.sock = opened
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, post.body, dict(post.headers))
    answer = connection.getresponse()
    answer.read(MAX_ANSWER_BYTES)
    if answer.status < 300:
        return answer.status
    message = f"{shown(post.url)} answered {answer.status} {answer.reason}"
    if 400 <= answer.status < 500 and answer.status not in (408, 425, 429):
        raise RefusedError(message)
    raise ActionError(message)
