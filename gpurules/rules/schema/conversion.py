"""Located nodes to plain data, guided by a schema: texts as written, quantities in canonical units."""

import re
from dataclasses import replace
from math import isfinite
from typing import Any

from gpurules.diagnostics import Diagnostic, LocatedEdit, Severity
from gpurules.model import Dimension, QuantityError, parse_amount
from gpurules.rules.schema.schema import Schema
from gpurules.rules.yaml.nodes import (
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    disguised_number,
    plain_value,
    problem_at,
    with_rewrite,
)

_EXAMPLES = {"seconds": "30s", "bytes": "100MB", "bytes/second": "200MB/s", "percent": "80%", "celsius": "85C"}


class Converter:
    """Converts nodes; ``problems`` collects what does not convert."""

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = []

    @property
    def broken_places(self) -> frozenset[tuple[int, int]]:
        """Where something did not convert, so that nothing more need be said."""
        return frozenset((d.line, d.column) for d in self.problems if d.severity is Severity.ERROR)

    def data(self, node: YamlNode, schema: Schema) -> Any:
        """Return *node* as data; None stands for what did not convert."""
        schema = _meant(schema, node)
        match node:
            case YamlScalar():
                return self._scalar(node, schema)
            case YamlSequence():
                items = schema.get("items", {})
                return [self.data(item, items) for item in node.items]
            case YamlMapping():
                return {key: self.data(value, _of_key(schema, key)) for key, value in node.values.items()}

    def _scalar(self, node: YamlScalar, schema: Schema) -> Any:
        if schema.get("x-written"):
            return node.text
        if "x-dimension" in schema:
            return self._quantity(node, Dimension(schema["x-dimension"]), schema)
        if schema.get("type") == "string":
            if not node.style and "enum" not in schema and not isinstance(plain_value(node.text), str):
                self._warn_of_type(node)
            return node.text
        value = node.text if node.style else plain_value(node.text)
        if not node.style and schema.get("type") in ("number", "integer"):
            self._warn_of_number(node)
        if isinstance(value, float) and not isfinite(value) and schema.get("type") in ("number", "integer"):
            examples = schema.get("examples", [5])
            message = f"{node.text!r} is not a finite number"
            self.problems.append(problem_at(node, "GPR403", message, f"write a number such as {examples[0]}"))
            return None
        return value

    def _warn_of_type(self, node: YamlScalar) -> None:
        if node.text == "":
            return
        place = node.location()
        self.problems.append(
            Diagnostic(
                "GPR006",
                f"YAML 1.1 reads {node.text} as {_kind(plain_value(node.text))}, but a string is expected",
                node.source.path,
                place.line,
                place.column,
                place.end_line,
                place.end_column,
                f"write '{node.text}'",
                edits=(LocatedEdit(place, f"'{node.text}'"),),
                safe=True,
            )
        )

    def _warn_of_number(self, node: YamlScalar) -> None:
        """Warn of a number that is not what it looks like; what was meant has to be said by the author."""
        disguised = disguised_number(node.text)
        if disguised is not None:
            kind, spellings = disguised
            message = f"YAML 1.1 reads {node.text} as the {kind} number {spellings[0]}"
            self.problems.append(problem_at(node, "GPR006", message, f"write {' or '.join(spellings)}"))

    def _quantity(self, node: YamlScalar, dimension: Dimension, schema: Schema) -> float | None:
        text = node.text.strip()
        if dimension is Dimension.SECONDS and ":" in text and (clock := _CLOCK.fullmatch(text)) is not None:
            self.problems.append(_time_of_day(node, text, clock))
            return None
        sign = -1 if text.startswith("-") else 1
        example = _EXAMPLES.get(dimension.value, "5")
        try:
            amount = parse_amount(text[1:] if text[:1] in "+-" and text else text)
        except QuantityError as error:
            is_unit = "unit" in str(error)
            message = str(error) if is_unit else f"{node.text[:60]!r} is not a quantity"
            hint = error.hint if is_unit and error.hint else f"write a number or a string such as {example}"
            if is_unit and len(text.split()) > 1:
                hint = "remove the space before the unit"
            problem = problem_at(node, "GPR403", message, hint)
            meant = error.meant or _closed_up(text)
            self.problems.append(problem if meant is None else with_rewrite(problem, node, meant))
            return None
        if amount.dimension not in (Dimension.NONE, dimension) or ":" in text:
            message = f"{text!r} is in {amount.dimension}, but {dimension} is expected"
            if ":" in text:
                message = f"{text!r} is a time of day, but a quantity in {dimension} is expected"
            code = "GPR403" if ":" in text else "GPR104"
            self.problems.append(problem_at(node, code, message, f"write {example}"))
            return None
        return sign * amount.value


_CLOCK = re.compile(r"(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?", re.ASCII)


def _time_of_day(node: YamlScalar, text: str, clock: re.Match[str]) -> Diagnostic:
    """Return the finding for a clock time where a duration is expected; only hours, minutes and seconds can be read."""
    first, second = int(clock[1]), int(clock[2])
    problem = problem_at(node, "GPR403", f"{text!r} is a time of day, but a duration is expected")
    if clock[3] is None:
        return replace(problem, hint=f"write {_clock_text(0, first, second)} or {_clock_text(first, second, 0)}")
    meant = _clock_text(first, second, int(clock[3]))
    return with_rewrite(replace(problem, hint=f"write {meant}"), node, meant)


def _clock_text(hours: int, minutes: int, seconds: int) -> str:
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _closed_up(text: str) -> str | None:
    """Return ``30 s`` as ``30s``; None where that is not a quantity either."""
    closed = "".join(text.split())
    try:
        parse_amount(closed.removeprefix("-"))
    except QuantityError:
        return None
    return closed


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return "true or false" if isinstance(value, bool) else "a number"


def _of_key(schema: Schema, key: str) -> Schema:
    properties = schema.get("properties", {})
    if key in properties:
        found: Schema = properties[key]
        return found
    more = schema.get("additionalProperties")
    return more if isinstance(more, dict) else {}


def _meant(schema: Schema, node: YamlNode) -> Schema:
    """Return the alternative of *schema* that is of the kind of *node*."""
    alternatives = schema.get("oneOf") or schema.get("anyOf")
    if not alternatives:
        return schema
    kind = {YamlScalar: "string", YamlSequence: "array", YamlMapping: "object"}[type(node)]
    found: Schema = next((a for a in alternatives if a.get("type") == kind), schema)
    return found
