"""Finds the shipped folders ``grammars/`` and ``rulesets/``, installed or in a checkout."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def resource_root(folder: str) -> "Traversable":
    """Return the shipped folder named *folder*, installed or in a checkout."""
    here = Path(__file__).resolve().parent
    for place in (here / folder, here.parent / folder):
        if place.is_dir():
            return place
    from importlib.resources import files  # only a package in an archive needs it, and it takes long to import

    return files("gpurules").joinpath(folder)
