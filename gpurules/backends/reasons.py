"""The shortest reason why a condition is TRUE, FALSE or UNKNOWN, in words."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from gpurules.backends.explain import ExplainedTerm, value_of
from gpurules.backends.facts import Facts
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.model import Kind, Truth, Value, format_duration, format_reading

_OF_RULE = "rule:"
"""Begins the name of the signal that a rule's own timers stand for."""


def format_value(value: Value, term: ir.Term, beside: Iterable[Value] = ()) -> str:
    """Return *value* of *term* for people to read, rounded, but not to what another number *beside* it reads like."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    return format_reading(value, term.datatype.dimension, [v for v in beside if isinstance(v, int | float)])


def reason(explained: ExplainedTerm, facts: Facts) -> str:
    """Return why the condition *explained* has the value that it has.

    For a per-GPU condition the reason is of the GPUs that decide: where it is TRUE, those; else each group of GPUs that
    it failed on for one reason.
    """
    if not explained.is_per_gpu:
        return _why(explained, facts, None, _truth(explained, None))
    if not facts.gpus:
        return "there is no GPU in scope"
    truths = [_truth(explained, place) for place in range(len(explained.values))]
    decisive: Truth = True if True in truths else None if None in truths else False
    groups: dict[str, list[str]] = {}
    for place, truth in enumerate(truths):
        if truth is True or decisive is not True:
            why = _why(explained, facts, place, truth)
            groups.setdefault(why, []).append(str(facts.gpus[place].index))
    grouped = [f"{why} (GPU {', '.join(devices)})" for why, devices in groups.items()]
    return "; ".join(grouped[:4]) + (f"; and {len(grouped) - 4} more" if len(grouped) > 4 else "")


def unreported_fields(explained: ExplainedTerm, facts: Facts) -> list[str]:
    """Return which GPUs do not report what the condition reads of them, with the reason where the source gave one."""
    groups: dict[str, list[str]] = {}
    for read in _reads(explained.term):
        if not isinstance(read, ir.Read) or not read.field.is_per_gpu:
            continue
        for gpu in facts.gpus:
            why = gpu.why_missing(read.field.attribute)
            if why:
                groups.setdefault(f"no {read.field.name} ({why})", []).append(str(gpu.index))
    return [f"GPU {', '.join(gpus)} report{'s' * (len(gpus) == 1)} {what}" for what, gpus in groups.items()]


def _pieces(explained: ExplainedTerm) -> Iterator[ExplainedTerm]:
    """Yield the parts of what is explained, those that are constants too."""
    parts = iter(explained.parts)
    for term in ir.children(explained.term):
        if isinstance(term, ir.Constant):
            yield ExplainedTerm(spell(term), term, term.datatype, (), (term.value,))
        else:
            yield next(parts)


def _truth(explained: ExplainedTerm, place: int | None) -> Truth:
    value = explained.value_at(place)
    return value if isinstance(value, bool) else None


def _why(explained: ExplainedTerm, facts: Facts, place: int | None, truth: Truth) -> str:
    """Return why what is explained is *truth* at *place*: the parts that decide it."""
    match explained.term:
        case ir.And() | ir.Or():
            return _parts(explained, facts, place, truth)
        case ir.Not(operand) if not isinstance(operand, ir.Member | ir.TextTest | ir.IsMissing):
            return _why(next(_pieces(explained)), facts, place, None if truth is None else not truth)
        case _:
            return _leaf(explained, facts, place, truth)


def _parts(explained: ExplainedTerm, facts: Facts, place: int | None, truth: Truth) -> str:
    grouped = [_why(part, facts, place, truth) for part in _pieces(explained) if part.value_at(place) is truth]
    one = [*dict.fromkeys(grouped)]
    return " and ".join(one[:3]) + (f" and {len(one) - 3} more" if len(one) > 3 else "")


def _leaf(explained: ExplainedTerm, facts: Facts, place: int | None, truth: Truth) -> str:
    term = explained.term
    missing = _missing(term, facts, place) if truth is None else []
    if missing:
        return " and ".join(missing)
    match term:
        case ir.Compare(comparators, (left, ir.Constant() as right)):
            subject = next(_pieces(explained))
            text, grouped = subject.text, format_value(subject.value_at(place), left, (right.value,))
            if comparators[0] in (Comparator.EQ, Comparator.NE):
                is_equal = truth is (comparators[0] is Comparator.EQ)
                return f"{text} is {'' if is_equal else f'{grouped}, not '}{spell(right)}"
            return f"{text} {grouped} {'' if truth else 'is not '}{comparators[0]} {spell(right)}"
        case ir.Signal(name):
            said = "its signal" if name.startswith(_OF_RULE) else name
            return f"{said} is {'on' if truth else 'off'}" + _behind(explained, facts, place, truth is True)
        case ir.Read(field):
            return f"{field.name} is {str(truth).lower()}"
        case _:
            values = _values(term, facts, place)
            grouped = f" ({', '.join(values)})" if values else ""
            return f"{explained.text} is {str(truth).upper() if truth is not None else 'UNKNOWN'}{grouped}"


def _behind(explained: ExplainedTerm, facts: Facts, place: int | None, is_on: bool) -> str:
    """Return what the start condition of a signal is now, which may differ from the signal, and why."""
    condition = next(iter(explained.parts), None)
    if condition is None or (condition.is_per_gpu and place is None):
        return ""
    truth = _truth(condition, place)
    why = _why(condition, facts, place if condition.is_per_gpu else None, truth)
    if is_on and truth is not True:
        assert isinstance(explained.term, ir.Signal)
        owner = facts.gpus[place].identity if explained.term.per_gpu and place is not None else None
        return f", {_held(explained.term.name, owner, facts)}: {why}"
    return f", not yet: {why}" if truth is True and not is_on else f": {why}"


def _held(name: str, owner: str | None, facts: Facts) -> str:
    """Return what holds a signal on whose condition is not TRUE: its ``keep_for``, until when, or what it remembers."""
    end = facts.ends.get((name, owner))
    if end is None:
        return "held"
    left = format_duration(max(0.0, end - facts.snapshot.timestamp))
    try:
        when = datetime.fromtimestamp(end, facts.context.zone).strftime("%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"held by keep_for for another {left}"
    return f"held by keep_for until {when}, for another {left}"


def _reads(term: ir.Term) -> list[ir.Term]:
    """Return the fields, windows and aggregates that *term* looks at, each once."""
    found: dict[str, ir.Term] = {}
    for part in ir.walk(term, leaves=(ir.Aggregate,)):
        if isinstance(part, ir.Read | ir.Window | ir.Aggregate):
            found.setdefault(spell(part), part)
    return list(found.values())


def _values(term: ir.Term, facts: Facts, place: int | None) -> list[str]:
    known = [(read, value_of(read, facts, place)) for read in _reads(term)]
    limits = [part.value for part in ir.walk(term) if isinstance(part, ir.Constant)]
    return [
        f"{spell(read)} {format_value(value, read, [*limits, *(v for r, v in known if r.datatype == read.datatype)])}"
        for read, value in known
    ][:4]


def _missing(term: ir.Term, facts: Facts, place: int | None) -> list[str]:
    """Return the fields whose absence leaves *term* unknown, with the reason where the source gave one."""
    grouped = []
    for read in _reads(term):
        if value_of(read, facts, place) is None:
            why = ""
            if isinstance(read, ir.Read) and place is not None:
                why = facts.gpus[place].why_missing(read.field.attribute)
            kind = " is unknown" if read.datatype.kind is Kind.BOOL else " is missing"
            grouped.append(f"{spell(read)}{kind}" + (f" ({why})" if why else ""))
    return grouped
