"""Access control: bearer tokens from a file, and peer credentials of Unix sockets."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpurules.errors import GpurulesError
from gpurules.input_files import file_stamp, read_input
from gpurules.logs import logger
from gpurules.service.web.operation import Access
from gpurules.service.wire.problems import ProblemError

_LOGGER = logger("gpurules.service")
MAX_BYTES = 1 << 20
LEAST_LENGTH = 16
_CHALLENGE = ((b"www-authenticate", b'Bearer realm="gpurules"'),)


class TokenFileError(GpurulesError):
    """The token file cannot be read or has no valid token; the message never contains a token."""


@dataclass(frozen=True, slots=True)
class _Token:
    digest: bytes
    access: Access


def read_tokens(path: Path) -> tuple[_Token, ...]:
    """Return the tokens in a file: one per line, ``use TOKEN`` or ``admin TOKEN``; ``#`` starts a comment.

    Raises:
        TokenFileError: a line is invalid, or there is no token.
        OSError: the file cannot be read.
    """
    found = []
    text = read_input(path, MAX_BYTES).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split() if line.lstrip().startswith("#") else line.split()
        if not words:
            continue
        if len(words) != 2 or words[0] not in ("use", "admin"):
            raise TokenFileError(f"{path}:{number}: expected 'use TOKEN' or 'admin TOKEN'")
        if len(words[1]) < LEAST_LENGTH:
            raise TokenFileError(f"{path}:{number}: a token must have at least {LEAST_LENGTH} characters")
        found.append(_Token(_digest(words[1].encode()), Access(words[0])))
    if not found:
        raise TokenFileError(f"{path}: the file contains no token; write one per line: 'use TOKEN' or 'admin TOKEN'")
    return tuple(found)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


class AccessControl:
    """Decides whether a request may be answered.

    Peers of a Unix socket may use the agent, since the mode of the socket let them in; its own user and root may
    administer it. Over TCP, a token is required if there is a token file; without one, which the listeners allow on the
    loopback interface only, peers may use the agent but not administer it. The file is reread when it changes; if it is
    invalid then, the tokens stay as they were.

    Raises:
        TokenFileError: the token file is invalid.
        OSError: it cannot be read.
    """

    def __init__(self, token_file: Path | None = None) -> None:
        self._path = token_file
        self._mark: object = None
        self._tokens: tuple[_Token, ...] = ()
        self._looked_at = float("-inf")
        self._users = {0, os.geteuid()}
        if token_file is not None:
            self._mark = file_stamp(token_file)
            self._tokens = read_tokens(token_file)

    def _look(self) -> None:
        """Reread the token file if it has changed."""
        if self._path is None:
            return
        mark = file_stamp(self._path)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._tokens = read_tokens(self._path)
            _LOGGER.info("the tokens were reloaded")
        except (OSError, TokenFileError) as error:
            _LOGGER.error("the previous tokens stay in effect: %s", error)

    def check(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], access: Access) -> None:
        """Return if the peer may have *access*.

        Raises:
            ProblemError: it may not.
        """
        peer = scope["state"].get("peer") if "state" in scope else None
        if peer is not None and (access is Access.USE or peer in self._users):
            return
        if self._path is None:
            if peer is None and access is Access.USE:
                return
            raise ProblemError(403, "forbidden", _FORBIDDEN)
        held = self._held(headers.get(b"authorization"))
        if held is None:
            raise ProblemError(401, "unauthorized", "a valid bearer token is required", (), _CHALLENGE)
        if access is Access.ADMIN and held is not Access.ADMIN:
            raise ProblemError(403, "forbidden", "this requires a token with the scope admin")

    def _held(self, header: bytes | None) -> Access | None:
        """Return the access of a token, None for an unknown one; every token is compared, in constant time."""
        kind, _, token = (header or b"").partition(b" ")
        if kind.lower() != b"bearer" or not token:
            return None
        self._look()
        digest, held = _digest(token.strip()), None
        for known in self._tokens:
            if hmac.compare_digest(digest, known.digest):
                held = known.access
        return held


_FORBIDDEN = (
    "this changes the agent: use its Unix socket as the user that runs it, or give the agent a token file "
    "with a token of the scope admin"
)
