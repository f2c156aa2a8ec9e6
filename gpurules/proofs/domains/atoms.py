"""Atomic predicates: comparisons that read one fact, and the breakpoints at which their truth value can change.

Arithmetic on one fact is followed through its steps. Every step of IEEE arithmetic with a constant is monotone between
zeros, so each change is found by bisection over the doubles themselves, and is exact: rounding and overflow included.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeGuard

from gpurules.language.syntax.nodes import Comparator, Sign, TextOperator
from gpurules.language.terms import ir, values
from gpurules.language.terms.lowering import fold_constants, rebuilt
from gpurules.model import Kind, Truth, Value
from gpurules.proofs.domains.case_folding import case_insensitive_glob, is_lower
from gpurules.proofs.domains.intervals import ABOVE, BELOW, Endpoint, Number, ends_of
from gpurules.proofs.domains.variables import TruthFunction
from gpurules.records import Record, record

ArithmeticStep: TypeAlias = tuple[Callable[[Value], Value], bool]
"""What is done to a number, and whether it turns at zero."""


@record
class AtomicPredicate(Record):
    """A comparison of one fact: its truth for each value, and what distinguishes values."""

    test: TruthFunction
    breakpoints: frozenset[Endpoint] = frozenset()
    words: frozenset[str] = frozenset()
    patterns: frozenset[tuple[TextOperator, str]] = frozenset()


@record
class ValueBounds(Record):
    """The numbers that a fact can be; None: unbounded."""

    minimum: Number | None
    maximum: Number | None
    integer: bool


def is_number(value: Value) -> TypeGuard[Number]:
    """Return whether *value* is a number, which a bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_constant(term: ir.Term) -> bool:
    """Return whether *term* is a constant."""
    return isinstance(term, ir.Constant)


def substitute(term: ir.Term, unit: ir.Term, value: Value) -> ir.Term:
    """Return *term* with *value* in place of *unit*."""
    if term is unit or term == unit:
        return ir.Constant(value, unit.datatype)
    return rebuilt(term, lambda part: substitute(part, unit, value)) if ir.children(term) else term


def truth_function(term: ir.Term, unit: ir.Term) -> TruthFunction:
    """Return the truth of *term* as a function of the value of *unit*, which is all that it reads."""

    if isinstance(term, ir.Member) and all(map(is_constant, term.members)):
        among, subject = _among(term.members), term.subject
        return lambda value: among(_folded(subject, unit, value))

    def test(value: Value) -> Truth:
        folded = fold_constants(substitute(term, unit, value))
        if isinstance(folded, ir.Constant) and (folded.value is None or isinstance(folded.value, bool)):
            return folded.value
        raise AssertionError(f"{term} reads more than {unit}")

    return test


def _folded(term: ir.Term, unit: ir.Term, value: Value) -> Value:
    """Return the value of *term* if *unit*, which is all that it reads, has *value*."""
    folded = fold_constants(substitute(term, unit, value))
    assert isinstance(folded, ir.Constant), f"{term} reads more than {unit}"
    return folded.value


def _among(members: Sequence[ir.Term]) -> TruthFunction:
    """Return a membership test for *members*, which are constants, without scanning them."""
    constants = [member.value for member in members if isinstance(member, ir.Constant)]
    known, otherwise = frozenset(constants) - {None}, None if None in constants else False

    def among(value: Value) -> Truth:
        return None if value is None else True if value in known else otherwise

    return among


def atomic_predicate(term: ir.Term, unit: ir.Term, bounds: ValueBounds, closed: bool) -> AtomicPredicate | None:
    """Return *term*, which reads *unit* alone, as an atomic predicate; *closed*: the fact has a listed set of values.

    Missing: None if the breakpoints cannot be determined.
    """
    match unit.datatype.kind:
        case Kind.BOOL:
            return AtomicPredicate(truth_function(term, unit))
        case Kind.NUMBER:
            return _numeric(term, unit, bounds)
        case _:
            test = _direct(term, unit) or truth_function(term, unit)
            return AtomicPredicate(test) if closed else _textual(term, unit, test)


