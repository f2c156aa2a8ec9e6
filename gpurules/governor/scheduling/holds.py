"""The holds of one transfer: each rule's claim counts once per episode, and the total is bounded over its life."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from gpurules.governor.requirements import HoldClaim


@dataclass(slots=True)
class _Episode:
    """A rule's claim on this transfer, from its first observed match.

    ``is_open`` is False for a rule that has ended and whose hold remains (``early_release: false``); ``stays_until`` is
    the remaining hold of the rule's earlier episodes.
    """

    claim: HoldClaim
    began: float
    stays_until: float = -inf
    is_open: bool = True

    @property
    def until(self) -> float:
        """When the hold expires."""
        return max(self.began + self.claim.seconds, self.stays_until) if self.is_open else self.stays_until


class Holds:
    """The holds of one transfer. Time is an argument.

    A rule claims its delay once per *episode*: from the first check at which it matches this transfer to the first at
    which it does not. The claim counts from the start of the episode; for a rule that matched before the transfer
    existed, from the first check of the transfer.

    Units: seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._episodes: dict[tuple[str, str, int], _Episode] = {}
        self._spent = 0.0
        self._since: float | None = None
        self._until = -inf

    def take(self, claims: Iterable[HoldClaim], now: float) -> None:
        """Update the claims to those of the rules that currently match."""
        numbered: dict[tuple[str, str, int], HoldClaim] = {}
        for claim in claims:
            count = sum(rule == claim.rule and action == claim.action for rule, action, _ in numbered)
            numbered[claim.rule, claim.action, count] = claim
        for key, episode in list(self._episodes.items()):
            if key not in numbered:
                self._end(key, episode, now)
        for key, claim in numbered.items():
            known = self._episodes.get(key)
            if known is not None and known.is_open:
                known.claim = claim
            else:
                self._episodes[key] = _Episode(claim, now, known.until if known else -inf)

    def _end(self, key: tuple[str, str, int], episode: _Episode, now: float) -> None:
        """End an episode, and its hold unless it remains."""
        stays_until = episode.stays_until if episode.claim.early_release else episode.until
        if stays_until <= now:
            del self._episodes[key]
        else:
            episode.stays_until, episode.is_open = stays_until, False

    def settle(self, now: float, has_begun: bool, max_delay: float) -> float | None:
        """Return until when the transfer is held, None if it is not; held time is counted.

        A transfer that *has_begun* is held only by claims that pause running ones.
        """
        self._count(now)
        latest = max(
            (e.until for e in self._episodes.values() if e.claim.pauses_running or not has_begun), default=-inf
        )
        until = min(latest, now + max(0.0, max_delay - self._spent))
        is_held = until > now
        self._since, self._until = (now if is_held else None), until
        return until if is_held else None

    def _count(self, now: float) -> None:
        self._spent = self.held_seconds(now)
        self._since = None

    def held_seconds(self, now: float) -> float:
        """Return the total time that the transfer was held."""
        return self._spent + (0.0 if self._since is None else max(0.0, min(now, self._until) - self._since))

    def rules(self, now: float, has_begun: bool) -> tuple[str, ...]:
        """Return the rules that currently hold the transfer, each once."""
        holding = (
            e.claim.rule for e in self._episodes.values() if e.until > now and (e.claim.pauses_running or not has_begun)
        )
        return tuple(dict.fromkeys(holding))
