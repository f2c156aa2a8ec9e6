"""``gpurules fields``, ``actions``, ``rule`` and ``version``."""

import json
from typing import Any

import pytest

from gpurules.actions import ACTIONS
from gpurules.diagnostics import CATALOGUE
from gpurules.fields import FIELDS


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
