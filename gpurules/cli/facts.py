"""Reads the facts that options give: a file, stdin, or the JSON itself."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from gpurules.model import FactError, Snapshot, Transfer, Workload

MAX_BYTES = 64 * 1024 * 1024
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one evaluation is about.

    Missing: None where the option was not given; without a snapshot there is an empty one.
    """

    snapshot: Snapshot
    transfer: Transfer | None
    workload: Workload | None
    node: Mapping[str, object] | None


def read_facts(snapshot: str | None, transfer: str | None, workload: str | None, node: str | None) -> Facts:
    """Return the facts that the options of the same names give.

    Raises:
        click.UsageError: one can not be read; the message says which and why.
    """
    if [snapshot, transfer, workload, node].count("-") > 1:
        raise click.UsageError("stdin can be read only once: give the other facts as files")
    return Facts(
        _fact("snapshot", snapshot, Snapshot.from_dict) or Snapshot(),
        _fact("transfer", transfer, Transfer.from_dict),
        _fact("workload", workload, Workload.from_dict),
        _fact("node", node, _mapping),
    )


def _fact(name: str, given: str | None, make: Callable[[object], Fact]) -> Fact | None:
    if given is None:
        return None
    try:
        return make(_json(given))
    except FactError as error:
        raise click.UsageError(f"--{name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--{name}: {_place(given)} is not JSON: {_reason(error)}") from error
    except OSError as error:
        raise click.UsageError(f"--{name}: {given}: {error.strerror or error}") from error


def _json(given: str) -> object:
    if given.lstrip().startswith("{"):
        return json.loads(given)
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if given == "-" else _bytes(Path(given))
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return json.loads(data.decode("utf-8-sig"))


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _place(given: str) -> str:
    return "stdin" if given == "-" else "the text" if given.lstrip().startswith("{") else given


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
        return f"something follows at line {error.lineno} (of a recording, give one line)"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _mapping(data: object) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise FactError(f"the facts of the node must be a mapping, not {type(data).__name__}")
    return data
