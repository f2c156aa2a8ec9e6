"""A minimal HTTP/1.1 client: an HTTP library would double the time of a call."""

from typing import NamedTuple

MAX_ANSWER = 64 << 20


class BrokenAnswerError(OSError):
    """A response ended too early, or is not HTTP."""


class Head(NamedTuple):
    """The head of a response. Units: ``length`` in bytes, of the body."""

    status: int
    length: int
    is_reusable: bool


def request(method: str, path: str, host: str, token: str | None) -> bytes:
    """Return the head of a request, up to the value of its Content-Length."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}Content-Type: application/json\r\nContent-Length: "
    ).encode("latin-1")


def with_body(head: bytes, body: bytes) -> bytes:
    """Return a complete request."""
    return b"%s%d\r\n\r\n%s" % (head, len(body), body)


def read_head(data: bytes) -> Head:
    """Parse the head of a response; *data* is all of it.

    Raises:
        BrokenAnswerError: it is not HTTP, or does not give the length of its body.
    """
    lines = data.lower()
    try:
        if not lines.startswith(b"http/1."):
            raise ValueError
        status = int(lines[9:12])
        start = lines.find(b"\r\ncontent-length:")
        end = lines.find(b"\r\n", start + 17)
        length = 0 if start < 0 and status in (204, 304) else int(lines[start + 17 : None if end < 0 else end])
        if (start < 0 and status not in (204, 304)) or not 0 <= length <= MAX_ANSWER:
            raise ValueError
    except ValueError:
        raise BrokenAnswerError("the answer is not HTTP of an agent") from None
    return Head(status, length, lines.find(b"\nconnection: close") < 0)
