"""Descriptions of names, as Markdown."""

from collections.abc import Iterable, Iterator

from gpurules.actions import Action, is_directive, parameter_rows
from gpurules.diagnostics import CATALOGUE, Diagnostic
from gpurules.fields import Field, Scope, field_range
from gpurules.language import Function
from gpurules.lsp.names.scope import DeclaringSection, Symbol, values_of
from gpurules.model import UNITS, Kind
from gpurules.rules.schema import Schema
from gpurules.strict_json import dumps

_OWNERS = {
    Scope.GPU: ("of each GPU", "where the GPU does not report it"),
    Scope.NODE: ("of the node", "where it is not reported"),
    Scope.TRANSFER: ("of the transfer", "where there is no transfer, or it does not specify it"),
    Scope.WORKLOAD: ("of the transfer's workload", "where there is no workload, or it does not specify it"),
}
_WORDS = {
    DeclaringSection.DEFINE: "definition",
    DeclaringSection.SIGNALS: "signal",
    DeclaringSection.INPUTS: "input",
    DeclaringSection.FIELDS: "declared field",
    DeclaringSection.RULES: "rule",
}


def field_text(field: Field) -> str:
    """Describe a field: type and unit, values, when it is missing, and its sources."""
    owner, absent = _OWNERS[field.scope]
    values = field_range(field)
    lines = [f"**{field.name}**: {field.datatype}, {owner}", f"{field.description[0].upper()}{field.description[1:]}."]
    facts = [f"Values: {values}."] if values else []
    facts += [f"Units: {', '.join(units)}."] if (units := _units(field)) else []
    facts.append("Never missing." if field.always_known else f"Missing {absent}; a comparison with it is then unknown.")
    facts += ["A counter: use it in `rate` or `increase`."] if field.counter else []
    facts += [f"Replaced by `{field.replaced_by}`."] if field.replaced_by else []
    facts += [f"Source: {field.source}."] if field.source else []
    return _paragraphs([*lines, " ".join(facts)])


def _units(field: Field) -> list[str]:
    if field.datatype.kind is not Kind.NUMBER:
        return []
    return [unit.name for unit in UNITS.values() if unit.dimension is field.datatype.dimension]


def function_text(function: Function) -> str:
    """Describe the parameters and result of a function."""
    needs = f" It needs {function.samples} samples." if function.samples > 1 else ""
    summary = f"{function.summary[0].upper()}{function.summary[1:]}."
    return _paragraphs([f"**{function.signature}**", f"{summary}{needs}", f"A function: {function.family}."])


def symbol_text(symbol: Symbol) -> str:
    """Describe a name of the ruleset: its declaration and the place of it."""
    lines = [f"{key}: {value}" if key else value for key, value in values_of(symbol)]
    place = symbol.key.location()
    where = f"{symbol.key.source.path or 'this file'}, line {place.line}"
    declared = "```yaml\n" + "\n".join(lines) + "\n```"
    return _paragraphs([f"**{symbol.name}**: {_WORDS[symbol.section]}", declared, f"Declared in {where}."])


def action_text(action: Action) -> str:
    """Describe an action and its parameters."""
    sets = f" It sets `decision.{action.target}`." if is_directive(action) else ""
    rows = [f"- `{name}` ({kind}{_given(default)}): {text}" for name, kind, default, text in parameter_rows(action)]
    taken = "\n".join(rows) if rows else "It takes no parameters."
    return _paragraphs([f"**{action.name}**: {action.kind.value}", f"{action.summary}{sets}", taken])


def _given(default: str) -> str:
    if default == "required":
        return ", required"
    return f", by default {default}" if default else ""


def schema_text(name: str, schema: Schema, required: bool = False) -> str:
    """Describe a key of the format, or a parameter."""
    kind = kind_of(schema)
    head = f"**{name}**" + (f": {kind}" if kind else "") + (", required" if required else "")
    facts = []
    if "default" in schema:
        facts.append(f"Default: {_as_yaml(schema['default'])}.")
    if schema.get("examples"):
        facts.append(f"For example {_as_yaml(schema['examples'][0])}.")
    return _paragraphs([head, str(schema.get("description", "")), " ".join(facts)])


def kind_of(schema: Schema) -> str:
    """Return the kind of value that a schema expects, in a few words."""
    if "x-dimension" in schema:
        return str(schema["x-dimension"])
    if "enum" in schema:
        values = schema["enum"]
        return " or ".join(map(str, values)) if len(values) <= 8 else "one of a list"
    kind = schema.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _as_yaml(value: object) -> str:
    if isinstance(value, dict | list):
        return f"`{dumps(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def finding_text(found: Diagnostic) -> str:
    """Describe a finding: the problem, the evidence, the remedy and the rationale."""
    return _paragraphs(
        [
            f"**{found.code} {CATALOGUE[found.code].name}**: {found.message}",
            f"Witness: {found.witness}" if found.witness else "",
            f"Help: {found.hint}" if found.hint else "",
            *_reasons(found.code),
        ]
    )


def code_text(code: str) -> str:
    """Describe the rationale of a diagnostic code, with a wrong and a right example."""
    known = CATALOGUE[code]
    return _paragraphs([f"**{code} {known.name}**: {known.summary}", *_reasons(code)])


def _reasons(code: str) -> Iterator[str]:
    known = CATALOGUE[code]
    yield known.why
    yield f"Avoid:\n```\n{known.avoid}\n```\nPrefer:\n```\n{known.prefer}\n```"


def _paragraphs(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part)
