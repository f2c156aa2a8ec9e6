"""Values of the wrong kind that can be read only one way: the edits that put that in their place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gpurules.diagnostics import Diagnostic, LocatedEdit
from gpurules.rules.schema.schema import Schema, Violation
from gpurules.rules.yaml.nodes import YamlNode, YamlScalar, disguised_number, plain_value, with_correction

_PERCENTAGE = re.compile(r"(\d{1,3}(?:\.\d+)?)[ ]?%", re.ASCII)
_LITERALS = {True: "true", False: "false"}
_IN_BRACKETS = frozenset("[]{}#&*!|>%@`")


def with_schema_fix(problem: Diagnostic, node: YamlNode, violation: Violation) -> Diagnostic:
    """Return *problem*, about the value at *node*, with the edit that makes it fit, where only one thing can be meant.

    A slip of a word of an enum is corrected, a number or truth in quotes loses them, and one text where a list of texts
    is expected becomes that list.
    """
    if not isinstance(node, YamlScalar):
        return problem
    if "${" in node.source.text[node.start : node.end]:
        return problem  # an input supplied it, and is fixed where it is set
    if violation.keyword == "enum" and isinstance(violation.wanted, Sequence):
        return with_correction(problem, node, map(str, violation.wanted))
    meant = _meant(node, violation) if violation.keyword == "type" else None
    if meant is None:
        return problem
    return replace(problem, hint=f"write {meant}", edits=(LocatedEdit(node.location(), meant),))


def _meant(node: YamlScalar, violation: Violation) -> str | None:
    text = node.text.strip()
    value = plain_value(text) if text and disguised_number(text) is None else None
    match violation.wanted:
        case "boolean" if isinstance(value, bool):
            return _LITERALS[value]
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return text
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return text
        case "number" if (share := _PERCENTAGE.fullmatch(text)) is not None and violation.schema.get("maximum") == 1:
            return f"{float(share[1]) / 100:g}"
        case "array" if text and _takes_texts(violation.schema.get("items")):
            return _listed(node)
        case _:
            return None


def _listed(node: YamlScalar) -> str | None:
    """Return the list that has *node* as its one item, or what its commas separate."""
    written = node.source.text[node.start : node.end]
    if node.style in ("'", '"'):
        return f"[{written}]"
    return None if node.style or not _IN_BRACKETS.isdisjoint(written) or ": " in written else f"[{written}]"


def _takes_texts(items: Any) -> bool:
    if not isinstance(items, Mapping):
        return False
    alternatives: Sequence[Schema] = items.get("oneOf", [items])
    return any(one.get("type") == "string" for one in alternatives)
