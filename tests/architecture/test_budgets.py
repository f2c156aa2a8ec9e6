"""Modules, classes and functions stay small, and each says what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gpurules"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES, CLASS_LINES, FUNCTION_LINES, PARAMETERS = 400, 250, 40, 5

Function = ast.FunctionDef | ast.AsyncFunctionDef

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def height(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def parameters(node: Function) -> int:
    """Return how many parameters a function has, ``self`` and ``cls`` aside."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (bool(names) and names[0] in ("self", "cls"))


def is_command(node: Function) -> bool:
    """Whether the function is a command of the command line: its parameters are the options, by construction."""
    return any("command" in ast.unparse(decorator) for decorator in node.decorator_list)


def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body, f"{prefix}{node.name}.")


@each_module
def test_a_module_is_not_long(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@each_module
def test_classes_and_functions_are_not_long(module: Path) -> None:
    too_long = [
        f"{node.name}: {height(node)} lines"
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.ClassDef) and height(node) > CLASS_LINES)
        or (isinstance(node, Function) and height(node) > FUNCTION_LINES)
    ]
    assert too_long == []


@each_module
def test_functions_take_few_parameters(module: Path) -> None:
    too_many = [
        f"{node.name}: {parameters(node)} parameters"
        for node in ast.walk(tree(module))
        if isinstance(node, Function) and parameters(node) > PARAMETERS and not is_command(node)
    ]
    assert too_many == []


@each_module
def test_whatever_is_public_has_a_docstring(module: Path) -> None:
    parsed = tree(module)
    silent = [] if ast.get_docstring(parsed) else [module.name]
    silent += [name for name, node in public_definitions(parsed.body) if not ast.get_docstring(node)]
    assert silent == []
