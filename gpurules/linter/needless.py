"""Parts of conditions that could as well not be there: what the others say already, and arms that are never TRUE."""

from collections.abc import Iterator

from gpurules.diagnostics import Span
from gpurules.language import ir
from gpurules.linter.analysis import Analysis, Examined, Needless, State
from gpurules.linter.check import Subject
from gpurules.linter.parts import Junction, Part, changed, junctions, without
from gpurules.proofs.claims import Claim, Stated, Want


def needless(subject: Subject) -> list[Needless]:
    """Return every needless part of the conditions of a file that can be TRUE and FALSE."""
    analysis = subject.analysis
    if analysis is None:
        return []
    if analysis.needless is None:
        found: list[Needless] = []
        for one in analysis.examined:
            if analysis.state(one) is State.OPEN:
                found += _Search(one, analysis).run()
        analysis.needless = found
    return analysis.needless


class _Search:
    """Looks through one condition."""

    def __init__(self, one: Examined, analysis: Analysis) -> None:
        self._one, self._analysis = one, analysis

    def run(self) -> Iterator[Needless]:
        tree = self._one.placed.expression.parsed.tree
        inside: list[Span] = []
        for junction in junctions(tree, self._one.stated.term) if tree is not None else ():
            kept = list(junction.parts)
            for place in reversed(range(len(junction.parts))):
                part = junction.parts[place]
                rest = [other for other in kept if other is not part]
                if not rest or any(span.start <= part.node.span.start < span.end for span in inside):
                    continue
                found = self._needless(junction, part, rest)
                if found is not None and self._keeps_gpus(junction, place):
                    kept = rest
                    inside.append(part.node.span)
                    by = tuple(other.node.span for other in found)
                    yield Needless(self._one, junction, part.node.span, without(junction, place), by)

    def _keeps_gpus(self, junction: Junction, place: int) -> bool:
        """Return whether a condition is still about each GPU, or still is not, without a part."""
        whole, kind = self._one.stated.term, ir.And if junction.is_and else ir.Or
        rest = tuple(part.term for part in (*junction.parts[:place], *junction.parts[place + 1 :]))
        return ir.is_per_gpu(changed(whole, junction.path, kind(rest))) is ir.is_per_gpu(whole)

    def _needless(self, junction: Junction, part: Part, rest: list[Part]) -> list[Part] | None:
        """Return the parts that make *part* needless, none where it is never TRUE; None where it is needed."""
        beside = [*(other.term for other in rest), *junction.context]
        if self._is_apart(part.term, beside):
            return None
        around = [self._claim(term, Want.TRUE) for term in junction.context]
        if not junction.is_and and self._never([*around, self._claim(part.term, Want.TRUE)]):
            return []
        if not self._is_said(junction, part, rest, around):
            return None
        for other in list(rest):  # the fewest that say it
            fewer = [one for one in rest if one is not other]
            if fewer and self._is_said(junction, part, fewer, around):
                rest = fewer
        return rest

    def _is_said(self, junction: Junction, part: Part, rest: list[Part], around: list[Claim]) -> bool:
        if junction.is_and:
            claims = [*(self._claim(other.term, Want.TRUE) for other in rest), self._claim(part.term, Want.NOT_TRUE)]
            below = [*(self._claim(o.term, Want.NOT_FALSE) for o in rest), self._claim(part.term, Want.FALSE)]
        else:
            claims = [self._claim(part.term, Want.TRUE), *(self._claim(o.term, Want.NOT_TRUE) for o in rest)]
            below = [self._claim(part.term, Want.NOT_FALSE), *(self._claim(o.term, Want.FALSE) for o in rest)]
        if not self._never([*around, *claims]):
            return False
        return junction.is_plain or self._never(below)

    def _never(self, claims: list[Claim]) -> bool:
        return self._analysis.never(claims, [self._one.title])

    def _claim(self, term: ir.Term, want: Want) -> Claim:
        return Claim(Stated(term, self._one.stated.gpus), want, on_one=True)

    def _is_apart(self, term: ir.Term, others: list[ir.Term]) -> bool:
        """Return whether it is plain that *term* counts, since no other part is about what it is about."""
        outlines, gpus = self._analysis.outlines, self._one.stated.gpus
        part = Stated(term, gpus)
        touched = outlines.touched_by(part)
        beside = (outlines.touched_by(Stated(other, gpus)) for other in others)
        return outlines.is_plain(part) and not any(touched & other for other in beside)
