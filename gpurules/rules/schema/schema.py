"""The JSON Schema of ruleset files, made from the registries: the door to jsonschema.

There is one schema, in which a quantity is a number with an ``x-dimension``, and an expression a text with
``x-written``. The reader turns ``30s`` into 30 before validation; the published schema, for editors, allows both
spellings.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from gpurules.actions import Action
from gpurules.fields.feeds import SeriesAggregate
from gpurules.fields.transfer import FILE_TYPES
from gpurules.model import UNITS, Dimension
from gpurules.registry import Registry
from gpurules.rules.schema.compiler import Predicate, compile_schema

Schema: TypeAlias = Mapping[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
IDENTIFIER = "^[A-Za-z_][A-Za-z0-9_]*$"
_FREE: dict[str, object] = {"^x-": {}}


def _text(description: str, *examples: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": description, **({"examples": list(examples)} if examples else {}), **more}


def _expression(description: str, *examples: str) -> dict[str, object]:
    return _text(description, *examples, **{"x-written": True})


def _duration(description: str, *examples: str, positive: bool = False) -> dict[str, object]:
    limit = {"exclusiveMinimum": 0} if positive else {"minimum": 0}
    return {"type": "number", "x-dimension": "seconds", "description": description, "examples": list(examples), **limit}


def _array(description: str, items: object, example: list[Any], **more: object) -> dict[str, object]:
    return {"type": "array", "description": description, "examples": [example], "items": items, **more}


def _flag(description: str, **more: object) -> dict[str, object]:
    return {"type": "boolean", "description": description, **more}


def _mapping(
    description: str, properties: dict[str, Any], required: tuple[str, ...] = (), example: object = None
) -> dict[str, object]:
    schema: dict[str, object] = {
        "type": "object",
        "description": description,
        **({"examples": [example]} if example is not None else {}),
        "properties": properties,
        "patternProperties": _FREE,
        "additionalProperties": False,
    }
    return schema | {"required": list(required)} if required else schema


def _named(description: str, values: Schema, example: object) -> dict[str, object]:
    """Return the schema of a mapping from identifiers to *values*."""
    return {
        "type": "object",
        "description": description,
        "examples": [example],
        "propertyNames": {"pattern": IDENTIFIER},
        "additionalProperties": values,
    }


def _settings() -> dict[str, object]:
    return _mapping(
        "Settings for running the ruleset.",
        {
            "poll_interval": _duration("Time between two polls of telemetry.", "5s", positive=True),
            "stale_after": _duration("Telemetry older than this is stale.", "15s", positive=True),
            "forget_gpu_after": _duration("How long a GPU that is absent from snapshots counts as lost.", "5m"),
            "on_stale": {
                "type": "string",
                "enum": ["release", "hold"],
                "default": "release",
                "description": "What happens to a signal whose telemetry has been missing that long.",
            },
            "timezone": _text("The time zone of hour, weekday and time_of_day.", "UTC", "Europe/Berlin"),
            "max_delay": _duration("Maximum total delay of a transfer over its life.", "5m"),
            "max_priority": {
                "type": "number",
                "minimum": 0,
                "description": "Maximum absolute priority boost.",
                "examples": [100],
            },
        },
        example={"stale_after": "15s", "timezone": "Europe/Berlin"},
    )


def _field() -> dict[str, object]:
    return _mapping(
        "A field that this ruleset reads from labels.",
        {
            "type": {"type": "string", "enum": ["number", "string", "bool"], "description": "Type of its values."},
            "dimension": {
                "type": "string",
                "enum": [d.value for d in Dimension],
                "description": "Dimension of a number, in the canonical unit.",
            },
            "scope": {
                "type": "string",
                "enum": ["gpu", "node", "transfer", "workload"],
                "description": "Scope: whose labels contain it.",
            },
            "description": _text("Description.", "The team that the file belongs to."),
            "from": _feed(),
        },
        ("type", "scope"),
        example={"type": "string", "scope": "transfer"},
    )


def _feed() -> dict[str, object]:
    feed = _mapping(
        "The series that fill the field, in sources that read Prometheus text.",
        {
            "prometheus": _text("A selector.", "node_load1", 'node_hwmon_temp_celsius{chip=~".*nvme.*"}', minLength=1),
            "aggregate": {
                "type": "string",
                "enum": [aggregate.value for aggregate in SeriesAggregate],
                "description": "How several series of one GPU or node are combined; without it they are missing.",
            },
            "factor": {"type": "number", "description": "Factor for each value.", "examples": [0.001]},
        },
        ("prometheus",),
    )
    return {**feed, "examples": [{"prometheus": "node_load1"}]}


def _input() -> dict[str, object]:
    return _mapping(
        "A typed constant that extending rulesets can set.",
        {
            "type": {"type": "string", "enum": ["number", "string", "bool"], "description": "Type of its value."},
            "unit": {"type": "string", "enum": list(UNITS), "description": "Unit of a bare number."},
            "default": {**_text("Default value.", "85C", "30s"), "x-written": True},
            "description": _text("Description.", "Temperature above which a GPU counts as hot."),
        },
        ("type", "default"),
    )


_TIMERS: dict[str, object] = {
    "for": _duration("Start only after the condition has been TRUE for this long.", "30s"),
    "until": _expression(
        "Condition that ends it; by default it ends when the condition is not TRUE.", "gpu_memory < 75"
    ),
    "keep_for": _duration("Keep it on for this long after it would end.", "1m"),
}


def _signal() -> dict[str, object]:
    condition = _expression("Condition that starts the signal.", "gpu_memory > 85")
    described = _text("Meaning of the signal.", "The node is short of GPU memory.")
    return _mapping(
        "A condition with memory.", {"condition": condition, **_TIMERS, "description": described}, ("condition",)
    )


_ACTION = _text("The name of an action.", "reduce_prefetch")
_PARAMETERS: dict[str, object] = {
    "type": "object",
    "description": "The parameters of the action.",
    "examples": [{"reduction_factor": 0.5}],
}
_RULE = {"name": "hold_hot_gpu", "condition": "gpu_temperature > 87", "action": "pause_transfer"}
_ORDER = {"action": "reduce_prefetch", "parameters": {"reduction_factor": 0.5}}


def _rule() -> dict[str, object]:
    ordered = _mapping("One action.", {"action": _ACTION, "parameters": _PARAMETERS}, ("action",))
    return _mapping(
        "A condition and its actions.",
        {
            "name": _text("A unique name.", "hold_hot_gpu", minLength=1, maxLength=100),
            "description": _text("Purpose of the rule.", "Moving data produces heat; a hot GPU gets a rest."),
            "condition": _expression("Condition of the rule's match.", "gpu_memory > 80 AND file_type == 'model'"),
            "action": _ACTION,
            "parameters": _PARAMETERS,
            "actions": _array("Several actions.", ordered, [_ORDER, {"action": "log"}], minItems=1),
            "priority": {
                "type": "integer",
                "default": 0,
                "description": "Higher first; equal priorities: file order.",
                "examples": [10],
            },
            "enabled": _flag("Whether the rule is enabled.", default=True),
            "tags": _array("Tags for finding it.", {"type": "string"}, ["memory"]),
            "gpus": {"type": "string", "enum": ["node", "workload"], "description": "Which GPUs it applies to."},
            "stop": _flag("Whether rules of lower priority are skipped when it matches."),
            "cooldown": _duration("At most one start of its effects within this time.", "5m"),
            "mode": {
                "type": "string",
                "enum": ["enforce", "shadow"],
                "description": "shadow: evaluated and shown, but without any consequence.",
            },
            "annotations": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Free text, for people and webhooks.",
                "examples": [{"runbook": "https://wiki.example.org/gpu-memory"}],
            },
            "override": _flag("Patch the rule of this name in a base."),
            "remove": _flag("Remove the rule of this name from a base."),
            **_TIMERS,
        },
        ("name",),
        example=_RULE,
    )


def _bases() -> list[dict[str, object]]:
    """Return the two ways to name a base."""
    base = _mapping(
        "A base with values for its inputs.",
        {
            "from": _text("The base.", "./site.yaml", "gpurules:thermal"),
            "with": {
                "type": "object",
                "additionalProperties": {"type": "string", "x-written": True},
                "description": "Values for the inputs of the base.",
                "examples": [{"limit": "83C"}],
            },
        },
        ("from",),
    )
    reference = _text("A file relative to this one, or gpurules:NAME.", "./site.yaml", minLength=1)
    return [reference, base]


def _definitions() -> dict[str, object]:
    listed = {"type": "array", "minItems": 1, "items": {"type": "string", "x-written": True}}
    expression = _expression("An expression.", "gpu_temperature > 85")
    example = {"hot": "gpu_temperature > 85", "weights": ["model", "tensor"]}
    return _named("Named expressions and lists.", {"oneOf": [expression, listed]}, example)


def _file_types() -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": {"type": "string", "enum": list(FILE_TYPES)},
        "description": "Globs to file types; take precedence over the built-in table.",
        "examples": [{"*.ckpt": "model"}],
    }


@lru_cache(maxsize=1)
def structure() -> Schema:
    """Return the schema of a ruleset file, but for the parameters of its actions."""
    extended = ["./site.yaml", {"from": "gpurules:thermal", "with": {"limit": "83C"}}]
    given = {"limit": {"type": "number", "unit": "C", "default": "83C"}}
    pressure = {"condition": "gpu_memory > 85", "until": "gpu_memory < 75", "for": "30s"}
    root = _mapping(
        "Rules for a node where GPUs and storage work together.",
        {
            "version": {"type": "integer", "const": 1, "description": "The version of the format."},
            "name": _text("The name of the ruleset.", "training-node", minLength=1),
            "description": _text("Description.", "Protects GPUs that are full or hot."),
            "extends": _array("Bases, merged in order.", {"oneOf": _bases()}, extended),
            "inputs": _named("Constants that extending rulesets can set.", _input(), given),
            "settings": _settings(),
            "fields": _named("Fields read from labels.", _field(), {"tenant": {"type": "string", "scope": "transfer"}}),
            "file_types": _file_types(),
            "define": _definitions(),
            "signals": _named("Conditions with memory.", _signal(), {"memory_pressure": pressure}),
            "rules": _array("The rules.", _rule(), [_RULE]),
        },
        ("version", "name"),
    )
    return {"$schema": DRAFT, "title": "gpurules ruleset", **root}


def _as_published(schema: Any, inside_parameters: bool = False) -> Any:
    """Return *schema* with each quantity as a number or a text with a unit (or, among parameters, an input)."""
    if isinstance(schema, list):
        return [_as_published(part, inside_parameters) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {k: _as_published(v, inside_parameters) for k, v in schema.items() if not k.startswith("x-")}
    if "x-dimension" in schema:
        kept = {k: v for k, v in plain.items() if k in ("description", "examples", "default")}
        limits = {k: v for k, v in plain.items() if k not in kept}
        return {**kept, "anyOf": [limits, {"type": "string", "pattern": r"^(\$\{.*\}|[0-9].*)$"}]}
    if schema.get("x-written"):
        plain["type"] = ["string", "number", "boolean", "null"]
        plain.pop("minLength", None)
    elif inside_parameters and plain.get("type") in ("number", "integer", "boolean"):
        plain["type"] = [plain["type"], "string"]
    return plain


def ruleset_schema(actions: Registry[Action]) -> dict[str, Any]:
    """Return the schema for editors: with the parameters of *actions*, and quantities in both spellings."""
    published: dict[str, Any] = _as_published(structure())
    rule = published["properties"]["rules"]["items"]
    names = sorted(actions.names)
    rule["properties"]["action"] = {**_ACTION, "enum": names}
    ordered = rule["properties"]["actions"]["items"]
    ordered["properties"]["action"] = {**_ACTION, "enum": names}
    by_action = [
        {
            "if": {"properties": {"action": {"const": action.name}}, "required": ["action"]},
            "then": {"properties": {"parameters": _parameters(action)}},
        }
        for action in actions
    ]
    rule["allOf"] = by_action
    ordered["allOf"] = by_action
    rule["not"] = {"required": ["action", "actions"]}
    return published


def _parameters(action: Action) -> dict[str, Any]:
    parameters: dict[str, Any] = _as_published(action.schema, inside_parameters=True)
    known = parameters.get("properties", {})
    wanted = parameters.get("required") or list(known)[:1]
    example = {name: known[name]["examples"][0] for name in wanted if known.get(name, {}).get("examples")}
    return {"description": action.summary, "examples": [example], **parameters}


@dataclass(frozen=True, slots=True)
class Violation:
    """Data does not fit a schema: where, which keyword says so, and what it wants."""

    path: tuple[str | int, ...]
    keyword: str
    wanted: object
    found: object
    schema: Schema


def _validator(schema: Schema) -> Any:
    from jsonschema import Draft7Validator

    return Draft7Validator(schema)


@dataclass(slots=True)
class _Checker:
    """A schema's quick test, and jsonschema's validator once it has been needed."""

    schema: Schema
    fits: Predicate
    validator: Any = None


_CHECKERS: dict[int, _Checker] = {}
_MOST_CHECKERS = 1000


def violations(data: object, schema: Schema) -> Iterator[Violation]:
    """Yield every way in which *data* does not fit *schema*."""
    kept = _CHECKERS.get(id(schema))
    if kept is None or kept.schema is not schema:
        if len(_CHECKERS) >= _MOST_CHECKERS:
            _CHECKERS.clear()
        kept = _CHECKERS[id(schema)] = _Checker(schema, compile_schema(schema))
    if kept.fits(data):
        return
    if kept.validator is None:
        kept.validator = _validator(schema)
    for error in _leaves(kept.validator.iter_errors(data)):
        yield Violation(
            tuple(error.absolute_path), error.validator, error.validator_value, error.instance, error.schema
        )


def _leaves(errors: Iterable[Any]) -> Iterator[Any]:
    """Yield *errors*, those of alternatives replaced by those of the alternative that was meant."""
    for error in errors:
        if error.validator in ("oneOf", "anyOf") and error.context:
            kind = (
                "object"
                if isinstance(error.instance, dict)
                else "array"
                if isinstance(error.instance, list)
                else "string"
            )
            meant = [e for e in error.context if error.schema[error.validator][e.schema_path[0]].get("type") == kind]
            yield from _leaves(meant) if meant else iter([error])
        else:
            yield error
