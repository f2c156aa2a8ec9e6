"""The only part with memory and threads: history, signals, the engine."""

from gpurules.engine.engine import Engine, Observation, SignalState
from gpurules.engine.signals import Transition

__all__ = ["Engine", "Observation", "SignalState", "Transition"]
