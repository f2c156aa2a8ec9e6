"""The set of built-in actions as a whole."""

import jsonschema
import pytest

from gpurules.actions import ACTIONS, Action, ActionKind, is_directive
from gpurules.model import Dimension

ALL = list(ACTIONS)


EFFECTS = ["log", "webhook", "alertmanager", "pagerduty", "slack", "email", "exec", "kubernetes", "slurm"]


def test_those_of_the_reference_are_there():
    assert set(ACTIONS.names) >= {
        "reduce_prefetch", "delay_transfer", "increase_priority", "stage_transfer", "limit_bandwidth",
        "limit_concurrency", "pause_transfer", *EFFECTS,
    }  # fmt: skip


@pytest.mark.parametrize("action", ALL, ids=lambda a: a.name)
def test_each_schema_is_valid_and_closed(action: Action):
    jsonschema.Draft7Validator.check_schema(action.schema)
    assert action.schema["type"] == "object"
    assert action.schema["additionalProperties"] is False


@pytest.mark.parametrize("action", ALL, ids=lambda a: a.name)
def test_each_parameter_is_described_and_each_optional_one_of_a_closed_set_has_a_default(action: Action):
    for name, schema in action.schema["properties"].items():
        assert schema["description"].endswith("."), name
        assert schema["examples"], name
        if "enum" in schema:
            assert schema["default"] in schema["enum"]
        if "x-dimension" in schema:
            assert Dimension(schema["x-dimension"])


@pytest.mark.parametrize("action", ALL, ids=lambda a: a.name)
def test_each_has_a_one_sentence_summary(action: Action):
    assert action.summary.endswith(".")
    assert "\n" not in action.summary


def test_opposites_are_declared_by_both():
    for action in ALL:
        if is_directive(action):
            for other in action.excludes:
                opposite = ACTIONS[other]
                assert is_directive(opposite)
                assert action.name in opposite.excludes


def test_directives_set_attributes_of_their_own():
    targets = [action.target for action in ALL if is_directive(action)]
    assert len(targets) == len(set(targets))
    assert [action.name for action in ALL if action.kind is ActionKind.EFFECT] == EFFECTS
