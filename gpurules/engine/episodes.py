"""Episodes: from the moment a rule starts to match until it stops. Effects answer their edges."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpurules.model import GPUIndex
from gpurules.rules.rule import Rule

MAX_EPISODES = 100_000


@dataclass(frozen=True, slots=True)
class Edge:
    """A rule started or stopped to match, for the node or for one transfer.

    Units: ``lasted`` in seconds, 0 for a start.
    Missing: ``transfer_id`` None: for the node. ``suppressed``: a cooldown keeps effects quiet.
    """

    rule: Rule
    transfer_id: str | None
    is_start: bool
    timestamp: float
    devices: tuple[GPUIndex, ...] = ()
    lasted: float = 0.0
    suppressed: bool = False


@dataclass(slots=True)
class Episode:
    """A rule that matches now."""

    started: float
    devices: tuple[GPUIndex, ...]
    suppressed: bool


class Episodes:
    """Which rules match now, for whom, since when. Not for several threads: its owner holds a lock."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, str | None], Episode] = {}
        self.last_start: dict[str, float] = {}

    def step(
        self,
        now: float,
        transfer_id: str | None,
        matching: Mapping[str, tuple[GPUIndex, ...]],
        rules: Mapping[str, Rule],
    ) -> list[Edge]:
        """Take in which rules, by name, match now for the node (or a transfer), and return the edges."""
        edges = []
        for key in [k for k in self.running if k[1] == transfer_id and k[0] not in matching]:
            episode = self.running.pop(key)
            rule = rules.get(key[0])
            if rule is not None:
                lasted = now - episode.started
                edges.append(Edge(rule, transfer_id, False, now, episode.devices, lasted, episode.suppressed))
        for name, devices in matching.items():
            known = self.running.get((name, transfer_id))
            if known is not None:
                known.devices = devices
            elif len(self.running) < MAX_EPISODES:
                suppressed = self._is_cooling(rules[name], now)
                self.running[name, transfer_id] = Episode(now, devices, suppressed)
                if not suppressed:
                    self.last_start[name] = now
                edges.append(Edge(rules[name], transfer_id, True, now, devices, 0.0, suppressed))
        return edges

    def _is_cooling(self, rule: Rule, now: float) -> bool:
        last = self.last_start.get(rule.name)
        return rule.cooldown is not None and last is not None and 0 <= now - last < rule.cooldown

    def forget(self, transfer_id: str) -> None:
        """End, without an edge, what runs for a transfer that is gone."""
        for key in [k for k in self.running if k[1] == transfer_id]:
            del self.running[key]
