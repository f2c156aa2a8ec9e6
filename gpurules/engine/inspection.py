"""What a service shows of a coordinator beside its status: single facts, without a copy of everything."""

from collections.abc import Callable, Mapping

from gpurules.actions.effects.notification.delivery import Delivery
from gpurules.engine.coordinator import Coordinator
from gpurules.engine.effects.dispatcher import EffectCounts
from gpurules.engine.engine import Engine


def wall_clock(coordinator: Coordinator) -> Callable[[], float]:
    """Return the clock by which *coordinator* judges the age of telemetry, in seconds since 1970."""
    return coordinator._clocks.wall


def steady_clock(coordinator: Coordinator) -> Callable[[], float]:
    """Return the monotonic clock by which *coordinator* judges leases."""
    return coordinator._clocks.steady


def reload_error(coordinator: Coordinator) -> str | None:
    """Return what is wrong with the ruleset that was to be put in force last, None where it is in force."""
    return coordinator._poller.metrics.reload_error


def last_reading(coordinator: Coordinator) -> float | None:
    """Return the time of the latest telemetry in seconds since 1970, None where there was none yet.

    The engine's snapshot is later where telemetry went stale: it then says that every reading is missing.
    """
    return coordinator._poller.metrics.last_gpu_update


def matching_since(coordinator: Coordinator) -> dict[str, float]:
    """Return since when each rule that matches the node does, in seconds since 1970."""
    with coordinator._lock:
        running = coordinator._poller.episodes.running.get(None, {})
        return {name: episode.started for name, episode in running.items()}


def suppressed_rules(coordinator: Coordinator) -> frozenset[str]:
    """Return the rules whose running episode of the node is suppressed, as by a cooldown."""
    with coordinator._lock:
        running = coordinator._poller.episodes.running.get(None, {})
        return frozenset(name for name, episode in running.items() if episode.suppressed)


def deliveries(coordinator: Coordinator) -> tuple[Delivery, ...]:
    """Return what effects of *coordinator* have queued, and the latest deliveries that have ended, oldest first."""
    return coordinator._poller.effects.deliveries()


def effect_counts(coordinator: Coordinator) -> Mapping[str, EffectCounts]:
    """Return what became of the events of each action, a copy."""
    return coordinator._poller.effects.counts


def queued_events(coordinator: Coordinator) -> Mapping[str, int]:
    """Return how many events are queued or in flight, by receiver."""
    return coordinator._poller.effects.queued


def stale_at(engine: Engine) -> float:
    """Return when the decisions of *engine* turn stale, in seconds since 1970; minus infinity before the first poll."""
    return engine._current[4]
