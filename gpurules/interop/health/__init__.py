"""Health gates: whether a node can take work, in the words and exit codes of the program that asks."""

from gpurules.interop.health.checkup import Checkup, check_health
from gpurules.interop.health.contracts import CONTRACTS, DEADLINES, Contract, render_health, summarize
from gpurules.interop.health.drain import drain_node
from gpurules.interop.health.report import HealthFinding, HealthReport, HealthStatus, Undecided, unknown_health

__all__ = [
    "CONTRACTS",
    "DEADLINES",
    "Checkup",
    "Contract",
    "HealthFinding",
    "HealthReport",
    "HealthStatus",
    "Undecided",
    "check_health",
    "drain_node",
    "render_health",
    "summarize",
    "unknown_health",
]
