"""The published schema, as editors use it: on what a plain YAML reader makes of a file."""

import re
from importlib.resources.abc import Traversable
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from gpurules.actions import ACTIONS
from gpurules.resources import resource_root
from gpurules.rules.schema.schema import ruleset_schema, structure

PUBLISHED = ruleset_schema(ACTIONS)
SHIPPED = [
    file
    for file in resource_root("rulesets").iterdir()
    if file.name.endswith(".yaml") and not file.name.endswith(".test.yaml")
]


class Yaml12(yaml.SafeLoader):
    """Reads as editors do, by YAML 1.2: ``on`` is a text, and only ``true`` and ``false`` are truth values."""


BOOL = "tag:yaml.org,2002:bool"
Yaml12.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] != BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver(BOOL, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


def read_document(text: str) -> object:
    return yaml.load(text, Yaml12)


def is_valid(text: str) -> bool:
    return Draft7Validator(PUBLISHED).is_valid(read_document(text))


def rule(keys: str) -> str:
    return f"version: 1\nname: x\nrules:\n- {{name: a, condition: gpu_memory > 80, {keys}}}\n"


def test_both_schemas_are_valid_and_of_draft_seven() -> None:
    for schema in (structure(), PUBLISHED):
        Draft7Validator.check_schema(schema)
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_shipped_rulesets_are_valid(file: Traversable) -> None:
    Draft7Validator(PUBLISHED).validate(read_document(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "keys",
    [
        "action: pause_transfer",
        "action: delay_transfer, parameters: {delay: 30s}",
        "action: delay_transfer, parameters: {delay_seconds: 30, early_release: false}",
        "action: limit_bandwidth, parameters: {max_bandwidth: 200MB/s}",
        "action: limit_bandwidth, parameters: {max_bandwidth: '${cap}'}",
        "action: increase_priority, parameters: {priority_boost: '${boost}'}",
        "actions: [{action: log}, {action: reduce_prefetch, parameters: {reduction_factor: 0.5}}]",
        "action: log, for: 30s, until: gpu_memory < 70, keep_for: 60, cooldown: 5m, tags: [a], x-team: b",
    ],
)
def test_good_rules_are_valid(keys: str) -> None:
    assert is_valid(rule(keys))


@pytest.mark.parametrize(
    "keys",
    [
        "action: stage_transer",
        "action: pause_transfer, actions: [{action: log}]",
        "action: pause_transfer, prioritty: 5",
        "action: pause_transfer, priority: high",
        "action: reduce_prefetch, parameters: {reduction_factor: 1.5}",
        "action: reduce_prefetch, parameters: {reduction_facter: 0.5}",
        "action: delay_transfer, parameters: {delay: soon}",
        "actions: [{action: delay_transfer, parameters: {jitter: 2}}]",
    ],
)
def test_bad_rules_are_not(keys: str) -> None:
    assert not is_valid(rule(keys))


def undescribed(schema: Any, path: str = "") -> list[str]:
    found = []
    for name, part in schema.get("properties", {}).items():
        if isinstance(part, dict):
            if not part.get("description") and path.count("/with") == 0:
                found.append(f"{path}/{name}")
            found += undescribed(part, f"{path}/{name}")
    for part in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            found += undescribed(part, f"{path}/*")
    return found


def test_every_key_is_described() -> None:
    assert undescribed(PUBLISHED) == []


def test_a_plug_in_action_is_part_of_the_schema() -> None:
    names = PUBLISHED["properties"]["rules"]["items"]["properties"]["action"]["enum"]
    assert names == sorted(ACTIONS.names)
