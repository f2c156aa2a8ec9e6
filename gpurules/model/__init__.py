"""What can be known: values, units and facts.

::

    truth                  Kleene's three values; None is unknown
    units                  dimensions and units; every quantity is held in its canonical unit
      -> datatypes         the types of the condition language
    ranges, reading        outside data to values: what is invalid or out of range is missing, with the reason
      -> gpu -> snapshot   GPU, GPUProcess; Snapshot: the GPUs of a node at one point in time
      -> transfer          Transfer and Workload

Facts and values are immutable. The entry points are ``Snapshot`` and ``Transfer``.
"""

from gpurules.model.datatypes import BOOL, ERROR, NUMBER, NUMBERS, STRING, STRINGS, Datatype, Kind, number
from gpurules.model.gpu import GPU, GPUIndex, GPUProcess
from gpurules.model.reading import FactError
from gpurules.model.snapshot import Snapshot
from gpurules.model.transfer import Transfer, Workload
from gpurules.model.truth import Truth, Value, conjunction, disjunction, negation
from gpurules.model.units import (
    UNITS,
    Amount,
    Dimension,
    QuantityError,
    format_amount,
    format_duration,
    format_reading,
    parse_amount,
    product,
    quotient,
)

__all__ = [
    "BOOL",
    "ERROR",
    "GPU",
    "NUMBER",
    "NUMBERS",
    "STRING",
    "STRINGS",
    "UNITS",
    "Amount",
    "Datatype",
    "Dimension",
    "FactError",
    "GPUIndex",
    "GPUProcess",
    "Kind",
    "QuantityError",
    "Snapshot",
    "Transfer",
    "Truth",
    "Value",
    "Workload",
    "conjunction",
    "disjunction",
    "format_amount",
    "format_duration",
    "format_reading",
    "negation",
    "number",
    "parse_amount",
    "product",
    "quotient",
]
