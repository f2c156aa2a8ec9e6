"""Facts that people type: one checker for rule tests, options, lists of transfers and requests.

::

    data -> checking -> attributes       which attributes each object has, and what each holds
              |      -> values, times    one value: its unit, range and members; one point in time
              +-> CheckedFacts, or every FactProblem with its place and the nearest name
    data -> strict -> Snapshot, Transfer, Workload; raises on any problem

The entry points are ``check``, which reports, and the ``read_…`` functions, which raise. Data from devices is read by
``model.reading`` instead: what does not fit there is missing.
"""

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
