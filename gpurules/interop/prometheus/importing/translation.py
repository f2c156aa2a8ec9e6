"""Expressions of PromQL as conditions of the language: exactly, with a note where labels are lost, or not at all."""

from dataclasses import dataclass, field, replace

from gpurules.interop.prometheus.importing.labels import (
    check_match,
    conditions_of_matchers,
    grouped_family,
    grouped_level,
)
from gpurules.interop.prometheus.importing.metrics import (
    CONSTANT_LABELS,
    MASKS,
    METRIC_FIELDS,
    NODE_LABELS,
    REASON_BITS,
    family_of,
)
from gpurules.interop.prometheus.importing.numbers import GROUPINGS, NumberTranslator, TranslationContext
from gpurules.interop.prometheus.importing.operands import (
    COMPARATORS,
    CONSTANT,
    GPU,
    NODE,
    SETS,
    Filter,
    Measure,
    Untranslatable,
    constant_of,
    direction_of,
    duration,
    finer_level,
    holds,
    is_filter,
    limit_text,
    number,
    refuse,
)
from gpurules.interop.prometheus.importing.syntax import (
    Binary,
    Foreign,
    FunctionCall,
    Grouping,
    Number,
    Promql,
    SeriesPattern,
)
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.model import Kind


@dataclass(slots=True)
class Translator:
    """Translates the expression of one rule."""

    context: TranslationContext = field(default_factory=TranslationContext)

    @property
    def numbers(self) -> NumberTranslator:
        """What translates numbers."""
        return NumberTranslator(self.context, self.condition)

    def condition(self, expression: Promql) -> Filter:
        """Return the condition under which *expression* has a series.

        Raises:
            Untranslatable: there is none that means the same.
        """
        match expression:
            case Binary(operator=operator) if operator in COMPARATORS:
                return self._compare(expression)
            case Binary(operator=operator) if operator in SETS:
                return self._combine(expression)
            case SeriesPattern(name=name, seconds=None) if name in self.context.recordings:
                return self.context.expand(name, self.condition)
            case Grouping():
                return self._grouped_condition(expression)
            case FunctionCall(function="absent") | FunctionCall(function="absent_over_time"):
                raise Untranslatable("absent() is translated only as the whole expression, with its `for`")
            case Foreign(what=what):
                raise Untranslatable(f"{what} has no counterpart")
            case _:
                quantity = self.numbers.quantity(expression)
                return Filter(f"{quantity.operand} IS NOT MISSING", quantity.level, quantity.family, quantity)

    # comparisons

    def _compare(self, expression: Binary) -> Filter:
        if expression.is_bool:
            refuse("`bool` makes a number of a comparison")
        operator, left, right = expression.operator, expression.left, expression.right
        if isinstance(left, Number) and not isinstance(right, Number):
            operator, left, right = Comparator(operator).mirrored.value, right, left
        limit = constant_of(right)
        if limit is not None:
            special = self._special(operator, left, limit)
            if special is not None:
                return special
            return self._compare_to(limit, operator, left)
        one, other = self.numbers.quantity(left), self.numbers.quantity(right)
        check_match(expression, one, other)
        self._note_ratios()
        text = f"{_scaled(one, other.factor)} {operator} {_scaled(other, one.factor)}"
        text = " AND ".join([*one.extra, *other.extra, text])
        return Filter(text, finer_level(one.level, other.level), one.family, one)

    def _compare_to(self, limit: float, operator: str, left: Promql) -> Filter:
        if operator == "!=" and not self.context.joined and isinstance(left, SeriesPattern):
            differs = self._differs(left, limit)
            if differs is not None:
                return differs
        direction = None if self.context.joined else direction_of(operator)
        inner = self.condition(left) if is_filter(left) else None
        quantity = inner.quantity if inner is not None else self.numbers.quantity(left, direction)
        if quantity is None:
            refuse("the value of such a condition has no counterpart")
        if quantity.level == CONSTANT:
            refuse("it compares constants")
        text = f"{quantity.operand} {operator} {limit_text(limit, quantity.factor, quantity.unit)}"
        if quantity.ratio is not None:
            self.context.ratios.remove(quantity.ratio)
            text = _with_infinity(text, operator, quantity.ratio)
        self._note_ratios()
        text = " AND ".join([*([inner.operand] if inner is not None else []), *quantity.extra, text])
        if "count(" in quantity.text and holds(operator, 0.0, limit):
            text = f"{quantity.operand} > 0 AND {text}"  # without any series, count() has no value
        return Filter(text, quantity.level, quantity.family, quantity)

    def _differs(self, selector: SeriesPattern, limit: float) -> Filter | None:
        """Return whether one of several series differs from *limit*. Missing: the metric has a field."""
        if selector.seconds is not None or selector.name in self.context.recordings or selector.name in METRIC_FIELDS:
            return None
        highest, lowest = (self.numbers.quantity(selector, function) for function in ("max", "min"))
        text = " OR ".join(f"{one.text} != {number(limit)}" for one in (lowest, highest))
        return Filter(text, highest.level, highest.family)

    def _note_ratios(self) -> None:
        for _, below in self.context.ratios:
            self.context.notes.append(
                f"where {below} is 0, Prometheus computes with infinity, and the value here is missing"
            )
        self.context.ratios.clear()

    def _special(self, operator: str, left: Promql, limit: float) -> Filter | None:
        """Return comparisons of metrics that are not numbers in the language: masks, flags, increases from zero."""
        match left:
            case SeriesPattern(name=name, seconds=None) if name in MASKS:
                self.context.add_vendor(name)
                conditions_of_matchers(left)
                return Filter(_reasons(operator, limit), GPU, family_of(name))
            case SeriesPattern(name=name, seconds=None) if _is_flag(name):
                self.context.add_vendor(name)
                flag = METRIC_FIELDS[name].field.name
                truth = _flag_truth(operator, limit)
                text = " AND ".join([*conditions_of_matchers(left), flag if truth else f"NOT {flag}"])
                return Filter(text, GPU, family_of(name))
            case FunctionCall(function="increase" | "changes", arguments=(SeriesPattern() as selector,)) if limit == 0:
                return self._xid(left.function, operator, selector)
            case _:
                return None

    def _xid(self, function: str, operator: str, selector: SeriesPattern) -> Filter | None:
        known = METRIC_FIELDS.get(selector.name)
        if known is None or known.field.name != "gpu_xid" or operator != ">" or selector.seconds is None:
            return None
        if function in FUNCTIONS:
            return None  # the language has the same
        self.context.add_vendor(selector.name)
        self.context.notes.append(f"{function}() of the last Xid becomes the age of the last Xid")
        text = " AND ".join([*conditions_of_matchers(selector), f"gpu_xid_age < {duration(selector.seconds)}"])
        return Filter(text, GPU, family_of(selector.name))

    # sets

    def _combine(self, expression: Binary) -> Filter:
        on_node = expression.labels is not None and not expression.ignoring
        on_node = on_node and not set(expression.labels or ()) - NODE_LABELS - CONSTANT_LABELS
        with self.context.joining(expression.operator != "or" and not on_node):
            left, right = self.condition(expression.left), self.condition(expression.right)
        if expression.operator != "or":
            check_match(expression, left, right)
        level = finer_level(left.level, right.level)
        match expression.operator:
            case "and":
                text = f"{left.operand} AND {right.operand}"
            case "unless":
                text = f"{left.operand} AND NOT coalesce({right.text}, FALSE)"
            case _:
                if left.level != right.level:
                    refuse("it joins alerts of GPUs and of the node by `or`")
                text = f"{left.operand} OR {right.operand}"
        if expression.operator != "or" and left.level == NODE and right.level == GPU:
            refuse("it keeps the labels of a node where a GPU decides")
        return Filter(text, level, left.family, left.quantity)

    # groupings

    def _grouped_condition(self, expression: Grouping) -> Filter:
        if not is_filter(expression.operand):
            quantity = self.numbers.quantity(expression)
            return Filter(f"{quantity.operand} IS NOT MISSING", quantity.level, quantity.family, quantity)
        inner = self.condition(expression.operand)
        level = grouped_level(expression, inner.level, self.context.notes)
        if expression.function not in GROUPINGS:
            refuse(f"{expression.function}() has no counterpart")
        if level == GPU or inner.level == NODE:
            return replace(inner, family=grouped_family(expression), quantity=None)
        return Filter(f"any({inner.text})", NODE, grouped_family(expression), None, is_atom=True)


