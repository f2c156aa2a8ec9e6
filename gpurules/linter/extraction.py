"""What stands in several rules gets one name: an entry under ``define``, and that name in all the places."""

import re
from collections.abc import Iterable

from gpurules.diagnostics import LocatedEdit, Span
from gpurules.linter.check import Subject
from gpurules.records import Record, record
from gpurules.rules.expression import Placed
from gpurules.rules.yaml_edits import with_entry

_WORDS = (
    (re.compile(r">=|≥"), " at_least "),
    (re.compile(r"<=|≤"), " at_most "),
    (re.compile(r"!="), " is_not "),
    (re.compile(r"=="), " is "),
    (re.compile(r">"), " above "),
    (re.compile(r"<"), " below "),
    (re.compile(r"-(?=\d)"), " minus "),
    (re.compile(r"%"), ""),
)
_BELOW = ("signals", "rules")
_MOST = 60


@record
class Place(Record):
    """Where a text that is to get a name stands."""

    placed: Placed
    span: Span


def named(subject: Subject, text: str, name: str, places: Iterable[Place]) -> tuple[LocatedEdit, ...]:
    """Return the edits that define *name* as *text*, and write it in *places*; none where some stand in other files."""
    spots = [(place.placed.expression, place.span) for place in places]
    own = all(one.places[0][1].source.path == subject.path for one, _ in spots)
    entry = with_entry(subject.root, "define", name, text, _BELOW) if own and subject.root else None
    if entry is None:
        return ()
    return (entry, *(LocatedEdit(one.location(span), name) for one, span in spots))


def free_name(subject: Subject, text: str) -> str:
    """Return a name for *text* that nothing has yet, in the words of the text."""
    for sign, word in _WORDS:
        text = sign.sub(word, text)
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_").lower()[:_MOST].rstrip("_")
    name = name if name[:1].isalpha() else f"named_{name}"
    taken = frozenset(subject.environment.names if subject.environment else ())
    return next(one for one in (name, *(f"{name}_{n}" for n in range(2, len(taken) + 3))) if one not in taken)
