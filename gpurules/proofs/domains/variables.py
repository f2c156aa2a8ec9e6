"""Abstract variables: one fact that conditions read, with a finite partition of its domain (predicate abstraction)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from gpurules.language.syntax.nodes import TextOperator
from gpurules.language.terms import ir
from gpurules.language.terms.values import text_test
from gpurules.model import Kind, Truth, Value
from gpurules.proofs.domains.intervals import Endpoint, IntervalPartition, Number, make_partition
from gpurules.proofs.domains.text_classes import Language, representative_texts
from gpurules.records import Record, record

VariableKey: TypeAlias = tuple[str, ...]


@dataclass(eq=False, repr=False)
class AbstractVariable:
    """One fact: of each GPU, or of the node, the transfer or the workload.

    A set of its values is a mask: bit *i* represents all values that no condition distinguishes from ``values[i]``; the
    bit behind the last for the missing value. ``exact`` is False for what is made of other variables (``a / b``): its
    values are real, but which of them go together with those of the other variables is not known.
    """

    index: int
    key: VariableKey
    term: ir.Term
    per_gpu: bool
    values: tuple[Value, ...]
    can_be_missing: bool
    exact: bool = True
    partition: IntervalPartition | None = None
    words: frozenset[str] = frozenset()
    patterns: frozenset[tuple[TextOperator, str]] = frozenset()
    _found: dict[tuple[TextOperator, str], int] = field(default_factory=dict)

    @cached_property
    def missing(self) -> int:
        """The mask of the missing value; 0 where it is always known."""
        return 1 << len(self.values) if self.can_be_missing else 0

    @cached_property
    def known(self) -> int:
        """The mask of every value that is not missing."""
        return (1 << len(self.values)) - 1

    @cached_property
    def full(self) -> int:
        """The mask of every value."""
        return self.known | self.missing

    def __repr__(self) -> str:
        """Show what it is about."""
        return f"<{' '.join(self.key)}>"

    def mask_of_text(self, text: str) -> int:
        """Return the mask of the value that stands for *text*, whatever text it is."""
        if text in self._places:
            return 1 << self._places[text]
        mask = self.known & ~sum(1 << self._places[word] for word in self.words if word in self._places)
        for operator, pattern in self.patterns:
            found = self.matching(operator, pattern)
            mask &= found if text_test(operator, text, pattern) is True else ~found
        return mask

    def candidates(self, mask: int) -> list[Value]:
        """Return the values in *mask*, the missing one last."""
        found: list[Value] = [value for i, value in enumerate(self.values) if mask >> i & 1]
        return [*found, None] if mask & self.missing else found

    def plainest(self, mask: int) -> Value:
        """Return the plainest value in *mask*: a known one of few digits, next to the threshold that bounds it."""
        mask &= self.known
        if not mask:
            return None
        if self.partition is None:
            return self.values[(mask & -mask).bit_length() - 1]
        shortest = next(mask & same for same in self.partition.by_digits if mask & same)
        is_last = mask >> len(self.values) - 1 & 1
        return self.values[((shortest & -shortest) if is_last else shortest).bit_length() - 1]

    def mask_of(self, value: Value) -> int:
        """Return the mask that has *value* in it, 0 where it is outside of the domain."""
        if value is None:
            return self.missing
        if self.partition is not None:
            place = self.partition.place(value) if isinstance(value, int | float) else None
        else:
            place = self._places.get(value)
        return 0 if place is None else 1 << place

    @cached_property
    def _places(self) -> dict[Value, int]:
        return {value: i for i, value in enumerate(self.values)}

    def matching(self, operator: TextOperator, pattern: str) -> int:
        """Return the mask of the texts in which *pattern* is found."""
        known = self._found.get((operator, pattern))
        if known is None:
            known = sum(1 << i for i, v in enumerate(self.values) if text_test(operator, v, pattern) is True)
            self._found[operator, pattern] = known
        return known


@dataclass(eq=False)
class VariableBuilder:
    """A variable while conditions are still being collected: what they compare it with."""

    key: VariableKey
    term: ir.Term
    per_gpu: bool
    minimum: Number | None = None
    maximum: Number | None = None
    integer: bool = False
    members: tuple[Value, ...] = ()
    can_be_missing: bool = True
    exact: bool = True
    language: Language = ()
    breakpoints: set[Endpoint] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    patterns: set[tuple[TextOperator, str]] = field(default_factory=set)

    def build(self, index: int) -> AbstractVariable | None:
        """Return the variable, the *index*-th of its universe; None where its texts are too many to distinguish."""
        partition, values = None, self.members
        words, patterns = frozenset(self.words), frozenset(self.patterns)
        match self.term.datatype.kind:
            case Kind.BOOL:
                values = (False, True)
            case Kind.NUMBER:
                partition = make_partition(self.minimum, self.maximum, self.integer, self.breakpoints)
                values = partition.numbers
            case _ if not values:
                texts = representative_texts(self.words, self.patterns, self.language)
                if texts is None:
                    return None
                values = tuple(texts)
            case _:
                pass  # its values are given
        about = (self.key, self.term, self.per_gpu)
        return AbstractVariable(index, *about, values, self.can_be_missing, self.exact, partition, words, patterns)


TruthFunction: TypeAlias = Callable[[Value], Truth]


@record
class Distinctions(Record):
    """What distinguishes the values of a fact for one comparison: all others are the same to it.

    Missing: ``words`` is None if each value may be distinguished from every other.
    """

    breakpoints: frozenset[Endpoint] = frozenset()
    words: frozenset[str] | None = None
    patterns: frozenset[tuple[TextOperator, str]] = frozenset()


def truth_masks(variable: AbstractVariable, test: TruthFunction, marks: Distinctions) -> tuple[int, int]:
    """Return for which values *test* is TRUE, and for which FALSE; it changes at *marks* alone."""
    true = false = 0
    for alike in _alike(variable, marks):
        answer = test(variable.values[(alike & -alike).bit_length() - 1])
        if answer is True:
            true |= alike
        elif answer is False:
            false |= alike
    if variable.missing:
        answer = test(None)
        if answer is True:
            true |= variable.missing
        elif answer is False:
            false |= variable.missing
    return true, false


def _alike(variable: AbstractVariable, marks: Distinctions) -> list[int]:
    """Return the masks of the values that *marks* do not distinguish."""
    if variable.partition is not None:
        ends = sorted(
            {0, len(variable.values), *(variable.partition.below(endpoint) for endpoint in marks.breakpoints)}
        )
        return [(1 << high) - (1 << low) for low, high in pairwise(ends) if low < high]
    if marks.words is None or variable.term.datatype.kind is not Kind.STRING:
        return [1 << i for i in range(len(variable.values))]
    single = [variable.mask_of(word) for word in marks.words]
    groups = [variable.known & ~sum(single)]
    for operator, pattern in marks.patterns:
        found = variable.matching(operator, pattern)
        groups = [part for group in groups for part in (group & found, group & ~found)]
    return [mask for mask in (*single, *groups) if mask]
