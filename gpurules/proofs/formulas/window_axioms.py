"""What holds of windows over one field: how they stand to each other, and to the sample of this instant.

A shorter window is the latest part of a longer one, so its maximum is at most as large and its minimum at least. Means
and quantiles are between the two. What needs two samples is known only where there are two.
"""

from collections.abc import Iterator
from itertools import permutations, product

from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.proofs.formulas.encoding import Encoder
from gpurules.proofs.formulas.formula import TRUE, Formula, disj, every, negation
from gpurules.proofs.formulas.universe import Universe, unit_key

_OF_TWO = frozenset(name for name, function in FUNCTIONS.items() if function.needs_two)
"""Windows that are missing unless they have two samples."""
_MEANS = frozenset({"avg_over_time", "quantile_over_time"})
MOST_RELATED = 24
"""The number of windows over one field that are related to each other; further ones are unconstrained."""
_LEAST, _GREATEST, _COUNT, _NOW = "min_over_time", "max_over_time", "count_over_time", "now"
_POINTS = frozenset({_NOW, "last_over_time"})
"""What is the latest sample, where it is known."""


class _WindowAxioms:
    """The windows over one field, and the sample of this instant where it is asked for."""

    def __init__(self, among: list[ir.Window], universe: Universe, encoder: Encoder) -> None:
        self._universe, self._encoder = universe, encoder
        now = ir.Read(among[0].field)
        self._now = now if unit_key(now) in universe.builders else None
        self._among = among[:MOST_RELATED]

    def run(self) -> Iterator[Formula]:
        yield from self._missing()
        known: list[ir.Term] = [*self._among]
        known += [self._now] if self._now is not None else []
        for low, high in permutations(known, 2):
            comparator = _order(low, high)
            if comparator is not None:
                yield self._ordered(low, comparator, high)
        yield from self._of_two()

    def _missing(self) -> Iterator[Formula]:
        """Yield that a longer window has what a shorter one has, and the sample of this instant."""
        for inner, outer in permutations(self._among, 2):
            if outer.function in _OF_TWO or inner.seconds > outer.seconds:
                continue
            yield self._on_each(disj(self._gone(inner), negation(self._gone(outer))))
        for window in self._among:
            if self._now is not None and window.function not in _OF_TWO:
                yield self._on_each(disj(self._gone(self._now), negation(self._gone(window))))

    def _of_two(self) -> Iterator[Formula]:
        """Yield that what needs two samples has two."""
        for changed, counted in product(self._among, self._among):
            is_implied = changed.function in _OF_TWO and counted.function == _COUNT
            if is_implied and changed.seconds <= counted.seconds:
                enough = ir.Compare((Comparator.GE,), (counted, ir.Constant(2, counted.datatype)))
                yield self._on_each(disj(self._gone(changed), self._encoder.rails(enough).true))

    def _gone(self, term: ir.Term) -> Formula:
        return self._universe.missing(term)

    def _on_each(self, formula: Formula) -> Formula:
        return every(formula) if ir.is_per_gpu(self._among[0]) else formula

    def _ordered(self, low: ir.Term, comparator: Comparator, high: ir.Term) -> Formula:
        rails = self._encoder.rails(ir.Compare((comparator,), (low, high)))
        return self._on_each(negation(rails.false))


def _order(low: ir.Term, high: ir.Term) -> Comparator | None:
    """Return how two windows over a field, or its sample of this instant, compare wherever both are known."""
    (first, seconds), (second, others) = _kind(low), _kind(high)
    if first in _POINTS and second in _POINTS:
        return Comparator.EQ if (first, seconds) < (second, others) else None
    if first == _LEAST:
        is_less = second in _POINTS or second == _GREATEST or (second in (*_MEANS, _LEAST) and seconds >= others)
    elif second == _GREATEST:
        is_less = first in _POINTS or (first in (*_MEANS, _GREATEST) and seconds <= others)
    else:
        is_less = first == second == _COUNT and seconds <= others
    return Comparator.LE if is_less else None


def _kind(term: ir.Term) -> tuple[str, float]:
    return (term.function, term.seconds) if isinstance(term, ir.Window) else (_NOW, 0.0)


def window_axioms(universe: Universe, encoder: Encoder) -> Iterator[Formula]:
    """Yield every axiom about windows."""
    by_field: dict[str, list[ir.Window]] = {}
    for builder in list(universe.builders.values()):
        if isinstance(builder.term, ir.Window):
            by_field.setdefault(builder.term.field.name, []).append(builder.term)
    for among in by_field.values():
        yield from (axiom for axiom in _WindowAxioms(among, universe, encoder).run() if axiom is not TRUE)
