"""Bitmap index over one subject: for each range of its values the mask of the rules that it does not rule out.

The values of a field (or window, or aggregate) fall into cells: of a number the constants that rules compare it with
and the gaps between them, of a text or bool each constant and everything else. No condition on the subject differs
between two values of one cell, so each cell has one mask of the rules that it does not rule out (a bitmap index; O'Neil
and Quass 1997). Bit n is the rule at position n. For a number with the breakpoints 50 and 80::

    missing    below 50    50    between    80    above 80
      -1          0         1       2        3       4        cell of breakpoint i: 2i + 1

Masks of neighboring cells differ by few bits, so only the positions that flip are kept, and every n-th mask.

What the conditions of one rule add to a column depends on nothing else, so it is worked out once for the rule, and a
column is the same wherever the rules at its positions are.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from gpurules.backends.emitter import NameSupply
from gpurules.backends.subjects import MISSING, ColumnKey, PartsByRule, SubjectParts, is_subject, subject_key
from gpurules.backends.text_column import TextColumn
from gpurules.bitset import mask_of
from gpurules.model import Kind, Value

MAX_TABLE_BYTES = 32 * 1024 * 1024
"""How much the masks of one subject may take; beyond, only some are kept, and the others worked out from them."""


class BitmapColumn:
    """One subject: its cells, and for each the rules that it does not rule out. Immutable."""

    def __init__(self, of: ColumnKey, rules: PartsByRule, width: int) -> None:
        """Index *rules*, which are numbered below *width*; those that have no conditions here are never ruled out."""
        self.subject = of
        self.rules, self.width = rules, width
        self.is_condition = not is_subject(of)
        self.is_ordered = of.datatype.kind is Kind.NUMBER
        first, self._missing, changes = _collected(rules, width)
        self.breakpoints: list[Any] = sorted(changes) if self.is_ordered else list(changes)
        per_value = 2 if self.is_ordered else 1
        self.cells: dict[Value, int] = {value: per_value * n + 1 for n, value in enumerate(self.breakpoints)}
        self._flips: list[list[int]] = [[], *(at for value in self.breakpoints for at in changes[value][:per_value])]
        self.mask: Callable[[int], int] = self._worked_out
        """Return the rules that a value in a cell does not rule out."""
        self._stride = max(1, len(self._flips) * width // 8 // MAX_TABLE_BYTES + 1)
        self._kept = self._masks(first)
        if self._stride == 1:
            self.mask = [*self._kept, self._missing].__getitem__  # MISSING is -1

    def _masks(self, first: int) -> list[int]:
        """Return the masks of every ``stride``-th cell."""
        masks, mask = [first], first
        for cell in range(1, len(self._flips)):
            mask = self._flipped(mask if self.is_ordered else first, cell)
            if cell % self._stride == 0:
                masks.append(mask)
        return masks

    def _flipped(self, mask: int, cell: int) -> int:
        for position in self._flips[cell]:
            mask ^= 1 << position
        return mask

    def _worked_out(self, cell: int) -> int:
        if cell == MISSING:
            return self._missing
        kept, steps = divmod(cell, self._stride)
        if not steps:
            return self._kept[kept]
        if not self.is_ordered:
            return self._flipped(self._kept[0], cell)
        mask = self._kept[kept]
        for at in range(cell - steps + 1, cell + 1):
            mask = self._flipped(mask, at)
        return mask

    def emit(self, cell: str, value: str, names: NameSupply) -> list[str]:
        """Return the lines that put the cell of *value* into the variable *cell*."""
        if not self.is_ordered:
            table = names.bind({None: MISSING, **self.cells})
            return [f"{cell} = {table}.get({value}, 0)"]
        if not self.breakpoints:
            return [f"{cell} = {MISSING} if {value} is None else 0"]
        breakpoints, right = names.bind(self.breakpoints), names.bind(bisect_right)
        return [
            f"if {value} is None:",
            f"    {cell} = {MISSING}",
            "else:",
            f"    {cell} = {right}({breakpoints}, {value})",
            f"    {cell} = 2 * {cell} - ({breakpoints}[{cell} - 1] == {value})",
        ]


def _collected(rules: PartsByRule, width: int) -> tuple[int, int, dict[Value, tuple[list[int], list[int]]]]:
    """Return the masks of the first cell and of a missing value, and by value which rules flip at it and above it."""
    never_first: list[int] = []
    if_missing: list[int] = []
    changes: dict[Value, tuple[list[int], list[int]]] = {}
    for position, parts in rules.items():
        at_first, at_missing, places = parts.flips
        if not at_first:
            never_first.append(position)
        if at_missing:
            if_missing.append(position)
        for value, step in places:
            found = changes.get(value)
            if found is None:
                found = changes[value] = ([], [])
            found[step].append(position)
    every = (1 << width) - 1
    missing = every ^ mask_of(rules, width) | mask_of(if_missing, width)
    return every ^ mask_of(never_first, width), missing, changes


Column: TypeAlias = BitmapColumn | TextColumn
"""The index over one subject."""


def columns_of(
    rules: Iterable[tuple[int, tuple[SubjectParts, ...]]], width: int, before: Iterable[Column] = ()
) -> list[Column]:
    """Return a column for each subject of *rules*: their positions, and their conditions by subject.

    A column *before* that has the same conditions at the same positions is taken as it is.
    """
    found: dict[object, dict[int, SubjectParts]] = {}
    for position, subjects in rules:
        for parts in subjects:
            listed = found.get(parts.key)
            if listed is None:
                listed = found[parts.key] = {}
            listed[position] = parts
    known = {subject_key(column.subject): column for column in before if column.width == width}
    columns: list[Column] = []
    for key, listed in found.items():
        same = known.get(key)
        columns.append(same if same is not None and same.rules == listed else _column(listed, width))
    return columns


def _column(rules: PartsByRule, width: int) -> Column:
    of = next(iter(rules.values())).subject
    is_text = is_subject(of) and of.datatype.kind is Kind.STRING
    if is_text and any(parts.is_textual for parts in rules.values()):
        return TextColumn(of, rules, width)
    return BitmapColumn(of, rules, width)
