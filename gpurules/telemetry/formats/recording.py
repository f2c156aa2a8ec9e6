"""A file that is being read: its lines, how its times are meant, and what was wrong with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from gpurules.telemetry.formats.lines import Line
from gpurules.telemetry.source import TelemetryError

KEPT_PROBLEMS = 20
"""How many problems are kept word by word; the others are only counted."""
MAX_DOCUMENT = 16 << 20
"""The most characters that one document (XML, JSON, a section of a capture) may have."""


@dataclass(slots=True)
class Recording:
    """A file that is being read.

    Units: ``interval`` in seconds, the step between snapshots that have no time of their own.
    """

    place: str
    lines: Iterator[Line]
    zone: tzinfo
    interval: float
    columns: str | None = None
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0
    steps: int = 0

    def problem(self, line: int, what: str) -> None:
        """Count a line that could not be used, and keep the first few word by word."""
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(f"{self.place}:{line}: {what}")

    def part(self, lines: Sequence[Line]) -> "Recording":
        """Return a recording of just *lines*, with the same place, times and problems' limit."""
        return Recording(self.place, iter(lines), self.zone, self.interval, self.columns)

    def absorb(self, part: "Recording") -> None:
        """Count the problems of a part as one's own."""
        self.problem_count += part.problem_count
        self.problems.extend(part.problems[: KEPT_PROBLEMS - len(self.problems)])

    def error(self, line: int, what: str) -> TelemetryError:
        """Return the error that stops the reading, with its place."""
        return TelemetryError(f"{self.place}:{line}: {what}")

    def next_time(self) -> float:
        """Return the time of a snapshot that has none: 0, then one interval more each."""
        self.steps += 1
        return (self.steps - 1) * self.interval

    def document(self, lines: Sequence[Line] | Iterator[Line]) -> str:
        """Return *lines* as one text.

        Raises:
            TelemetryError: it is longer than ``MAX_DOCUMENT``.
        """
        size, texts = 0, []
        for line in lines:
            size += len(line.text) + 1
            if size > MAX_DOCUMENT:
                raise self.error(line.number, f"one document is longer than {MAX_DOCUMENT >> 20} MiB; split the file")
            texts.append(line.text)
        return "\n".join(texts)
