"""The shortest reason why a condition is TRUE, FALSE or UNKNOWN, in words."""

from gpurules.backends.explain import Explanation, value_of
from gpurules.backends.facts import Facts
from gpurules.language import ir
from gpurules.language.nodes import Comparator
from gpurules.language.printer import spell
from gpurules.model import Kind, Truth, Value, format_amount


def shown(value: Value, term: ir.Term) -> str:
    """Return *value* of *term* for people to read."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    return format_amount(value, term.datatype.dimension)


def reason(explained: Explanation, facts: Facts) -> str:
    """Return why the condition *explained* came to what it did.

    For a per-GPU condition the reason is of the GPUs that decide: where it is TRUE, those; else each group of GPUs that
    it failed on for one reason.
    """
    term = explained.term
    if not explained.is_per_gpu:
        worth = explained.values[0]
        return _why(term, facts, None, worth if isinstance(worth, bool) else None)
    if not facts.gpus:
        return "there is no GPU in scope"
    truths: list[Truth] = [v if isinstance(v, bool) else None for v in explained.values]
    decisive: Truth = True if True in truths else None if None in truths else False
    groups: dict[str, list[str]] = {}
    for place, truth in enumerate(truths):
        if truth is True or decisive is not True:
            why = _why(term, facts, place, truth)
            groups.setdefault(why, []).append(str(facts.gpus[place].index))
    told = [f"{why} (GPU {', '.join(devices)})" for why, devices in groups.items()]
    return "; ".join(told[:4]) + (f"; and {len(told) - 4} more" if len(told) > 4 else "")


def unreported(explained: Explanation, facts: Facts) -> list[str]:
    """Return which GPUs do not report what the condition reads of them, with the reason where the source gave one."""
    groups: dict[str, list[str]] = {}
    for read in _reads(explained.term):
        if not isinstance(read, ir.Read) or not read.field.is_per_gpu:
            continue
        for gpu in facts.gpus:
            why = gpu.missing.get(read.field.attribute)
            if why:
                groups.setdefault(f"no {read.field.name} ({why})", []).append(str(gpu.index))
    return [f"GPU {', '.join(gpus)} report{'s' * (len(gpus) == 1)} {what}" for what, gpus in groups.items()]


def _why(term: ir.Term, facts: Facts, place: int | None, truth: Truth) -> str:
    """Return why *term* is *truth* at *place*: the parts that decide it."""
    match term:
        case ir.And(parts):
            return _parts(parts, facts, place, (truth, " and "))
        case ir.Or(parts):
            return _parts(parts, facts, place, (truth, " and "))
        case ir.Not(operand) if not isinstance(operand, ir.Member | ir.TextTest | ir.IsMissing):
            return _why(operand, facts, place, None if truth is None else not truth)
        case _:
            return _leaf(term, facts, place, truth)


def _parts(parts: tuple[ir.Term, ...], facts: Facts, place: int | None, how: tuple[Truth, str]) -> str:
    truth, word = how
    decisive = [p for p in parts if value_of(p, facts, place) is truth]
    told = [_why(p, facts, place, truth) for p in decisive]
    one = [*dict.fromkeys(told)]
    return word.join(one[:3]) + (f" and {len(one) - 3} more" if len(one) > 3 else "")


def _leaf(term: ir.Term, facts: Facts, place: int | None, truth: Truth) -> str:
    missing = _missing(term, facts, place) if truth is None else []
    if missing:
        return " and ".join(missing)
    match term:
        case ir.Compare(comparators, operands) if len(comparators) == 1 and isinstance(operands[1], ir.Constant):
            text, value = spell(operands[0]), value_of(operands[0], facts, place)
            if comparators[0] in (Comparator.EQ, Comparator.NE):
                is_equal = truth is (comparators[0] is Comparator.EQ)
                return f"{text} is {spell(operands[1])}" if is_equal else _unequal(operands, value)
            word = "" if truth else "is not "
            return f"{text} {shown(value, operands[0])} {word}{comparators[0]} {spell(operands[1])}"
        case ir.Signal(name):
            return f"{name} is {'on' if truth else 'off'}" + _behind(name, facts, place, truth is True)
        case ir.Read(field):
            return f"{field.name} is {str(truth).lower()}"
        case _:
            values = _values(term, facts, place)
            told = f" ({', '.join(values)})" if values else ""
            return f"{spell(term)} is {str(truth).upper() if truth is not None else 'UNKNOWN'}{told}"


def _behind(name: str, facts: Facts, place: int | None, is_on: bool) -> str:
    """Return what the start condition of a signal is at this moment, which may differ from the signal, and why."""
    condition = facts.signals.get(name)
    if condition is None:
        return ""
    own = place if ir.is_per_gpu(condition) else None
    if own is None and ir.is_per_gpu(condition):
        return ""
    worth = value_of(condition, facts, own)
    why = _why(condition, facts, own, worth if isinstance(worth, bool) else None)
    if is_on and worth is not True:
        return f", held: {why}"
    return f", not yet: {why}" if worth is True and not is_on else f": {why}"


def _unequal(operands: tuple[ir.Term, ...], value: Value) -> str:
    return f"{spell(operands[0])} is {shown(value, operands[0])}, not {spell(operands[1])}"


def _reads(term: ir.Term) -> list[ir.Term]:
    """Return the fields, windows and aggregates that *term* looks at, each once."""
    found: dict[str, ir.Term] = {}
    stack = [term]
    while stack:
        current = stack.pop()
        if isinstance(current, ir.Read | ir.Window | ir.Aggregate):
            found.setdefault(spell(current), current)
        else:
            stack.extend(reversed(ir.children(current)))
    return list(found.values())


def _values(term: ir.Term, facts: Facts, place: int | None) -> list[str]:
    return [f"{spell(r)} {shown(value_of(r, facts, place), r)}" for r in _reads(term)][:4]


def _missing(term: ir.Term, facts: Facts, place: int | None) -> list[str]:
    """Return the fields whose absence leaves *term* unknown, with the reason where the source gave one."""
    told = []
    for read in _reads(term):
        if value_of(read, facts, place) is None:
            why = ""
            if isinstance(read, ir.Read) and place is not None:
                why = facts.gpus[place].missing.get(read.field.attribute, "")
            kind = " is unknown" if read.datatype.kind is Kind.BOOL else " is missing"
            told.append(f"{spell(read)}{kind}" + (f" ({why})" if why else ""))
    return told
