"""Numbers of PromQL as numbers of the language, with the factor between their units."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gpurules.interop.prometheus.importing.labels import (
    check_match,
    conditions_of_matchers,
    grouped_family,
    grouped_level,
)
from gpurules.interop.prometheus.importing.metrics import GPU_LABELS, MASKS, METRIC_FIELDS, family_of, vendor_of
from gpurules.interop.prometheus.importing.operands import (
    CONSTANT,
    GPU,
    NODE,
    FedField,
    Filter,
    Measure,
    Untranslatable,
    constant_of,
    duration,
    finer_level,
    is_filter,
    is_power_of_two,
    limit_text,
    number,
    quote_double,
    refuse,
    to_unit,
)
from gpurules.interop.prometheus.importing.syntax import (
    Binary,
    Foreign,
    FunctionCall,
    Grouping,
    Negation,
    Number,
    Promql,
    SeriesPattern,
    StringLiteral,
)
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.model import Dimension, Kind

_WINDOWS = frozenset(
    {"avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "count_over_time", "stddev_over_time"}
    | {"last_over_time", "quantile_over_time", "rate", "delta", "increase", "deriv", "changes", "predict_linear"}
)
_NONZERO = ("_total", "_limit", "_max")
"""Endings of the fields of a GPU that are never 0: what there is in all, and what is allowed at most."""
_EXTRAPOLATED = frozenset({"rate", "delta", "increase"})
GROUPINGS = frozenset({"max", "min", "avg", "sum", "count", "group"})

MAX_NESTED_RECORDINGS = 10
Result = TypeVar("Result")


@dataclass(slots=True)
class TranslationContext:
    """What is known of the file, and what the translation of one rule has found out.

    ``recordings`` are the expressions that the file records, by name; ``feeds`` are those of all its rules, so that two
    series of one metric get two names.
    """

    recordings: Mapping[str, Promql] = field(default_factory=dict)
    feeds: dict[str, FedField] = field(default_factory=dict)
    used_feeds: list[FedField] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    vendors: set[str] = field(default_factory=set)
    used_recordings: set[str] = field(default_factory=set)
    ratios: list[tuple[str, str]] = field(default_factory=list)
    depth: int = 0
    joined: int = 0

    @contextmanager
    def joining(self, joins: bool = True) -> Iterator[None]:
        """Translate what has to hold for one series: several may not be reduced before, each by its own limit."""
        self.joined += joins
        try:
            yield
        finally:
            self.joined -= joins

    def add_vendor(self, metric: str) -> None:
        """Remember the vendor of a metric."""
        vendor = vendor_of(metric)
        if vendor is not None:
            self.vendors.add(vendor)

    def expand(self, name: str, translate: Callable[[Promql], Result]) -> Result:
        """Return the translation of a recording rule, in place of its series.

        Raises:
            Untranslatable: it refers to itself.
        """
        if self.depth > MAX_NESTED_RECORDINGS:
            refuse(f"the recording rule {name} refers to itself")
        self.depth += 1
        try:
            self.used_recordings.add(name)
            return translate(self.recordings[name])
        finally:
            self.depth -= 1


@dataclass(slots=True)
class NumberTranslator:
    """Translates numbers; *condition* translates what is counted."""

    context: TranslationContext
    condition: Callable[[Promql], Filter]

    def quantity(self, expression: Promql, direction: str | None = None) -> Measure:
        """Return the number that *expression* is.

        Raises:
            Untranslatable: there is none that means the same.
        """
        match expression:
            case Number(value=value):
                return Measure(number(value), CONSTANT)
            case Negation(operand=operand):
                inner = self.quantity(operand)
                return _computed(inner, f"-{inner.operand}")
            case SeriesPattern(name=name, seconds=None) if name in self.context.recordings:
                return self.context.expand(name, self.quantity)
            case SeriesPattern(seconds=None):
                return self._read(expression, direction)
            case FunctionCall():
                return self._call(expression)
            case Grouping():
                return self._grouped(expression)
            case Binary(operator=operator) if operator in "+-*/":
                return self._arithmetic(expression, direction)
            case Binary(operator=operator):
                raise Untranslatable(f"the value of `{operator}` has no counterpart")
            case Foreign(what=what):
                raise Untranslatable(f"{what} has no counterpart")
            case StringLiteral() | SeriesPattern():
                raise Untranslatable("it is not a number")

    def _read(self, selector: SeriesPattern, direction: str | None) -> Measure:
        name = selector.name
        known = METRIC_FIELDS.get(name)
        self.context.add_vendor(name)
        if known is None:
            return self._fed(selector, direction)
        if known.field.datatype.kind is not Kind.NUMBER or name in MASKS:
            refuse(f"{name} is not a number in the language")
        level = GPU if known.field.is_per_gpu else NODE
        extra = tuple(conditions_of_matchers(selector))
        unit = "B" if known.field.datatype.dimension is Dimension.BYTES else ""
        is_nonzero = known.field.name.endswith(_NONZERO)
        family = family_of(name)
        return Measure(known.field.name, level, known.factor, family, extra, unit=unit, is_nonzero=is_nonzero)

    def _fed(self, selector: SeriesPattern, direction: str | None) -> Measure:
        """Return a field that is declared for a metric which has none; the labels of its series are lost.

        *direction* is what reduces several series. Missing: None: where there are several, the field has no value.
        """
        is_gpu = _is_of_gpus(selector.name)
        matchers = ", ".join(f"{label}{sign}{quote_double(value)}" for label, sign, value in selector.matchers)
        text = f"{selector.name}{{{matchers}}}" if matchers else selector.name
        scope = GPU if is_gpu else NODE
        base = "".join(c if c.isalnum() else "_" for c in selector.name.lower())
        name = base = f"{base}_{direction}" if direction else base
        taken = {feed.name for feed in self.context.feeds.values()}
        key, count = f"{text} {direction}", 1
        if key not in self.context.feeds:
            while name in taken:
                name, count = f"{base}_{count + 1}", count + 1
            self.context.feeds[key] = FedField(name, text, scope, direction)
        self.context.used_feeds.append(self.context.feeds[key])
        lost = "its labels are lost" if direction else "where it has several series, it is missing"
        self.context.notes.append(
            f"{selector.name} is read from its series, which have to name the GPU; {lost}"
            if is_gpu
            else f"{selector.name} becomes one reading of the node: {lost}"
        )
        return Measure(self.context.feeds[key].name, scope, 1.0, family_of(selector.name), feed=selector.name)

    def _call(self, call: FunctionCall) -> Measure:
        if call.function in _WINDOWS:
            return self._window(call)
        if call.function in ("abs", "ceil", "floor") and len(call.arguments) == 1:
            inner = self.quantity(call.arguments[0])
            if inner.factor != 1 and call.function != "abs":
                refuse(f"{call.function}() of another unit has no counterpart")
            return _computed(inner, f"{call.function}({inner.text})", is_atom=True)
        if call.function in ("clamp_min", "clamp_max") and len(call.arguments) == 2:
            inner, limit = self.quantity(call.arguments[0]), constant_of(call.arguments[1])
            if limit is None or inner.level == CONSTANT:
                refuse(f"the limit of {call.function}() is not a constant")
            name = "greatest" if call.function == "clamp_min" else "least"
            text = f"{name}({inner.text}, {limit_text(limit, inner.factor, inner.unit)})"
            is_nonzero = inner.is_nonzero if name == "least" else limit > 0
            return _computed(inner, text, is_atom=True, is_nonzero=is_nonzero)
        raise Untranslatable(f"{call.function}() has no counterpart")

    def _window(self, call: FunctionCall) -> Measure:
        arguments = list(call.arguments)
        first = last = ""
        if call.function == "quantile_over_time":
            level = constant_of(arguments.pop(0))
            first = f"{number(level)}, " if level is not None else refuse("the quantile is not a constant")
        if call.function == "predict_linear":
            seconds = constant_of(arguments.pop())
            last = f", {number(seconds)}s" if seconds is not None and seconds > 0 else refuse("it predicts the past")
        (selector,) = arguments if len(arguments) == 1 else refuse(f"{call.function}() has other arguments")
        if not isinstance(selector, SeriesPattern) or selector.seconds is None:
            refuse(f"{call.function}() looks at a computed range")
        if call.function not in FUNCTIONS:
            refuse(f"the language has no {call.function}()")
        inner = self._read(replace(selector, seconds=None), None)
        if inner.feed is not None and inner.level == NODE:
            refuse(f"{inner.feed} may have several series on a node, and a window looks at one")
        if call.function in _EXTRAPOLATED:
            self.context.notes.append(f"Prometheus extrapolates {call.function}() to the edges of its window")
        # ranges of Prometheus 2 include their left edge, windows of the language do not
        text = f"{call.function}({first}{inner.text}[{duration(selector.seconds + 0.001)}]{last})"
        is_count = call.function in ("count_over_time", "changes")
        unit = "" if is_count or call.function in ("rate", "deriv") else inner.unit
        factor = 1.0 if is_count else inner.factor
        return replace(_computed(inner, text, is_atom=True), factor=factor, unit=unit)

    def _grouped(self, expression: Grouping) -> Measure:
        function, family = expression.function, grouped_family(expression)
        if function not in GROUPINGS - {"group"}:
            refuse(f"{function}() has no counterpart")
        if is_filter(expression.operand):
            with self.context.joining():
                inner = self.condition(expression.operand)
            if function != "count":
                refuse(f"{function}() of a comparison has no counterpart")
            level = grouped_level(expression, inner.level, self.context.notes)
            if level == GPU or inner.level == NODE:
                refuse("count() of one series is always 1")
            return Measure(f"count({inner.text})", NODE, 1.0, family)
        operand = expression.operand
        is_plain = isinstance(operand, SeriesPattern) and operand.name not in self.context.recordings
        quantity = self.quantity(operand, _reducing(expression) if is_plain else None)
        level = grouped_level(expression, quantity.level, self.context.notes)
        if quantity.level == NODE and not is_plain:
            refuse(f"{function}() joins several series of a node")
        if quantity.level == GPU and level == NODE:
            if function == "count":
                text = " AND ".join([*quantity.extra, f"{quantity.operand} IS NOT MISSING"])
                return Measure(f"count({text})", NODE, 1.0, family)
            if quantity.extra:
                refuse(f"{function}() over some of the GPUs has no counterpart")
            return Measure(f"{function}({quantity.text})", NODE, quantity.factor, family, unit=quantity.unit)
        if function == "count" and quantity.feed is None:
            refuse("count() of one series is always 1")
        return replace(quantity, level=level if quantity.level != CONSTANT else CONSTANT, family=family)

    def _arithmetic(self, expression: Binary, direction: str | None) -> Measure:
        operator, constant = expression.operator, constant_of(expression.right)
        if constant is not None and operator in "*/" and constant:
            return _times(self.quantity(expression.left, direction if constant > 0 else None), operator, constant)
        constant = constant_of(expression.left)
        if constant is not None and operator == "*" and constant:
            return _times(self.quantity(expression.right, direction if constant > 0 else None), operator, constant)
        left, right = self.quantity(expression.left), self.quantity(expression.right)
        check_match(expression, left, right)
        extra = (*left.extra, *(text for text in right.extra if text not in left.extra))
        level, family = finer_level(left.level, right.level), left.family or right.family
        if operator in "+-":
            if CONSTANT in (left.level, right.level):
                left, right = _in_unit(left, right), _in_unit(right, left)
            elif left.factor != right.factor:
                refuse("it adds metrics of different units")
            text = f"{left.operand} {operator} {right.operand}"
            terms = (*(left.terms or (left.text,)), *(right.terms or (right.text,))) if operator == "+" else ()
            return Measure(text, level, left.factor, family, extra, False, terms=terms)
        factor = left.factor * right.factor if operator == "*" else left.factor / right.factor
        text, ratio = f"{left.operand} {operator} {right.operand}", None
        if operator == "/" and not right.is_nonzero and left.text not in right.terms:
            ratio = (left.operand, right.operand)
            self.context.ratios.append(ratio)
        return Measure(text, level, factor, family, extra, False, ratio=ratio)


def _is_of_gpus(metric: str) -> bool:
    """Whether the series of a metric that has no field are of GPUs, by its name."""
    return vendor_of(metric) is not None or "gpu" in metric.lower()


def _reducing(expression: Grouping) -> str | None:
    """Return what reduces the series of one GPU or node below a grouping, so that the whole stays the same."""
    keeps_gpus = expression.without or set(expression.labels or ()) & GPU_LABELS
    is_gpu = isinstance(expression.operand, SeriesPattern) and _is_of_gpus(expression.operand.name)
    return expression.function if not is_gpu or keeps_gpus or expression.function in ("sum", "max", "min") else None


def _computed(inner: Measure, text: str, is_atom: bool = False, is_nonzero: bool = False) -> Measure:
    """Return a number that is computed from another one of the same unit."""
    return replace(inner, text=text, is_atom=is_atom, feed=None, terms=(), is_nonzero=is_nonzero, ratio=None)


def _times(inner: Measure, operator: str, constant: float) -> Measure:
    """Return a number times or over a constant: as it is written, unless both ways are never rounded."""
    if is_power_of_two(constant):
        factor = inner.factor / constant if operator == "*" else inner.factor * constant
        return replace(inner, factor=factor, feed=None, terms=())
    made = _computed(inner, f"{inner.operand} {operator} {number(constant)}", is_nonzero=inner.is_nonzero)
    return replace(made, ratio=inner.ratio if constant > 0 else None)


def _in_unit(quantity: Measure, other: Measure) -> Measure:
    if quantity.level != CONSTANT:
        return quantity
    return Measure(number(to_unit(float(quantity.text.strip("()")), other.factor)), CONSTANT, other.factor)
