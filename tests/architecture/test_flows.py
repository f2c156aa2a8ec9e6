"""The page of the flows: few stops, each a function or class that is in the file that the stop names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gpurules"
FLOWS = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8").split("\n## ")[1:]
STOPS = [
    pytest.param(stop, id=f"{flow.partition(chr(10))[0]}: {number}")
    for flow in FLOWS
    for number, stop in re.findall(r"^(\d)\. (.*(?:\n +.*)*)", flow, flags=re.MULTILINE)
]
STOP = re.compile(r"`([A-Za-z_][\w.]*)` in `([a-z_0-9/]+\.py)`")


def definitions(module: Path) -> set[str]:
    """Return the names that *module* defines at its top, and those in its classes, as ``Class.method``."""
    found = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.AnnAssign(ast.Name(name)):
                found.add(name)
            case ast.ClassDef(name, body=body):
                functions = [one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
                found |= {name, *(f"{name}.{one.name}" for one in functions)}
            case ast.Assign(targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_there_are_four_flows_of_at_most_eight_stops() -> None:
    counts = [len(re.findall(r"^\d+\. ", flow, re.MULTILINE)) for flow in FLOWS]
    assert len(counts) == 4 and max(counts) <= 8
    assert len(STOPS) == sum(counts)


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_names_a_function_and_the_file_that_it_is_in(stop: str) -> None:
    named = STOP.findall(" ".join(stop.split()))
    assert named, "every stop names one"
    assert [f"{name} in {path}" for name, path in named if name not in definitions(PACKAGE / path)] == []


def test_every_path_on_the_page_exists() -> None:
    paths = re.findall(r"`([a-z_0-9/]+(?:\.py|/))`", "".join(FLOWS))
    assert [path for path in paths if not (PACKAGE / path).exists()] == []
