"""One operation of the API: its definition, its request and its response."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from gpurules.registry import did_you_mean
from gpurules.service.agent import Agent
from gpurules.service.wire.json_bytes import encode
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid

Schema: TypeAlias = Mapping[str, object]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
JSON = b"application/json"


class Access(StrEnum):
    """The access that an operation requires."""

    OPEN = "open"
    USE = "use"
    ADMIN = "admin"


class Reply(NamedTuple):
    """A response."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Headers = ()


def json_reply(data: object, status: int = 200, headers: Headers = ()) -> Reply:
    """Return *data* as a response."""
    return Reply(encode(data), status, JSON, headers)


@dataclass(slots=True)
class OperationCall:
    """A request to an agent. ``path`` and ``query`` are already checked."""

    agent: Agent
    path: Mapping[str, str]
    query: Mapping[str, object]
    body: bytes
    headers: Mapping[bytes, bytes]

    def header(self, name: bytes) -> str:
        """Return the value of a header, empty if it is absent."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: a number within bounds, or a string.

    Missing: ``minimum`` and ``maximum`` are None for a string.
    """

    name: str
    description: str
    default: object = None
    minimum: float | None = None
    maximum: float | None = None
    is_integer: bool = False
    values: tuple[str, ...] = ()
    is_required: bool = False

    @property
    def schema(self) -> dict[str, object]:
        """The JSON Schema of its value."""
        if self.minimum is None:
            text: dict[str, object] = {"type": "string", "maxLength": 200}
            return text | ({"enum": list(self.values)} if self.values else {})
        kind = "integer" if self.is_integer else "number"
        limits = {"minimum": self.minimum} | ({} if self.maximum is None else {"maximum": self.maximum})
        return {"type": kind, **limits} | ({} if self.default is None else {"default": self.default})

    def read(self, text: str) -> object:
        """Parse the value *text*.

        Raises:
            ProblemError: it is not valid.
        """
        if self.minimum is None:
            if self.values and text not in self.values:
                hint = did_you_mean(text[:60], self.values) or f"one of {', '.join(self.values)}"
                raise invalid([WrongMember(f"unknown value {text[:60]!r}", hint=hint, parameter=self.name)])
            if len(text) > 200:
                raise self._wrong(text, "at most 200 characters")
            return text
        try:
            value = int(text) if self.is_integer and len(text) < 30 else float(text)
        except ValueError:
            raise self._wrong(text, "a number") from None
        if not self.minimum <= value <= (float("inf") if self.maximum is None else self.maximum) or value == float(
            "inf"
        ):
            limit = "" if self.maximum is None else f" to {self.maximum:g}"
            raise self._wrong(text, f"{self.minimum:g}{limit or ' or more'}")
        return value

    def _wrong(self, text: str, wanted: str) -> ProblemError:
        return invalid([WrongMember(f"expected {wanted}, got {text[:60]!r}", parameter=self.name)])


Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class EventStream:
    """A streamed response: *run*, called with the id of the request, sends all of it."""

    status = 200

    def __init__(self, run: Callable[[bytes, Receive, Send], Awaitable[None]]) -> None:
        self.run = run


Handler: TypeAlias = Callable[[OperationCall], "Reply | Awaitable[Reply | EventStream]"]
_NO_RESPONSES: Mapping[int, Schema] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, from which the routes and the documentation are generated.

    ``is_slow``: it runs in a thread, few at a time. ``answers``: the schema of each status, except for problems.
    Missing: ``body`` None: it takes no body.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    access: Access = Access.USE
    query: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_type: str = "application/json"
    answers: Mapping[int, Schema] = field(default_factory=lambda: _NO_RESPONSES)
    answer_type: str = "application/json"
    problems: tuple[int, ...] = ()
    is_slow: bool = False
    max_body: int = 1 << 20
    description: str = ""
