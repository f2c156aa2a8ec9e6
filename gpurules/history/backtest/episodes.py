"""Episodes: the intervals in which a rule or signal is on, joined across frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Mask, Places
from gpurules.engine.state.signals import Transition
from gpurules.history.kernel.outcome import Rows

FLAP_SECONDS = 60.0
"""What comes on again within this time after it went off has flapped."""
NODE = ""


@dataclass(slots=True)
class EpisodeRecorder:
    """The episodes of one rule or signal on one node, by owner: a GPU, or the node.

    Units: ``lengths`` in seconds; an episode that is still on at the end counts with its recorded length.
    """

    lengths: list[float] = field(default_factory=list)
    flaps: int = 0
    _since: dict[str, float] = field(default_factory=dict)
    _off: dict[str, float] = field(default_factory=dict)

    def _begin(self, owner: str, time: float) -> None:
        if owner not in self._since:
            self._since[owner] = time
            self.flaps += time - self._off.get(owner, float("-inf")) < FLAP_SECONDS

    def _end(self, owner: str, time: float) -> None:
        since = self._since.pop(owner, None)
        if since is not None:
            self.lengths.append(time - since)
            self._off[owner] = time

    def add_transitions(self, transitions: Sequence[Transition]) -> None:
        """Add the transitions of a signal, in order of time for each owner."""
        for change in transitions:
            (self._begin if change.on else self._end)(change.owner, change.timestamp)

    def add(self, mask: Mask, rows: Rows, per_gpu: bool) -> None:
        """Add the matches of a rule: one value per row if it is *per_gpu*, else one per snapshot."""
        count = len(rows.times)
        number = rows.groups.snapshot if per_gpu else np.arange(count, dtype=np.intp)
        owner = rows.owner if per_gpu else np.zeros(count, np.intp)
        names = rows.owners if per_gpu else (NODE,)
        starts, ends = _runs(mask, owner, number)
        going = {names[int(owner[s])] for s in starts if number[s] == 0}
        for name in [name for name in self._since if name not in going]:
            self._end(name, float(rows.times[0]))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            name, after = names[int(owner[start])], int(number[end]) + 1
            self._begin(name, float(rows.times[number[start]]))
            if after < count:
                self._end(name, float(rows.times[after]))

    def finish(self, last: float) -> None:
        """Close the episodes that are still on at the end of the recording."""
        for owner in list(self._since):
            self._end(owner, last)


def _runs(mask: Mask, owner: Places, number: Places) -> tuple[Places, Places]:
    """Return the first and last row of every run in *mask*, within one owner and over consecutive snapshots."""
    if not mask.any():
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    follows = np.zeros(len(mask), bool)
    follows[1:] = (owner[1:] == owner[:-1]) & (number[1:] == number[:-1] + 1) & mask[:-1]
    starts = mask & ~follows
    goes_on = np.zeros(len(mask), bool)
    goes_on[:-1] = follows[1:] & mask[1:]
    return np.flatnonzero(starts), np.flatnonzero(mask & ~goes_on)
