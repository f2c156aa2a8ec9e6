"""What objects of facts have: their attributes by name, and what each holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from types import MappingProxyType

from gpurules.fields import FIELDS, Field, Scope
from gpurules.fields.transfer import FRAMEWORKS
from gpurules.model import BOOL, NUMBER, STRING

KINDS = ("snapshot", "transfer", "workload", "node")
"""The kinds of facts that an evaluation takes."""


class AttributeShape(Enum):
    """What an attribute holds that is not a field of the language."""

    FIELD = auto()
    TIME = auto()
    INDEX = auto()
    INDEXES = auto()
    TEXTS = auto()
    LABELS = auto()
    REASONS = auto()
    PROCESSES = auto()
    GPUS = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. Missing: ``field`` is None where it holds no single value."""

    name: str
    shape: AttributeShape = AttributeShape.FIELD
    field: Field | None = None


_DERIVED_FROM = {"file_name": "path", "file_extension": "path", "index_number": "index"}
"""Fields of objects that are derived, and from what; they cannot be set."""


def _own(name: str, scope: Scope, kind: str) -> Attribute:
    """Return an attribute that no condition reads, but that holds one value all the same."""
    datatype = {"text": STRING, "flag": BOOL}.get(kind, NUMBER)
    values = FRAMEWORKS if name == "framework" else ()
    minimum = 0 if kind == "count" else None
    return Attribute(
        name,
        field=Field(
            name=name, scope=scope, datatype=datatype, description="", attribute=name, values=values, minimum=minimum
        ),
    )


def _shaped(**shapes: AttributeShape) -> list[Attribute]:
    return [Attribute(name, shape) for name, shape in shapes.items()]


_MORE: Mapping[str, list[Attribute]] = {
    "snapshot": [
        *_shaped(timestamp=AttributeShape.TIME, gpus=AttributeShape.GPUS, labels=AttributeShape.LABELS),
        *(Attribute(name, field=FIELDS[name]) for name in ("host", "driver_version")),
    ],
    "gpu": _shaped(
        index=AttributeShape.INDEX,
        labels=AttributeShape.LABELS,
        processes=AttributeShape.PROCESSES,
        missing=AttributeShape.REASONS,
    ),
    "transfer": [
        *_shaped(created=AttributeShape.TIME, labels=AttributeShape.LABELS),
        _own("workload_id", Scope.TRANSFER, "text"),
    ],
    "workload": [
        *_shaped(
            started=AttributeShape.TIME,
            last_activity=AttributeShape.TIME,
            gpu_devices=AttributeShape.INDEXES,
            labels=AttributeShape.LABELS,
        ),
        *_shaped(dataset_files=AttributeShape.TEXTS, model_files=AttributeShape.TEXTS),
        _own("framework", Scope.WORKLOAD, "text"),
        _own("pid", Scope.WORKLOAD, "count"),
    ],
    "node": [],
    "process": [
        *(_own(name, Scope.GPU, kind) for name, kind in (("pid", "count"), ("name", "text"), ("kind", "text"))),
        Attribute("memory_used", field=FIELDS["gpu_memory_used"]),
    ],
}


@cache
def attributes(kind: str) -> Mapping[str, Attribute]:
    """Return what an object of *kind* (``snapshot gpu process transfer workload node``) can have, by name."""
    own = [
        Attribute(field.attribute, field=field)
        for field in FIELDS.values()
        if field.scope.value == kind and field.attribute not in _DERIVED_FROM
    ]
    return MappingProxyType({attribute.name: attribute for attribute in (*own, *_MORE[kind])})


def derived_from(name: str) -> str | None:
    """Return the attribute from which a derived field is computed; None for any other field."""
    return _DERIVED_FROM.get(name)
