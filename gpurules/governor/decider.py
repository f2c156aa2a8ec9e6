"""The source of the governor's decisions, and the facts that they share."""

from collections.abc import Callable, Collection
from typing import Protocol, runtime_checkable

from gpurules.actions.action import is_directive
from gpurules.engine import Coordinator, Engine
from gpurules.engine.coordinator import on_news
from gpurules.engine.effects.events import fields_read
from gpurules.engine.polling.registered_facts import RegisteredFacts
from gpurules.engine.workloads import Schedule
from gpurules.governor.requirements import NO_REQUIREMENTS, Requirements, RequirementsCache
from gpurules.governor.scheduling.entry import Counts
from gpurules.logs import logger
from gpurules.model import Transfer, Workload
from gpurules.rules import Ruleset

_LOGGER = logger("gpurules.governor")
PENDING = frozenset({"pending_transfers", "pending_bytes"})
"""The fields about pending transfers."""


@runtime_checkable
class Announcing(Protocol):
    """An engine that updates itself, such as that of an agent, and announces when decisions change."""

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* when decisions may have changed; return a function that stops this."""
        ...


class Decider:
    """A coordinator, or an engine that its owner keeps current. Its failures impose nothing.

    With a coordinator, workloads and pending transfers are those of the coordinator, so that its rules see them.
    *clock* is monotonic; *counts* counts the failures.
    """

    def __init__(self, node: Coordinator | Engine, clock: Callable[[], float], counts: Counts) -> None:
        self._node = node
        self._clock = clock
        self._counts = counts
        self._cache = RequirementsCache()
        self._sized: tuple[Ruleset, bool] | None = None
        self._pending: tuple[Ruleset, bool] | None = None
        self.engine = node.engine if isinstance(node, Coordinator) else node
        self.schedule = node.schedule if isinstance(node, Coordinator) else Schedule()
        self._registered = None if isinstance(node, Coordinator) else RegisteredFacts(node, self.schedule, clock)

    def requirements(self, transfer: Transfer) -> Requirements:
        """Return the current requirements for *transfer*; none if they cannot be determined."""
        try:
            if isinstance(self._node, Coordinator):
                decision = self._node.decide(transfer)
            else:
                named = transfer.workload_id
                workload = self.schedule.workload(named, self._clock()) if named else None
                decision = self._node.decide(transfer, workload)
            self._counts.decisions_stale += decision.stale
            return self._cache.requirements_of(decision, transfer)
        except (Exception, SystemExit):  # an action may be foreign code; a failing rule must never stop a transfer
            self._counts.decisions_failed += 1
            if self._counts.decisions_failed == 1:
                _LOGGER.exception("a decision failed; the transfer continues as if there were no rules")
            return NO_REQUIREMENTS

    @property
    def max_delay(self) -> float:
        """The maximum total time that a transfer may be held, in seconds."""
        return self.engine.ruleset.settings.max_delay

    def reads(self, facts: Collection[str]) -> bool:
        """Whether the requirements for a transfer can change with these facts; only a size is known not to matter."""
        return self.reads_size or any(name != "size" for name in facts)

    @property
    def reads_size(self) -> bool:
        """Whether a loaded rule reads the size of a transfer, or stages by it."""
        ruleset = self.engine.ruleset
        if self._sized is None or self._sized[0] is not ruleset:
            self._sized = ruleset, _reads_size(ruleset)
        return self._sized[1]

    @property
    def reads_pending(self) -> bool:
        """Whether a loaded rule reads pending transfers."""
        ruleset = self.engine.ruleset
        if self._pending is None or self._pending[0] is not ruleset:
            self._pending = ruleset, any(field.name in PENDING for field in fields_read(ruleset))
        return self._pending[1]

    def register_workload(self, workload: Workload, lease_seconds: float | None = None) -> None:
        """Add or renew a workload; with a lease it expires unless it is registered again in time."""
        if isinstance(self._node, Coordinator):
            self._node.register_workload(workload, lease_seconds)
        else:
            self.schedule.register(workload, self._clock(), lease_seconds)

    def on_news(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call *callback* whenever decisions may have changed, and return a function that stops this.

        A plain engine only announces changes of its workloads: its owner, which calls ``observe``, refreshes the
        governor. An engine that updates itself announces its changes.
        """
        if isinstance(self._node, Coordinator):
            return on_news(self._node, callback)
        ends = [self.schedule.follow(callback, only_workloads=True)]
        if isinstance(self._node, Announcing):
            ends.append(self._node.on_change(callback))

        def end() -> None:
            for unsubscribe in ends:
                unsubscribe()

        return end


def _reads_size(ruleset: Ruleset) -> bool:
    orders = (ordered.action for rule in ruleset.rules if rule.enabled for ordered in rule.actions)
    stages = any(is_directive(action) and action.target == "stage" for action in orders)
    return stages or any(field.name == "transfer_size" for field in fields_read(ruleset))
