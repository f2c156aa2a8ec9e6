"""Reads the facts that options give: a file, stdin, or the JSON itself."""

import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import click

from gpurules.cli.terminal.output import say
from gpurules.facts import KINDS, CheckedFacts, FactProblem, check, place
from gpurules.fields import Field
from gpurules.input_files import read_input
from gpurules.language.terms import ir
from gpurules.strict_json import JSONDecodeError, loads

MAX_BYTES = 64 * 1024 * 1024
_NOTHING: Mapping[str, Field] = {}
_CLOCKS = frozenset({"hour", "weekday", "time_of_day", "transfer_age", "workload_age"})
"""Fields that depend on when the snapshot is."""


def read_facts(
    given: Mapping[str, str | None], declared: Mapping[str, Field] = _NOTHING, now: float | None = None
) -> CheckedFacts:
    """Return the facts that the options *given*, by kind, specify; *declared* are the fields that a ruleset declares.

    Units: *now*, the time of a snapshot that has none, in seconds since 1970; by default the current time.

    Raises:
        click.UsageError: facts are invalid; the message lists every mistake.
    """
    if list(given.values()).count("-") > 1:
        raise click.UsageError("stdin can be read only once: give the other facts as files")
    data = {kind: _fact(kind, one) for kind in KINDS if (one := given.get(kind)) is not None}
    facts = check(data, declared, time.time() if now is None else now)
    if facts.problems:
        raise click.UsageError("\n".join(map(_format_problem, facts.problems)))
    return facts


def say_now(facts: CheckedFacts, terms: Iterable[ir.Term]) -> None:
    """Note that facts without a time are taken as of now, if *terms* or the ages of transfers depend on the time."""
    is_dated = any(
        one is not None
        for one in (facts.transfer and facts.transfer.created, facts.workload and facts.workload.started)
    )
    reads_clock = any(field.name in _CLOCKS for term in terms for field in ir.fields(term))
    if not facts.is_timed and (is_dated or reads_clock):
        now = datetime.fromtimestamp(facts.snapshot.timestamp, UTC)
        say(f"the snapshot has no timestamp, so it is taken as of now: {now:%Y-%m-%dT%H:%M:%SZ}")


def _format_problem(problem: FactProblem) -> str:
    where = place(problem.path[1:])
    return f"--{problem.path[0]}: {where}: {problem.text}" if where else f"--{problem.path[0]}: {problem.text}"


def _fact(name: str, given: str) -> object:
    try:
        return _json(given)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--{name}: {_place(given)} is not JSON: {_reason(error)}") from error
    except OSError as error:
        raise click.UsageError(f"--{name}: {given}: {error.strerror or error}") from error


def _json(given: str) -> object:
    if given.lstrip().startswith("{"):
        return loads(given)
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if given == "-" else read_input(given, MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return loads(data.decode("utf-8-sig"))


def _place(given: str) -> str:
    return "stdin" if given == "-" else "the text" if given.lstrip().startswith("{") else given


def _reason(error: Exception) -> str:
    if isinstance(error, JSONDecodeError) and error.msg == "Extra data":
        return f"there is extra data at line {error.lineno} (give a single line of a recording)"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
