"""The types of the condition language."""

from enum import StrEnum

from gpurules.model.units import Dimension
from gpurules.records import Record, record


class Kind(StrEnum):
    """What a value is. ``ERROR`` fits everything, so that one mistake gives one diagnostic."""

    BOOL = "bool"
    STRING = "string"
    NUMBER = "number"
    STRINGS = "list of strings"
    NUMBERS = "list of numbers"
    ERROR = "error"


@record
class Datatype(Record):
    """A kind, and for numbers the dimension."""

    kind: Kind
    dimension: Dimension = Dimension.NONE

    def __str__(self) -> str:
        """Say the type as a message does: ``bool``, ``string``, ``number``, ``bytes``."""
        return self.dimension.value if self.kind is Kind.NUMBER else self.kind.value


BOOL = Datatype(Kind.BOOL)
STRING = Datatype(Kind.STRING)
NUMBER = Datatype(Kind.NUMBER)
STRINGS = Datatype(Kind.STRINGS)
NUMBERS = Datatype(Kind.NUMBERS)
ERROR = Datatype(Kind.ERROR)

_NUMBERS = {dimension: Datatype(Kind.NUMBER, dimension) for dimension in Dimension} | {Dimension.NONE: NUMBER}


def number(dimension: Dimension) -> Datatype:
    """Return the type of numbers of *dimension*."""
    return _NUMBERS[dimension]
