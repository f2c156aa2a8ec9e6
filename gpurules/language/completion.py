"""Completion of a condition that is being typed, from the grammar, the symbol table and the units."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gpurules.fields import FIELDS, Field
from gpurules.language.syntax.parser import accepted_terminals
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.model import UNITS, Dimension, Kind


class Role(StrEnum):
    """What a suggestion is."""

    FIELD = "field"
    SIGNAL = "signal"
    DEFINE = "define"
    LIST = "list"
    INPUT = "input"
    FUNCTION = "function"
    KEYWORD = "keyword"
    VALUE = "value"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to go on: ``text`` takes the place of what was typed of it; of a lower ``rank`` it is likelier."""

    text: str
    role: Role
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Completion:
    """What a text can go on with.

    Units: ``start`` is the offset at which the word begins that the suggestions replace, in code points.
    """

    start: int
    suggestions: tuple[Suggestion, ...]


_CLOSED = re.compile(r"'(?:[^'\\\n\r]|\\[^\n\r])*'|\"(?:[^\"\\\n\r]|\\[^\n\r])*\"|#[^\n\r]*(?=[\n\r])")
_OPEN = re.compile(r"['\"#]")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_NUMBER = re.compile(r"(?<![\w.])\d[\d_.]*([A-Za-z%°/]*)$")
_SUBJECTS = (
    re.compile(r"([A-Za-z_]\w*)\s*(?:[=!]=?|<>|[<>]=?)\s*-?$"),
    re.compile(r"([A-Za-z_]\w*)\s+(?:NOT\s+)?IN\s*\((?:[^()]*,)?\s*$", re.IGNORECASE),
    re.compile(r"([A-Za-z_]\w*)\s+(?:NOT\s+)?BETWEEN\s+(?:\S+\s+AND\s+)?-?$", re.IGNORECASE),
)
_LAST_NAME = re.compile(r"([A-Za-z_]\w*)\s*$")
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "GT": (">",), "GE": (">=",), "LT": ("<",), "LE": ("<=",), "EQ": ("==",), "NE": ("!=",),
    "IN": ("IN (",), "BETWEEN": ("BETWEEN",), "IS": ("IS MISSING", "IS NOT MISSING"), "MISSING": ("MISSING",),
    "CONTAINS": ("CONTAINS",), "STARTSWITH": ("STARTSWITH",), "ENDSWITH": ("ENDSWITH",), "GLOB": ("GLOB",),
    "MATCHES": ("MATCHES",), "AND": ("AND",), "OR": ("OR",), "NOT": ("NOT",), "TRUE": ("TRUE",), "FALSE": ("FALSE",),
}  # fmt: skip
KEYWORDS = frozenset(
    word for spellings in _SPELLINGS.values() for text in spellings for word in text.split() if word.isalpha()
)
"""The words of the language, in upper case; none can be a name."""

_ORDERS = frozenset({"GT", "GE", "LT", "LE", "BETWEEN"})
_TEXTS = frozenset({"CONTAINS", "STARTSWITH", "ENDSWITH", "GLOB", "MATCHES"})
_UNFIT = {
    Kind.NUMBER: _TEXTS,
    Kind.STRING: _ORDERS,
    Kind.BOOL: _ORDERS | _TEXTS | {"IN"},
}
"""The terminals that cannot follow a field of a type, though the grammar allows them."""


def completion(
    before: str, fields: Mapping[str, Field] = FIELDS, names: Mapping[str, Role] | None = None
) -> Completion:
    """Return what the condition that starts with *before* can go on with.

    *fields* are the fields that there are, *names* what else the ruleset has: signals, definitions, inputs.

    >>> [s.text for s in completion("file_type == 'mo").suggestions][:2]
    ["model'", "dataset'"]
    >>> [s.text for s in completion("gpu_temperature > 85").suggestions]
    ['C', '°C']
    >>> [s.text for s in completion("gpu_memory IS ").suggestions]
    ['MISSING', 'NOT']
    """
    opened = _opened(before)
    if opened is not None:
        mark, field = before[opened], _subject(before[:opened], fields)
        values = field.values if field is not None and mark != "#" else ()
        return Completion(opened + 1, tuple(Suggestion(value + mark, Role.VALUE) for value in values))
    number = _NUMBER.search(before)
    if number is not None:
        subject = _subject(before[: number.start()], fields)
        return Completion(number.start(1), tuple(_units(before[: number.start()], subject)))
    word = _WORD.search(before)
    start = word.start() if word is not None else len(before)
    return Completion(start, tuple(_following(before[:start], fields, names or {})))


def _opened(before: str) -> int | None:
    """Return where the text or comment starts that *before* ends in, None where it ends in none."""
    offset = 0
    while match := _OPEN.search(before, offset):
        closed = _CLOSED.match(before, match.start())
        if closed is None:
            return match.start()
        offset = closed.end()
    return None


def _subject(before: str, fields: Mapping[str, Field]) -> Field | None:
    """Return the field that what comes next is compared with."""
    found = next((match for pattern in _SUBJECTS if (match := pattern.search(before))), None)
    return fields.get(found[1]) if found is not None else None


def _units(before: str, subject: Field | None) -> Iterator[Suggestion]:
    dimension = Dimension.SECONDS if before.rstrip().endswith("[") else subject and subject.datatype.dimension
    if dimension is None:
        return
    for unit in UNITS.values():
        if unit.dimension is dimension:
            yield Suggestion(unit.name, Role.UNIT)


def _following(head: str, fields: Mapping[str, Field], names: Mapping[str, Role]) -> Iterator[Suggestion]:
    terminals = accepted_terminals(head)
    subject = _subject(head, fields)
    if subject is not None and "STRING" in terminals:
        yield from (Suggestion(f"'{value}'", Role.VALUE, 0) for value in subject.values)
    if "NAME" in terminals:
        yield from _names(terminals, subject, fields, names)
    last = _LAST_NAME.search(head)
    field = fields.get(last[1]) if last else None
    unfit: Iterable[str] = _UNFIT.get(field.datatype.kind, ()) if field is not None and "IS" in terminals else ()
    for terminal, spellings in _SPELLINGS.items():
        if terminal in terminals and terminal not in unfit:
            yield from (Suggestion(spelling, Role.KEYWORD, 2) for spelling in spellings)


def _names(
    terminals: frozenset[str], subject: Field | None, fields: Mapping[str, Field], names: Mapping[str, Role]
) -> Iterator[Suggestion]:
    if "NUMBER" not in terminals:  # after IN: only the name of a list, or an opening bracket
        yield Suggestion("(", Role.KEYWORD, 0)
        yield from (Suggestion(name, role) for name, role in names.items() if role is Role.LIST)
        return
    yield from (Suggestion(name, role) for name, role in names.items() if role is not Role.LIST)
    for name, field in fields.items():
        if name not in names and field.replaced_by is None:
            yield Suggestion(name, Role.FIELD, 1 if subject is None or subject.datatype == field.datatype else 2)
    yield from (Suggestion(f"{name}(", Role.FUNCTION, 2) for name in FUNCTIONS)
