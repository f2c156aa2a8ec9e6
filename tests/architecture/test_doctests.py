"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import gpurules

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(gpurules.__path__, "gpurules.")
    if not module.name.startswith("gpurules.__")
)


def imported(name: str) -> ModuleType | None:
    """Import a module of the package, if the packages that it needs are installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name and not error.name.startswith("gpurules"):
            return None
        raise


def test_the_examples_of_every_module_run() -> None:
    results = {name: doctest.testmod(module) for name in MODULES if (module := imported(name))}
    assert [name for name, result in results.items() if result.failed] == []
    assert sum(result.attempted for result in results.values()) > 100
