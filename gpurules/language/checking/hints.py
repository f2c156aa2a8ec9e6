"""What the checker advises: remedies for wrong names, types and dimensions, and warnings of odd literals."""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from gpurules.diagnostics import Edit, Finding
from gpurules.fields import FIELDS, Field
from gpurules.fields.detection import extension_meant
from gpurules.language.syntax.foreign_names import (
    ACTION_NAMES,
    FIELD_OF,
    INSTEAD_OF_FUNCTION,
    for_action,
    for_metric,
    for_metric_of_node,
)
from gpurules.language.syntax.nodes import Sign
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.model import Dimension, Kind, format_amount
from gpurules.registry import did_you_mean, nearest, unambiguous_match


class KnownNames(Protocol):
    """The names in force."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name there is."""
        ...


_SPECIAL = {
    "gpu_memory_utilization": "it is ambiguous: gpu_memory is memory in use (used/total), gpu_memory_busy the "
    "memory controller's busy time",
    "gpu_mem": "did you mean 'gpu_memory'?",
    "memory": "did you mean 'gpu_memory'?",
    "temperature": "did you mean 'gpu_temperature'?",
    "gpu_temp": "did you mean 'gpu_temperature'?",
    "gpu_util": "did you mean 'gpu_utilization'?",
    "NULL": "test with IS MISSING",
    "null": "test with IS MISSING",
    "None": "test with IS MISSING",
}
_PAIRS = {
    ("gpu_memory", Dimension.BYTES): "gpu_memory is a percentage; for bytes use gpu_memory_used",
    ("gpu_memory_used", Dimension.PERCENT): "gpu_memory_used is in bytes; the percentage is gpu_memory",
    ("gpu_memory_free", Dimension.PERCENT): "gpu_memory_free is in bytes; the percentage in use is gpu_memory",
    ("gpu_memory_busy", Dimension.BYTES): "gpu_memory_busy is a share of time; for bytes use gpu_memory_used",
}
_ENUM_OWNERS = {value: field.name for field in FIELDS.values() for value in field.values}


