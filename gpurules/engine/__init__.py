"""The only part with memory and threads: history, signals, the engine, the coordinator."""

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
