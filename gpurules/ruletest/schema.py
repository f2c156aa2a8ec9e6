"""The JSON Schema of test files: every key, what it means, and what it may be."""

from functools import lru_cache
from typing import Any

from gpurules.rules.schema import DRAFT, Schema
from gpurules.ruletest.case import OUTCOMES, REASONS

_ANY_TEXT = ["string", "number", "boolean", "null"]


def _object(description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "description": description,
        "properties": properties,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    return schema | {"required": list(required)} if required else schema


def _list(description: str, items: Schema) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items}


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
_RULES = _list("Names of rules.", _RULE)
_OUTCOME = {"type": "string", "enum": list(OUTCOMES), "description": "What becomes of the rule."}
_BECAUSE = {"type": "string", "enum": list(REASONS), "description": "Why a rule is suppressed."}
_FILE = _text("A file, or gpurules:NAME.", "../rules/node.rules.yaml", "gpurules:default")
_NAME = _text("A name that no other test of the file has.", "a hot GPU gets a rest")


def _facts(description: str) -> dict[str, Any]:
    return _object(
        description,
        {
            "snapshot": _free(
                "What the GPUs report; what is left out is missing.",
                {"gpus": [{"index": 0, "memory": "81%", "temperature": "50C"}]},
            ),
            "transfer": _free("The transfer to decide on.", {"file_type": "model", "size": "1GiB"}),
            "workload": _free("The workload that the transfer serves.", {"type": "training", "priority": 5}),
            "node": _free("Facts of the node, such as pending_transfers.", {"pending_transfers": 3}),
        },
    )


def _expectation() -> dict[str, Any]:
    return _object(
        "What is expected at one moment; what is left out is not looked at.",
        {
            "at": _duration("When, from the start of the case; by default at its end.", "20s"),
            "rule": _RULE,
            "outcome": _OUTCOME,
            "because": _BECAUSE,
            "devices": _list("The GPUs on which the rule matches.", {"type": ["integer", "string"]}),
            "decision": _free("Parts of the decision.", {"prefetch_factor": 0.5}),
            "matched": _list("Exactly the rules that match, in order.", _RULE),
        },
    )


def _case() -> dict[str, Any]:
    table = _object(
        "One test for each row.",
        {
            "columns": _list("Paths of facts, and outcome, because or devices.", _text("A column.", "gpu[0].memory")),
            "rows": _list("A value for each column; _ is missing.", {"type": "array", "items": {"type": _ANY_TEXT}}),
        },
        "columns",
        "rows",
    )
    return _object(
        "One test.",
        {
            "name": _NAME,
            "description": _text("What it is for.", "the incident of 3 March"),
            "given": _facts("Facts, merged over the defaults."),
            "series": {
                "type": "object",
                "description": "Samples over time by the path of a fact: 70% 86%x12, 85+1x5, _x3, stale, gone.",
                "additionalProperties": {"type": _ANY_TEXT},
            },
            "interval": _duration("Time between two samples.", "5s"),
            "expect": {
                "description": "What is expected, at one moment or at several.",
                "oneOf": [_expectation(), _list("What is expected, moment by moment.", _expectation())],
            },
            "rule": _RULE,
            "table": table,
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
    return _object(
        "What holds for all facts; a counterexample fails the test.",
        {"name": _NAME, "never": pattern, "always": pattern},
    )


def _replay() -> dict[str, Any]:
    expect = _object(
        "What is expected of one rule over the recording.",
        {
            "rule": _RULE,
            "matches_between": _list("The least and most times that it starts to match.", {"type": "number"}),
            "max_flaps_per_hour": {
                "type": "number",
                "minimum": 0,
                "description": "How often it may flap.",
                "examples": [4],
            },
        },
    )
    history = _text("The recording, beside the test file.", "data/incident.jsonl")
    return _object(
        "A recording that is played through the rules.", {"name": _NAME, "history": history, "expect": expect}
    )


@lru_cache(maxsize=1)
def structure() -> Schema:
    """Return the schema of a test file."""
    require = _object(
        "The least coverage that passes, in percent.",
        {
            "rule_coverage": _percent("Rules that some test makes match."),
            "branch_coverage": _percent("Parts of conditions that tests see true and false."),
            "boundary": _percent("Thresholds that are tested at and beside their value."),
            "unknown_paths": _percent("Fields that some test leaves out."),
            "mutation_score": _percent("Mutants of the rules that some test notices."),
        },
    )
    root = _object(
        "Tests of rules.",
        {
            "kind": {"type": "string", "const": "gpurules/test", "description": "That this is a test of rules."},
            "version": {"type": "integer", "const": 1, "description": "The version of the format."},
            "rulesets": _list("The rulesets under test, beside this file.", _FILE),
            "defaults": _facts("Facts that every case starts from."),
            "interval": _duration("Time between two samples of a series; by default 5s.", "5s"),
            "cases": _list("The tests.", _case()),
            "properties": _list("What holds for all facts.", _property()),
            "replay": _list("Recordings that are played through the rules.", _replay()),
            "require": require,
        },
        "kind",
        "rulesets",
    )
    return {"$schema": DRAFT, "title": "gpurules test", **root}
