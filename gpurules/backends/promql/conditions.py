"""Writes conditions in PromQL, as vectors where they are TRUE and where they are FALSE."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql.naming import GPURULES, MetricNaming
from gpurules.backends.promql.numbers import NumberVectors
from gpurules.backends.promql.texts import text_truth
from gpurules.backends.promql.vectors import EVERYWHERE, NOWHERE, Algebra, Level, TruthVectors, Vector
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import fold_constants
from gpurules.model import BOOL, Kind

MAX_LENGTH = 64 << 10
"""The longest expression that is written; Prometheus parses each at every reload."""
_OPPOSITES = {
    Comparator.LT: Comparator.GE,
    Comparator.LE: Comparator.GT,
    Comparator.GT: Comparator.LE,
    Comparator.GE: Comparator.LT,
    Comparator.EQ: Comparator.NE,
    Comparator.NE: Comparator.EQ,
}


@dataclass(frozen=True, slots=True)
class SignalSeries:
    """The series in which a signal is recorded, with a sample only while it is on."""

    text: str
    per_gpu: bool


@dataclass(frozen=True, slots=True)
class PromqlBackEnd:
    """Writes conditions in the names of one exporter; ``signals`` are recorded under names of their own."""

    naming: MetricNaming = GPURULES
    signals: Mapping[str, SignalSeries] = field(default_factory=dict)
    name: str = "promql"

    @property
    def algebra(self) -> Algebra:
        """How vectors are joined."""
        naming = self.naming
        return Algebra(naming.gpu_labels, naming.node_labels, naming.gpus, naming.nodes)

    def emit(self, term: ir.Term, per_gpu: bool) -> Vector:
        """Return the vector of the GPUs on which *term* is TRUE, or of the nodes if it is not *per_gpu*.

        Raises:
            UnsupportedError: PromQL cannot say that, or the exporter has no metric for it.
        """
        return self.emit_truth(term, per_gpu).true

    def emit_truth(self, term: ir.Term, per_gpu: bool) -> TruthVectors:
        """Return both vectors.

        Raises:
            UnsupportedError: PromQL cannot say that, or the exporter has no metric for it.
        """
        writer = _Writer(self)
        level = Level.GPU if per_gpu else Level.NODE
        found = writer.truth(fold_constants(term))
        vectors = [self.algebra.broadcast(vector, level) for vector in (found.true, found.false)]
        if any(len(vector.text) > MAX_LENGTH for vector in vectors):
            raise UnsupportedError(f"the expression would be longer than {MAX_LENGTH >> 10} KiB", term.span)
        return TruthVectors(*vectors)


class _Writer:
    """One condition on its way to PromQL."""

    def __init__(self, back_end: PromqlBackEnd) -> None:
        self._back_end = back_end
        self._algebra = back_end.algebra
        self._numbers = NumberVectors(back_end.naming, self._algebra, self.truth)

    def truth(self, term: ir.Term) -> TruthVectors:
        """Return where *term*, a condition, is TRUE and FALSE."""
        match term:
            case ir.Constant():
                return self._constant(term)
            case ir.Read():
                return self._read(term)
            case ir.Signal():
                return self._signal(term)
            case ir.Not():
                return self.truth(term.operand).negated
            case ir.And():
                return self._all([self.truth(part) for part in term.parts])
            case ir.Or():
                return self._any([self.truth(part) for part in term.parts])
            case ir.Compare():
                return self._compare(term)
            case ir.Member():
                equal = [ir.Compare((Comparator.EQ,), (term.subject, m), span=term.span) for m in term.members]
                return self._any([self.truth(part) for part in equal])
            case ir.TextTest():
                return text_truth(term, self._back_end.naming, self._algebra)
            case ir.IsMissing():
                return self._missing(term)
            case ir.Aggregate():
                return self._aggregate(term)
            case ir.Apply(function="coalesce"):
                return self._coalesce(term)
            case ir.Apply() | ir.Window() | ir.Negative() | ir.Arithmetic():
                raise UnsupportedError("a number is not a condition", term.span)

    def _constant(self, term: ir.Constant) -> TruthVectors:
        if term.value is None:
            return TruthVectors(NOWHERE, NOWHERE)
        return TruthVectors(EVERYWHERE, NOWHERE) if term.value else TruthVectors(NOWHERE, EVERYWHERE)

    def _read(self, term: ir.Read) -> TruthVectors:
        found = self._back_end.naming.metric(self._back_end.naming.bools, term)
        level = Level.GPU if term.field.is_per_gpu else Level.NODE
        true, false = (self._algebra.aggregate(text, level) for text in found)
        return TruthVectors(true, false)

    def _signal(self, term: ir.Signal) -> TruthVectors:
        series = self._back_end.signals.get(term.name)
        if series is None:
            raise UnsupportedError(f"the signal {term.name!r} cannot be recorded", term.span)
        level = Level.GPU if series.per_gpu else Level.NODE
        on = self._algebra.aggregate(series.text, level)
        return TruthVectors(on, self._algebra.without(self._algebra.every(level), on))

    def _all(self, parts: list[TruthVectors]) -> TruthVectors:
        true, false = parts[0].true, parts[0].false
        for part in parts[1:]:
            true, false = self._algebra.both(true, part.true), self._algebra.either(false, part.false)
        return TruthVectors(true, false)

    def _any(self, parts: list[TruthVectors]) -> TruthVectors:
        return self._all([part.negated for part in parts]).negated

    def _compare(self, term: ir.Compare) -> TruthVectors:
        links = zip(term.comparators, term.operands, term.operands[1:], strict=False)
        return self._all([self._link(comparator, left, right) for comparator, left, right in links])

    def _link(self, comparator: Comparator, left: ir.Term, right: ir.Term) -> TruthVectors:
        if left.datatype.kind is Kind.STRING:
            link = ir.Compare((comparator,), (left, right), span=left.span)
            return text_truth(link, self._back_end.naming, self._algebra)
        if left.datatype.kind is Kind.BOOL:
            one, other = self.truth(left), self.truth(right)
            same = self._any([self._all([one, other]), self._all([one.negated, other.negated])])
            return same if comparator is Comparator.EQ else same.negated
        pair = self._numbers.number(left), self._numbers.number(right)
        return TruthVectors(self._holds(comparator, *pair), self._holds(_OPPOSITES[comparator], *pair))

    def _holds(self, comparator: Comparator, left: Vector, right: Vector) -> Vector:
        if left.level is right.level is Level.SCALAR:
            left = Vector(f"vector({left.text})", Level.GLOBAL, is_atom=True)
        if comparator is Comparator.NE:  # NaN, which is missing, is != everything
            less, more = (self._algebra.combine(sign, left, right) for sign in ("<", ">"))
            return self._algebra.either(less, more)
        if left.level is Level.SCALAR or left.level < right.level:
            return self._algebra.combine(comparator.mirrored.value, right, left)
        return self._algebra.combine(comparator.value, left, right)

    def _missing(self, term: ir.IsMissing) -> TruthVectors:
        operand = term.operand
        if operand.datatype.kind is Kind.STRING:
            return text_truth(term, self._back_end.naming, self._algebra)
        if operand.datatype == BOOL:
            pair = self.truth(operand)
            known = self._algebra.either(pair.true, pair.false)
        else:
            number = self._numbers.number(operand)
            if number.level is Level.SCALAR:
                return TruthVectors(NOWHERE, EVERYWHERE)
            known = Vector(f"({number.operand} > -Inf) < Inf", number.level)
        return TruthVectors(self._algebra.without(self._algebra.every(known.level), known), known)

    def _aggregate(self, term: ir.Aggregate) -> TruthVectors:
        pair = self.truth(term.operand)
        if term.function == "any":
            return self._over_gpus(pair)
        found = self._over_gpus(pair.negated)
        gpus = f"group by {self._algebra.labels(Level.NODE)} ({self._algebra.gpus})"
        some = Vector(gpus, Level.NODE, is_atom=True)  # over no GPU it is unknown
        return TruthVectors(self._algebra.both(found.false, some), found.true)

    def _over_gpus(self, pair: TruthVectors) -> TruthVectors:
        """Return where a condition holds on some GPU of a node, and where it is FALSE on every one."""
        algebra = self._algebra
        true = algebra.broadcast(pair.true, Level.GPU)
        some = Vector(f"group by {algebra.labels(Level.NODE)} ({true.text})", Level.NODE, is_atom=True)
        open_ = algebra.without(algebra.every(Level.GPU), algebra.broadcast(pair.false, Level.GPU))
        return TruthVectors(some, algebra.without(algebra.every(Level.NODE), open_))

    def _coalesce(self, term: ir.Apply) -> TruthVectors:
        pairs = [self.truth(part) for part in term.arguments]
        true, false = pairs[-1].true, pairs[-1].false
        for pair in reversed(pairs[:-1]):
            true = self._algebra.either(pair.true, self._algebra.without(*self._same_level(true, pair.false)))
            false = self._algebra.either(pair.false, self._algebra.without(*self._same_level(false, pair.true)))
        return TruthVectors(true, false)

    def _same_level(self, left: Vector, right: Vector) -> tuple[Vector, Vector]:
        return self._algebra.broadcast(left, right.level), right
