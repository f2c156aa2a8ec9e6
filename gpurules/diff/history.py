"""What a change of a ruleset would have changed over a recording."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from gpurules.actions.decision import Decision
from gpurules.engine.recordings import Arrivals, play_recording
from gpurules.model import Snapshot, Transfer
from gpurules.rules import Ruleset

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class DecisionExample:
    """One decision that differs: of the node, or of a transfer.

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
    examples: list[DecisionExample] = field(default_factory=list)

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
            self.examples.append(DecisionExample(timestamp, name, tuple(old.rules), tuple(new.rules)))

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


def compare_over(pair: tuple[Ruleset, Ruleset], snapshots: Iterable[Snapshot], transfers: Arrivals = ()) -> Replayed:
    """Return what both rulesets of *pair* decide over a recording, and on *transfers* as each comes into being."""
    whole = Replayed()
    for turn in play_recording(pair, snapshots, transfers):
        old, new = turn.decisions
        whole.snapshots += turn.transfer is None
        whole.add(turn.at, turn.transfer, (old, new))
    return whole


def _asked(decision: Decision) -> dict[str, object]:
    """Return what a decision asks for, whichever rules it comes from."""
    return {k: v for k, v in decision.to_dict().items() if k not in ("matched", "ruleset_version")}