def _direct(term: ir.Term, unit: ir.Term) -> TruthFunction | None:
    """Return the truth of the plainest comparisons without building terms, None for others."""
    match term:
        case ir.Compare((comparator,), (left, ir.Constant(value))) if left == unit:
            return lambda x: values.compare(comparator, x, value)
        case ir.Member(subject, members) if subject == unit and all(map(is_constant, members)):
            return _among(members)
        case ir.TextTest(operator, subject, ir.Constant(pattern)) if subject == unit:
            return lambda x: values.text_test(operator, x, pattern)
        case _:
            return None


def _numeric(term: ir.Term, unit: ir.Term, bounds: ValueBounds) -> AtomicPredicate | None:
    match term:
        case ir.Compare((comparator,), (left, ir.Constant(value))) if left == unit:
            return AtomicPredicate(lambda x: values.compare(comparator, x, value), breakpoints_at(value))
        case ir.Compare((comparator,), (ir.Constant(value), right)) if right == unit:
            return AtomicPredicate(lambda x: values.compare(comparator, value, x), breakpoints_at(value))
        case ir.Member(subject, members) if subject == unit and all(map(is_constant, members)):
            breakpoints = frozenset(
                endpoint for m in members if isinstance(m, ir.Constant) for endpoint in breakpoints_at(m.value)
            )
            return AtomicPredicate(_among(members), breakpoints)
    sides = _sides(term)
    moving = [side for side in sides if not is_constant(side)]
    if len(moving) != 1:
        return None
    steps = _steps(moving[0], unit)
    if steps is None:
        return None
    targets = [side.value for side in sides if isinstance(side, ir.Constant)]
    if not steps:
        return AtomicPredicate(
            truth_function(term, unit), frozenset(endpoint for value in targets for endpoint in breakpoints_at(value))
        )
    return AtomicPredicate(truth_function(term, unit), frozenset(_changes(steps, targets, bounds)))


def breakpoints_at(value: Value) -> frozenset[Endpoint]:
    """Return the breakpoints just below and just above a number."""
    if not is_number(value):
        return frozenset()
    return frozenset({(value, BELOW), (value, ABOVE)})


def _steps(term: ir.Term, unit: ir.Term) -> list[ArithmeticStep] | None:
    """Return what *term* does to *unit*, from the inside out; None where that is not a chain of single steps."""
    if term == unit:
        return []
    match term:
        case ir.Negative(operand):
            return _then(_steps(operand, unit), [(values.negative, False)])  # type: ignore[list-item]
        case ir.Arithmetic(first, rest):
            return _sum_steps([(Sign.PLUS, first), *rest], unit)
        case ir.Apply(function, arguments):
            return _function_steps(function, arguments, unit)
        case _:
            return None


def _then(steps: list[ArithmeticStep] | None, more: list[ArithmeticStep]) -> list[ArithmeticStep] | None:
    return None if steps is None else steps + more


def _sum_steps(parts: Sequence[tuple[Sign, ir.Term]], unit: ir.Term) -> list[ArithmeticStep] | None:
    moving = [i for i, (_, part) in enumerate(parts) if not is_constant(part)]
    if len(moving) != 1:
        return None
    place, steps = moving[0], list[ArithmeticStep]()
    constants = [part.value if isinstance(part, ir.Constant) else None for _, part in parts]
    if place:
        before = constants[0]
        for (sign, _), value in zip(parts[1:place], constants[1:place], strict=True):
            before = values.ARITHMETIC[sign](before, value)  # type: ignore[arg-type]
        steps.append(_operation(parts[place][0], before, is_left=True))
    for (sign, _), value in zip(parts[place + 1 :], constants[place + 1 :], strict=True):
        steps.append(_operation(sign, value, is_left=False))
    return _then(_steps(parts[place][1], unit), steps)


