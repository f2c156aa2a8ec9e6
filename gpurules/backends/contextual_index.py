"""Index over the parts of rules that compare fields of a transfer or workload with constants.

A transfer is one look-up per field, and an AND of masks. A few conditions about several fields can be in it too, if
many rules share each: they are worked out for every transfer, and decide for all of these rules at once.
Exact for the same reason as ``ambient_index``; a shared condition is a column with the cells TRUE and not TRUE.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from gpurules.backends.bitmap_columns import BitmapColumn, Column, columns_of
from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.python import RuleTerm
from gpurules.backends.subjects import ColumnKey, SubjectParts, by_subject, subject_of
from gpurules.backends.text_tests import is_textual
from gpurules.fields import AMBIENT
from gpurules.language.terms import ir

ContextualCells: TypeAlias = Callable[..., tuple[Any, ...]]
"""A function of ``s, t, w, z`` (snapshot, transfer, workload, context): in which cell each indexed field is."""

IndexedPart: TypeAlias = tuple[ir.Term, ColumnKey]
"""A part of a condition, and the one field that it is about; itself if it is about several."""

MAX_CONDITIONS, MIN_SHARING = 8, 4
"""How many conditions about several fields are worked out for each transfer, and how many rules each must decide."""

MIN_TEXTUAL = 24
"""With fewer rules than that with a test on a text, to run them is quicker (``python benchmarks/paths.py``)."""


class IndexedRule:
    """The parts of one rule that look at transfer or workload, as an index can hold them. Immutable.

    ``is_textual`` says whether one of them tests a text, and could be a condition of its own.
    """

    __slots__ = ("is_textual", "subjects", "subjects_but_texts")

    def __init__(self, parts: Sequence[IndexedPart]) -> None:
        self.is_textual = any(part is not of and is_textual(part) for part, of in parts)
        self.subjects = by_subject(parts)
        """The parts, by what they are about."""
        self.subjects_but_texts = self.subjects
        """The same, but that each test on a text is a condition of its own."""
        if self.is_textual:
            self.subjects_but_texts = by_subject([(part, part if is_textual(part) else of) for part, of in parts])


def indexed_rule(rule: RuleTerm) -> IndexedRule | None:
    """Return the parts of a rule that look at transfer or workload, if there are any and an index can hold them all."""
    found: list[IndexedPart] = []
    for part in () if rule.of_workload else rule.contextual:
        of = subject_of(part)
        if isinstance(of, ir.Read | ir.Apply) and _is_of_transfer(of):
            found.append((part, of))
        elif _is_of_transfer(part):
            found.append((part, part))
        else:
            return None
    return IndexedRule(found) if found else None


def _is_of_transfer(part: ir.Term) -> bool:
    """Return whether a condition reads nothing but the transfer and workload."""
    if isinstance(part, ir.Read):
        return part.field.scope not in AMBIENT
    inside = ir.walk(part)
    return all(not isinstance(t, ir.Signal | ir.Window | ir.Aggregate) for t in inside) and all(
        field.scope not in AMBIENT for field in ir.fields(part)
    )


def select_indexable(rules: Mapping[int, IndexedRule], min_sharing: int) -> dict[int, tuple[SubjectParts, ...]]:
    """Return the parts of *rules*, by position, but of those that need a condition that too few of them share.

    Tests on texts are such conditions if few rules have any.
    """
    is_text_alone = sum(1 for rule in rules.values() if rule.is_textual) < MIN_TEXTUAL
    found = {n: rule.subjects_but_texts if is_text_alone else rule.subjects for n, rule in rules.items()}
    users = Counter([one.key for subjects in found.values() for one in subjects if one.is_condition])
    shared = sorted((key for key, count in users.items() if count >= min_sharing), key=lambda key: -users[key])
    kept = frozenset(shared[:MAX_CONDITIONS])
    if len(kept) == len(users):
        return found
    return {n: subjects for n, subjects in found.items() if all(not s.is_condition or s.key in kept for s in subjects)}


class ContextualIndex:
    """Columns for all the rules that only look at transfer and workload by comparing fields with constants."""

    def __init__(
        self, rules: Mapping[int, tuple[SubjectParts, ...]], width: int, before: "ContextualIndex | None" = None
    ) -> None:
        """Index *rules*, by position (of *width*); columns *before* that would be the same are taken from there."""
        columns = columns_of(rules.items(), width, before.columns if before else ())
        self.columns: tuple[Column, ...] = tuple(
            sorted(columns, key=lambda column: len(column.breakpoints))
        )  # the cheapest first
        self._masks = tuple(column.mask for column in self.columns)

    def source(self, names: NameSupply) -> str:
        """Return the source of ``cells(s, t, w, z)``."""
        body = Block("    ")
        emitter = Emitter(names, None, lambda _: body)
        for number, column in enumerate(self.columns):
            if isinstance(column, BitmapColumn) and column.is_condition:
                body.add(f"c{number} = {column.cells[True]} if {emitter.holds(column.subject, body)} else 0")
                continue
            for line in column.emit(f"c{number}", emitter.value(column.subject, body), names):
                body.add(line)
        found = "".join(f"c{number}, " for number in range(len(self.columns)))
        return "\n".join(["def cells(s, t, w, z):", *body.lines, f"    return ({found})", ""])

    def mask(self, cells: tuple[Any, ...], active: int) -> int:
        """Return the rules among *active* that no cell rules out."""
        for mask, cell in zip(self._masks, cells, strict=True):
            active &= mask(cell)
            if not active:
                break
        return active
