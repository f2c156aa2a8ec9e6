"""Repeated parts of conditions, and their extraction: an entry under ``define``, and its name in all the places."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from gpurules.diagnostics import LocatedEdit, Span
from gpurules.language.syntax import nodes
from gpurules.linter.check import Subject
from gpurules.records import Record, record
from gpurules.rules.building import Placed
from gpurules.rules.yaml import with_entry

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


def extract_definition(subject: Subject, text: str, name: str, places: Iterable[Place]) -> tuple[LocatedEdit, ...]:
    """Return the edits that define *name* as *text*, and write it in *places*; none where some are in other files."""
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


MANY = 3
"""In how many rules a part is repeated too often."""

Use: TypeAlias = tuple[Placed, nodes.Expr]
_TESTS = (nodes.Compare, nodes.Membership, nodes.ListMembership, nodes.Between, nodes.TextTest)


def repeated_parts(subject: Subject) -> Mapping[nodes.Expr, list[Use]]:
    """Return each comparison or test that is in three or more rules, with its first use in each."""
    uses: dict[nodes.Expr, dict[str, Use]] = {}
    for placed in subject.placed:
        tree = placed.expression.parsed.tree
        if placed.rule is None or tree is None:
            continue
        for part in _parts(tree):
            uses.setdefault(part, {}).setdefault(placed.rule, (placed, part))
    return {part: list(found.values()) for part, found in uses.items() if len(found) >= MANY}


def _parts(tree: nodes.Definition) -> Iterator[nodes.Expr]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, _TESTS):
            yield node
        else:
            stack.extend(nodes.children(node))
