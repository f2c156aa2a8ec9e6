"""Index over the parts of rules that compare fields of a transfer or workload with constants.

A transfer is one look-up per field, and an AND of masks. A few conditions about several fields can be in it too, if
many rules share each: they are worked out for every transfer, and decide for all of these rules at once.
Exact for the same reason as ``ambient_index``; a shared condition is a column with the cells TRUE and not TRUE.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gpurules.backends.bitmap_columns import BitmapColumn, ColumnKey, columns_of, subject_of
from gpurules.backends.emitter import Block, Emitter, NameSupply
from gpurules.backends.python import RuleTerm
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


def indexed_parts(rule: RuleTerm) -> tuple[IndexedPart, ...]:
    """Return the parts of a rule that look at transfer or workload, if there are any and an index can hold them all."""
    if rule.of_workload:
        return ()
    found: list[IndexedPart] = []
    for part in rule.contextual:
        of = subject_of(part)
        if isinstance(of, ir.Read | ir.Apply) and _is_of_transfer(of):
            found.append((part, of))
        elif _is_of_transfer(part):
            found.append((part, part))
        else:
            return ()
    return tuple(found)


def _is_of_transfer(part: ir.Term) -> bool:
    """Return whether a condition reads nothing but the transfer and workload."""
    inside = ir.walk(part)
    return all(not isinstance(t, ir.Signal | ir.Window | ir.Aggregate) for t in inside) and all(
        field.scope not in AMBIENT for field in ir.fields(part)
    )


def select_indexable(rules: Mapping[int, Sequence[IndexedPart]], min_sharing: int) -> dict[int, Sequence[IndexedPart]]:
    """Return *rules*, by position, without those that need a condition that too few of them share.

    Tests on texts are such conditions if few rules have any.
    """
    textual = {n for n, parts in rules.items() if any(part is not of and is_textual(part) for part, of in parts)}
    if len(textual) < MIN_TEXTUAL:
        alone = {n: [(part, part if is_textual(part) else of) for part, of in rules[n]] for n in textual}
        rules = {n: alone.get(n, parts) for n, parts in rules.items()}
    users: dict[ir.Term, int] = {}
    for parts in rules.values():
        for part, of in parts:
            if part is of:
                users[part] = users.get(part, 0) + 1
    shared = sorted((part for part, count in users.items() if count >= min_sharing), key=lambda p: -users[p])
    kept = frozenset(shared[:MAX_CONDITIONS])
    if len(kept) == len(users):
        return dict(rules)
    return {n: parts for n, parts in rules.items() if all(part is not of or part in kept for part, of in parts)}


class ContextualIndex:
    """Columns for all the rules that only look at transfer and workload by comparing fields with constants."""

    def __init__(self, parts: Iterable[tuple[int, ir.Term, ColumnKey]], width: int) -> None:
        """Index *parts*: positions of rules (of *width*), conditions of theirs, and what each is about."""
        # the cheapest to look up first
        self.columns = tuple(sorted(columns_of(parts, width), key=lambda column: len(column.breakpoints)))
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
