"""What the coordinator counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from gpurules.engine.effects.dispatcher import EffectCounts

OUTCOMES = ("true", "false", "unknown", "suppressed", "error")


@dataclass(slots=True)
class RuleCounts:
    """How often a rule had each outcome at a poll, and how often it started to match."""

    true: int = 0
    false: int = 0
    unknown: int = 0
    suppressed: int = 0
    error: int = 0
    starts: int = 0


@dataclass(frozen=True, slots=True)
class HistoryState:
    """The state of the store that an agent records in.

    ``unwritten`` snapshots wait in memory to be written, ``lost`` ones were dropped: there was no more memory for them.
    Missing: ``error`` None: everything is written.
    """

    place: str
    unwritten: int = 0
    lost: int = 0
    error: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the state as JSON-ready data."""
        return {"place": self.place, "unwritten": self.unwritten, "lost": self.lost, "error": self.error}


@dataclass(slots=True)
class Metrics:
    """Counts since the start. The first eight are those of the system that gpurules comes from.

    ``clock_steps`` counts how often the system's clock was set while polling, ``uncarried`` by storage client and
    target the orders of rules that it could not carry out, ``faults`` what went wrong with transfers and was dealt
    with, ``history_lost`` the snapshots that could not be recorded; ``history_unwritten`` wait for it.
    Units: ``last_gpu_update`` and ``reloaded_at`` in seconds since 1970, others in seconds.
    Missing: ``last_gpu_update`` None: no poll has succeeded; ``reload_error`` None: the last reload went well;
    ``source_form`` None: the source has only one, else ``source_form_reason`` says why it is not the best.
    """

    total_gpus: int = 0
    active_workloads: int = 0
    pending_transfers: int = 0
    coordination_events: int = 0
    memory_pressure_events: int = 0
    temperature_limit_events: int = 0
    coordination_misses: int = 0
    last_gpu_update: float | None = None
    polls: int = 0
    missed_polls: int = 0
    ignored_snapshots: int = 0
    clock_steps: int = 0
    decisions_failed: int = 0
    poll_seconds: float = 0.0
    poll_seconds_total: float = 0.0
    reloads: int = 0
    reload_failures: int = 0
    reload_error: str | None = None
    reloaded_at: float | None = None
    state_failures: int = 0
    history_unwritten: int = 0
    history_lost: int = 0
    refused_transfers: int = 0
    telemetry_age: float | None = None
    last_source_error: str | None = None
    source_form: str | None = None
    source_form_reason: str | None = None
    rules: dict[str, RuleCounts] = field(default_factory=dict)
    unknown_fields: dict[str, int] = field(default_factory=dict)
    effects: Mapping[str, EffectCounts] = field(default_factory=dict)
    uncarried: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "Metrics":
        """Return the current counts, which stay as they are."""
        rules = {name: replace(counts) for name, counts in self.rules.items()}
        return replace(self, rules=rules, unknown_fields=dict(self.unknown_fields), effects=dict(self.effects))

    def adopt(self, rules: Mapping[str, object]) -> None:
        """Forget the counts of rules that are not among *rules*."""
        self.rules = {name: counts for name, counts in self.rules.items() if name in rules}

    def to_dict(self) -> dict[str, object]:
        """Return the counts as JSON-ready data."""
        return asdict(self)
