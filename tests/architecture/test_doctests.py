"""The examples in docstrings run."""

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import gpurules

PACKAGE = Path(gpurules.__file__).parent


def modules() -> Iterator[str]:
    """Yield the names of the modules with examples."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8") and path.stem != "__main__":
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__")


def imported(name: str) -> ModuleType | None:
    """Import a module of the package, if the packages that it needs are installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name and not error.name.startswith("gpurules"):
            return None
        raise


def test_the_examples_of_every_module_run() -> None:
    results = {name: doctest.testmod(module) for name in modules() if (module := imported(name))}
    assert [name for name, result in results.items() if result.failed] == []
    assert sum(result.attempted for result in results.values()) > 100
