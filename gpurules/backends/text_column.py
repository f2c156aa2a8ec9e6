"""Index over the tests on one text: which literals a text has in it, and from that the rules that it rules out.

The literals of all rules are found in one pass. A text falls into a cell by those that it has; within a cell no rule
changes its mind. Most conditions on a text are "one of these patterns" and "none of those", for which masks of rules
are joined; what remains is evaluated for the rules that have a pattern in the text.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gpurules.backends.emitter import NameSupply
from gpurules.backends.literals import SearchText, literal_finder
from gpurules.backends.subjects import MISSING, PartsByRule
from gpurules.backends.text_tests import TextPattern, equality, links_of, pattern_of
from gpurules.bitset import mask_of
from gpurules.language.terms import ir
from gpurules.language.terms.patterns import globber
from gpurules.model import Truth, conjunction, disjunction, negation

Positions: TypeAlias = int | tuple[int, ...]
"""Rules: a mask, or if they are so few that it takes less, their positions."""

Clause: TypeAlias = tuple[bool, frozenset[int]]
"""Whether one of some patterns has to be found, or none; and their numbers."""


def _joined(mask: int, more: Positions) -> int:
    """Return *mask* and *more*."""
    if isinstance(more, int):
        return mask | more
    for position in more:
        mask |= 1 << position
    return mask


def _compact(listed: Mapping[int, Sequence[int]], width: int) -> dict[int, Positions]:
    """Return rules by pattern, in the form that takes less memory."""
    return {n: mask_of(found, width) if len(found) > width // 64 else tuple(found) for n, found in listed.items()}


def _has_missing(members: Iterable[ir.Term]) -> bool:
    return any(isinstance(member, ir.Constant) and member.value is None for member in members)


class TextPatterns:
    """Patterns by number, and which of them a text has; the patterns of globs are found by their rarest literal."""

    def __init__(self) -> None:
        self._literals: dict[SearchText, int] = {}
        self._patterns: dict[TextPattern, int] = {}

    def number(self, pattern: TextPattern) -> int:
        """Return the number of *pattern*, which is looked for from now on."""
        for literal in pattern.literals:
            self._literals.setdefault(literal, len(self._literals))
        return self._patterns.setdefault(pattern, len(self._patterns))

    def __len__(self) -> int:
        """Return how many patterns there are."""
        return len(self._patterns)

    def finder(self) -> Callable[[str], tuple[int, ...]]:
        """Return a function that gives the numbers of the patterns that a text has."""
        uses = Counter(literal for pattern in self._patterns for literal in pattern.literals)
        alone: dict[int, int] = {}
        rarest: dict[int, list[tuple[int, tuple[int, ...], Callable[[str], bool] | None]]] = {}
        for pattern, number in self._patterns.items():
            ids = [self._literals[literal] for literal in pattern.literals]
            if len(ids) == 1 and pattern.glob is None:
                alone[ids[0]] = number
                continue
            key = min(pattern.literals, key=uses.__getitem__)
            test = None if pattern.glob is None else globber(pattern.glob)
            rarest.setdefault(self._literals[key], []).append((number, tuple(ids), test))
        find = literal_finder([*self._literals])
        if not rarest:
            if all(literal == pattern for literal, pattern in alone.items()):
                return lambda text: tuple(find(text))
            return lambda text: tuple([alone[n] for n in find(text)])

        def found(text: str) -> tuple[int, ...]:
            here = find(text)
            numbers = [alone[n] for n in here if n in alone]
            for n in here:
                for number, needed, test in rarest.get(n, ()):
                    if all(literal in here for literal in needed) and (test is None or test(text)):
                        numbers.append(number)
            return tuple(numbers)

        return found


@dataclass(slots=True)
class _Layer:
    """Of each rule at most one clause: one of the patterns, by which rules are listed, has to be found."""

    rules: list[int] = field(default_factory=list)
    by_pattern: dict[int, list[int]] = field(default_factory=dict)


class TextColumn:
    """One text: for each cell of it the rules that it does not rule out. Immutable."""

    is_condition = False

    def __init__(self, of: ir.Term, rules: PartsByRule, width: int) -> None:
        """Index *rules*, which are numbered below *width*; those that have no conditions here are never ruled out."""
        self.subject = of
        self.rules, self.width = rules, width
        self._patterns = TextPatterns()
        layers: list[_Layer] = []
        refused: dict[int, list[int]] = {}
        others: dict[int, list[int]] = {}
        missing: list[int] = []
        odd: list[int] = []
        for position, found in rules.items():
            clauses: list[Clause | None] = [self._clause(part) for part in found.parts]
            if None in clauses:
                odd.append(position)
                for number in set().union(*map(self._numbers, found.parts)):
                    others.setdefault(number, []).append(position)
                if self._holds(position, None):
                    missing.append(position)
                continue
            self._lay([clause for clause in clauses if clause], position, (layers, refused))
        every = (1 << width) - 1
        self._layers = [(every ^ mask_of(layer.rules, width), _compact(layer.by_pattern, width)) for layer in layers]
        self._refused, self._others = _compact(refused, width), others
        self._first = ~mask_of([p for p in odd if not self._holds(p, ())], width)
        self._missing = every ^ mask_of(rules, width) | mask_of(missing, width)
        self._find = self._patterns.finder()

    @property
    def breakpoints(self) -> Sequence[int]:
        """Where rules change their mind: at each pattern."""
        return range(len(self._patterns))

    @staticmethod
    def _lay(clauses: Sequence[Clause], position: int, into: tuple[list[_Layer], dict[int, list[int]]]) -> None:
        """Put the clauses of a rule into layers, and what it refuses into lists by pattern."""
        layers, refused = into
        depth = 0
        for is_wanted, numbers in clauses:
            if is_wanted:
                if depth == len(layers):
                    layers.append(_Layer())
                layers[depth].rules.append(position)
            for number in numbers:
                (layers[depth].by_pattern if is_wanted else refused).setdefault(number, []).append(position)
            depth += is_wanted

    def _clause(self, term: ir.Term) -> Clause | None:
        """Return a condition as "one of these patterns" or "none of these".

        Missing: None where it is neither; what a missing text makes of it must be looked at then.
        """
        match term:
            case ir.TextTest():
                return True, frozenset([self._number(term)])
            case ir.Compare():
                (is_equal, pattern), *more = links_of(term)
                return None if more or pattern is None else (is_equal, frozenset([self._patterns.number(pattern)]))
            case ir.Member(_, members):
                return None if _has_missing(members) else (True, frozenset(self._members(term)))
            case ir.Not(operand):
                clause = self._clause(operand)
                return None if clause is None else (not clause[0], clause[1])
            case ir.Or(parts) | ir.And(parts):
                clauses = [self._clause(part) for part in parts]
                wanted = isinstance(term, ir.Or)
                fitting = [clause[1] for clause in clauses if clause is not None and clause[0] is wanted]
                return (wanted, frozenset().union(*fitting)) if len(fitting) == len(parts) else None
            case _:
                return None

    def _number(self, term: ir.TextTest) -> int:
        pattern = pattern_of(term)
        assert pattern is not None
        return self._patterns.number(pattern)

    def _numbers(self, term: ir.Term) -> set[int]:
        """Return the numbers of all patterns in a condition."""
        found: set[int] = set()
        for part in ir.walk(term):
            match part:
                case ir.TextTest():
                    found.add(self._number(part))
                case ir.Compare():
                    found |= {self._patterns.number(pattern) for _, pattern in links_of(part) if pattern is not None}
                case ir.Member():
                    found |= self._members(part)
                case _:
                    pass
        return found

    def _members(self, term: ir.Member) -> set[int]:
        texts = [m.value for m in term.members if isinstance(m, ir.Constant)]
        return {self._patterns.number(equality(text)) for text in texts if isinstance(text, str)}

    def _holds(self, position: int, found: Collection[int] | None) -> bool:
        """Return whether the conditions of a rule are TRUE on a text with the patterns *found*, or a missing one."""
        return all(self._truth(part, found) is True for part in self.rules[position].parts)

    def _truth(self, term: ir.Term, found: Collection[int] | None) -> Truth:
        match term:
            case ir.Constant(value):
                return value if isinstance(value, bool) else None
            case ir.IsMissing():
                return found is None
            case ir.Not(operand):
                return negation(self._truth(operand, found))
            case ir.And(parts):
                return conjunction([self._truth(part, found) for part in parts])
            case ir.Or(parts):
                return disjunction([self._truth(part, found) for part in parts])
            case ir.Member(_, members):
                is_found = found is not None and not self._members(term).isdisjoint(found)
                return True if is_found else None if found is None or _has_missing(members) else False
            case ir.TextTest():
                return None if found is None else self._number(term) in found
            case ir.Compare():
                return conjunction(
                    [
                        None if found is None or pattern is None else (self._patterns.number(pattern) in found) is equal
                        for equal, pattern in links_of(term)
                    ]
                )
            case _:
                raise AssertionError(f"{type(term).__name__} is not a condition on a text")

    def cell(self, text: str | None) -> Hashable:
        """Return the cell of a text."""
        return MISSING if text is None else self._find(text)

    def mask(self, cell: Hashable) -> int:
        """Return the rules that a text in *cell* does not rule out."""
        return self._worked_out(cell) if isinstance(cell, tuple) else self._missing

    def _worked_out(self, found: tuple[int, ...]) -> int:
        mask = self._first
        for without, by_pattern in self._layers:
            layer = without
            for number in found:
                if number in by_pattern:
                    layer = _joined(layer, by_pattern[number])
            mask = layer if mask == -1 else mask & layer
        if self._refused:
            refused = 0
            for number in found:
                if number in self._refused:
                    refused = _joined(refused, self._refused[number])
            mask &= ~refused
        if self._others:
            for position in {p for number in found for p in self._others.get(number, ())}:
                bit = 1 << position
                mask = mask | bit if self._holds(position, found) else mask & ~bit
        return mask

    def emit(self, cell: str, value: str, names: NameSupply) -> list[str]:
        """Return the lines that put the cell of *value* into the variable *cell*."""
        return [f"{cell} = {names.bind(self.cell)}({value})"]
