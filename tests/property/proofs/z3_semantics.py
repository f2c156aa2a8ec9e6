"""The language written down a second time, for z3: from the normative text, not from the prover.

A term is a pair (its value, whether it is known); a condition is a pair (TRUE, FALSE). A node has up to
``SLOTS`` GPUs, each of which may or may not be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import z3

from gpurules.fields import Field, Scope
from gpurules.language.syntax.nodes import Comparator, Sign, TextOperator
from gpurules.language.terms import ir
from gpurules.model import Kind
from gpurules.rules import Signal

SLOTS = 6
_MINUTE = 60.0
_LARGEST = 2**63 - 1


@dataclass
class Semantics:
    """The variables of one node, and the constraints that they keep."""

    variables: dict[tuple[str, int | None], tuple[Any, Any]] = field(default_factory=dict)
    constraints: list[Any] = field(default_factory=list)
    signals: Mapping[str, Signal] = field(default_factory=dict)
    windows: dict[tuple[str, float, int | None], dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    present: list[Any] = field(default_factory=lambda: [z3.Bool(f"gpu{i}") for i in range(SLOTS)])

    def condition(self, term: ir.Term) -> tuple[Any, Any]:
        """Return when a rule's condition is TRUE and when it is FALSE."""
        if not ir.is_per_gpu(term):
            return self.truth(term, None)
        return self._any(term)

    def _any(self, term: ir.Term) -> tuple[Any, Any]:
        sides = [self.truth(term, slot) for slot in range(SLOTS)]
        return (
            z3.Or([z3.And(here, true) for here, (true, _) in zip(self.present, sides, strict=True)]),
            z3.And([z3.Implies(here, false) for here, (_, false) in zip(self.present, sides, strict=True)]),
        )

    def truth(self, term: ir.Term, slot: int | None) -> tuple[Any, Any]:
        """Return when *term* is TRUE and when it is FALSE on the GPU in *slot*."""
        match term:
            case ir.Constant(value):
                return z3.BoolVal(value is True), z3.BoolVal(value is False)
            case ir.Read():
                value, known = self.read(term.field, slot)
                return z3.And(known, value), z3.And(known, z3.Not(value))
            case ir.Signal(name):
                is_on = self._state(self.signals[name], slot)
                return is_on, z3.Not(is_on)
            case ir.Not(operand):
                true, false = self.truth(operand, slot)
                return false, true
            case ir.And(parts):
                sides = [self.truth(part, slot) for part in parts]
                return z3.And([t for t, _ in sides]), z3.Or([f for _, f in sides])
            case ir.Or(parts):
                sides = [self.truth(part, slot) for part in parts]
                return z3.Or([t for t, _ in sides]), z3.And([f for _, f in sides])
            case ir.IsMissing(operand):
                missing = z3.Not(self.known(operand, slot))
                return missing, z3.Not(missing)
            case ir.Compare(comparators, operands):
                links = [
                    self._link(c, left, right, slot)
                    for c, left, right in zip(comparators, operands, operands[1:], strict=False)
                ]
                return z3.And([t for t, _ in links]), z3.Or([f for _, f in links])
            case ir.Member(subject, members):
                links = [self._link(Comparator.EQ, subject, member, slot) for member in members]
                return z3.Or([t for t, _ in links]), z3.And([f for _, f in links])
            case ir.Aggregate("any", operand):
                return self._any(operand)
            case ir.Aggregate("all", operand):
                sides = [self.truth(operand, s) for s in range(SLOTS)]
                return (
                    z3.And(
                        z3.Or(self.present),
                        *[z3.Implies(p, t) for p, (t, _) in zip(self.present, sides, strict=True)],
                    ),
                    z3.Or([z3.And(p, f) for p, (_, f) in zip(self.present, sides, strict=True)]),
                )
            case ir.TextTest(operator, subject, ir.Constant(str() as pattern)):
                value, known = self.value(subject, slot)
                found = _matches(operator, value, pattern)
                return z3.And(known, found), z3.And(known, z3.Not(found))
            case ir.Apply("coalesce", arguments):
                value, known = self._coalesced([self._bool_value(a, slot) for a in arguments])
                return z3.And(known, value), z3.And(known, z3.Not(value))
            case _:
                raise AssertionError(term)

    def _bool_value(self, term: ir.Term, slot: int | None) -> tuple[Any, Any]:
        true, false = self.truth(term, slot)
        return true, z3.Or(true, false)

    def known(self, term: ir.Term, slot: int | None) -> Any:
        """Return when *term* is not missing."""
        return self._bool_value(term, slot)[1] if term.datatype.kind is Kind.BOOL else self.value(term, slot)[1]

    def _link(self, comparator: Comparator, left: ir.Term, right: ir.Term, slot: int | None) -> tuple[Any, Any]:
        sides = [
            self._bool_value(t, slot) if t.datatype.kind is Kind.BOOL else self.value(t, slot) for t in (left, right)
        ]
        (a, a_known), (b, b_known) = sides
        known = z3.And(a_known, b_known)
        holds = {
            Comparator.LT: lambda: a < b,
            Comparator.LE: lambda: a <= b,
            Comparator.GT: lambda: a > b,
            Comparator.GE: lambda: a >= b,
            Comparator.EQ: lambda: a == b,
            Comparator.NE: lambda: a != b,
        }[comparator]()
        return z3.And(known, holds), z3.And(known, z3.Not(holds))

    def value(self, term: ir.Term, slot: int | None) -> tuple[Any, Any]:
        """Return the value of a number or an enum, and when it is known."""
        match term:
            case ir.Constant(value):
                return self._constant(value), z3.BoolVal(value is not None)
            case ir.Read():
                return self.read(term.field, slot)
            case ir.Window():
                return self._window(term.field, term.seconds, slot)[term.function[:3]]
            case ir.Negative(operand):
                value, known = self.value(operand, slot)
                return -value, known
            case ir.Arithmetic(first, rest):
                value, known = self.value(first, slot)
                for sign, part in rest:
                    other, other_known = self.value(part, slot)
                    value, known = _operate(sign, value, other), z3.And(known, other_known)
                return value, known
            case ir.Apply(function, arguments):
                return self._applied(function, [self.value(a, slot) for a in arguments])
            case ir.Aggregate("count", operand):
                counted = [z3.If(z3.And(p, self.truth(operand, s)[0]), 1, 0) for s, p in enumerate(self.present)]
                return z3.Sum(counted), z3.BoolVal(True)
            case ir.Aggregate(function, operand):
                return self._peak(function, operand)
            case _:
                raise AssertionError(term)

    def _constant(self, value: object) -> Any:
        if isinstance(value, str):
            return z3.StringVal(value)
        return z3.RealVal(str(value)) if isinstance(value, float) else z3.IntVal(value)

    def _applied(self, function: str, sides: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        values = [value for value, _ in sides]
        known = z3.And([k for _, k in sides])
        match function:
            case "abs":
                return z3.If(values[0] < 0, -values[0], values[0]), known
            case "round":
                x = values[0]
                away = z3.If(x >= 0, z3.ToInt(x + z3.Q(1, 2)), -z3.ToInt(-x + z3.Q(1, 2)))
                return away, known
            case "least":
                return reduce(lambda a, b: z3.If(a < b, a, b), values), known
            case "greatest":
                return reduce(lambda a, b: z3.If(a > b, a, b), values), known
            case _:
                return self._coalesced(sides)

    def _coalesced(self, sides: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        value = sides[-1][0]
        for candidate, known in reversed(sides[:-1]):
            value = z3.If(known, candidate, value)
        return value, z3.Or([known for _, known in sides])

    def _peak(self, function: str, operand: ir.Term) -> tuple[Any, Any]:
        best, found = None, z3.BoolVal(False)
        for slot, here in enumerate(self.present):
            value, known = self.value(operand, slot)
            there = z3.And(here, known)
            if best is None:
                best, found = value, there
                continue
            better = value > best if function == "max" else value < best
            best, found = z3.If(z3.And(there, z3.Or(z3.Not(found), better)), value, best), z3.Or(found, there)
        return best, found

    def read(self, wanted: Field, slot: int | None) -> tuple[Any, Any]:
        """Return the variable of a field, and when it is known."""
        key = (wanted.name, slot if wanted.scope is Scope.GPU else None)
        if key not in self.variables:
            self.variables[key] = self._variable(wanted, f"{key[0]}@{key[1]}")
        return self.variables[key]

    def _state(self, signal: Signal, slot: int | None) -> Any:
        """Return whether a signal is on: what its condition and its end decide at once, where no timer puts it off."""
        key = (f"signal {signal.name}", slot if signal.per_gpu else None)
        if key not in self.variables:
            is_on = z3.Bool(f"{key[0]}@{key[1]}")
            self.variables[key] = is_on, z3.BoolVal(True)
            starts, fails = self.truth(signal.condition, key[1])
            ends = fails if signal.until is None else self.truth(signal.until, key[1])[0]
            if not signal.for_seconds:
                self.constraints.append(z3.Implies(starts, is_on))
            if not signal.keep_for_seconds:
                self.constraints.append(z3.Implies(z3.And(ends, z3.Not(starts)), z3.Not(is_on)))
        return self.variables[key][0]

    def _window(self, wanted: Field, seconds: float, slot: int | None) -> dict[str, tuple[Any, Any]]:
        """Return the least, the greatest and the mean of some samples, which those of a shorter window are part of.

        The sample of this instant is part of the shortest.
        """
        key = (wanted.name, seconds, slot)
        if key not in self.windows:
            now = self.read(wanted, slot)
            inner = self._window(wanted, _MINUTE, slot) if seconds > _MINUTE else {"min": now, "max": now}
            known = z3.Bool(f"{key} known")
            values = {name: self._variable(wanted, f"{name} {key}")[0] for name in ("min", "avg", "max")}
            self.windows[key] = {name: (value, known) for name, value in values.items()}
            (least, is_known), (greatest, _) = inner["min"], inner["max"]
            has_them = z3.And(known, values["min"] <= least, greatest <= values["max"])
            self.constraints.append(z3.Implies(is_known, has_them))
            self.constraints += [values["min"] <= values["avg"], values["avg"] <= values["max"]]
        return self.windows[key]

    def _variable(self, wanted: Field, name: str) -> tuple[Any, Any]:
        known = z3.BoolVal(True) if wanted.always_known else z3.Bool(f"{name} known")
        match wanted.datatype.kind:
            case Kind.BOOL:
                return z3.Bool(name), known
            case Kind.STRING:
                variable: Any = z3.String(name)
                if wanted.values:
                    self.constraints.append(z3.Or([variable == z3.StringVal(v) for v in wanted.values]))
                return variable, known
            case _:
                variable = z3.Int(name) if wanted.integer else z3.Real(name)
                if wanted.minimum is not None:
                    self.constraints.append(variable >= int(wanted.minimum))
                highest = wanted.maximum if wanted.maximum is not None else _LARGEST
                self.constraints.append(variable <= int(highest))
                return variable, known


def _matches(operator: TextOperator, value: Any, pattern: str) -> Any:
    """Return when a text passes a test."""
    literal = z3.StringVal(pattern)
    match operator:
        case TextOperator.CONTAINS:
            return z3.Contains(value, literal)
        case TextOperator.STARTSWITH:
            return z3.PrefixOf(literal, value)
        case TextOperator.ENDSWITH:
            return z3.SuffixOf(literal, value)
        case TextOperator.GLOB:
            return z3.InRe(value, _glob(pattern))
        case _:
            raise AssertionError(operator)


def _glob(pattern: str) -> Any:
    """Return the regular expression of a glob with ``*``, ``?``, ``[abc]`` and ``[!abc]``."""
    texts = z3.ReSort(z3.StringSort())
    parts = [z3.Re(z3.StringVal(""))]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            end = pattern.index("]", position)
            inside = pattern[position + 1 : end]
            position = end
            listed = [z3.Re(z3.StringVal(c)) for c in inside.removeprefix("!")]
            chosen = z3.Union(*listed) if len(listed) > 1 else listed[0]
            negated = z3.Intersect(z3.Complement(chosen), z3.AllChar(texts))
            parts.append(negated if inside.startswith("!") else chosen)
        elif character == "*":
            parts.append(z3.Full(texts))
        else:
            parts.append(z3.AllChar(texts) if character == "?" else z3.Re(z3.StringVal(character)))
        position += 1
    return z3.Concat(*parts) if len(parts) > 1 else parts[0]


def _operate(sign: Sign, left: Any, right: Any) -> Any:
    match sign:
        case Sign.PLUS:
            return left + right
        case Sign.MINUS:
            return left - right
        case Sign.TIMES:
            return left * right
        case _:
            return z3.ToReal(left) / right if left.is_int() else left / right
