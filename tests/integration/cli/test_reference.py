"""``gpurules fields``, ``actions``, ``rule`` and ``version``."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from gpurules.actions import ACTIONS
from gpurules.cli.configuration import KEYS
from gpurules.diagnostics import CATALOGUE
from gpurules.fields import FIELDS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("verb", "names"), [("fields", set(FIELDS)), ("actions", set(ACTIONS.names)), ("rule", set(CATALOGUE))]
)
def test_the_list_has_every_entry(gpurules: Any, verb: str, names: set[str]) -> None:
    done = gpurules(verb)
    assert done.code == 0
    assert names == {line.split()[0] for line in done.out.splitlines()[1:]}


@pytest.mark.parametrize(
    ("verb", "count"), [("fields", len(FIELDS)), ("actions", len(ACTIONS)), ("rule", len(CATALOGUE))]
)
def test_json_has_every_entry(gpurules: Any, verb: str, count: int) -> None:
    (entries,) = json.loads(gpurules(verb, "--format", "json").out).values()
    assert len(entries) == count


@pytest.mark.parametrize(
    ("verb", "name", "said"),
    [
        ("fields", "gpu_memory", "percent"),
        ("actions", "reduce_prefetch", "reduction_factor"),
        ("rule", "GPR104", "gpu_memory_used > 4GiB"),
        ("rule", "gpr104", "# GPR104 unit-mismatch"),
        ("rule", "unit-mismatch", "# GPR104 unit-mismatch"),
    ],
)
def test_one_entry_is_shown_with_its_details(gpurules: Any, verb: str, name: str, said: str) -> None:
    done = gpurules(verb, name)
    assert done.code == 0
    assert said in done.out


@pytest.mark.parametrize(
    ("verb", "wrong", "right"),
    [
        ("fields", "gpu_temprature", "gpu_temperature"),
        ("actions", "stage_transer", "stage_transfer"),
        ("rule", "unit-mismach", "unit-mismatch"),
    ],
)
def test_a_wrong_name_is_2_and_the_nearest_is_offered(gpurules: Any, verb: str, wrong: str, right: str) -> None:
    done = gpurules(verb, wrong)
    assert (done.code, done.out) == (2, "")
    assert right in done.err


@pytest.mark.parametrize("verb", ["fields", "actions", "rule"])
def test_markdown_is_the_page_of_the_docs(gpurules: Any, verb: str) -> None:
    assert gpurules(verb, "--format", "markdown").out.startswith("# ")


def test_every_code_has_a_page(gpurules: Any) -> None:
    for code in CATALOGUE:
        done = gpurules("rule", code)
        assert done.code == 0
        assert "## Avoid" in done.out and "## How to silence" in done.out


def test_version_is_for_programs_too(gpurules: Any) -> None:
    assert json.loads(gpurules("version", "--format", "json").out).keys() == {"version", "python"}


class Core(yaml.SafeLoader):
    """Reads YAML 1.2 as the editors' language server does: `on`, `22:00` and `1_000` are texts."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, starts in (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), [*starts, ""])


def schema_of(gpurules: Any, kind: str) -> dict[str, Any]:
    done = gpurules("schema", "--kind", kind)
    assert done.code == 0
    schema: dict[str, Any] = json.loads(done.out)
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    return schema


@pytest.mark.parametrize("kind", ["ruleset", "test", "config"])
def test_a_schema_describes_every_key_and_shows_what_can_not_be_chosen_from_a_list(gpurules: Any, kind: str) -> None:
    def silent(schema: Any, path: str, inside: bool = False) -> list[str]:
        found = []
        for name, part in schema.get("properties", {}).items():
            place = f"{path}.{name}"
            known = {"enum", "const", "examples", "default", "properties", "items", "oneOf", "anyOf"}
            is_shown = known & part.keys() or part.get("type") in ("boolean", ["boolean", "string"], "object")
            found += [f"{place}: not described"] if "description" not in part else []
            found += [] if is_shown or inside else [f"{place}: no example"]
            found += silent(part, place, inside) + silent(part.get("items", {}), place, inside)
        return found

    assert silent(schema_of(gpurules, kind), kind) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("rulesets/*.yaml")), ids=lambda path: path.name)
def test_shipped_rulesets_fit_the_schema_as_an_editor_reads_them(gpurules: Any, path: Path) -> None:
    Draft7Validator(schema_of(gpurules, "ruleset")).validate(yaml.load(path.read_text(encoding="utf-8"), Core))


RULE = {"name": "a", "condition": "gpu_memory > 80", "action": "delay_transfer", "parameters": {"delay": "30s"}}


@pytest.mark.parametrize(
    ("kind", "data", "where"),
    [
        ("ruleset", {"version": 1, "name": "x", "rules": [RULE]}, None),
        ("ruleset", {"version": 1, "name": "x", "rules": [{**RULE, "conditon": "x"}]}, ["rules", 0]),
        ("ruleset", {"version": 1, "name": "x", "rules": [{**RULE, "action": "dely"}]}, ["rules", 0, "action"]),
        ("ruleset", {"version": 1, "name": "x", "rules": [{**RULE, "parameters": {"dely": 3}}]},
         ["rules", 0, "parameters"]),
        ("test", {"kind": "gpurules/test", "version": 1, "rulesets": ["a.yaml"]}, None),
        ("test", {"kind": "gpurules/test", "version": 1, "rulesets": ["a.yaml"], "case": []}, []),
        ("config", {"extend-select": ["GPR7", "unknown-field", "GPR101"], "fail-on": "warning"}, None),
        ("config", {"slect": ["GPR7"]}, []),
        ("config", {"select": ["GPRX"]}, ["select", 0]),
        ("config", {"fail-on": "erorr"}, ["fail-on"]),
    ],
)  # fmt: skip
def test_a_schema_finds_a_slip_at_its_place(gpurules: Any, kind: str, data: object, where: list[Any] | None) -> None:
    found = [list(error.absolute_path) for error in Draft7Validator(schema_of(gpurules, kind)).iter_errors(data)]
    assert found == ([where] if where is not None else [])


def test_the_keys_of_the_configuration_are_all_in_its_schema(gpurules: Any) -> None:
    assert set(schema_of(gpurules, "config")["properties"]) == set(KEYS)
