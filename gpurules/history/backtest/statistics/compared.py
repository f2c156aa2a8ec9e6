"""Differences between two rulesets: the samples on which a rule matches in one and not in the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask, Numbers

MOST_EXAMPLES = 20


@dataclass(slots=True)
class Parting:
    """The samples on which a rule matches in only one of two rulesets.

    ``snapshots`` is the number of such snapshots; ``examples`` are the first of them, with the node and which
    ruleset's rule (0 or 1) matches.
    """

    rule: str
    snapshots: int = 0
    examples: list[tuple[float, str, int]] = field(default_factory=list)

    def merge(self, other: "Parting") -> None:
        """Add the differences of another node."""
        self.snapshots += other.snapshots
        self.examples = sorted([*self.examples, *other.examples])[:MOST_EXAMPLES]

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        examples = [{"timestamp": at, "node": node, "matches_in": which} for at, node, which in self.examples]
        return {"rule": self.rule, "snapshots": self.snapshots, "examples": examples}


def add_differences(
    known: dict[str, Parting], node: str, times: Numbers, masks: tuple[Mapping[str, Mask], Mapping[str, Mask]]
) -> None:
    """Add to *known* the snapshots of one frame in which the rules of two rulesets match differently.

    Missing: a rule that one of the two lacks matches nowhere in it.
    """
    nowhere = np.zeros(len(times), bool)
    for name in dict.fromkeys([*masks[0], *masks[1]]):
        old, new = (mask.get(name, nowhere) for mask in masks)
        apart = np.flatnonzero(old != new)
        if not len(apart):
            continue
        parting = known.setdefault(name, Parting(name))
        parting.snapshots += len(apart)
        for place in apart[: max(0, MOST_EXAMPLES - len(parting.examples))].tolist():
            parting.examples.append((float(times[place]), node, int(new[place])))
