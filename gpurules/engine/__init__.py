"""The only part with memory and threads: history, signals, the engine, the coordinator."""

from gpurules.engine.coordinator import Coordinator
from gpurules.engine.engine import Engine, Observation, SignalState
from gpurules.engine.episodes import Edge
from gpurules.engine.metrics import Metrics
from gpurules.engine.poller import Options, PollReport
from gpurules.engine.signals import Transition
from gpurules.engine.status import Status

__all__ = [
    "Coordinator",
    "Edge",
    "Engine",
    "Metrics",
    "Observation",
    "Options",
    "PollReport",
    "SignalState",
    "Status",
    "Transition",
]
