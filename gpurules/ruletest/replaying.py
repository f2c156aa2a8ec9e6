"""Plays a recording through the rules, and counts what one rule does."""

from dataclasses import dataclass

from gpurules.engine.engine import Engine
from gpurules.rules import Ruleset
from gpurules.telemetry.replay import replay

FLAP_SECONDS = 300.0
"""A rule that starts again so soon after it ended flaps."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a rule did over a recording: ``matches`` counts how often it started to match.

    Units: ``seconds`` is the length of the recording.
    """

    snapshots: int
    seconds: float
    matches: int
    flaps: int

    @property
    def flaps_per_hour(self) -> float:
        """How often it started again within five minutes, per hour; of less than an hour, in all."""
        return self.flaps / max(1.0, self.seconds / 3600)


def replayed(path: str, rule: str, ruleset: Ruleset) -> Replayed:
    """Return what *rule* did over the recording at *path*.

    Raises:
        TelemetryError: it can not be read.
    """
    now = [0.0]
    engine = Engine(ruleset, clock=lambda: now[0])
    first: float | None = None
    snapshots = matches = flaps = 0
    ended: float | None = None
    was_matching = False
    source = replay(path)
    try:
        for snapshot in source:
            now[0] = snapshot.timestamp
            first = snapshot.timestamp if first is None else first
            engine.observe(snapshot)
            snapshots += 1
            is_matching = rule in engine.decide().rules
            if is_matching and not was_matching:
                matches += 1
                flaps += ended is not None and now[0] - ended < FLAP_SECONDS
            elif was_matching and not is_matching:
                ended = now[0]
            was_matching = is_matching
    finally:
        source.close()
    return Replayed(snapshots, now[0] - (first or 0.0), matches, flaps)
