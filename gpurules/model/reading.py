"""Reads facts from data that comes from outside: what does not fit is missing, with the reason."""

import math
import operator
from collections.abc import ItemsView, Iterable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from gpurules.errors import GpurulesError
from gpurules.model.units import MAX_INTEGER

EMPTY: Mapping[str, object] = MappingProxyType({})
_NO_REASONS: Mapping[str, str] = MappingProxyType({})


def nothing() -> Mapping[str, object]:
    """Return the one empty mapping that all facts without labels share."""
    return EMPTY


def no_reasons() -> Mapping[str, str]:
    """Return the one empty mapping that all facts without reasons share."""
    return _NO_REASONS


class FactError(GpurulesError):
    """Data has not the shape of a snapshot, transfer or workload at all."""


def finite(value: object) -> int | float | None:
    """Return *value* if it is a finite number, else None; integers beyond 2**63-1 become doubles."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
        try:
            return float(value)
        except OverflowError:
            return None
    return value if math.isfinite(value) else None


def sum_in_order(values: Iterable[float]) -> float:
    """Return the sum of *values*, added from the first to the last: integers exactly, doubles rounded at each step.

    The built-in ``sum`` compensates for rounding from Python 3.12 on, so the same facts would give another truth under
    another version, and another than in Go, C, and NumPy.

    >>> sum_in_order([0.1, 0.2, 0.3])
    0.6000000000000001
    """
    return reduce(operator.add, values, 0)


def format_rejected(value: object) -> str:
    """Return *value* for a message, never long."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge integer"
    return text if len(text) <= 60 else text[:57] + "..."


class Reader:
    """Takes one mapping apart, key by key; ``missing`` collects why a present value was not taken."""

    def __init__(self, data: object, what: str) -> None:
        if type(data) is not dict and not isinstance(data, Mapping):
            raise FactError(f"{what} must be a mapping, not {type(data).__name__}")
        self._data = data
        self.missing: dict[str, str] = {}

    def number(self, key: str, minimum: float | None = None) -> int | float | None:
        """Return a finite number not below *minimum*, or None."""
        value = self._data.get(key)
        if value is None:
            return None
        read = finite(value)
        if read is None:
            self.missing[key] = f"not a finite number: {format_rejected(value)}"
        elif minimum is not None and read < minimum:
            self.missing[key] = f"below {minimum:g}: {format_rejected(value)}"
            return None
        return read

    def text(self, key: str) -> str | None:
        """Return a string, or None."""
        value = self._data.get(key)
        if value is None or isinstance(value, str):
            return value
        self.missing[key] = f"not a string: {format_rejected(value)}"
        return None

    def flag(self, key: str) -> bool | None:
        """Return a bool, or None."""
        value = self._data.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.missing[key] = f"not true or false: {format_rejected(value)}"
        return None

    def mapping(self, key: str) -> Mapping[str, object]:
        """Return a mapping (empty where there is none)."""
        value = self._data.get(key)
        if value is None:
            return EMPTY
        if isinstance(value, Mapping):
            return MappingProxyType({str(k): v for k, v in value.items()})
        self.missing[key] = f"not a mapping: {format_rejected(value)}"
        return EMPTY

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a tuple of strings (empty where there is none)."""
        value = self._data.get(key)
        if value is None:
            return ()
        if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
            return tuple(value)
        self.missing[key] = f"not a list of strings: {format_rejected(value)}"
        return ()

    def items(self, key: str) -> list[object]:
        """Return a list (empty where there is none).

        Raises:
            FactError: there is something else.
        """
        value = self._data.get(key)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise FactError(f"{key!r} must be a list, not {type(value).__name__}")
        return list(value)

    def entries(self) -> ItemsView[Any, object]:
        """Return every key with its value, as they are."""
        return self._data.items()

    def raw(self, key: str) -> object:
        """Return the value as it is."""
        return self._data.get(key)
