"""``gpurules rulesets`` and ``gpurules schema``."""

import json
from pathlib import Path
from typing import Any

from gpurules.resources import resource_root

SHIPPED = {
    path.name.removesuffix(".yaml") for path in resource_root("rulesets").iterdir() if path.name.endswith(".yaml")
}


def test_the_list_has_every_ruleset_that_ships(gpurules: Any) -> None:
    done = gpurules("rulesets")
    assert done.code == 0
    assert {line.split()[0] for line in done.out.splitlines()[1:]} == SHIPPED
    assert {"default", "coordinator", "training", "inference", "thermal", "multi-tenant"} <= SHIPPED


def test_a_ruleset_is_printed_as_it_is(gpurules: Any) -> None:
    done = gpurules("rulesets", "default")
    assert done.out == resource_root("rulesets").joinpath("default.yaml").read_text(encoding="utf-8")
    assert gpurules("rulesets", "gpurules:default").out == done.out


def test_json_has_rules_and_inputs(gpurules: Any) -> None:
    (default,) = json.loads(gpurules("rulesets", "default", "--format", "json").out)["rulesets"]
    assert [rule["name"] for rule in default["rules"]] == [
        "delay_transfer_on_temperature",
        "prioritize_model_files",
        "reduce_prefetch_on_memory_pressure",
        "stage_large_transfers",
    ]


def test_a_wrong_name_is_2_and_the_nearest_is_offered(gpurules: Any) -> None:
    done = gpurules("rulesets", "termal")
    assert done.code == 2
    assert "did you mean 'thermal'?" in done.err


def test_the_schema_is_json_schema_and_knows_the_actions(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("schema")
    assert done.code == 0
    assert "reduce_prefetch" in done.out
    assert json.loads(done.out)["$schema"].startswith("http://json-schema.org/")
    path = tmp_path / "schema.json"
    assert gpurules("schema", "--output-file", path).out == ""
    assert path.read_text() == done.out