def _is_flag(name: str) -> bool:
    known = METRIC_FIELDS.get(name)
    return known is not None and known.field.datatype.kind is Kind.BOOL


def _flag_truth(operator: str, limit: float) -> bool:
    """Return whether a comparison of 0 or 1 with *limit* holds for 1."""
    for_one, for_none = holds(operator, 1.0, limit), holds(operator, 0.0, limit)
    if for_one == for_none:
        refuse("it compares a flag with a number that decides nothing")
    return for_one


def _reasons(operator: str, limit: float) -> str:
    """Return the reasons that a comparison of the mask of clock-event reasons names."""
    least = limit if operator == ">=" else limit + 1 if operator == ">" else refuse("only `>=` and `>` name reasons")
    bits = [bit for bit in REASON_BITS if bit >= least]
    if least not in REASON_BITS:
        refuse(f"a mask of at least {least:g} does not name reasons one by one: GPUs set lower bits when they are idle")
    return " OR ".join(str(REASON_BITS[bit]) for bit in bits)


def _with_infinity(text: str, operator: str, ratio: tuple[str, str]) -> str:
    """Return a comparison of a ratio that also holds where Prometheus compares infinity, over a zero."""
    above, below = ratio
    if operator == "==":
        return text
    sign = "" if operator == "!=" else f" AND {above} {'>' if operator in ('>', '>=') else '<'} 0"
    known = f" AND {above} IS NOT MISSING" if operator == "!=" else ""
    return f"({text} OR ({below} == 0{sign}{known}))"


def _scaled(quantity: Measure, factor: float) -> str:
    """Return a quantity times *factor*, that of the other side, which brings different units together."""
    return quantity.operand if factor in (1.0, quantity.factor) else f"{quantity.operand} * {number(factor)}"
