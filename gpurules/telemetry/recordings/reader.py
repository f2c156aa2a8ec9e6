"""A recording being read: its lines, the interpretation of its times, and its problems."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gpurules.fields import Field
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.options import RecordingOptions
from gpurules.telemetry.recordings.times import LocalClock
from gpurules.telemetry.source import TelemetryError

KEPT_PROBLEMS = 20
"""How many problems are kept word by word; the others are only counted."""
MAX_DOCUMENT = 16 << 20
"""The most characters that one document (XML, JSON, a section of a capture) may have."""


@dataclass(slots=True)
class RecordingReader:
    """A recording being read, with its problems.

    ``problems`` are unusable lines, ``notices`` the assumptions about what the file does not specify.
    ``feeds`` are declared fields, which series of Prometheus text fill as they do live.
    """

    place: str
    lines: Iterator[Line]
    options: RecordingOptions = field(default_factory=RecordingOptions)
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0
    notices: list[str] = field(default_factory=list)
    steps: int = 0
    feeds: tuple[Field, ...] = ()
    clock: LocalClock = field(init=False)
    _noted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start the clock in the zone of the recorder."""
        self.clock = LocalClock(self.options.zone)

    def problem(self, line: int | None, what: str) -> None:
        """Count an unusable line (None: a part of several lines), and keep the text of the first few."""
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(f"{self._at(line)}: {what}")

    def notice(self, line: int | None, what: str) -> None:
        """Record once an assumption about what the file does not specify."""
        if len(self.notices) < KEPT_PROBLEMS and what not in self._noted:
            self._noted.add(what)
            self.notices.append(f"{self._at(line)}: {what}")

    def _at(self, line: int | None) -> str:
        return self.place if line is None else f"{self.place}:{line}"

    def part(self, lines: Sequence[Line]) -> "RecordingReader":
        """Return a recording of just *lines*, with the same place, options, clock and problems."""
        part = RecordingReader(self.place, iter(lines), self.options)
        part.clock = self.clock
        return part

    def absorb(self, part: "RecordingReader") -> None:
        """Add the problems and notices of a part."""
        self.problem_count += part.problem_count
        self.problems.extend(part.problems[: KEPT_PROBLEMS - len(self.problems)])
        self.notices.extend(part.notices[: KEPT_PROBLEMS - len(self.notices)])

    def error(self, line: int, what: str) -> TelemetryError:
        """Return the error that stops the reading, with its place."""
        return TelemetryError(f"{self.place}:{line}: {what}")

    def time(self, text: str, line: int) -> float | None:
        """Parse a time, in the recorder's zone if it has no offset.

        A local time that occurs twice, when clocks go back, is the one that follows the previous time.

        Units: seconds since 1970.
        Missing: *text* is not a time.
        """
        time = self.clock.read(text)
        if self.clock.has_gone_back:
            self.clock.has_gone_back = False
            self.notice(
                line,
                f"the clock is set back here at the end of daylight saving time; {text.strip()[:40]!r} is read as the "
                "second of the two local times of that name",
            )
        return time

    def next_time(self) -> float:
        """Return the time of a snapshot that has none: 0, then one interval later each."""
        self.steps += 1
        return (self.steps - 1) * self.options.interval

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
