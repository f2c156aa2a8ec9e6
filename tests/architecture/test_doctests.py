"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

import gpurules

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(gpurules.__path__, "gpurules.")
    if not module.name.startswith("gpurules.__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if error.name and not error.name.startswith("gpurules"):
            pytest.skip(f"{error.name} is not installed")
        raise
    assert doctest.testmod(module).failed == 0
