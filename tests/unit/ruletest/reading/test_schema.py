"""The JSON Schema of test files."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from gpurules.ruletest.reading.schema import structure

ROOT = Path(__file__).resolve().parents[3]


def test_it_is_a_draft_7_schema_in_which_everything_is_described() -> None:
    Draft7Validator.check_schema(structure())

    def silent(schema: Any, path: str) -> list[str]:
        found = [path] if "description" not in schema and "oneOf" not in schema else []
        for name, part in schema.get("properties", {}).items():
            found += silent(part, f"{path}.{name}")
        return found

    assert silent(structure(), "") == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "rulesets").glob("*.test.yaml")), ids=lambda p: p.name)
def test_the_tests_of_the_shipped_rulesets_fit_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("gpu[", "gpu<")
    Draft7Validator(structure()).validate(yaml.safe_load(text.replace("].", ">.")))


@pytest.mark.parametrize(
    ("text", "where"),
    [("cases: [{nam: a}]", ["cases", 0]), ("cases: [{name: a, expect: {outcome: maybe}}]", ["cases", 0, "expect"])],
)
def test_a_mistake_does_not_fit_it(text: str, where: list[Any]) -> None:
    data = yaml.safe_load(f"kind: gpurules/test\nversion: 1\nrulesets: [a.yaml]\n{text}\n")
    errors = list(Draft7Validator(structure()).iter_errors(data))
    assert where in [list(error.absolute_path) for error in errors]
