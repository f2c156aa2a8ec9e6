"""Writes numbers in PromQL; where one is missing, there is no sample, or NaN, which no comparison holds for."""

import math
from collections.abc import Callable, Mapping

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql.naming import MetricNaming
from gpurules.backends.promql.vectors import Algebra, Level, TruthVectors, Vector
from gpurules.language.syntax.nodes import Sign
from gpurules.language.terms import ir

_EXACT = 2**53
_AT_LEAST = 0.002
_CLOCK = {
    "hour": "hour()",
    "time_of_day": "hour() * 3600 + minute() * 60 + floor(vector(time() % 60))",
}
_EXTRAPOLATED = "PromQL extrapolates {0} to the edges of its window, the language does not"
_WINDOWS = {
    "avg_over_time": True, "max_over_time": True, "min_over_time": True, "sum_over_time": True,
    "last_over_time": True, "stddev_over_time": True, "quantile_over_time": True, "predict_linear": True,
    "deriv": True, "count_over_time": False, "changes": False,
}  # fmt: skip
"""The windows that PromQL has too, and whether their value is in the unit of the metric."""
_OPERATORS: Mapping[Sign, str] = {Sign.PLUS: "+", Sign.MINUS: "-", Sign.TIMES: "*", Sign.OVER: "/"}


def number_text(value: float, span: object = None) -> str:
    """Return a number as PromQL writes it.

    Raises:
        UnsupportedError: it is an integer that a double cannot hold.
    """
    if isinstance(value, int) and abs(value) > _EXACT and int(float(value)) != value:
        raise UnsupportedError(f"{value} is not exact in PromQL, which has doubles only")
    text = repr(float(value)) if not float(value).is_integer() or abs(value) >= 1e16 else str(int(value))
    return f"({text})" if value < 0 else text


def range_text(seconds: float) -> str:
    """Return the range ``(now - seconds, now]``, which ends a millisecond short of its left edge in Prometheus 2.

    Raises:
        UnsupportedError: it is shorter than that allows.
    """
    if seconds < _AT_LEAST:
        raise UnsupportedError("a window of less than 2 ms cannot be written in PromQL")
    whole = round(seconds * 1000) - 1
    parts = [f"{whole // 1000}s"] if whole >= 1000 else []
    return "".join([*parts, *([f"{whole % 1000}ms"] if whole % 1000 else [])])


