"""The fields of a transfer."""

from typing import Unpack

from gpurules.fields.field import Field, FieldTraits, Scope
from gpurules.model import STRING, Datatype, Dimension, number

FILE_TYPES = ("model", "dataset", "tensor", "config", "log", "code", "unknown")
FRAMEWORKS = ("pytorch", "tensorflow", "jax", "onnx", "huggingface", "unknown")
OPERATIONS = ("read", "write", "prefetch", "delete")
_SECONDS = number(Dimension.SECONDS)


def _field(name: str, attribute: str, datatype: Datatype, description: str, **more: Unpack[FieldTraits]) -> Field:
    return Field(
        name=name,
        scope=Scope.TRANSFER,
        attribute=attribute,
        datatype=datatype,
        description=description,
        source="the storage client",
        **more,
    )


FIELDS = (
    _field("transfer_id", "id", STRING, "id of the transfer"),
    _field("transfer_size", "size", number(Dimension.BYTES), "bytes to move", minimum=0, integer=True),
    _field(
        "transfer_priority",
        "priority",
        number(Dimension.NONE),
        "priority set by the caller, higher first",
        integer=True,
    ),
    _field("transfer_age", "age", _SECONDS, "time from the transfer's creation to the snapshot", minimum=0),
    _field("transfer_duration", "duration", _SECONDS, "expected duration", minimum=0),
    _field("path", "path", STRING, "path or key of the object"),
    _field("file_name", "file_name", STRING, "last component of the path"),
    _field("file_extension", "file_extension", STRING, "last suffix of the path with its dot, in lower case"),
    _field(
        "file_type",
        "file_type",
        STRING,
        "type of the file: as given, otherwise derived from the path",
        values=FILE_TYPES,
    ),
    _field(
        "framework",
        "framework",
        STRING,
        "framework that wrote it: as given, otherwise derived from the path",
        values=FRAMEWORKS,
    ),
    _field("operation", "operation", STRING, "operation of the transfer", values=OPERATIONS),
)
