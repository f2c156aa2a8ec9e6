"""Deliveries of effects as events: one is recorded when a delivery is queued, and when it ends or is retried."""

from collections import Counter
from collections.abc import Callable

from gpurules.actions.effects.notification.delivery import Delivery, DeliveryState
from gpurules.engine import Coordinator
from gpurules.engine.inspection import deliveries, effect_counts, queued_events
from gpurules.service.state.events import EventLog
from gpurules.service.wire.redaction import without_secrets

_LOST = "more deliveries ended at once than the agent remembers"
MAX_REASON = 300


class EffectEvents:
    """Records the deliveries of effects in *log*. For a single thread."""

    def __init__(self, coordinator: Coordinator, log: EventLog, clock: Callable[[], float]) -> None:
        self._coordinator = coordinator
        self._log = log
        self._clock = clock
        self._counted: object = None
        self._known: dict[tuple[str, str, str, int], Delivery] = {}

    def note(self) -> None:
        """Record what has changed since the last call."""
        counted = effect_counts(self._coordinator), queued_events(self._coordinator)
        if counted == self._counted:
            return
        self._counted = counted
        found: dict[tuple[str, str, str, int], Delivery] = {}
        same: Counter[tuple[str, str, str]] = Counter()  # several actions of a rule may share a receiver
        for one in deliveries(self._coordinator):
            name = one.id, one.action, one.receiver
            key = *name, same[name]
            same[name] += 1
            before = self._known.get(key)
            if before is None or (before.state, before.reason) != (one.state, one.reason):
                self._add(one, one.state, one.reason)
            found[key] = one
        for key, one in self._known.items():
            if key not in found and one.state is DeliveryState.PENDING:
                self._add(one, "unknown", _LOST)
        self._known = found

    def _add(self, one: Delivery, state: str, reason: str | None) -> None:
        self._log.add(
            "effect",
            self._clock(),
            delivery=one.id,
            effect=one.action,
            receiver=one.receiver,
            rule=one.rule,
            edge=one.edge,
            device=one.device,
            transfer=one.transfer,
            state=str(state),
            attempts=one.attempts,
            error=None if reason is None else without_secrets(reason, self._coordinator.engine.ruleset)[:MAX_REASON],
        )
