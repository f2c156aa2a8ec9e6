"""The explaining back end: evaluates a checked tree term by term, and reports the value of every part per GPU."""

from dataclasses import dataclass

from gpurules.backends.backend import Result, over_gpus
from gpurules.backends.facts import Facts, instant, read, slot_key
from gpurules.language.terms import ir, values
from gpurules.language.terms.printer import spell, spell_joined
from gpurules.model import Datatype, GPUIndex, Truth, Value, conjunction, negation


def value_of(term: ir.Term, facts: Facts, place: int | None) -> Value:
    """Return the value of *term*; *place* is the position of the GPU it is about among ``facts.gpus``.

    Missing: None; of a bool it means UNKNOWN.
    """
    match term:
        case ir.Constant(value):
            return value
        case ir.Read(field):
            return read(field, facts, None if place is None else facts.gpus[place])
        case ir.Signal() | ir.Window():
            return _derived(term, facts, place)
        case ir.Negative(operand):
            return values.negative(value_of(operand, facts, place))  # type: ignore[arg-type]
        case ir.Arithmetic(first, rest):
            result = value_of(first, facts, place)
            for sign, part in rest:
                result = values.ARITHMETIC[sign](result, value_of(part, facts, place))  # type: ignore[arg-type]
            return result
        case ir.Apply(function, arguments):
            return values.SCALARS[function](*[value_of(a, facts, place) for a in arguments])
        case ir.Aggregate(function, operand):
            return values.AGGREGATES[function]([value_of(operand, facts, p) for p in range(len(facts.gpus))])
        case ir.Compare(comparators, operands):
            known = [value_of(o, facts, place) for o in operands]
            links = zip(comparators, known, known[1:])
            return conjunction([values.compare(c, left, right) for c, left, right in links])
        case ir.Member(subject, members):
            return values.member(value_of(subject, facts, place), [value_of(m, facts, place) for m in members])
        case ir.TextTest(operator, subject, pattern):
            return values.text_test(operator, value_of(subject, facts, place), value_of(pattern, facts, place))
        case ir.IsMissing(operand):
            return value_of(operand, facts, place) is None
        case ir.Not(operand):
            return negation(value_of(operand, facts, place))  # type: ignore[arg-type]
        case ir.And(parts):
            return _until(False, parts, facts, place)
        case ir.Or(parts):
            return _until(True, parts, facts, place)


def _until(decisive: bool, parts: tuple[ir.Term, ...], facts: Facts, place: int | None) -> Truth:
    """Return *decisive* where some part is; else UNKNOWN where some part is, else the opposite."""
    answer: Truth = not decisive
    for part in parts:
        value = value_of(part, facts, place)
        if value is decisive:
            return decisive
        if value is None:
            answer = None
    return answer


def _derived(term: ir.Signal | ir.Window, facts: Facts, place: int | None) -> Value:
    """Return the state of a signal or window."""
    if facts.layout is None:
        if isinstance(term, ir.Signal):
            return None
        return instant(term, value_of(term.sample, facts, place))
    is_per_gpu = term.per_gpu if isinstance(term, ir.Signal) else term.field.is_per_gpu
    if not is_per_gpu:
        return facts.node_row[facts.layout.node[slot_key(term)]]
    return None if place is None else facts.rows[place][facts.layout.gpu[slot_key(term)]]


class ExplainBackEnd:
    """Evaluates by walking the tree: slow, plain, and the measure of the other back ends."""

    name = "explain"

    def evaluate(self, term: ir.Term, per_gpu: bool, facts: Facts) -> Result:
        """Return the value of the condition *term*; *per_gpu* says whether it is evaluated once for each GPU."""
        if not per_gpu:
            return Result(value_of(term, facts, None))  # type: ignore[arg-type]
        return over_gpus([value_of(term, facts, place) for place in range(len(facts.gpus))], facts.gpus)


@dataclass(frozen=True, slots=True)
class ExplainedTerm:
    """A term with its values.

    Shape: ``values`` has one value for each GPU in scope where the term is per GPU, else one.
    """

    text: str
    term: ir.Term
    datatype: Datatype
    devices: tuple[GPUIndex, ...]
    values: tuple[Value, ...]
    parts: tuple["ExplainedTerm", ...] = ()

    @property
    def is_per_gpu(self) -> bool:
        """Whether there is a value for each GPU."""
        return bool(self.devices) or not self.values

    def value_at(self, place: int | None) -> Value:
        """Return the value of the term on the GPU at *place*."""
        return self.values[place] if self.is_per_gpu and place is not None else self.values[0]

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON-ready data."""
        if self.is_per_gpu:
            shown: object = {str(device): value for device, value in zip(self.devices, self.values, strict=True)}
        else:
            shown = self.values[0]
        data: dict[str, object] = {"text": self.text, "value": shown}
        if self.parts:
            data["parts"] = [part.to_dict() for part in self.parts]
        return data


def explain(term: ir.Term, facts: Facts) -> ExplainedTerm:
    """Return *term* and every part of it that is not a constant, with the value of each per GPU.

    Below a signal is its start condition, as it is now.
    """
    inner: tuple[ir.Term, ...] = ir.children(term)
    if isinstance(term, ir.Signal) and term.name in facts.signals:
        inner = (facts.signals[term.name],)
    parts = tuple(explain(part, facts) for part in inner if not isinstance(part, ir.Constant))
    if isinstance(term, ir.And | ir.Or) and len(parts) == len(inner):
        return _explain_joined(term, parts, facts)
    is_per_gpu = ir.is_per_gpu(term)
    places: list[int | None] = list(range(len(facts.gpus))) if is_per_gpu else [None]
    values = tuple(value_of(term, facts, place) for place in places)
    return ExplainedTerm(spell(term), term, term.datatype, _devices(is_per_gpu, facts), values, parts)


def _explain_joined(term: ir.And | ir.Or, parts: tuple[ExplainedTerm, ...], facts: Facts) -> ExplainedTerm:
    """Return AND or OR of explained parts, without evaluating these again."""
    decisive, is_per_gpu = isinstance(term, ir.Or), any(part.is_per_gpu for part in parts)
    values: list[Value] = []
    for place in range(len(facts.gpus)) if is_per_gpu else [None]:
        found = [part.value_at(place) for part in parts]
        values.append(decisive if decisive in found else None if None in found else not decisive)
    text = spell_joined(term, [part.text for part in parts])
    return ExplainedTerm(text, term, term.datatype, _devices(is_per_gpu, facts), tuple(values), parts)


def _devices(is_per_gpu: bool, facts: Facts) -> tuple[GPUIndex, ...]:
    return tuple(gpu.index for gpu in facts.gpus) if is_per_gpu else ()
