"""Finds the shipped folders ``grammars/`` and ``rulesets/``, installed or in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource_root(folder: str) -> Traversable:
    """Return the shipped folder named *folder*, installed or in a checkout."""
    packaged = files("gpurules").joinpath(folder)
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / folder