class NumberVectors:
    """The numbers of one condition."""

    def __init__(self, naming: MetricNaming, algebra: Algebra, truth: Callable[[ir.Term], TruthVectors]) -> None:
        self._naming = naming
        self._algebra = algebra
        self._truth = truth

    def number(self, term: ir.Term) -> Vector:
        """Return the vector of *term*, a number."""
        match term:
            case ir.Constant():
                return self._constant(term)
            case ir.Read():
                return self._read(term)
            case ir.Window():
                return self._window(term)
            case ir.Negative():
                operand = self.number(term.operand)
                return Vector(f"-{operand.operand}", operand.level)
            case ir.Arithmetic():
                found = self.number(term.first)
                for sign, part in term.rest:
                    found = self._combined(sign, found, self.number(part))
                return found
            case ir.Apply():
                return self._apply(term)
            case ir.Aggregate():
                return self._aggregate(term)
            case _:
                raise UnsupportedError("a condition is not a number", term.span)

    def _constant(self, term: ir.Constant) -> Vector:
        if term.value is None:
            return Vector("vector(1) == 0", Level.GLOBAL)
        if isinstance(term.value, str) or not math.isfinite(term.value):
            raise UnsupportedError("PromQL has no such number", term.span)
        return Vector(number_text(term.value), Level.SCALAR, is_atom=True)

    def _read(self, term: ir.Read) -> Vector:
        if term.field.name in _CLOCK:
            return Vector(_CLOCK[term.field.name], Level.GLOBAL)
        text = self._naming.metric(self._naming.numbers, term)
        level = Level.GPU if term.field.is_per_gpu else Level.NODE
        if "{by}" in text:
            return Vector(text.replace("{by}", self._algebra.labels(level)), level)
        return self._algebra.aggregate(text, level)

    def _window(self, term: ir.Window) -> Vector:
        if term.operand is not None:
            raise UnsupportedError(f"a window over the definition {term.field.name}", term.span)
        if term.function not in _WINDOWS:
            raise UnsupportedError(_EXTRAPOLATED.format(term.function), term.span)
        selector, factor = self._naming.metric(self._naming.series, term)
        first = f"{number_text(term.parameter or 0.0)}, " if term.function == "quantile_over_time" else ""
        last = f", {number_text(term.parameter or 0.0)}" if term.function == "predict_linear" else ""
        call = f"{term.function}({first}{selector}[{range_text(term.seconds)}]{last})"
        found = self._algebra.aggregate(call, Level.GPU if term.field.is_per_gpu else Level.NODE)
        if factor == 1 or not _WINDOWS[term.function]:
            return found
        return Vector(f"{found.operand} * {number_text(factor)}", found.level)

    def _combined(self, sign: Sign, left: Vector, right: Vector) -> Vector:
        if sign is Sign.OVER and right.level is not Level.SCALAR:
            right = Vector(f"{right.operand} != 0", right.level)  # a quotient by zero is missing
        if sign is Sign.OVER and right.level is Level.SCALAR and float(right.text.strip("()")) == 0:
            return Vector("vector(1) == 0", Level.GLOBAL)
        return self._algebra.combine(_OPERATORS[sign], left, right)

    def _apply(self, term: ir.Apply) -> Vector:
        operands = [self.number(part) for part in term.arguments]
        first = operands[0]
        match term.function:
            case "abs" | "floor" | "ceil":
                return Vector(f"{term.function}({self._vector(first)})", first.level, is_atom=True)
            case "round":
                inside = self._vector(first)
                return Vector(f"sgn({inside}) * floor(abs({inside}) + 0.5)", first.level)
            case "coalesce":
                level = max(operand.level for operand in operands)
                found = self._algebra.broadcast(operands[-1], max(level, Level.GLOBAL))
                for operand in reversed(operands[:-1]):
                    if operand.level is Level.SCALAR:
                        found = self._algebra.broadcast(operand, max(level, Level.GLOBAL))
                        continue
                    known = Vector(f"{operand.operand} > -Inf", operand.level)
                    found = self._algebra.either(known, found)
                return found
            case "least" | "greatest":
                for operand in operands[1:]:
                    first = self._chosen("<=" if term.function == "least" else ">=", first, operand)
                return first
            case _:
                raise UnsupportedError(f"PromQL has no function like {term.function}", term.span)

    @staticmethod
    def _vector(operand: Vector) -> str:
        return f"vector({operand.text})" if operand.level is Level.SCALAR else operand.text

    def _chosen(self, order: str, left: Vector, right: Vector) -> Vector:
        """Return the smaller or larger of two numbers; it is missing if either is."""
        if left.level is Level.SCALAR:
            left, right = right, left
        if right.level is Level.SCALAR:
            if left.level is Level.SCALAR:
                left = Vector(f"vector({left.text})", Level.GLOBAL, is_atom=True)
            clamp = "clamp_max" if order == "<=" else "clamp_min"
            return Vector(f"{clamp}({left.text}, {right.text})", left.level, is_atom=True)
        level = max(left.level, right.level)
        left, right = (self._numbered(vector, level) for vector in (left, right))
        strict = order[0]
        return self._algebra.either(
            self._algebra.combine(order, left, right), self._algebra.combine(strict, right, left)
        )

    def _numbered(self, vector: Vector, level: Level) -> Vector:
        """Return a number with its own value for each GPU or node at *level*."""
        if vector.level is level:
            return vector
        return self._algebra.combine("*", self._algebra.every(level), vector)

    def _aggregate(self, term: ir.Aggregate) -> Vector:
        algebra, by = self._algebra, self._algebra.labels(Level.NODE)
        if term.function == "count":
            true = algebra.broadcast(self._truth(term.operand).true, Level.GPU)
            none = Vector(f"{algebra.every(Level.NODE).operand} * 0", Level.NODE)
            counted = Vector(f"count by {by} ({true.text})", Level.NODE, is_atom=True)
            return algebra.either(counted, none)
        operand = self.number(term.operand)
        if operand.level is not Level.GPU:
            operand = self._numbered(algebra.broadcast(operand, Level.GLOBAL), Level.GPU)
        known = f"{operand.operand} > -Inf"
        if term.function == "avg":  # PromQL's own takes a running mean, which rounds differently
            count = Vector(f"count by {by} ({known})", Level.NODE, is_atom=True)
            return algebra.combine("/", Vector(f"sum by {by} ({known})", Level.NODE, is_atom=True), count)
        return Vector(f"{term.function} by {by} ({known})", Level.NODE, is_atom=True)
