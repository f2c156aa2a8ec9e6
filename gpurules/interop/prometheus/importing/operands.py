"""What a translated expression is made of: numbers and conditions, and how they are written."""

from dataclasses import dataclass
from math import frexp
from typing import NoReturn

from gpurules.errors import GpurulesError
from gpurules.interop.prometheus.importing.syntax import Binary, Negation, Number, Promql

COMPARATORS = (">", "<", ">=", "<=", "==", "!=")
SETS = ("and", "or", "unless")
NODE, GPU, CONSTANT = "node", "gpu", "constant"
"""What the series of an expression are."""


class Untranslatable(GpurulesError):
    """An expression has no exact counterpart; the message says why."""


def refuse(reason: str) -> NoReturn:
    """Give a reason.

    Raises:
        Untranslatable: always.
    """
    raise Untranslatable(reason)


@dataclass(frozen=True, slots=True)
class FedField:
    """A field to be declared for a metric that has none."""

    name: str
    selector: str
    scope: str
    aggregate: str | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A number: the value of the expression is that of ``text`` over ``factor``.

    ``family`` says which label sets its series have: two of different families never match.
    ``extra`` are conditions that the matchers of its series are; ``unit`` is that of constants beside it.
    ``terms`` are those of a sum. ``is_nonzero`` says that it cannot be 0 where it is known.
    Missing: ``feed`` is the metric that the number is read from where it has no field, if it is nothing else;
    ``ratio`` are numerator and denominator, where the number is their quotient, positive constants aside, and the
    denominator may be 0.
    """

    text: str
    level: str
    factor: float = 1.0
    family: str = ""
    extra: tuple[str, ...] = ()
    is_atom: bool = True
    unit: str = ""
    feed: str | None = None
    terms: tuple[str, ...] = ()
    is_nonzero: bool = False
    ratio: tuple[str, str] | None = None

    @property
    def operand(self) -> str:
        """The text beside an operator."""
        return self.text if self.is_atom else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition: the expression has a series where it is TRUE; ``quantity`` is the value of that series."""

    text: str
    level: str
    family: str = ""
    quantity: Measure | None = None
    is_atom: bool = False

    @property
    def operand(self) -> str:
        """The text beside an operator."""
        return self.text if self.is_atom else f"({self.text})"


def is_filter(expression: Promql) -> bool:
    """Whether an expression keeps some series of another, and so is a condition."""
    return isinstance(expression, Binary) and expression.operator in (*COMPARATORS, *SETS)


def holds(operator: str, value: float, limit: float) -> bool:
    """Whether a comparison holds."""
    return {
        ">": value > limit, "<": value < limit, ">=": value >= limit,
        "<=": value <= limit, "==": value == limit, "!=": value != limit,
    }[operator]  # fmt: skip


def limit_text(limit: float, factor: float, unit: str) -> str:
    """Return a limit times the factor of a unit, in the largest unit that divides it."""
    value = to_unit(limit, factor)
    if unit == "B" and value == int(value) and value > 0:
        for name, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
            if value % size == 0:
                return f"{int(value) // size}{name}"
        return f"{int(value)}B"
    return number(value)


def direction_of(operator: str) -> str | None:
    """Return which of several series decides a comparison; None where each may."""
    return {">": "max", ">=": "max", "<": "min", "<=": "min"}.get(operator)


def constant_of(expression: Promql) -> float | None:
    """Return the value of an expression without series; None where it has some."""
    match expression:
        case Number(value=value):
            return value
        case Negation(operand=operand):
            inner = constant_of(operand)
            return None if inner is None else -inner
        case Binary(operator=operator, left=left, right=right) if operator in "+-*/":
            one, other = constant_of(left), constant_of(right)
            if one is None or other is None or (operator == "/" and not other):
                return None
            return {"+": one + other, "-": one - other, "*": one * other, "/": one / (other or 1)}[operator]
        case _:
            return None


def finer_level(one: str, other: str) -> str:
    """Return the level of two expressions joined."""
    if GPU in (one, other):
        return GPU
    return NODE if NODE in (one, other) else CONSTANT


def is_power_of_two(value: float) -> bool:
    """Whether a number times *value* is never rounded."""
    return value > 0 and frexp(value)[0] == 0.5


def to_unit(value: float, factor: float) -> float:
    """Return a number in another unit, without the noise of doubles where the factor makes some."""
    return value * factor if is_power_of_two(factor) else float(f"{value * factor:.12g}")


def number(value: float) -> str:
    """Return a number as conditions write it, exactly."""
    text = f"{value:.12g}"
    text = text if float(text) == value else repr(value)
    if "e" in text:
        text = f"{value:.0f}" if value == int(value) and abs(value) < 1e18 else text.replace("e+", "e")
    return f"({text})" if value < 0 else text


def duration(seconds: float) -> str:
    """Return a duration as conditions write it."""
    left, parts = round(seconds * 1000), []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def quote_double(text: str) -> str:
    """Return a text in double quotes, as PromQL writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