def _operation(sign: Sign, constant: Value, is_left: bool) -> ArithmeticStep:
    operate: Callable[..., Value] = values.ARITHMETIC[sign]
    turns = sign in (Sign.TIMES, Sign.OVER)
    if is_left:
        return (lambda x: operate(constant, x)), turns
    return (lambda x: operate(x, constant)), turns


def _function_steps(function: str, arguments: tuple[ir.Term, ...], unit: ir.Term) -> list[ArithmeticStep] | None:
    moving = [argument for argument in arguments if not is_constant(argument)]
    if len(moving) != 1:
        return None
    call, inner = values.SCALARS[function], _steps(moving[0], unit)
    fixed = [argument.value for argument in arguments if isinstance(argument, ir.Constant)]
    if function == "coalesce":
        if not is_constant(arguments[0]):
            return inner if inner == [] else None
        return None
    return _then(inner, [(lambda x: call(x, *fixed), function == "abs")])


_SIGN_BIT = 1 << 63


def _ordinal(number: float) -> int:
    """Return the position of a double among all doubles."""
    bits: int = struct.unpack("<q", struct.pack("<d", number))[0]
    return bits if bits >= 0 else -(bits + _SIGN_BIT)


def _double(ordinal: int) -> float:
    bits = ordinal if ordinal >= 0 else -ordinal - _SIGN_BIT
    number: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return number


@record
class _Path(Record):
    """A chain of steps as a function of the position of a number on its line."""

    steps: tuple[ArithmeticStep, ...]
    at: Callable[[int], Number]

    def __call__(self, ordinal: int) -> Value:
        value: Value = self.at(ordinal)
        for step, _ in self.steps:
            value = step(value)
        return value


def _changes(steps: Sequence[ArithmeticStep], targets: Sequence[Value], bounds: ValueBounds) -> Iterator[Endpoint]:
    """Yield a breakpoint wherever the number behind *steps* passes one of *targets*, or becomes missing."""
    low, high = ends_of(bounds.minimum, bounds.maximum, bounds.integer)
    if bounds.integer:
        at: Callable[[int], Number] = int
        pieces = [(math.ceil(low), math.floor(high))]
    else:
        at, pieces = _double, [(_ordinal(float(low)), _ordinal(float(high)))]
    edges: set[int] = set()
    for count, (_, turns) in enumerate(steps):
        inner = _Path(tuple(steps[:count]), at)
        if turns:
            pieces = _split(pieces, inner, (_is_positive, _is_not_negative), edges)
        pieces = _split(pieces, _Path(tuple(steps[: count + 1]), at), (_is_missing,), edges)
    path = _Path(tuple(steps), at)
    for value in targets:
        if isinstance(value, int | float):
            for test in _passing(value):
                _split(pieces, path, (test,), edges)  # each by itself: pieces that all of them part would be many
    for edge in edges:
        before, after = at(edge - 1), at(edge)
        yield (before, ABOVE) if len(repr(before)) < len(repr(after)) else (after, BELOW)


def _is_positive(value: Value) -> bool:
    return isinstance(value, int | float) and value > 0


def _is_not_negative(value: Value) -> bool:
    return isinstance(value, int | float) and value >= 0


def _is_missing(value: Value) -> bool:
    return value is None


def _passing(target: Number) -> tuple[Callable[[Value], bool], Callable[[Value], bool]]:
    def above(value: Value) -> bool:
        return isinstance(value, int | float) and value > target

    def at_least(value: Value) -> bool:
        return isinstance(value, int | float) and value >= target

    return above, at_least


def _split(
    pieces: list[tuple[int, int]], path: _Path, tests: Sequence[Callable[[Value], bool]], edges: set[int]
) -> list[tuple[int, int]]:
    """Return *pieces* parted where a test of *path* changes, which it does at most once in each; note the edges."""
    for test in tests:
        parted = []
        for low, high in pieces:
            first = test(path(low))
            if first is test(path(high)):
                parted.append((low, high))
                continue
            left, right = low, high
            while right - left > 1:
                middle = (left + right) // 2
                if test(path(middle)) is first:
                    left = middle
                else:
                    right = middle
            edges.add(right)
            parted += [(low, left), (right, high)]
        pieces = parted
    return pieces


