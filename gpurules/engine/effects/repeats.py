"""Repeated notifications: which effects are due again while their rule matches.

They are due at whole multiples of ``repeat_every`` after the start of the episode, so nothing has to be remembered:
what lies between the last poll and this one is due, once however many multiples were missed.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import floor

from gpurules.actions import is_effect
from gpurules.actions.action import repeat_seconds
from gpurules.actions.decision import RuleAction
from gpurules.engine.effects.events import Notice
from gpurules.engine.state.episodes import Episodes
from gpurules.rules import Ruleset


@dataclass(frozen=True, slots=True)
class DueRepeat:
    """An effect that is due again. Missing: ``transfer_id`` None: for the node."""

    notice: Notice
    ordered: RuleAction
    transfer_id: str | None


def repeated_rules(ruleset: Ruleset) -> frozenset[str]:
    """Return the names of the rules with an effect that is repeated."""
    return frozenset(
        rule.name
        for rule in ruleset.rules
        if any(is_effect(o.action) and repeat_seconds(o.parameters) is not None for o in rule.actions)
    )


def due_repeats(episodes: Episodes, names: Collection[str], last: float | None, now: float) -> Iterator[DueRepeat]:
    """Yield the effects of running episodes of the rules *names* that came due after *last*, up to *now*.

    Units: seconds since 1970.
    Missing: *last* None: this is the first poll, and nothing is due.
    """
    if last is None:
        return
    for transfer_id, running in episodes.running.items():
        for name in running.keys() & names:
            episode = running[name]
            notice = Notice("repeat", episode.rule, now, episode.started, episode.devices, joined_at=episode.joined_at)
            for ordered in () if episode.suppressed else episode.rule.actions:
                every = repeat_seconds(ordered.parameters) if is_effect(ordered.action) else None
                if every is not None and _multiples(episode.started, now, every) > _multiples(
                    episode.started, last, every
                ):
                    yield DueRepeat(notice, ordered, transfer_id)


def _multiples(started: float, at: float, every: float) -> int:
    return floor(max(0.0, at - started) / every)
