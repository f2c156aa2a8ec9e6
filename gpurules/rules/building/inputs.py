"""The inputs of a ruleset: typed constants, by default or as an extending ruleset sets them."""

from gpurules.diagnostics import Diagnostic
from gpurules.language import Input
from gpurules.model import BOOL, NUMBER, STRING, UNITS, Datatype, Dimension, QuantityError, number, parse_amount
from gpurules.rules.files.merge import Merged
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
                    if isinstance(read, str) and declared is not STRING:
                        message = f"the input {name!r} has type {declared}, but {read}"
                        problems.append(problem_at(value, code, message))
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


def _input_value(node: YamlScalar, declared: Datatype, unit: str) -> bool | int | float | str:
    """Return the value of an input; where it does not fit a number or bool, a text that says why."""
    text = node.text.strip()
    if declared is STRING:
        return node.text
    if declared is BOOL:
        value = plain_value(text)
        return value if isinstance(value, bool) else f"{text[:60]!r} is neither true nor false"
    sign = -1 if text.startswith("-") else 1
    try:
        amount = parse_amount(text.removeprefix("-"))
        if amount.dimension is Dimension.NONE and unit in UNITS:
            amount = parse_amount(f"{text.removeprefix('-')}{unit}")
    except QuantityError as error:
        return f"{text[:60]!r} is not a number" if "unit" not in str(error) else str(error)
    if amount.dimension is not declared.dimension:
        return f"{text[:60]!r} is in {amount.dimension}"
    return sign * amount.value
