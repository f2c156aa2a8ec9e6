"""No imports in a circle, whether at the top of a module, inside a function, or for the type checker alone."""

import ast
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gpurules"


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of the module at *path*; a package has that of its folder."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, modules: Iterable[str]) -> set[str]:
    """Return which of *modules* a module imports anywhere: ``from a import b`` is ``a.b`` where that is a module."""
    known, found = set(modules), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found & known


def import_graph(root: Path, package: str) -> dict[str, set[str]]:
    """Return what each module below ``root/package`` imports of the others."""
    paths = {module_name(path, root): path for path in (root / package).rglob("*.py")}
    return {name: imported(ast.parse(path.read_text(encoding="utf-8")), paths) for name, path in paths.items()}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the sets of modules that reach each other: Tarjan's strongly connected components of more than one."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            position = stack.index(name)
            component = stack[position:]
            del stack[position:]
            if len(component) > 1 or name in graph[name]:
                found.append(sorted(component))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def test_no_import_closes_a_circle() -> None:
    assert circles(import_graph(PACKAGE.parent, PACKAGE.name)) == []


def test_contracts_count_imports_for_the_type_checker(root: Path) -> None:
    """An import that goes up counts wherever it is written: import-linter is configured to leave none out."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert not settings.get("exclude_type_checking_imports")
    layers = [contract for contract in settings["contracts"] if contract["type"] == "layers"]
    assert layers and not any(contract.get("ignore_imports") for contract in layers)


LATE = "def late():\n    from house.{0} import x\n    return x\n"
TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.{0} import x\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a": "from house.b import x", "b": ""}, []),
        ({"a": "from house.b import x", "b": "from house.a import y"}, [["house.a", "house.b"]]),
        ({"a": "from house.b import x", "b": LATE.format("a")}, [["house.a", "house.b"]]),
        ({"a": "from house.b import x", "b": TYPING.format("a")}, [["house.a", "house.b"]]),
        ({"a": "import house.b", "b": "from house import a"}, [["house.a", "house.b"]]),
        ({"__init__": "from house.a import x", "a": "def late():\n    from house import x"}, [["house", "house.a"]]),
        ({"a": LATE.format("b"), "b": LATE.format("c"), "c": LATE.format("a")}, [["house.a", "house.b", "house.c"]]),
        ({"a": "from house.b import x", "b": "from house.c import x", "c": ""}, []),
    ],
)
def test_every_way_to_import_counts(tmp_path: Path, files: dict[str, str], expected: list[list[str]]) -> None:
    (tmp_path / "house").mkdir()
    for name, text in ({"__init__": ""} | files).items():
        (tmp_path / "house" / f"{name}.py").write_text(text, encoding="utf-8")
    assert circles(import_graph(tmp_path, "house")) == expected
