"""Loads the ruleset that an argument names: a file, a shipped ruleset, or stdin."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpurules.cli.options import stdin_name
from gpurules.cli.terminal.output import name_failed_plugins
from gpurules.input_files import open_input
from gpurules.registry import did_you_mean

if TYPE_CHECKING:
    from gpurules.rules import Ruleset

PREFIX = "gpurules:"


def load_ruleset(argument: str) -> "Ruleset":
    """Return the ruleset at the path *argument*, a shipped one (``gpurules:NAME``) or that on stdin (``-``).

    Raises:
        RulesetError: the ruleset is invalid.
        click.UsageError: it does not exist.
        OSError: the file cannot be read.
    """
    from gpurules.rules import load  # imports the rule loader, which a command that only names files does not need
    from gpurules.rules.yaml import MAX_BYTES

    name_failed_plugins()
    if argument == "-":
        return _from_stdin(sys.stdin.buffer.read(MAX_BYTES + 1), stdin_name())
    check_there(argument)
    return load(argument)


def _from_stdin(data: bytes, name: str) -> "Ruleset":
    from gpurules.rules import RulesetError, loads

    try:
        return loads(data, name)
    except RulesetError as error:
        error.texts = {name: data.decode("utf-8", "replace")}
        raise


def check_there(argument: str) -> None:
    """Make sure that *argument* names a shipped ruleset, or a file that can be read.

    Raises:
        click.UsageError: neither exists.
        OSError: the file cannot be read.
    """
    from gpurules.rules import shipped_names

    if argument.startswith(PREFIX):
        name = argument.removeprefix(PREFIX)
        if name not in shipped_names():
            hint = did_you_mean(name, shipped_names()) or f"shipped rulesets: {', '.join(shipped_names())}"
            raise click.UsageError(f"no shipped ruleset is named {name!r}; {hint}")
        return
    path = Path(argument)
    if not path.exists():
        hint = f"; {PREFIX}{argument} is a shipped ruleset" if argument in shipped_names() else ""
        raise click.UsageError(f"{argument}: no such file{hint}")
    open_input(path).close()


def nothing_to_do(ruleset: "Ruleset") -> Iterator[str]:
    """Yield a line if a ruleset decides nothing."""
    if not ruleset.rules:
        yield f"the ruleset {ruleset.name!r} has no rules, so nothing is decided"
    elif not any(rule.enabled for rule in ruleset.rules):
        yield f"every rule of the ruleset {ruleset.name!r} is disabled, so nothing is decided"
