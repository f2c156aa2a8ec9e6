"""Plays a recording through the rules, and counts what one rule does."""

from dataclasses import dataclass

from gpurules.engine.recordings import Recording, play_recording
from gpurules.rules import Ruleset

FLAP_SECONDS = 300.0
"""A rule that starts again so soon after it ended flaps."""


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """What a rule did over a recording: ``matches`` counts how often it started to match.

    ``unread`` says how much of the recording could not be used, and the first place.

    Units: ``seconds`` is the length of the recording.
    """

    snapshots: int
    seconds: float
    matches: int
    flaps: int
    unread: str = ""

    @property
    def note(self) -> str:
        """What the report says of the recording."""
        return f"{self.snapshots:,} snapshots" + (f"; {self.unread}" if self.unread else "")

    @property
    def flaps_per_hour(self) -> float:
        """How often it started again within five minutes, per hour; of less than an hour, in all."""
        return self.flaps / max(1.0, self.seconds / 3600)


def replay_recording(path: str, rule: str, ruleset: Ruleset) -> ReplayCounts:
    """Return what *rule* did over the recording at *path*.

    Raises:
        TelemetryError: it cannot be read, or has no snapshot.
    """
    first: float | None = None
    last = 0.0
    snapshots = matches = flaps = 0
    ended: float | None = None
    was_matching = False
    recording = Recording(path)
    for turn in play_recording([ruleset], recording):
        last, first = turn.at, turn.at if first is None else first
        snapshots += 1
        (decision,) = turn.decisions
        is_matching = rule in decision.rules
        if is_matching and not was_matching:
            matches += 1
            flaps += ended is not None and last - ended < FLAP_SECONDS
        elif was_matching and not is_matching:
            ended = last
        was_matching = is_matching
    unread = f"{recording.problem_count} not used, first {recording.problems[0]}" if recording.problems else ""
    return ReplayCounts(snapshots, last - (first or 0.0), matches, flaps, unread)
