"""``gpurules fields``, ``actions``, ``rule`` and ``version``."""

import json
import platform
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from gpurules.actions import ACTIONS
from gpurules.cli.project.configuration import KEYS
from gpurules.diagnostics import CATALOGUE
from gpurules.fields import FIELDS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("subcommand", "names"), [("fields", set(FIELDS)), ("actions", set(ACTIONS.names)), ("rule", set(CATALOGUE))]
)
def test_the_list_has_every_entry(gpurules: Any, subcommand: str, names: set[str]) -> None:
    done = gpurules(subcommand)
    assert done.code == 0
    assert names == {line.split()[0] for line in done.out.splitlines()[1:]}


@pytest.mark.parametrize(
    ("subcommand", "count"), [("fields", len(FIELDS)), ("actions", len(ACTIONS)), ("rule", len(CATALOGUE))]
)
def test_json_has_every_entry(gpurules: Any, subcommand: str, count: int) -> None:
    version, entries = json.loads(gpurules(subcommand, "--format", "json").out).values()
    assert (version, len(entries)) == (1, count)


@pytest.mark.parametrize(
    ("subcommand", "name", "said"),
    [
        ("fields", "gpu_memory", "percent"),
        ("actions", "reduce_prefetch", "reduction_factor"),
        ("rule", "GPR104", "gpu_memory_used > 4GiB"),
        ("rule", "gpr104", "# GPR104 unit-mismatch"),
        ("rule", "unit-mismatch", "# GPR104 unit-mismatch"),
    ],
)
def test_one_entry_is_shown_with_its_details(gpurules: Any, subcommand: str, name: str, said: str) -> None:
    done = gpurules(subcommand, name)
    assert done.code == 0
    assert said in done.out


@pytest.mark.parametrize(
    ("subcommand", "wrong", "right"),
    [
        ("fields", "gpu_temprature", "gpu_temperature"),
        ("actions", "stage_transer", "stage_transfer"),
        ("rule", "unit-mismach", "unit-mismatch"),
    ],
)
def test_a_wrong_name_is_2_and_the_nearest_is_offered(gpurules: Any, subcommand: str, wrong: str, right: str) -> None:
    done = gpurules(subcommand, wrong)
    assert (done.code, done.out) == (2, "")
    assert right in done.err


@pytest.mark.parametrize("subcommand", ["fields", "actions", "rule"])
def test_markdown_is_the_page_of_the_docs(gpurules: Any, subcommand: str) -> None:
    assert gpurules(subcommand, "--format", "markdown").out.startswith("# ")


def test_every_code_has_a_page(gpurules: Any) -> None:
    for code in CATALOGUE:
        done = gpurules("rule", code)
        assert done.code == 0
        assert "## Avoid" in done.out and "## How to suppress" in done.out


def test_version_says_which_python_runs_it(gpurules: Any) -> None:
    assert gpurules("version").out.endswith(f" (Python {platform.python_version()})\n")


def test_version_is_for_programs_too(gpurules: Any) -> None:
    assert json.loads(gpurules("version", "--format", "json").out).keys() == {"schema_version", "version", "python"}


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


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property of a schema, however deep, with the path of keys that leads there."""
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}", part
        yield from properties(part, f"{path}.{name}")
    for key in ("items", "additionalProperties", "then"):
        if isinstance(schema.get(key), dict):
            yield from properties(schema[key], path if key == "then" else f"{path}.*")
    for key in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(key, []):
            yield from properties(part, path)


@pytest.mark.parametrize("kind", ["ruleset", "test", "config"])
def test_a_schema_describes_every_key_and_shows_what_cannot_be_chosen_from_a_list(gpurules: Any, kind: str) -> None:
    found = dict(properties(schema_of(gpurules, kind)))
    assert len(found) > {"ruleset": 60, "test": 100, "config": 7}[kind]
    assert [path for path, part in found.items() if not part.get("description", "").endswith(".")] == []
    chosen = {
        path for path, part in found.items() if {"enum", "const"} & part.keys() or "boolean" in part.get("type", ())
    }
    assert [path for path, part in found.items() if not part.get("examples") and path not in chosen] == []


@pytest.mark.parametrize("kind", ["ruleset", "test", "config"])
def test_every_example_in_a_schema_is_right(gpurules: Any, kind: str) -> None:
    for path, part in properties(schema_of(gpurules, kind)):
        for example in part.get("examples", []):
            assert not list(Draft7Validator(part).iter_errors(example)), (path, example)


@pytest.mark.parametrize(
    "path",
    [*sorted(ROOT.glob("tests/rulesets/*.test.yaml")), ROOT / "gpurules/cli/templates/node.test.yaml"],
    ids=lambda path: path.name,
)
def test_shipped_tests_fit_the_schema_as_an_editor_reads_them(gpurules: Any, path: Path) -> None:
    Draft7Validator(schema_of(gpurules, "test")).validate(yaml.load(path.read_text(encoding="utf-8"), Core))


def test_what_a_project_starts_from_fits_the_schemas(
    gpurules: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert gpurules("init").code == 0
    texts = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    (ruleset,) = (text for name, text in texts.items() if name.endswith(".rules.yaml"))
    (test,) = (text for name, text in texts.items() if name.endswith(".test.yaml"))
    Draft7Validator(schema_of(gpurules, "ruleset")).validate(yaml.load(ruleset, Core))
    Draft7Validator(schema_of(gpurules, "test")).validate(yaml.load(test, Core))
    Draft7Validator(schema_of(gpurules, "config")).validate(tomllib.loads(texts["gpurules.toml"]))


@pytest.mark.parametrize("path", sorted(ROOT.glob("rulesets/*.yaml")), ids=lambda path: path.name)
def test_shipped_rulesets_fit_the_schema_as_an_editor_reads_them(gpurules: Any, path: Path) -> None:
    Draft7Validator(schema_of(gpurules, "ruleset")).validate(yaml.load(path.read_text(encoding="utf-8"), Core))


TEST = {"kind": "gpurules/test", "version": 1, "rulesets": ["a.yaml"]}
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
        ("test", {**TEST, "cases": [{"name": "n", "expect": {"outcom": "match"}}]}, ["cases", 0, "expect"]),
        ("test", {**TEST, "cases": [{"name": "n", "series": [1]}]}, ["cases", 0, "series"]),
        ("test", {**TEST, "cases": [{"name": "n", "table": {"columns": ["outcome"]}}]}, ["cases", 0, "table"]),
        ("test", {**TEST, "properties": [{"name": "n"}]}, ["properties", 0]),
        ("test", {**TEST, "replay": [{"name": "n", "history": "h"}]}, ["replay", 0]),
        ("test", {**TEST, "replay": [{"name": "n", "history": "h", "expect": {"rule": "a", "matches_between": [1]}}]},
         ["replay", 0, "expect", "matches_between"]),
        ("test", {**TEST, "require": {"boundary": 101}}, ["require", "boundary"]),
        ("test", {**TEST, "require": {"bondary": 1}}, ["require"]),
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
