"""What a field is: one named fact that conditions can read."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypedDict, Unpack

from gpurules.fields.feeds import Feed
from gpurules.model import BOOL, STRING, Datatype, Dimension, Kind, format_amount, number
from gpurules.model.ranges import range_of


class Scope(StrEnum):
    """What a field is a fact of. GPU and node fields are ambient; the others belong to one transfer."""

    GPU = "gpu"
    NODE = "node"
    TRANSFER = "transfer"
    WORKLOAD = "workload"


AMBIENT = frozenset({Scope.GPU, Scope.NODE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the language.

    Units: the canonical unit of ``datatype.dimension``; ``minimum`` and ``maximum`` are in it too.
    Missing: ``minimum`` or ``maximum`` None: unbounded; ``values`` empty: no enum; ``replaced_by`` None: it stays;
    ``feed`` None: sources do not fill it from metrics.

    The repr says what a value means, without what is said to people about it: hashes are made of it, and neither the
    version of a ruleset nor the state of a signal depends on a description.
    """

    name: str
    scope: Scope
    datatype: Datatype
    description: str = field(repr=False)
    source: str = field(default="", repr=False)
    attribute: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    integer: bool = False
    counter: bool = False
    always_known: bool = False
    declared: bool = False
    feed: Feed | None = None
    replaced_by: str | None = field(default=None, repr=False)
    removed_on: str | None = field(default=None, repr=False)

    @property
    def is_per_gpu(self) -> bool:
        """Whether each GPU has a value of its own."""
        return self.scope is Scope.GPU

    @property
    def is_sampled_real(self) -> bool:
        """Whether the value is a measured real number, on which ``==`` hardly ever holds."""
        return self.datatype.kind is Kind.NUMBER and not self.integer


class FieldTraits(TypedDict, total=False):
    """What only some fields have; each key is the attribute of :class:`Field`."""

    minimum: float
    maximum: float
    values: tuple[str, ...]
    integer: bool
    counter: bool
    always_known: bool


def gpu_field(name: str, datatype: Datatype, description: str, source: str, **more: Unpack[FieldTraits]) -> Field:
    """Return the field of the attribute *name* of a GPU, in the range of that attribute."""
    if datatype.kind is Kind.NUMBER:
        limits = range_of(name)
        more["minimum"] = limits.minimum
        if limits.maximum is not None:
            more["maximum"] = limits.maximum
    return Field(
        name=f"gpu_{name}",
        scope=Scope.GPU,
        attribute=name,
        datatype=datatype,
        description=description,
        source=source,
        **more,
    )


_TYPES = {"bool": BOOL, "string": STRING}


def declared_field(
    name: str,
    type_name: str,
    dimension: Dimension = Dimension.NONE,
    scope: Scope = Scope.TRANSFER,
    description: str = "",
) -> Field:
    """Return the field that a ruleset declares; it is read from the ``labels`` of its object under its full name."""
    return Field(
        name=name,
        scope=scope,
        datatype=_TYPES.get(type_name) or number(dimension),
        description=description or "declared by the ruleset",
        source="labels",
        attribute=name,
        declared=True,
    )


def with_feed(field: Field, feed: Feed) -> Field:
    """Return the declared *field* as one that *feed* fills."""
    return replace(field, feed=feed, source=feed.selector.metric)


def field_range(field: Field) -> str:
    """Return the values that a field can take, in words; empty where there is no bound."""
    if field.values:
        return ", ".join(field.values)
    if field.minimum is None:
        return ""
    if field.maximum is None:
        return f"{field.minimum:g} or more"
    return f"{field.minimum:g} to {format_amount(field.maximum, field.datatype.dimension)}"