def for_unknown_name(name: str, known: Iterable[str]) -> str | None:
    """Return advice on a name that stands for nothing."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    if name in ACTION_NAMES:
        return for_action(name)
    metric = for_metric(name)
    if metric is not None:
        return metric
    close = did_you_mean(name, known)
    if name in _ENUM_OWNERS and (close is None or len(name) < 8):
        return f"a string needs quotes: '{name}'"
    return close or for_metric_of_node(name)


def intended_name(name: str, known: Iterable[str]) -> str | None:
    """Return the one name that *name* is a slip of, None where it may as well be something else."""
    return (
        None
        if name in _SPECIAL or name in _ENUM_OWNERS or name in FIELD_OF or name in ACTION_NAMES
        else unambiguous_match(name, known)
    )


def for_unknown_function(name: str) -> str | None:
    """Return advice on a function that does not exist."""
    instead = INSTEAD_OF_FUNCTION.get(name.lower())
    if instead is not None:
        return instead
    if name in ACTION_NAMES:
        return for_action(name)
    if name in FIELDS:
        return f"{name} is a field: write it without brackets"
    close = nearest(name, FUNCTIONS)
    if close:
        return f"did you mean {FUNCTIONS[close[0]].signature}?"
    return "functions: " + ", ".join(FUNCTIONS)


def beside(name: str, others: Iterable[ir.Term]) -> tuple[str, str | None] | None:
    """Return advice on an unknown *name* that is compared with *others*, and what to put in its place.

    Beside a text it is a text without quotes, beside a truth the word for one.

    Missing: None if *others* suggest nothing; no replacement if the whole comparison has to be rewritten.
    """
    for other in others:
        if other.datatype.kind is Kind.STRING:
            values = other.field.values if isinstance(other, ir.Read) else ()
            close = nearest(name, values) if name not in values else ()
            text = f"'{close[0] if close else name}'"
            return f"a string needs quotes: {text}", text
        truth = _TRUTHS.get(name.lower())
        if other.datatype.kind is Kind.BOOL and truth is not None:
            return f"use a bool by itself: {describe(other)}, or NOT {describe(other)}", str(truth).upper()
    return None


_TRUTHS = {
    "yes": True,
    "on": True,
    "y": True,
    "enabled": True,
    "no": False,
    "off": False,
    "n": False,
    "disabled": False,
}


def describe(term: ir.Term) -> str:
    """Return *term* in a word or two, for a message."""
    match term:
        case ir.Read(field):
            return field.name
        case ir.Constant(value, datatype):
            if term.spelling:
                return term.spelling
            return (
                repr(value)
                if datatype.kind is Kind.STRING
                else str(value).upper()
                if isinstance(value, bool)
                else f"{value}"
            )
        case ir.Signal(name):
            return name
        case ir.Aggregate(function) | ir.Apply(function) | ir.Window(function):
            return f"{function}(…)"
        case ir.Arithmetic(_, rest):
            return (
                "the sum"
                if rest[0][0] in (Sign.PLUS, Sign.MINUS)
                else "the quotient"
                if rest[0][0] is Sign.OVER
                else "the product"
            )
        case ir.Negative():
            return "the negation"
        case _:
            return "the condition"


def for_condition(term: ir.Term) -> str | None:
    """Return advice for a value in place of a condition."""
    if term.datatype.kind is Kind.NUMBER:
        return f"compare it: {describe(term)} > …"
    return f"compare it: {describe(term)} == '…'" if term.datatype.kind is Kind.STRING else None


def for_types(left: ir.Term, right: ir.Term) -> str | None:
    """Return advice where two types do not fit."""
    kinds = {left.datatype.kind, right.datatype.kind}
    if kinds == {Kind.NUMBER, Kind.STRING}:
        text = left if left.datatype.kind is Kind.STRING else right
        if isinstance(text, ir.Constant) and any(c.isdigit() for c in str(text.value)):
            return f"write the number without quotes: {text.value}"
    if kinds in ({Kind.BOOL, Kind.STRING}, {Kind.BOOL, Kind.NUMBER}):
        truth = left if left.datatype.kind is Kind.BOOL else right
        return f"use {describe(truth)} by itself, or with NOT"
    if _reads_weekday(left) or _reads_weekday(right):
        return "days are not ordered: list them, as in weekday IN ('sat', 'sun')"
    if left.datatype.kind is Kind.STRING:
        return "strings are compared with ==, !=, IN, or GLOB"
    return None


def _reads_weekday(term: ir.Term) -> bool:
    return isinstance(term, ir.Read) and term.field.name == "weekday"


def for_dimensions(left: ir.Term, right: ir.Term) -> str | None:
    """Return advice where two dimensions do not fit."""
    for one, other in ((left, right), (right, left)):
        dimension = other.datatype.dimension
        if isinstance(one, ir.Read):
            special = _PAIRS.get((one.field.name, dimension))
            if special:
                return special
        if isinstance(one, ir.Arithmetic) and dimension is Dimension.PERCENT and isinstance(other, ir.Constant):
            share = float(other.value) / 100 if isinstance(other.value, int | float) else 0
            reads = {f.name for f in ir.fields(one)}
            instead = " or use gpu_memory" if reads == {"gpu_memory_used", "gpu_memory_total"} else ""
            return f"a quotient is a bare number: compare with {share:g}{instead}"
    if isinstance(left, ir.Read) and isinstance(right, ir.Constant):
        unit = _UNIT_OF.get(left.datatype.dimension)
        return f"{left.field.name} is in {left.datatype}" + (f": write {unit}" if unit else "")
    if isinstance(right, ir.Read) and isinstance(left, ir.Constant):
        return for_dimensions(right, left)
    return None


_INSTEAD = {
    ("gpu_memory", Dimension.BYTES): "gpu_memory_used",
    ("gpu_memory_used", Dimension.PERCENT): "gpu_memory",
}


def dimensions_fix(left: ir.Term, right: ir.Term) -> tuple[Edit, ...]:
    """Return the edit after which two dimensions fit, none where several are as likely.

    The percentage of memory and its bytes change places; a share of a quotient is written as the bare number that it
    is; a percentage of free memory as that share of the whole.
    """
    for one, other in ((left, right), (right, left)):
        is_share = isinstance(other, ir.Constant) and other.datatype.dimension is Dimension.PERCENT
        match one:
            case ir.Read(field) if (field.name, other.datatype.dimension) in _INSTEAD:
                return (Edit(one.span, _INSTEAD[field.name, other.datatype.dimension]),)
            case ir.Read(field) if is_share and field.name == "gpu_memory_free":
                return (Edit(other.span, f"{describe(other)} * gpu_memory_total"),)
            case ir.Arithmetic() if is_share and one.datatype.dimension is Dimension.NONE:
                return (Edit(other.span, f"{_fraction(other):g}"),)
    return ()


def _fraction(percentage: ir.Term) -> float:
    value = percentage.value if isinstance(percentage, ir.Constant) else None
    return value / 100 if isinstance(value, int | float) else 0.0


_UNIT_OF = {
    Dimension.PERCENT: "80%",
    Dimension.BYTES: "100MB",
    Dimension.BYTES_PER_SECOND: "100MB/s",
    Dimension.SECONDS: "30s",
    Dimension.CELSIUS: "85C",
    Dimension.WATTS: "300W",
    Dimension.JOULES: "10kJ",
    Dimension.HERTZ: "1500MHz",
}


def for_product(terms: Sequence[ir.Term], sign: Sign) -> str | None:
    """Return advice where a product or quotient has no dimension."""
    percent = next((t for t in terms if t.datatype.dimension is Dimension.PERCENT), None)
    if percent is not None and sign is Sign.TIMES and not isinstance(percent, ir.Constant):
        return f"convert it to a share: {describe(percent)} / 100%"
    return None


def product_fix(terms: Sequence[ir.Term], sign: Sign) -> tuple[Edit, ...]:
    """Return the edit that makes a share of a percentage that is multiplied, none where there is none."""
    percent = next((t for t in terms if t.datatype.dimension is Dimension.PERCENT), None)
    if not isinstance(percent, ir.Read) or sign is not Sign.TIMES:
        return ()
    return (Edit(percent.span, f"({percent.field.name} / 100%)"),)


def warn_of_literals(terms: Sequence[ir.Term], findings: list[Finding]) -> None:
    """Warn of constants that a field among *terms* never takes: outside its enum or its range."""
    field = next((t.field for t in terms if isinstance(t, ir.Read)), None)
    if field is None:
        return
    for term in terms:
        if isinstance(term, ir.Constant):
            if field.values and isinstance(term.value, str):
                _warn_of_enum(field, term, findings)
            elif field.name == "file_extension" and isinstance(term.value, str):
                _warn_of_extension(term, term.value, findings)
            elif isinstance(term.value, int | float) and not isinstance(term.value, bool):
                _warn_of_range(field, term.value, term, findings)


def _warn_of_extension(term: ir.Constant, value: str, findings: list[Finding]) -> None:
    intended = extension_meant(value)
    if intended is not None:
        hint = f"a file extension is the last one, with its dot and in lower case: '{intended}'"
        edits = (Edit(term.span, f"'{intended}'"),) if re.fullmatch(r"\.[a-z0-9_]+", intended) else ()
        findings.append(Finding("GPR107", term.span, f"file_extension is never {value!r}", hint, edits))


def _warn_of_enum(field: Field, term: ir.Constant, findings: list[Finding]) -> None:
    value = str(term.value)
    if value in field.values:
        return
    folded = value.lower()
    if folded in field.values:
        edit = Edit(term.span, f"'{folded}'")
        findings.append(
            Finding(
                "GPR108",
                term.span,
                f"{field.name} is written {folded!r}, in lower case",
                f"write '{folded}'",
                (edit,),
                True,
            )
        )
        return
    close = nearest(value, field.values)
    hint = f"did you mean {close[0]!r}?" if close else f"its values are {', '.join(map(repr, field.values))}"
    edits = (Edit(term.span, f"'{close[0]}'"),) if close else ()
    findings.append(Finding("GPR107", term.span, f"{field.name} is never {value!r}", hint, edits))


def _warn_of_range(field: Field, value: float, term: ir.Constant, findings: list[Finding]) -> None:
    low, high = field.minimum, field.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return
    shown_low = "" if low is None else format_amount(low, field.datatype.dimension)
    shown = (
        f"{shown_low} or more" if high is None else f"{shown_low} to {format_amount(high, field.datatype.dimension)}"
    )
    findings.append(Finding("GPR110", term.span, f"{field.name} is {shown}, so this comparison never changes"))
