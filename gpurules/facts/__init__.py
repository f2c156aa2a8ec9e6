"""Facts that people type: one checker for tests, options, lists of transfers and whatever else takes them."""

from gpurules.facts.attributes import KINDS
from gpurules.facts.checking import CheckedFacts, FactProblem, check, place
from gpurules.facts.strict import read_node, read_snapshot, read_transfer, read_workload
from gpurules.facts.times import TimeError, read_time
from gpurules.facts.values import check_value

__all__ = [
    "KINDS",
    "CheckedFacts",
    "FactProblem",
    "TimeError",
    "check",
    "check_value",
    "place",
    "read_node",
    "read_snapshot",
    "read_time",
    "read_transfer",
    "read_workload",
]
