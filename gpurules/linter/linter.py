"""Finds everything that is wrong or odd about a ruleset: what loading finds, and what the checks find."""

from pathlib import Path

from gpurules.actions import Action
from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject
from gpurules.linter.checks import CHECKS
from gpurules.registry import Registry
from gpurules.rules import Loaded, examine, examine_file


def _linted(loaded: Loaded) -> list[Diagnostic]:
    subject = Subject(loaded.ruleset, loaded.placed)
    found = [*loaded.diagnostics, *(finding for check in CHECKS for finding in check.run(subject))]
    return sorted(dict.fromkeys(found), key=lambda d: (*d.place, d.code))


def lint(path: str | Path, actions: Registry[Action] | None = None) -> list[Diagnostic]:
    """Return everything that is wrong or odd about a ruleset file, in order of place; never raises for a bad file.

    ``gpurules:NAME`` is a shipped ruleset; *actions* are those that rules may order, by default all there are.
    """
    return _linted(examine_file(path, actions))


def lints(text: str | bytes, path: str | None = None, actions: Registry[Action] | None = None) -> list[Diagnostic]:
    """Return everything that is wrong or odd about the text of a ruleset, in order of place."""
    return _linted(examine(text, path, actions))
