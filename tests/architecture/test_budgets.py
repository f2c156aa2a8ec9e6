"""Modules, classes and functions stay small, and each says what it is."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "gpurules"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES, CLASS_LINES, FUNCTION_LINES, PARAMETERS, ROOM_MODULES = 400, 250, 40, 5, 12
CROWDED = {
    "": "the ground floor: small modules that belong to no package",
    "backends": "back ends beside the indexes of the Python one, which share its emitter",
    "backends/native": "what Go and C share, from the checked tree to tables and texts",
    "cli/commands": "an extension point: one file a command",
    "linter/checks": "an extension point: one file a check",
}
"""Folders with more modules than others, by their path in the package, and why they have no rooms."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
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


def in_modules(found: Callable[[Path], Iterable[str]]) -> list[str]:
    """Return what *found* names in every module, each with the module that it is in."""
    return [f"{module.relative_to(PACKAGE)}: {fault}" for module in MODULES for fault in found(module)]


def test_no_module_is_long() -> None:
    def long(module: Path) -> Iterator[str]:
        lines = len(module.read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES:
            yield f"{lines} lines"

    assert in_modules(long) == []


def test_classes_and_functions_are_not_long() -> None:
    def long(module: Path) -> Iterator[str]:
        for node in ast.walk(tree(module)):
            limit = CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES
            if isinstance(node, Function | ast.ClassDef) and height(node) > limit:
                yield f"{node.name}: {height(node)} lines"

    assert in_modules(long) == []


def test_functions_take_few_parameters() -> None:
    def crowded(module: Path) -> Iterator[str]:
        for node in ast.walk(tree(module)):
            if isinstance(node, Function) and parameters(node) > PARAMETERS and not is_command(node):
                yield f"{node.name}: {parameters(node)} parameters"

    assert in_modules(crowded) == []


def test_whatever_is_public_has_a_docstring() -> None:
    def undocumented(module: Path) -> Iterator[str]:
        parsed = tree(module)
        if not ast.get_docstring(parsed):
            yield module.name
        yield from (name for name, node in public_definitions(parsed.body) if not ast.get_docstring(node))

    assert in_modules(undocumented) == []


def test_a_package_with_many_modules_has_rooms() -> None:
    counts = Counter(module.parent for module in MODULES if module.name != "__init__.py")
    crowded = {
        folder.relative_to(PACKAGE).as_posix().removeprefix(".")
        for folder, count in counts.items()
        if count > ROOM_MODULES
    }
    assert crowded == CROWDED.keys(), "group the modules by subject into sub-packages, with a contract between them"


LISTS = {"actions/directives", "cli/commands", "linter/checks", "service/web/operations", "telemetry/sources"}
"""Packages of modules that do not know each other: there is nothing to draw."""


def test_a_package_of_more_than_five_parts_draws_them() -> None:
    """The docstring shows what flows from which module or room to which, so that a reader knows where to begin."""
    undrawn = set()
    for face in (module for module in MODULES if module.name == "__init__.py" and module.parent != PACKAGE):
        parts = [*face.parent.glob("[a-z]*.py"), *face.parent.glob("*/__init__.py")]
        if len(parts) > 5 and not re.search("-->|<-|->", ast.get_docstring(tree(face)) or ""):
            undrawn.add(face.parent.relative_to(PACKAGE).as_posix())
    assert undrawn == LISTS
