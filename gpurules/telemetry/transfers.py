"""Reads lists of transfers, each with the workload it serves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

from gpurules.facts import CheckedFacts, FactProblem, check
from gpurules.fields import Field
from gpurules.model import FactError, Transfer, Workload
from gpurules.telemetry.formats.json_documents import parse_json
from gpurules.telemetry.recordings.lines import read_lines
from gpurules.telemetry.source import TelemetryError

KEPT_PROBLEMS = 20
_PARTS = ("transfer", "workload")


@dataclass(slots=True)
class TransferList:
    """The transfers of a JSONL file, read lazily.

    A line is a transfer, or ``{"transfer": {…}, "workload": {…}}``. Any other line is counted and skipped; invalid
    facts are counted too, and missing. ``declared`` are the fields that the rules declare.
    """

    path: Path
    declared: Mapping[str, Field] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def __iter__(self) -> Iterator[tuple[Transfer, Workload | None]]:
        """Yield the transfers, each with its workload or None.

        Raises:
            TelemetryError: the file cannot be read, or has lines but no transfer.
        """
        self.problems, self.problem_count, count = [], 0, 0
        for line in read_lines(self.path):
            if not line.text.strip():
                continue
            try:
                facts = _facts(parse_json(line.text), self.declared)
            except (FactError, ValueError) as error:
                what = str(error) if isinstance(error, FactError) else f"not JSON: {error}"
                self._problem(f"{self.path}:{line.number}: {what}")
                continue
            for problem in facts.problems:
                self._problem(f"{self.path}:{line.number}: {problem}")
            count += 1
            yield facts.transfer or Transfer(), facts.workload
        if not count and self.problems:
            raise TelemetryError(f"{self.path} has no transfer that can be read; {self.problems[0]}")

    def _problem(self, what: str) -> None:
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(what)


def _facts(data: object, declared: Mapping[str, Field]) -> CheckedFacts:
    line = _mapping(data, "a transfer")
    if "transfer" not in line:
        return check({"transfer": line}, declared)
    _mapping(line["transfer"], "a transfer")
    if line.get("workload") is not None:
        _mapping(line["workload"], "a workload")
    odd = [FactProblem((key,), "a line contains only a transfer and a workload") for key in line if key not in _PARTS]
    facts = check({key: line.get(key) for key in _PARTS}, declared)
    return replace(facts, problems=(*facts.problems, *odd))


def _mapping(data: object, what: str) -> dict[str, object]:
    if not isinstance(data, dict):
        raise FactError(f"{what} must be a mapping, not {type(data).__name__}")
    return data


def read_transfers(path: str | PathLike[str], declared: Mapping[str, Field] | None = None) -> TransferList:
    """Return the list of transfers at *path*, which is opened on iteration.

    *declared* are the fields that the rules declare.
    """
    return TransferList(Path(path), declared or {})
