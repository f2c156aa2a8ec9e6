"""Reads lists of transfers, each with the workload it serves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from gpurules.model import FactError, Transfer, Workload
from gpurules.telemetry.formats.jsonl import parse_json
from gpurules.telemetry.formats.lines import read_lines
from gpurules.telemetry.source import TelemetryError

KEPT_PROBLEMS = 20


@dataclass(slots=True)
class TransferList:
    """The transfers of a JSONL file, read as they are walked through.

    A line is a transfer, or ``{"transfer": {…}, "workload": {…}}``. One that is neither is counted, and passed over.
    """

    path: Path
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def __iter__(self) -> Iterator[tuple[Transfer, Workload | None]]:
        """Walk through the transfers, each with its workload or None.

        Raises:
            TelemetryError: the file can not be read, or holds lines but not one transfer.
        """
        self.problems, self.problem_count, count = [], 0, 0
        for line in read_lines(self.path):
            if not line.text.strip():
                continue
            try:
                pair = _pair(parse_json(line.text))
            except (FactError, ValueError) as error:
                what = str(error) if isinstance(error, FactError) else f"no JSON: {error}"
                self._problem(f"{self.path}:{line.number}: {what}")
                continue
            count += 1
            yield pair
        if not count and self.problems:
            raise TelemetryError(f"{self.path} has no transfer that can be read; {self.problems[0]}")

    def _problem(self, what: str) -> None:
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(what)


def _pair(data: object) -> tuple[Transfer, Workload | None]:
    if not isinstance(data, dict) or "transfer" not in data:
        return Transfer.from_dict(data), None
    workload = data.get("workload")
    return Transfer.from_dict(data["transfer"]), None if workload is None else Workload.from_dict(workload)


def read_transfers(path: str | PathLike[str]) -> TransferList:
    """Return the list of transfers at *path*; it is opened when it is walked through."""
    return TransferList(Path(path))