_LONGEST = 64
"""Texts longer than this are not distinguished by their length."""


def _sides(term: ir.Term) -> tuple[ir.Term, ...]:
    """Return what *term* compares; nothing if it is not a comparison, IN or IS MISSING."""
    match term:
        case ir.Compare(_, operands):
            return operands
        case ir.Member(subject, members):
            return (subject, *members)
        case ir.IsMissing(operand):
            return (operand,)
        case _:
            return ()


def _of_length(term: ir.Term, unit: ir.Term, test: TruthFunction) -> AtomicPredicate | None:
    """Return a comparison of the length of a text with constants: "at least n characters" is a glob."""
    sides = _sides(term)
    if not sides or any(side != ir.Apply("length", (unit,), side.datatype) for side in sides if not is_constant(side)):
        return None
    numbers = [side.value for side in sides if isinstance(side, ir.Constant)]
    ends = {math.floor(n) + more for n in numbers if isinstance(n, int | float) for more in (0, 1)}
    if any(end > _LONGEST for end in ends):
        return None
    at_least = {(TextOperator.GLOB, f"{'?' * end}*") for end in ends if end > 0}
    return AtomicPredicate(test, frozenset(), frozenset(), frozenset(at_least))


def _of_lower(term: ir.Term, unit: ir.Term, test: TruthFunction) -> AtomicPredicate | None:
    """Return a test of a text in lower case with constants, as globs of the text itself."""
    operator: TextOperator | None = None
    match term:
        case ir.Compare((Comparator.EQ | Comparator.NE,), operands):
            sides: tuple[ir.Term, ...] = operands
        case ir.Member(subject, members):
            sides = (subject, *members)
        case ir.TextTest(operator, subject, pattern):
            sides = (subject, pattern)
        case ir.IsMissing(operand):
            sides = (operand,)
        case _:
            return None
    if any(side != ir.Apply("lower", (unit,), side.datatype) for side in sides if not is_constant(side)):
        return None
    texts = [side.value for side in sides if isinstance(side, ir.Constant) and isinstance(side.value, str)]
    globs = [case_insensitive_glob(operator, text) for text in texts if is_lower(text) or not text.isascii()]
    if None in globs or (operator is not None and case_insensitive_glob(operator, "") is None):
        return None
    return AtomicPredicate(
        test, frozenset(), frozenset(), frozenset((TextOperator.GLOB, glob) for glob in globs if glob is not None)
    )


def _textual(term: ir.Term, unit: ir.Term, test: TruthFunction) -> AtomicPredicate | None:
    if any(isinstance(part, ir.Apply) and part.function == "lower" for part in ir.walk(term)):
        return _of_lower(term, unit, test)
    if any(isinstance(part, ir.Apply) and part.function == "length" for part in ir.walk(term)):
        return _of_length(term, unit, test)
    words: list[Value] = []
    patterns: frozenset[tuple[TextOperator, str]] = frozenset()
    match term:
        case ir.Compare((Comparator.EQ | Comparator.NE,), operands):
            sides: tuple[ir.Term, ...] = operands
        case ir.Member(subject, members):
            sides = (subject, *members)
        case ir.TextTest(operator, subject, ir.Constant(str() as pattern)) if operator is not TextOperator.MATCHES:
            sides, patterns = (subject,), frozenset({(operator, pattern)})
        case ir.IsMissing(operand):
            sides = (operand,)
        case _:
            return None
    for side in sides:
        match side:
            case ir.Constant(value):
                words.append(value)
            case ir.Apply("coalesce", (first, *others)) if first == unit and all(is_constant(o) for o in others):
                words += [o.value for o in others if isinstance(o, ir.Constant)]
            case _ if side != unit:
                return None
            case _:
                pass  # the unit itself brings no word
    return AtomicPredicate(test, frozenset(), frozenset(w for w in words if isinstance(w, str)), patterns)
