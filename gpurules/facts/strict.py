"""The strict way to make the objects of the model from data: whatever is wrong raises, with all that is.

Units: *now*, from which an ``age`` counts, and which a snapshot without a time is of, in seconds since 1970.
"""

from collections.abc import Mapping

from gpurules.facts.checking import CheckedFacts, check
from gpurules.fields import Field
from gpurules.model import Snapshot, Transfer, Workload

_NOTHING: Mapping[str, Field] = {}


def read_snapshot(data: object, declared: Mapping[str, Field] = _NOTHING, now: float | None = None) -> Snapshot:
    """Return the snapshot that *data* describes.

    Raises:
        FactError: a key is unknown, or a value is of the wrong type or unit, no member or out of range.
    """
    return _read("snapshot", data, declared, now).snapshot


def read_transfer(data: object, declared: Mapping[str, Field] = _NOTHING, now: float | None = None) -> Transfer:
    """Return the transfer that *data* describes.

    >>> read_transfer({"size": "4GiB"}).size
    4294967296

    Raises:
        FactError: a key is unknown, or a value is of the wrong type or unit, no member or out of range.
    """
    return _read("transfer", data, declared, now).transfer or Transfer()


def read_workload(data: object, declared: Mapping[str, Field] = _NOTHING, now: float | None = None) -> Workload:
    """Return the workload that *data* describes.

    Raises:
        FactError: a key is unknown, or a value is of the wrong type or unit, no member or out of range.
    """
    return _read("workload", data, declared, now).workload or Workload()


def read_node(data: object, declared: Mapping[str, Field] = _NOTHING) -> Mapping[str, object]:
    """Return the facts of the node that *data* gives by hand.

    Raises:
        FactError: a key is unknown, or a value is of the wrong type or unit, no member or out of range.
    """
    return _read("node", data, declared).node or {}


def _read(kind: str, data: object, declared: Mapping[str, Field], now: float | None = None) -> CheckedFacts:
    return check({kind: data}, declared, now).sound()
