"""Recordings, played through engines on the clock of the recording: how rules are judged by what has been."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from gpurules.actions.decision import Decision
from gpurules.engine.effects.events import feed_source
from gpurules.engine.engine import Engine
from gpurules.fields import Field
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules import Ruleset
from gpurules.telemetry import TelemetryError

if TYPE_CHECKING:
    from gpurules.telemetry import Replay

RELATIVE_SECONDS = 100_000_000
"""A list of transfers whose every ``created`` is below it (before 1973) counts from the first snapshot."""

Arrivals: TypeAlias = Iterable[tuple[Transfer, Workload | None]]


class Recording:
    """A recording in a file, whatever tool wrote it; it can be walked through as often as it is asked for.

    *options* are what it leaves open, as for ``telemetry.replay``; ``problems``, ``problem_count`` and ``notices`` are
    those of the last walk.
    """

    fields_missing: tuple[str, ...] = ()
    """What ``note_readers`` found, a line for each field."""

    def __init__(self, path: str, **options: object) -> None:
        self.path = path
        self._options = options
        self.problems: tuple[str, ...] = ()
        self.problem_count = 0
        self.notices: tuple[str, ...] = ()
        self.format = ""
        self._source: Replay | None = None
        self._feeds: tuple[Field, ...] = ()

    def feed(self, fields: Collection[Field]) -> None:
        """Fill *fields* in walks from now on, where the recording is Prometheus text."""
        self._feeds = tuple(fields)

    def note_readers(self, readers: Mapping[str, tuple[str, str]]) -> None:
        """Note which facts rules read that no recording of this format has.

        *readers* are the name of a field and those of its rules, by the attribute of a GPU.
        """
        from gpurules.telemetry.coverage import never_given, sources_giving

        for attribute in sorted(never_given(self, readers)):
            field, rules = readers[attribute]
            sources = ", ".join(sources_giving(attribute)) or "none"
            line = (
                f"{self.path}: {self.format} never has {field}, read by {rules}; it is missing in all snapshots "
                f"(sources that have it: {sources})"
            )
            self.fields_missing = tuple(dict.fromkeys((*self.fields_missing, line)))

    @property
    def share(self) -> float | None:
        """How much of the file has been read in the walk that is under way, of 1.

        Missing: there is no walk, or the file does not say.
        """
        return None if self._source is None else self._source.share

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield its snapshots, from the start.

        Raises:
            TelemetryError: it cannot be read, or has none.
        """
        from gpurules.telemetry.playback import replay, split_place  # all formats, which are needed to read alone

        path, asked = split_place(self.path)
        source = self._source = replay(path, **{**asked, **self._options})
        source.feed(self._feeds)
        try:
            yield from source
            if not source.count:
                raise TelemetryError(f"{self.path} has no snapshot; record something first")
        finally:
            self.problems, self.problem_count, self.notices = source.problems, source.problem_count, source.notices
            self.format = source.format
            source.close()
            self._source = None


@dataclass(frozen=True, slots=True)
class PlaybackStep:
    """A step of a recording: the engines have observed a snapshot, or a transfer arrives.

    ``is_new`` is False of a snapshot that is not newer than the one before, which engines ignore.
    Units: ``at`` in seconds since 1970.
    Missing: ``transfer`` is None if the step is a snapshot.
    """

    at: float
    engines: tuple[Engine, ...]
    transfer: Transfer | None = None
    workload: Workload | None = None
    is_new: bool = True

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What each engine decides: on the transfer, or without one for the node."""
        return tuple(engine.decide(self.transfer, workload=self.workload) for engine in self.engines)


def feed_recording(recording: object, rulesets: Sequence[Ruleset]) -> None:
    """Have *recording* fill the fields that *rulesets* feed, where it can; note those that they feed differently."""
    differing = feed_source(recording, *rulesets)
    if isinstance(recording, Recording):
        recording.fields_missing = tuple(dict.fromkeys((*recording.fields_missing, *differing)))


def play_recording(
    rulesets: Sequence[Ruleset], snapshots: Iterable[Snapshot], transfers: Arrivals = ()
) -> Iterator[PlaybackStep]:
    """Yield every step of a recording, in which each of *rulesets* has an engine, with *transfers* as they arrive.

    Transfers that arrive after the last snapshot come at the end. A recording that can fills the fields that rulesets
    feed; ``fields_missing`` has those that they feed differently.
    """
    feed_recording(snapshots, rulesets)
    now = [0.0]
    engines = tuple(Engine(ruleset, clock=lambda: now[0]) for ruleset in rulesets)
    waiting, is_first = list(transfers), True
    for snapshot in snapshots:
        if is_first:
            waiting, is_first = _timed(waiting, snapshot.timestamp), False
        while waiting and (waiting[0][0].created or 0.0) < snapshot.timestamp:
            transfer, workload = waiting.pop(0)
            now[0] = max(now[0], transfer.created or 0.0)
            yield PlaybackStep(now[0], engines, transfer, workload)
        now[0] = snapshot.timestamp
        observed = [engine.observe(snapshot) for engine in engines]
        yield PlaybackStep(now[0], engines, is_new=all(seen.accepted for seen in observed))
    for transfer, workload in waiting:
        yield PlaybackStep(now[0], engines, transfer, workload)


def _timed(transfers: list[tuple[Transfer, Workload | None]], start: float) -> list[tuple[Transfer, Workload | None]]:
    """Return transfers in order of time; those without one come with the first snapshot, which is at *start*."""
    is_relative = all((transfer.created or 0.0) < RELATIVE_SECONDS for transfer, _ in transfers)
    origin = start if is_relative else 0.0
    timed = (
        (replace(one, created=start if one.created is None else one.created + origin), workload)
        for one, workload in transfers
    )
    return sorted(timed, key=lambda pair: pair[0].created or start)
