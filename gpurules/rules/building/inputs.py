"""The inputs of a ruleset: typed constants, by default or as an extending ruleset sets them."""

from dataclasses import dataclass

from gpurules.diagnostics import Diagnostic
from gpurules.language import Input
from gpurules.model import BOOL, NUMBER, STRING, UNITS, Datatype, Dimension, QuantityError, number, parse_amount
from gpurules.rules.files.merge import Merged
from gpurules.rules.schema.remedies import split_amount
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar, plain_value, problem_at

FIELD_TYPES = ("number", "string", "bool")


def read_inputs(merged: Merged, problems: list[Diagnostic], wrong: set[str]) -> dict[str, Input]:
    """Return the inputs of *merged*; what is wrong with them is added to *problems*, and their names to *wrong*."""
    found: dict[str, Input] = {}
    for name, node in merged.sections["inputs"].items():
        if isinstance(node, YamlMapping):
            declared = _input_type(node)
            if _text(node.get("type")) not in FIELD_TYPES:
                wrong.add(name)
            for value, code in ((node.get("default"), "GPR403"), (merged.given.get(name), "GPR409")):
                if isinstance(value, YamlScalar):
                    read = _input_value(value, declared, _text(node.get("unit")))
                    if isinstance(read, _Misfit):
                        message = f"the input {name!r} has type {declared}, but {read.reason}"
                        problems.append(problem_at(value, code, message, read.remedy))
                        wrong.add(name)
                    else:
                        found[name] = Input(read, declared)
            found.setdefault(name, Input(None, declared))
    return found


def _text(node: YamlNode | None) -> str:
    return node.text if isinstance(node, YamlScalar) else ""


def _input_type(node: YamlMapping) -> Datatype:
    kind, unit = _text(node.get("type")), UNITS.get(_text(node.get("unit")))
    if kind == "number":
        return number(unit.dimension) if unit else NUMBER
    return BOOL if kind == "bool" else STRING


@dataclass(frozen=True, slots=True)
class _Misfit:
    """Why a value does not fit the type of its input, and what to write instead."""

    reason: str
    remedy: str


def _input_value(node: YamlScalar, declared: Datatype, unit: str) -> bool | int | float | str | _Misfit:
    """Return the value of an input, or why it does not fit a number or bool."""
    text = node.text.strip()
    if declared is STRING:
        return node.text
    if declared is BOOL:
        value = plain_value(text)
        if isinstance(value, bool):
            return value
        return _Misfit(f"{text[:60]!r} is neither true nor false", "write true or false")
    sign = -1 if text.startswith("-") else 1
    try:
        amount = parse_amount(text.removeprefix("-"))
        if amount.dimension is Dimension.NONE and unit in UNITS:
            amount = parse_amount(f"{text.removeprefix('-')}{unit}")
    except QuantityError as error:
        example = f"write a number such as 5{unit if unit in UNITS else ''}"
        if "unit" in str(error):
            return _Misfit(str(error), error.hint or example)
        return _Misfit(f"{text[:60]!r} is not a number", error.hint or example)
    if amount.dimension is not declared.dimension:
        return _Misfit(f"{text[:60]!r} is in {amount.dimension}", _in_its_unit(text, unit))
    return sign * amount.value


def _in_its_unit(text: str, unit: str) -> str:
    """Return how to write a quantity of another dimension: in the *unit* of the input, or with its own declared."""
    parts = split_amount(text)
    if unit in UNITS:
        return f"write {parts[0]}{unit}, or declare unit: {parts[1]}" if parts else f"write a number such as 5{unit}"
    return f"add unit: {parts[1]}, or write {parts[0]}" if parts else "add unit: s"
