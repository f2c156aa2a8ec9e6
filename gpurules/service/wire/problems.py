"""Errors in a request as RFC 9457 problem details, with a JSON pointer to each invalid member."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from gpurules.facts import FactProblem

MAX_ERRORS = 50
"""The most wrong members that one answer lists."""
MAX_STEP = 100
"""The most characters of one step of a pointer; a request may have a member with a name of a megabyte."""


@dataclass(frozen=True, slots=True)
class WrongMember:
    """One wrong member of a body, or one wrong parameter.

    Missing: ``hint`` None: there is no advice; ``parameter`` None: it is a member of the body.
    """

    detail: str
    pointer: str = ""
    hint: str | None = None
    parameter: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        where = ("pointer", self.pointer) if self.parameter is None else ("parameter", self.parameter)
        data: dict[str, object] = {"detail": self.detail, where[0]: where[1]}
        return data if self.hint is None else {**data, "hint": self.hint}


@dataclass(slots=True)
class ProblemError(Exception):
    """A request that cannot be fulfilled; ``name`` is the last part of the problem's type."""

    status: int
    name: str
    detail: str
    errors: tuple[WrongMember, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    def to_dict(self) -> dict[str, object]:
        """Return the problem details as JSON-ready data."""
        return {
            "type": f"urn:gpurules:problem:{self.name}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": [error.to_dict() for error in self.errors[:MAX_ERRORS]],
        }


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of *path*.

    >>> pointer(("transfer", "labels", "a/b"))
    '/transfer/labels/a~1b'
    """
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step if len(step) <= MAX_STEP else step[:MAX_STEP] + '…'}" for step in steps)


def wrong_fact(problem: FactProblem, before: tuple[str | int, ...] = ()) -> WrongMember:
    """Return a problem of facts as a wrong member; *before* is the path of the facts in the body."""
    return WrongMember(problem.message, pointer((*before, *problem.path)), problem.hint)


def invalid(errors: Iterable[WrongMember]) -> ProblemError:
    """Return the problem for wrong members."""
    listed = tuple(errors)
    first = listed[0]
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    return ProblemError(
        400, "invalid-request", f"{first.parameter or first.pointer or '/'}: {first.detail}{more}", listed
    )
