"""What the coordinator shows of itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpurules.engine.effects.metrics import HistoryState
from gpurules.engine.engine import SignalState
from gpurules.model import Snapshot


def current_proposal(found: Mapping[str, object] | None, version: str) -> Mapping[str, object] | None:
    """Return the values that the history supports better, None where they are for another version of the ruleset."""
    return found if found is not None and found.get("ruleset_version") == version else None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a coordinator at one point in time.

    Units: ``telemetry_age`` in seconds.
    Missing: ``snapshot`` and ``telemetry_age`` are None before the first poll; ``source_error`` None: the last poll
    went well; ``source_form`` None: the source has only one, else its name, and why it is not the best; ``proposal``
    None: the history supports no other values than those of the ruleset in force, or was not searched; ``history``
    None: what is observed is not recorded.
    """

    enabled: bool
    running: bool
    ruleset: str
    ruleset_version: str
    source: str
    snapshot: Snapshot | None
    telemetry_age: float | None
    stale: bool
    signals: tuple[SignalState, ...]
    matching: tuple[str, ...]
    prefetch_factor: float
    source_error: str | None
    source_form: str | None
    reload_error: str | None
    stuck_effects: Mapping[str, float]
    proposal: Mapping[str, object] | None = None
    history: HistoryState | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the status as JSON-ready data."""
        return {
            "enabled": self.enabled,
            "running": self.running,
            "ruleset": self.ruleset,
            "ruleset_version": self.ruleset_version,
            "source": self.source,
            "snapshot": self.snapshot.to_dict() if self.snapshot else None,
            "telemetry_age": self.telemetry_age,
            "stale": self.stale,
            "signals": [{"name": s.name, "device": s.device, "on": s.on, "since": s.since} for s in self.signals],
            "matching": list(self.matching),
            "prefetch_factor": self.prefetch_factor,
            "source_error": self.source_error,
            "source_form": self.source_form,
            "reload_error": self.reload_error,
            "stuck_effects": dict(self.stuck_effects),
            "proposal": None if self.proposal is None else dict(self.proposal),
            "history": None if self.history is None else self.history.to_dict(),
        }
