"""Lowering: checked tree to an equal one that is cheaper to evaluate."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gpurules.language.terms import ir, values
from gpurules.model import Value, conjunction, negation


def rebuilt(term: ir.Term, change: Callable[[ir.Term], ir.Term]) -> ir.Term:
    """Return *term* with *change* applied to each of its parts; *term* itself where nothing changed."""
    before = ir.children(term)
    after = tuple([change(part) for part in before])
    if all(old is new for old, new in zip(before, after, strict=True)):
        return term
    match term:
        case ir.Constant() | ir.Read() | ir.Signal() | ir.Window():
            return term
        case ir.Negative() | ir.IsMissing() | ir.Not() | ir.Aggregate():
            return replace(term, operand=after[0])
        case ir.Arithmetic(_, rest):
            signs = [sign for sign, _ in rest]
            return replace(term, first=after[0], rest=tuple(zip(signs, after[1:], strict=True)))
        case ir.Apply():
            return replace(term, arguments=after)
        case ir.Compare():
            return replace(term, operands=after)
        case ir.Member():
            return replace(term, subject=after[0], members=after[1:])
        case ir.TextTest():
            return replace(term, subject=after[0], pattern=after[1])
        case ir.And() | ir.Or():
            return replace(term, parts=after)


def inline_signals(term: ir.Term, conditions: Mapping[str, ir.Term]) -> ir.Term:
    """Return *term* with each signal replaced by its start condition: what it is without history."""
    while isinstance(term, ir.Signal):
        term = conditions[term.name]
    if not ir.children(term):
        return term
    return rebuilt(term, lambda part: inline_signals(part, conditions))


def fold_constants(term: ir.Term) -> ir.Term:
    """Return *term* with every part that is known before evaluation replaced by its value."""
    if not ir.children(term):
        return term
    folded = rebuilt(term, fold_constants)
    if isinstance(folded, ir.Aggregate):
        return folded
    if isinstance(folded, ir.And | ir.Or):
        return _fold_connective(folded)
    if all(isinstance(part, ir.Constant) for part in ir.children(folded)):
        return ir.Constant(_known(folded), term.datatype, span=term.span)
    return folded


def _fold_connective(term: ir.And | ir.Or) -> ir.Term:
    """Flatten nested ANDs or ORs and drop what decides nothing; a part that decides alone replaces all."""
    decisive = isinstance(term, ir.Or)
    parts: list[ir.Term] = []
    for part in term.parts:
        parts.extend(part.parts if type(part) is type(term) else [part])
    if any(isinstance(p, ir.Constant) and p.value is decisive for p in parts):
        return ir.Constant(decisive, term.datatype, span=term.span)
    kept = [p for p in parts if not (isinstance(p, ir.Constant) and p.value is (not decisive))]
    if not kept:
        return ir.Constant(not decisive, term.datatype, span=term.span)
    if all(isinstance(p, ir.Constant) for p in kept):  # each of them UNKNOWN
        return ir.Constant(None, term.datatype, span=term.span)
    if len(kept) == len(term.parts):
        return term
    return kept[0] if len(kept) == 1 else replace(term, parts=tuple(kept))


def _known(term: ir.Term) -> Value:
    """Return the value of a term whose parts are constants."""
    parts: list[Value] = [part.value for part in ir.children(term) if isinstance(part, ir.Constant)]
    match term:
        case ir.Negative():
            return values.negative(parts[0])  # type: ignore[arg-type]
        case ir.Arithmetic(_, rest):
            result = parts[0]
            for (sign, _), part in zip(rest, parts[1:], strict=True):
                result = values.ARITHMETIC[sign](result, part)  # type: ignore[arg-type]
            return result
        case ir.Apply(function):
            return values.SCALARS[function](*parts)
        case ir.Compare(comparators):
            return conjunction([values.compare(c, a, b) for c, a, b in zip(comparators, parts, parts[1:])])
        case ir.Member():
            return values.member(parts[0], parts[1:])
        case ir.TextTest(operator):
            return values.text_test(operator, *parts)
        case ir.IsMissing():
            return parts[0] is None
        case ir.Not():
            return negation(parts[0])  # type: ignore[arg-type]
        case _:
            raise AssertionError(f"{type(term).__name__} is not folded here")


def push_negations(term: ir.Term) -> ir.Term:
    """Return *term* without NOT over AND, OR and NOT (De Morgan's laws hold in Kleene's logic)."""
    match term:
        case ir.Not(ir.Not(operand)):
            return push_negations(operand)
        case ir.Not(ir.And(parts)):
            return ir.Or(tuple([push_negations(ir.Not(p, span=p.span)) for p in parts]), span=term.span)
        case ir.Not(ir.Or(parts)):
            return ir.And(tuple([push_negations(ir.Not(p, span=p.span)) for p in parts]), span=term.span)
        case _:
            return rebuilt(term, push_negations) if ir.children(term) else term


PASSES: tuple[Callable[[ir.Term], ir.Term], ...] = (push_negations, fold_constants)
"""The passes, in order."""


def _is_low(term: ir.Term) -> bool:
    """Return whether no pass would change *term*, as for most conditions; cheaper than running a pass."""
    match term:
        case ir.Compare():
            kinds = {type(operand) for operand in term.operands}
            return ir.Read in kinds and kinds <= _LEAVES
        case ir.And() | ir.Or():
            kind = type(term)
            return all(type(part) is not kind and _is_low(part) for part in term.parts)
        case ir.Member():
            return isinstance(term.subject, ir.Read) and {type(member) for member in term.members} <= _LEAVES
        case ir.TextTest():
            return isinstance(term.subject, ir.Read) and isinstance(term.pattern, ir.Constant)
        case ir.IsMissing() | ir.Not():
            return isinstance(term.operand, ir.Read)
        case _:
            return isinstance(term, ir.Read | ir.Signal)


_LEAVES = frozenset({ir.Read, ir.Constant})


def lower(term: ir.Term) -> ir.Term:
    """Return *term* after every pass; its value is the same on all facts."""
    if _is_low(term):
        return term
    for lowering in PASSES:
        term = lowering(term)
    return term
