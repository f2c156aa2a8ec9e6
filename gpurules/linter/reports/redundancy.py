"""Redundant parts of conditions: parts that the other parts imply already, and branches that can never be TRUE."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from gpurules.bitset import iter_bits
from gpurules.diagnostics import Span
from gpurules.language.terms import ir
from gpurules.linter.check import Subject
from gpurules.linter.conditions.parts import Junction, junctions, replace_part, without
from gpurules.linter.meaning.analysis import Analysis, Contingency, Examined, Redundancy
from gpurules.linter.rewriting.value_covers import covered_parts, says_the_same, value_covers
from gpurules.proofs import ExpectedTruth, ScopedCondition, TruthClaim


def redundancies(subject: Subject) -> list[Redundancy]:
    """Return every needless part of the conditions of a file that can be TRUE and FALSE."""
    analysis = subject.analysis
    if analysis is None:
        return []
    if analysis.redundancies is None:
        found: list[Redundancy] = []
        for one in analysis.examined:
            if analysis.state(one) is Contingency.OPEN:
                found += _Search(one, analysis).run()
        analysis.redundancies = found
    return analysis.redundancies


_WORK = 10_000
_WORK_PER_PART = 200
"""How many claims and steps the search through one condition may take, and more for each part that it has."""


class _Search:
    """Looks through one condition."""

    def __init__(self, one: Examined, analysis: Analysis) -> None:
        self._one, self._analysis = one, analysis
        self._gpus = one.condition.gpus
        self._left = _WORK

    def run(self) -> Iterator[Redundancy]:
        """Yield what is needless, the parts of each AND and OR together."""
        tree, removed = self._one.placed.expression.parsed.tree, _Spans()
        for junction in junctions(tree, self._one.condition.term) if tree is not None else ():
            if removed.hold(junction.parts[0].node.span):
                continue
            self._left += _WORK_PER_PART * len(junction.parts)
            kept = [True] * len(junction.parts)
            for place, by, is_proved in self._of_junction(junction, kept):
                if self._left < 0:
                    self._analysis.note_capped(self._one.title)
                    return
                if self._keeps_gpus(junction, place, kept):
                    kept[place] = False
                    span = junction.parts[place].node.span
                    removed.add(span)
                    spans = tuple(junction.parts[other].node.span for other in by)
                    yield Redundancy(self._one, junction, span, without(junction, place), spans, is_proved)

    def _of_junction(self, junction: Junction, kept: list[bool]) -> Iterator[tuple[int, list[int], bool]]:
        """Yield places of needless parts, with those of the parts that say it, and whether that is proved at once."""
        condition = [ScopedCondition(part.term, self._gpus) for part in junction.parts]
        touched = [self._analysis.screening.classes_of_condition(one) for one in condition]
        context = 0
        for term in junction.context:
            context |= self._analysis.screening.classes_of_condition(ScopedCondition(term, self._gpus))
        for places in hanging_together(touched):
            if len(places) == 1 and not touched[places[0]] & context and self._is_plain(condition[places[0]]):
                continue
            covers = None
            if not self._analysis.spends(self._one.title, len(places)):
                return
            if not junction.context:
                covers = value_covers(self._analysis.prover, [condition[n] for n in places], junction.is_and)
            if covers is None:
                yield from self._by_proof(junction, places, kept)
                continue
            if not junction.is_and:
                yield from ((places[n], [], False) for n, cover in enumerate(covers) if cover.is_never)
            for n, by in covered_parts(covers, junction.is_plain):
                if junction.is_and or not covers[n].is_never:
                    yield places[n], [places[m] for m in by], says_the_same(covers[n], [covers[m] for m in by])

    def _is_plain(self, condition: ScopedCondition) -> bool:
        return self._analysis.screening.is_contingent(condition)

    def _by_proof(
        self, junction: Junction, places: list[int], kept: list[bool]
    ) -> Iterator[tuple[int, list[int], bool]]:
        around = [self._claim(term, ExpectedTruth.TRUE) for term in junction.context]
        for place in reversed(places):
            beside = [n for n in places if n != place and kept[n]]
            beside = beside or [n for n, is_kept in enumerate(kept) if is_kept and n != place][:1]
            if not beside:
                continue
            if not junction.is_and and self._never(
                [*around, self._claim(junction.parts[place].term, ExpectedTruth.TRUE)]
            ):
                yield place, [], False
            elif self._is_said(junction, place, beside, around):
                yield place, self._fewest(junction, place, beside, around), False
            if self._left < 0:
                yield place, [], False  # which ends the search
                return

    def _fewest(self, junction: Junction, place: int, beside: list[int], around: list[TruthClaim]) -> list[int]:
        """Return few of the parts *beside* that say it too: halves that are not needed go at once (QuickXplain)."""

        def search(given: list[int], has_changed: bool, among: list[int]) -> list[int]:
            if has_changed and given and self._is_said(junction, place, given, around):
                return []
            if len(among) == 1 or self._left < 0:
                return among
            first, second = among[: len(among) // 2], among[len(among) // 2 :]
            of_second = search([*given, *first], True, second)
            return [*search([*given, *of_second], bool(of_second), first), *of_second]

        return sorted(search([], False, beside))

    def _keeps_gpus(self, junction: Junction, place: int, kept: list[bool]) -> bool:
        """Return whether a condition is still about each GPU, or still is not, without a part."""
        if not ir.is_per_gpu(junction.parts[place].term):
            return True
        others = (n for n, is_kept in enumerate(kept) if is_kept and n != place)
        if any(ir.is_per_gpu(junction.parts[n].term) for n in others):
            return True
        whole, kind = self._one.condition.term, ir.And if junction.is_and else ir.Or
        rest = tuple(part.term for part in (*junction.parts[:place], *junction.parts[place + 1 :]))
        return ir.is_per_gpu(replace_part(whole, junction.path, kind(rest))) is ir.is_per_gpu(whole)

    def _is_said(self, junction: Junction, place: int, rest: list[int], around: list[TruthClaim]) -> bool:
        if self._left < 0:
            return False
        part, others = junction.parts[place], [junction.parts[n] for n in rest]
        if junction.is_and:
            claims = [
                *(self._claim(other.term, ExpectedTruth.TRUE) for other in others),
                self._claim(part.term, ExpectedTruth.NOT_TRUE),
            ]
            below = [
                *(self._claim(o.term, ExpectedTruth.NOT_FALSE) for o in others),
                self._claim(part.term, ExpectedTruth.FALSE),
            ]
        else:
            claims = [
                self._claim(part.term, ExpectedTruth.TRUE),
                *(self._claim(o.term, ExpectedTruth.NOT_TRUE) for o in others),
            ]
            below = [
                self._claim(part.term, ExpectedTruth.NOT_FALSE),
                *(self._claim(o.term, ExpectedTruth.FALSE) for o in others),
            ]
        if not self._never([*around, *claims]):
            return False
        return junction.is_plain or self._never(below)

    def _never(self, claims: list[TruthClaim]) -> bool:
        before = self._analysis.prover.spent
        is_proved = self._analysis.is_impossible(claims, [self._one.title])
        self._left -= len(claims) + self._analysis.prover.spent - before
        return is_proved

    def _claim(self, term: ir.Term, want: ExpectedTruth) -> TruthClaim:
        return TruthClaim(ScopedCondition(term, self._gpus), want, on_one=True)


class _Spans:
    """Ranges of a text that lie apart, in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, span: Span) -> None:
        """Take *span* in."""
        place = bisect_right(self._starts, span.start)
        self._starts.insert(place, span.start)
        self._ends.insert(place, span.end)

    def hold(self, span: Span) -> bool:
        """Return whether *span* begins in one of them."""
        place = bisect_right(self._starts, span.start) - 1
        return place >= 0 and span.start < self._ends[place]


def hanging_together(touched: Sequence[int]) -> list[list[int]]:
    """Return the places of *touched* in groups: those that have a bit in common, directly or through others."""
    groups: list[list[int]] = []
    of_bit: dict[int, int] = {}
    for place, bits in enumerate(touched):
        known = sorted({of_bit[bit] for bit in iter_bits(bits) if bit in of_bit}, key=lambda n: -len(groups[n]))
        own = known[0] if known else len(groups)
        if not known:
            groups.append([])
        for other in known[1:]:
            groups[own] += groups[other]
            groups[other] = []
            of_bit.update({bit: own for bit, group in of_bit.items() if group == other})
        groups[own].append(place)
        of_bit.update(dict.fromkeys(iter_bits(bits), own))
    return [sorted(group) for group in groups if group]
