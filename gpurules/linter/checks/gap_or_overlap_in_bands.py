"""GPR206: bands of one field that leave out the value between them, or both have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from gpurules.diagnostics import Diagnostic
from gpurules.language import ir
from gpurules.language.nodes import Comparator
from gpurules.linter.analysis import Analysis, Standing, example
from gpurules.linter.check import Subject
from gpurules.linter.reporting import at_rules
from gpurules.linter.shadows import shadows
from gpurules.proofs.claims import Claim, Stated, Want
from gpurules.proofs.prover import Possible
from gpurules.proofs.witness import Known, Witness, build

_MIRRORED = {
    Comparator.LT: Comparator.GT,
    Comparator.LE: Comparator.GE,
    Comparator.GT: Comparator.LT,
    Comparator.GE: Comparator.LE,
}
_INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class _Band:
    """A rule on one range of a field. ``has_low`` and ``has_high`` tell whether its ends belong to it."""

    rule: Standing
    read: ir.Read
    low: float
    has_low: bool
    high: float
    has_high: bool


class GapOrOverlapInBands:
    """Rules on neighbouring bands of one field, of which none has the edge, or both have.

    **Avoid.** ``gpu_memory < 80`` and ``gpu_memory > 80``, with the same action.
    **Prefer.** ``gpu_memory <= 80`` and ``gpu_memory > 80``.
    **Why.** At the edge itself no rule matches, or two do, and it is rarely what was meant.
    """

    code = "GPR206"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        groups: dict[tuple[str, tuple[str, ...]], list[_Band]] = {}
        covered = {shadow.rule.position for shadow in shadows(subject.analysis)} if subject.analysis else set()
        for one in subject.analysis.standing if subject.analysis else ():
            band = _band(one)
            if band is not None and one.position not in covered:
                names = tuple(sorted(action.name for action in one.rule.actions))
                groups.setdefault((band.read.field.name, names), []).append(band)
        for bands in groups.values():
            for lower, upper in pairwise(sorted(bands, key=lambda band: (band.low, band.high))):
                if lower.high == upper.low and lower.has_high is upper.has_low and subject.analysis:
                    yield from self._found(lower, upper, subject.analysis)

    def _found(self, lower: _Band, upper: _Band, analysis: Analysis) -> Iterator[Diagnostic]:
        one, other = lower.rule, upper.rule
        witness = _at(upper, upper.low)
        wanted, outcome = (Want.TRUE, "match") if upper.has_low else (Want.FALSE, "no-match")
        if not all(Claim(Stated(r.rule.term, r.rule.gpus), wanted).holds(witness.facts) for r in (one, other)):
            return
        names, edge = f"`{one.rule.name}` and `{other.rule.name}`", str(witness)
        if upper.has_low:
            message = f"{names} both match at the edge between them"
            hint = "let one of the two leave the edge out"
        else:
            message = f"neither {names.replace(' and ', ' nor ')} matches at the edge between them"
            hint = "let one of the two take the edge in, with <= or >="
        shown = example(Possible(witness), (one.rule.name, outcome), (other.rule.name, outcome))
        yield at_rules(self.code, other, (one,), message, hint=hint, witness=edge, example=shown)


def _at(band: _Band, value: float) -> Witness:
    """Return the moment in which the field of a band has *value*, and nothing else is known."""
    is_per_gpu = ir.is_per_gpu(band.read)
    owned = frozenset({0}) if is_per_gpu and band.rule.rule.gpus == "workload" else frozenset[int]()
    return build([Known(band.read, 0 if is_per_gpu else None, value)], int(is_per_gpu), (), owned)


def _band(one: Standing) -> _Band | None:
    """Return the band that a rule is about, None where its condition is anything else."""
    if one.rule.signal is not None:
        return None
    term = one.rule.term
    links = [link for part in (term.parts if isinstance(term, ir.And) else (term,)) for link in _links(part)]
    reads = {read.field.name: read for _, read, _ in links if read is not None}
    if len(reads) != 1 or any(read is None for _, read, _ in links):
        return None
    (read,) = reads.values()
    low, has_low, high, has_high = -_INFINITE, False, _INFINITE, False
    for comparator, _, value in links:
        has_edge = comparator in (Comparator.LE, Comparator.GE)
        if comparator in (Comparator.GT, Comparator.GE):
            low, has_low = max(low, value), has_edge if value >= low else has_low
        else:
            high, has_high = min(high, value), has_edge if value <= high else has_high
    return _Band(one, read, low, has_low, high, has_high) if low < high else None


def _links(term: ir.Term) -> Iterator[tuple[Comparator, ir.Read | None, float]]:
    """Yield the comparisons of a field with a number in *term*, the field on the left; without field any other."""
    if not isinstance(term, ir.Compare):
        yield Comparator.EQ, None, 0.0
        return
    for comparator, (left, right) in zip(term.comparators, pairwise(term.operands), strict=True):
        if isinstance(left, ir.Constant):
            left, right, comparator = right, left, _MIRRORED.get(comparator, comparator)
        value = right.value if isinstance(right, ir.Constant) else None
        is_number = isinstance(value, int | float) and comparator in _MIRRORED
        yield comparator, left if is_number and isinstance(left, ir.Read) else None, _number(value)


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0.0
