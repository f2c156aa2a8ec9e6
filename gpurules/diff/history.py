"""What a change of a ruleset would have changed over a recording."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gpurules.actions.decision import Decision
from gpurules.engine import Engine
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules import Ruleset

RELATIVE_SECONDS = 100_000_000
"""A list of transfers whose every ``created`` is below it counts from the first snapshot."""
MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One decision that came out otherwise: of the node, or of a transfer.

    Units: ``timestamp`` in seconds since 1970.
    """

    timestamp: float
    transfer: str | None
    old: tuple[str, ...]
    new: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        matched = {"old": list(self.old), "new": list(self.new)}
        return {"timestamp": self.timestamp, "transfer": self.transfer, "matched": matched}


@dataclass(slots=True)
class Replayed:
    """What two rulesets decided over the same recording.

    ``decisions`` are those of the node, one a snapshot, and those on transfers; ``changed`` of them ask for something
    else, ``rematched`` only have other rules that match. ``matches`` counts, for each rule, old and new.
    """

    snapshots: int = 0
    decisions: int = 0
    changed: int = 0
    rematched: int = 0
    matches: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    examples: list[Example] = field(default_factory=list)

    def add(self, timestamp: float, transfer: Transfer | None, pair: tuple[Decision, Decision]) -> None:
        """Count one decision in."""
        old, new = pair
        self.decisions += 1
        for decision, counter in zip(pair, self.matches, strict=True):
            counter.update(decision.rules)
        if _asked(old) != _asked(new):
            self.changed += 1
        elif old.rules != new.rules:
            self.rematched += 1
        else:
            return
        if len(self.examples) < MOST_EXAMPLES:
            name = None if transfer is None else transfer.id or transfer.path or "a transfer"
            self.examples.append(Example(timestamp, name, tuple(old.rules), tuple(new.rules)))

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        names = dict.fromkeys([*self.matches[0], *self.matches[1]])
        return {
            "snapshots": self.snapshots,
            "decisions": self.decisions,
            "changed": self.changed,
            "rematched": self.rematched,
            "matches": {name: {"old": self.matches[0][name], "new": self.matches[1][name]} for name in names},
            "examples": [example.to_dict() for example in self.examples],
        }


def replayed(
    pair: tuple[Ruleset, Ruleset], snapshots: Iterable[Snapshot], transfers: Iterable[tuple[Transfer, Workload | None]]
) -> Replayed:
    """Return what both rulesets of *pair* decide over a recording, and on *transfers* as each comes into being."""
    now = [0.0]
    engines = [Engine(ruleset, clock=lambda: now[0]) for ruleset in pair]
    whole, waiting = Replayed(), list(transfers)
    for snapshot in snapshots:
        if not whole.snapshots:
            waiting = _timed(waiting, snapshot.timestamp)
        for transfer, workload in _due(waiting, snapshot.timestamp):
            now[0] = max(now[0], transfer.created or 0.0)
            old, new = (engine.decide(transfer, workload=workload) for engine in engines)
            whole.add(now[0], transfer, (old, new))
        now[0] = snapshot.timestamp
        for engine in engines:
            engine.observe(snapshot)
        old, new = (engine.decide() for engine in engines)
        whole.snapshots += 1
        whole.add(now[0], None, (old, new))
    for transfer, workload in waiting:
        old, new = (engine.decide(transfer, workload=workload) for engine in engines)
        whole.add(now[0], transfer, (old, new))
    return whole


Waiting = list[tuple[Transfer, Workload | None]]


def _timed(waiting: Waiting, start: float) -> Waiting:
    """Return transfers in order of time; those without one come with the first snapshot."""
    is_relative = all((t.created or 0.0) < RELATIVE_SECONDS for t, _ in waiting)
    timed = [
        (replace(t, created=start if t.created is None else t.created + (start if is_relative else 0.0)), workload)
        for t, workload in waiting
    ]
    return sorted(timed, key=lambda pair: pair[0].created or start)


def _due(waiting: Waiting, timestamp: float) -> Iterator[tuple[Transfer, Workload | None]]:
    """Take out and yield the transfers that came into being before *timestamp*."""
    while waiting and (waiting[0][0].created or 0.0) < timestamp:
        yield waiting.pop(0)


def _asked(decision: Decision) -> dict[str, object]:
    """Return what a decision asks for, whichever rules it comes from."""
    return {k: v for k, v in decision.to_dict().items() if k not in ("matched", "ruleset_version")}
