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
    _field("transfer_id", "id", STRING, "the identity of the transfer"),
    _field("transfer_size", "size", number(Dimension.BYTES), "bytes to move", minimum=0, integer=True),
    _field(
        "transfer_priority", "priority", number(Dimension.NONE), "the caller's priority, higher first", integer=True
    ),
    _field("transfer_age", "age", _SECONDS, "time from its creation to the snapshot", minimum=0),
    _field("transfer_duration", "duration", _SECONDS, "how long it is expected to take", minimum=0),
    _field("path", "path", STRING, "path or key of the object"),
    _field("file_name", "file_name", STRING, "last part of the path"),
    _field("file_extension", "file_extension", STRING, "last suffix of the path with its dot, in lower case"),
    _field(
        "file_type", "file_type", STRING, "what kind of file it is: given, else told from the path", values=FILE_TYPES
    ),
    _field(
        "framework",
        "framework",
        STRING,
        "the framework that wrote it: given, else told from the path",
        values=FRAMEWORKS,
    ),
    _field("operation", "operation", STRING, "what the transfer does", values=OPERATIONS),
)
