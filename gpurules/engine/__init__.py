"""The only part with memory and threads: history, signals, the engine, the coordinator.

::

    Source -> polling/ (source_worker, poller) -> Engine.observe -> state/ (history, signals, episodes)
                                                        |
    transfer --------------------------------> Engine.decide -> Decision     reads one reference, takes no lock
                                                        |
                                  state/episodes -> effects/ (dispatcher: one lane for each action)

``coordinator`` runs all of it; the entry points are ``Engine`` and ``Coordinator``.
"""

from typing import TYPE_CHECKING

from gpurules.lazy_names import lazy_names

if TYPE_CHECKING:
    from gpurules.engine.coordinator import Coordinator
    from gpurules.engine.effects.metrics import Metrics
    from gpurules.engine.engine import Engine, Observation, SignalState
    from gpurules.engine.polling.poller import CoordinatorOptions, PollReport
    from gpurules.engine.state.episodes import Edge
    from gpurules.engine.state.signals import Transition
    from gpurules.engine.status import Status

__all__ = [
    "Coordinator",
    "CoordinatorOptions",
    "Edge",
    "Engine",
    "Metrics",
    "Observation",
    "PollReport",
    "SignalState",
    "Status",
    "Transition",
]

_HOMES = {
    "Coordinator": "coordinator",
    "CoordinatorOptions": "polling.poller",
    "Edge": "state.episodes",
    "Engine": "engine",
    "Metrics": "effects.metrics",
    "Observation": "engine",
    "PollReport": "polling.poller",
    "SignalState": "engine",
    "Status": "status",
    "Transition": "state.signals",
}
__getattr__ = lazy_names(globals(), _HOMES)
