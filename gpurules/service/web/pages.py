"""The page and the documentation of the API: files of the package, served as they are.

Every file in ``gpurules/service/page/`` is served: ``index.html`` at ``/``, ``icon.svg`` at ``/favicon.ico``, where
browsers look for it beside JSON, too, each other at ``/page/NAME``. A file is sent with a strong ETag and
``Cache-Control: no-cache``, so that browsers revalidate it and usually get a 304. The Content-Security-Policy allows
scripts, styles, pictures and connections of this origin only, and nothing inline: no ``style`` attribute, no
``onclick``, and ``data:`` for pictures only.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from gpurules.service.agent import Agent
from gpurules.service.web.operation import Access, Operation, OperationCall, Reply

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}
_PATHS = {"index.html": "/", "icon.svg": "/favicon.ico"}
SECURITY = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)
"""The headers of every page."""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    kind: bytes
    etag: str


def _read() -> dict[str, _File]:
    found = {}
    for entry in files("gpurules.service").joinpath("page").iterdir():
        kind = _TYPES.get(entry.name.rpartition(".")[2])
        if kind is not None and entry.is_file():
            body = entry.read_bytes()
            found[entry.name] = _File(body, kind.encode(), f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return found


def _file(file: _File, call: OperationCall) -> Reply:
    headers = (*SECURITY, (b"etag", file.etag.encode()))
    given = [one.strip().removeprefix("W/") for one in call.header(b"if-none-match").split(",")]
    if file.etag in given or given == ["*"]:
        return Reply(b"", 304, file.kind, headers)
    return Reply(file.body, 200, file.kind, headers)


def operations(agent: Agent) -> list[Operation]:
    """Return an operation for each file; the files are public, the data that they fetch is not."""
    if not agent.options.has_page:
        return []
    return [
        Operation("GET", _PATHS.get(name, f"/page/{name}"), name, name, partial(_file, file), Access.OPEN)
        for name, file in sorted(_read().items())
    ]
