"""The JSON Schema of configuration files, generated from the supported keys."""

from typing import Any

from gpurules.cli.project.code_selection import FAIL_ON
from gpurules.cli.project.configuration import KEYS
from gpurules.diagnostics import CATALOGUE, Format
from gpurules.linter import WORK
from gpurules.rules.schema import DRAFT, Schema

_DESCRIBED = {
    "select": "Report only these: codes, prefixes such as GPR1, or names.",
    "extend-select": "Also report these, such as GPR7 (style) and GPR8 (tests).",
    "ignore": "Do not report these.",
    "fail-on": "Lowest severity that makes the exit code of `gpurules lint` 1.",
    "output-format": "Output format of findings.",
    "baseline": "Do not report findings listed in this file.",
    "analysis-steps": "Step budget of the semantic analysis, per file.",
    "docs-url": "Base URL of the check documentation, for links in SARIF reports.",
    "exclude": "Globs of paths that are skipped in directories.",
    "allow-extends": "Folders outside the project whose files rulesets can extend, and tests can name.",
    "per-file-ignores": "Codes that are not reported, by glob of paths.",
}
_CHOICES = {"fail-on": list(FAIL_ON), "output-format": [form.value for form in Format]}
_EXAMPLES: dict[str, list[Any]] = {
    "select": [["GPR1", "unknown-field"]],
    "extend-select": [["GPR7", "GPR8"]],
    "ignore": [["GPR707"]],
    "baseline": ["gpurules-baseline.json"],
    "analysis-steps": [2 * WORK],
    "docs-url": ["https://docs.example.org/gpurules/checks"],
    "exclude": [["vendored/*"]],
    "allow-extends": [["/usr/share/site-rules"]],
    "per-file-ignores": [{"legacy/*": ["GPR105"]}],
}


def configuration_schema() -> Schema:
    """Return the schema of ``gpurules.toml``, and of ``[tool.gpurules]`` in ``pyproject.toml``."""
    return {
        "$schema": DRAFT,
        "title": "gpurules configuration",
        "type": "object",
        "description": "How gpurules checks the rules of a project.",
        "properties": {key: _property(key, kind) for key, kind in KEYS.items()},
        "additionalProperties": False,
    }


def _property(key: str, kind: str) -> Schema:
    found: dict[str, Any] = {"description": _DESCRIBED[key], **_shape(kind)}
    if key in _CHOICES:
        found["enum"] = _CHOICES[key]
    return found | ({"examples": _EXAMPLES[key]} if key in _EXAMPLES else {})


def _shape(kind: str) -> Schema:
    code = {"anyOf": [{"enum": [*CATALOGUE, *(c.name for c in CATALOGUE.values())]}, {"pattern": "^GPR[0-9]{1,2}$"}]}
    match kind:
        case "codes":
            return {"type": ["array", "string"], "items": {"type": "string", **code}}
        case "texts":
            return {"type": ["array", "string"], "items": {"type": "string"}}
        case "table":
            return {"type": "object", "additionalProperties": _shape("codes")}
        case "count":
            return {"type": "integer", "minimum": 0}
        case _:
            return {"type": "string"}
