"""Episodes: the periods during which a rule matches. Effects respond to their edges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from gpurules.actions import is_effect
from gpurules.model import GPUIndex
from gpurules.rules.rule import Rule

MAX_EPISODES = 100_000
Matching: TypeAlias = Mapping[str, Callable[[], tuple[GPUIndex, ...]]]
"""The rules that match, by name, each with a function that computes its devices."""


EdgeKind: TypeAlias = Literal["start", "change", "stop"]


@dataclass(frozen=True, slots=True)
class Edge:
    """A rule started to match, matches other GPUs, or stopped, for the node or for one transfer.

    ``devices`` are the GPUs that match from now on; those of a stop matched until now. A change names the GPUs that
    ``joined`` and ``left``. Replaying the edges of an episode gives the GPUs that match at each snapshot.
    ``joined_at`` says since when the GPUs match that did not from the start on.
    Units: ``lasted`` (since the start) in seconds, 0 for a start.
    Missing: ``transfer_id`` None: for the node. ``suppressed``: effects keep quiet (a cooldown, shadow mode, or the
    coordinator is disabled).
    """

    rule: Rule
    transfer_id: str | None
    kind: EdgeKind
    timestamp: float
    devices: tuple[GPUIndex, ...] = ()
    lasted: float = 0.0
    suppressed: bool = False
    joined: tuple[GPUIndex, ...] = ()
    left: tuple[GPUIndex, ...] = ()
    joined_at: Mapping[GPUIndex, float] = field(default_factory=dict, compare=False)

    @property
    def effects(self) -> list[str]:
        """The names of the effects that the rule orders."""
        return [ordered.name for ordered in self.rule.actions if is_effect(ordered.action)]

    def to_dict(self) -> dict[str, object]:
        """Return the edge as JSON-ready data, without its timestamp."""
        return {
            "rule": self.rule.name,
            "edge": self.kind,
            "devices": list(self.devices),
            "joined": list(self.joined),
            "left": list(self.left),
            "transfer": self.transfer_id,
            "lasted": self.lasted,
            "suppressed": self.suppressed,
            "effects": self.effects,
        }


@dataclass(slots=True)
class Episode:
    """A rule that matches now, as it was defined when it started; ``joined_at`` is not kept over a restart."""

    rule: Rule
    started: float
    devices: tuple[GPUIndex, ...]
    suppressed: bool
    joined_at: dict[GPUIndex, float] = field(default_factory=dict, compare=False)


class Episodes:
    """Which rules match now, for whom, since when. Not for several threads: its owner holds a lock.

    While ``is_muted`` new episodes are suppressed; changes and ends of those that began before are still reported.
    """

    def __init__(self) -> None:
        self.running: dict[str | None, dict[str, Episode]] = {}
        self.last_start: dict[str, float] = {}
        self.is_muted = False

    @property
    def count(self) -> int:
        """How many episodes run."""
        return sum(map(len, self.running.values()))

    def step(self, now: float, transfer_id: str | None, matching: Matching, rules: Mapping[str, Rule]) -> list[Edge]:
        """Take in which rules match now for the node (or a transfer), and return the edges.

        A rule that is gone from *rules* stops as it was. One that changes between shadow and enforce starts again.
        """
        running = self.running.setdefault(transfer_id, {})
        edges: list[Edge] = []
        for name in [n for n, episode in running.items() if self._has_ended(n, episode, matching, rules)]:
            episode = running.pop(name)
            rule = rules.get(name, episode.rule)
            lasted = max(0.0, now - episode.started)
            edge = Edge(rule, transfer_id, "stop", now, episode.devices, lasted, episode.suppressed)
            edges.append(replace(edge, joined_at=episode.joined_at))
        for name, devices in matching.items():
            known = running.get(name)
            if known is not None:
                edges += _changed(known, rules[name], transfer_id, now, devices())
            elif self.count < MAX_EPISODES:
                edges.append(self._start(rules[name], transfer_id, now, devices()))
        if not running:
            del self.running[transfer_id]
        return edges

    @staticmethod
    def _has_ended(name: str, episode: Episode, matching: Matching, rules: Mapping[str, Rule]) -> bool:
        return name not in matching or rules[name].is_shadow != episode.rule.is_shadow

    def _start(self, rule: Rule, transfer_id: str | None, now: float, devices: tuple[GPUIndex, ...]) -> Edge:
        suppressed = self.is_muted or rule.is_shadow or self._is_cooling(rule, now)
        self.running[transfer_id][rule.name] = Episode(rule, now, devices, suppressed)
        if not suppressed:
            self.last_start[rule.name] = now
        return Edge(rule, transfer_id, "start", now, devices, 0.0, suppressed)

    def _is_cooling(self, rule: Rule, now: float) -> bool:
        last = self.last_start.get(rule.name)
        return rule.cooldown is not None and last is not None and 0 <= now - last < rule.cooldown

    def keep(self, transfer_ids: Mapping[str, object]) -> None:
        """End, without an edge, what runs for transfers that are gone."""
        for gone in [t for t in self.running if t is not None and t not in transfer_ids]:
            del self.running[gone]

    def adopt(self, rules: Mapping[str, Rule]) -> None:
        """Forget the cooldowns of rules that are not among *rules*."""
        self.last_start = {name: at for name, at in self.last_start.items() if name in rules}

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock was set."""
        for episode in (episode for running in self.running.values() for episode in running.values()):
            episode.started += seconds
            episode.joined_at = {device: at + seconds for device, at in episode.joined_at.items()}
        self.last_start = {name: at + seconds for name, at in self.last_start.items()}


def _changed(
    episode: Episode, rule: Rule, transfer_id: str | None, now: float, devices: tuple[GPUIndex, ...]
) -> list[Edge]:
    """Take in the GPUs that match in an episode that goes on, and return the edge where they are others."""
    before, episode.devices = episode.devices, devices
    if before == devices:
        return []
    joined, left = tuple(d for d in devices if d not in before), tuple(d for d in before if d not in devices)
    if not joined and not left:
        return []
    lasted = max(0.0, now - episode.started)
    since = dict(episode.joined_at)
    episode.joined_at = {d: at for d, at in since.items() if d not in left} | dict.fromkeys(joined, now)
    return [Edge(rule, transfer_id, "change", now, devices, lasted, episode.suppressed, joined, left, since)]
