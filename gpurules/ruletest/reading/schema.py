"""The JSON Schema of test files: every key, what it means, and what it may be."""

from functools import lru_cache
from typing import Any

from gpurules.fields import FIELDS, Scope
from gpurules.model import Kind
from gpurules.rules.schema import DRAFT, Schema
from gpurules.ruletest.case import OUTCOMES, REASONS

_ANY_TEXT = ["string", "number", "boolean", "null"]
_COMPUTED = ("file_name", "file_extension", "index_number")
"""What follows from other facts, and cannot be given."""
_EXAMPLES = {Kind.NUMBER: 5, Kind.STRING: "text", Kind.BOOL: True}


def _object(description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "description": description,
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    return schema | {"required": list(required)} if required else schema


def _list(description: str, items: Schema, *examples: list[Any]) -> dict[str, Any]:
    shown = {"examples": list(examples)} if examples else {}
    return {"type": "array", "description": description, **shown, "items": items}


def _shown(schema: dict[str, Any], example: object) -> dict[str, Any]:
    """Return *schema* with an example."""
    return {**schema, "examples": [example]}


def _text(description: str, *examples: str) -> dict[str, Any]:
    return {"type": "string", "description": description, **({"examples": list(examples)} if examples else {})}


def _duration(description: str, *examples: str) -> dict[str, Any]:
    return {"type": ["string", "number"], "description": description, "examples": list(examples)}


def _free(description: str, example: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "description": description, "examples": [example]}


def _percent(description: str) -> dict[str, Any]:
    limits = {"minimum": 0, "maximum": 100}
    return {"type": ["number", "boolean"], **limits, "description": description, "examples": [100, 80]}


_RULE = _text("The name of a rule of the ruleset.", "hold_hot_gpu")
_RULES = _list("Names of rules.", _RULE, ["hold_hot_gpu", "prioritize_model_files"])
_OUTCOME = {"type": "string", "enum": list(OUTCOMES), "description": "Outcome of the rule."}
_BECAUSE = {"type": "string", "enum": list(REASONS), "description": "Why a rule is suppressed."}
_FILE = _text("A file, or gpurules:NAME.", "../rules/node.rules.yaml", "gpurules:default")
_NAME = _text("A name that is unique within the file.", "a hot GPU gets a rest")


def _attributes(scope: Scope) -> dict[str, Any]:
    """Return what a fact of one kind can have: the attribute of each field, with a unit or without; _ is missing."""
    found: dict[str, Any] = {}
    for field in FIELDS.values():
        if field.scope is scope and field.replaced_by is None and field.attribute not in _COMPUTED:
            values = (
                {"examples": [*field.values[:3]]} if field.values else {"examples": [_EXAMPLES[field.datatype.kind]]}
            )
            described = f"{field.description[0].upper()}{field.description[1:]}."
            found[field.attribute] = {"type": _ANY_TEXT, "description": described, **values}
    return found


def _open(description: str, properties: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of facts, which may have more keys: labels, and fields that a ruleset declares."""
    return {"type": "object", "description": description, "examples": [example], "properties": properties}


def _facts(description: str) -> dict[str, Any]:
    gpu = _open("A GPU; omitted facts are missing.", _attributes(Scope.GPU), {"index": 0, "memory": "81%"})
    gpus = _list("The GPUs, each by its index.", gpu, [{"index": 0, "memory": "81%", "temperature": "50C"}])
    snapshot = _open("The GPU snapshot.", {"gpus": gpus}, {"gpus": [{"index": 0, "memory": "81%"}]})
    kinds = {
        "snapshot": snapshot,
        "transfer": _open(
            "The transfer to decide on.", _attributes(Scope.TRANSFER), {"file_type": "model", "size": "1GiB"}
        ),
        "workload": _open(
            "The workload that the transfer serves.", _attributes(Scope.WORKLOAD), {"type": "training", "priority": 5}
        ),
        "node": _open(
            "Facts about the node, such as pending_transfers.", _attributes(Scope.NODE), {"pending_transfers": 3}
        ),
    }
    return _shown(_object(description, kinds), {"snapshot": {"gpus": [{"index": 0, "memory": "81%"}]}})


def _expectation() -> dict[str, Any]:
    return _object(
        "Expectations at one point in time; omitted keys are not checked.",
        {
            "at": _duration("Time from the start of the case; by default its end.", "20s"),
            "rule": _RULE,
            "outcome": _OUTCOME,
            "because": _BECAUSE,
            "devices": _list("The GPUs on which the rule matches.", {"type": ["integer", "string"]}, [0]),
            "decision": _free("Parts of the decision.", {"prefetch_factor": 0.5}),
            "matched": _list("Exactly the rules that match, in order.", _RULE, ["hold_hot_gpu"]),
        },
    )


def _table() -> dict[str, Any]:
    columns = _list(
        "Paths of facts, and outcome, because or devices.",
        _text("A column.", "gpu[0].memory"),
        ["gpu[0].memory", "outcome"],
    )
    rows = _list(
        "A value for each column; _ is missing.",
        {"type": "array", "items": {"type": _ANY_TEXT}},
        [["80%", "no-match"], ["81%", "match"]],
    )
    table = _object("One test for each row.", {"columns": columns, "rows": rows}, "columns", "rows")
    return _shown(table, {"columns": ["gpu[0].memory", "outcome"], "rows": [["81%", "match"]]})


def _case() -> dict[str, Any]:
    example = {"rule": "hold_hot_gpu", "outcome": "match"}
    return _object(
        "One test.",
        {
            "name": _NAME,
            "description": _text("Description.", "the incident of 3 March"),
            "at": _text("Date and time, for hour, weekday and time_of_day.", "2026-03-29 23:30 Europe/Berlin"),
            "given": _facts("Facts, merged over the defaults."),
            "series": {
                "type": "object",
                "description": "Samples over time by the path of a fact: 70% 86%x12, 85+1x5, _x3, stale, gone.",
                "examples": [{"gpu[0].memory": "70% 86%x12"}],
                "additionalProperties": {"type": _ANY_TEXT},
            },
            "interval": _duration("Time between two samples.", "5s"),
            "expect": {
                "description": "Expectations, at one or several points in time.",
                "examples": [example],
                "oneOf": [_expectation(), _list("Expectations, one per point in time.", _expectation())],
            },
            "rule": _RULE,
            "table": _table(),
        },
        "name",
    )


def _property() -> dict[str, Any]:
    pattern = _object(
        "A pattern of rules that match at once.",
        {
            "if": _text("Only where this condition is TRUE.", "gpu_temperature > 90"),
            "all_match": _RULES,
            "some_match": _RULES,
            "none_match": _RULES,
        },
    )
    pattern = _shown(pattern, {"if": "gpu_temperature > 90", "some_match": ["hold_hot_gpu"]})
    found = _object(
        "A property that holds for all facts; a counterexample fails the test.",
        {"name": _NAME, "never": pattern, "always": pattern},
        "name",
    )
    return {**found, "oneOf": [{"required": ["never"]}, {"required": ["always"]}]}


def _replay() -> dict[str, Any]:
    expect = _object(
        "Expectations for one rule over the recording.",
        {
            "rule": _RULE,
            "matches_between": {
                **_list("Minimum and maximum number of times that it starts to match.", {"type": "number"}, [1, 3]),
                "minItems": 2,
                "maxItems": 2,
            },
            "max_flaps_per_hour": {
                "type": "number",
                "minimum": 0,
                "description": "Maximum number of flaps per hour.",
                "examples": [4],
            },
        },
        "rule",
    )
    expect = _shown(expect, {"rule": "hold_hot_gpu", "matches_between": [1, 3]})
    history = _text(
        "The recording or the store of recordings, relative to the test file; options follow a `?`.",
        "data/incident.jsonl",
    )
    return _object(
        "A recording that is played through the rules.",
        {"name": _NAME, "history": history, "expect": expect},
        *("name", "history", "expect"),
    )


@lru_cache(maxsize=1)
def structure() -> Schema:
    """Return the schema of a test file."""
    require = _object(
        "Minimum coverage, in percent.",
        {
            "rule_coverage": _percent("Rules that match in some test."),
            "branch_coverage": _percent("Parts of conditions that are both true and false in tests."),
            "boundary": _percent("Thresholds that are tested at and next to their value."),
            "unknown_paths": _percent("Fields that are missing in some test."),
            "mutation_score": _percent("Mutants of the rules that some test detects."),
        },
    )
    case = {"name": "hot", "expect": {"rule": "hold_hot_gpu", "outcome": "match"}}
    asked = {"name": "hot GPUs are handled", "always": {"if": "gpu_temperature > 90", "some_match": ["hold_hot_gpu"]}}
    replayed = {"name": "incident", "history": "data/incident.jsonl", "expect": {"rule": "hold_hot_gpu"}}
    root = _object(
        "Tests of rules.",
        {
            "kind": {"type": "string", "const": "gpurules/test", "description": "Marks the file as a rule test."},
            "version": {"type": "integer", "const": 1, "description": "The version of the format."},
            "rulesets": _list("The rulesets under test, relative to this file.", _FILE, ["../rules/node.rules.yaml"]),
            "defaults": _facts("Facts that every case starts from."),
            "interval": _duration("Time between two samples of a series; by default 5s.", "5s"),
            "cases": _list("The tests.", _case(), [case]),
            "properties": _list("Properties that hold for all facts.", _property(), [asked]),
            "replay": _list("Recordings that are played through the rules.", _replay(), [replayed]),
            "require": _shown(require, {"rule_coverage": 100, "boundary": True}),
        },
        "kind",
        "rulesets",
    )
    return {"$schema": DRAFT, "title": "gpurules test", **root}
