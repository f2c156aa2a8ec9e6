"""What is known of a storage transfer, and of the workload it serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from operator import attrgetter
from os import PathLike, fspath
from types import MappingProxyType, NoneType
from typing import Protocol, Self

from gpurules.model.gpu import GPUIndex
from gpurules.model.reading import FactError, Reader, finite, format_rejected, no_reasons, nothing
from gpurules.model.units import MAX_INTEGER
from gpurules.records import quick


class _Record(Protocol):
    """A transfer or a workload."""

    @property
    def missing(self) -> Mapping[str, str]:
        """Why values are missing, by their name."""
        ...


def _hold_to_types(record: _Record, texts: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Look at every value of a record again, one of which is out of the ordinary.

    Missing: a number that is not finite, or negative where it cannot be; ``missing`` says why.

    Raises:
        FactError: a text is not a text, or a number none.
    """
    for name in texts:
        value = getattr(record, name)
        if isinstance(value, PathLike) and name == "path":
            object.__setattr__(record, name, str(fspath(value)))
        elif value is not None and not isinstance(value, str):
            raise FactError(f"{name} must be a string, not {format_rejected(value)}")
    for name in names:
        value = getattr(record, name)
        if value is not None:
            object.__setattr__(record, name, _number(record, name, value))


def _number(record: _Record, name: str, value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise FactError(
            f"{name} must be a number, not {format_rejected(value)}; gpurules.facts reads strings with units"
        )
    read = finite(value if isinstance(value, int | float) else float(value))
    if read is not None and (read >= 0 or name in _SIGNED):
        return read
    reason = f"not a finite number: {format_rejected(value)}" if read is None else f"below 0: {format_rejected(value)}"
    object.__setattr__(record, "missing", {**record.missing, name: reason})
    return None


def _present(record: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name in names if (value := getattr(record, name)) is not None}


_SIGNED = frozenset({"priority", "created", "started", "last_activity"})
_TRANSFER_NUMBERS = ("size", "priority", "created", "duration")
_TRANSFER_TEXTS = ("id", "path", "file_type", "framework", "operation", "workload_id")
_TEXTUAL: frozenset[type] = frozenset({str, NoneType})
_HUGE = float("inf")
_texts_of = attrgetter(*_TRANSFER_TEXTS)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer between storage and this node.

    Units: ``size`` in bytes, ``created`` in seconds since 1970, ``duration`` (expected) in seconds.
    Missing: None; ``file_type`` and ``framework`` are then derived from the path.
    """

    id: str | None = None
    path: str | None = None
    size: float | None = None
    priority: float | None = None
    operation: str | None = None
    created: float | None = None
    duration: float | None = None
    file_type: str | None = None
    framework: str | None = None
    workload_id: str | None = None
    labels: Mapping[str, object] = field(default_factory=nothing)
    missing: Mapping[str, str] = field(default_factory=no_reasons, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Keep only texts and numbers that can be.

        This is on the path of every transfer, so the common case, in which all is valid, is detected first.

        Raises:
            FactError: a text is not a text, or a number none.
        """
        size, priority, created, duration = self.size, self.priority, self.created, self.duration
        if (
            (size is None or (type(size) is int and 0 <= size <= MAX_INTEGER))
            and (priority is None or (type(priority) is int and -MAX_INTEGER <= priority <= MAX_INTEGER))
            and (created is None or (type(created) is float and -_HUGE < created < _HUGE))
            and (duration is None or (type(duration) is float and 0 <= duration < _HUGE))
            and _TEXTUAL.issuperset(map(type, _texts_of(self)))
        ):
            return
        _hold_to_types(self, _TRANSFER_TEXTS, _TRANSFER_NUMBERS)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the transfer that JSON *data* describes; what does not fit is missing.

        Raises:
            FactError: *data* is not a mapping.
        """
        plain = _plain_facts(data) if type(data) is dict else None
        if plain is not None:
            made = cls(**plain)  # type: ignore[arg-type]
            if not made.missing:
                return made
        read = Reader(data, "a transfer")
        values: dict[str, object] = {n: read.number(n, None if n in _SIGNED else 0) for n in _TRANSFER_NUMBERS}
        values |= {n: read.text(n) for n in _TRANSFER_TEXTS}
        return cls(labels=read.mapping("labels"), missing=read.missing, **values)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, object]:
        """Return the transfer as JSON-ready data; what is missing is left out."""
        data = _present(self, _TRANSFER_FIELDS)
        return data | {"labels": dict(self.labels)} if self.labels else data


def _plain_facts(data: Mapping[object, object]) -> dict[str, object] | None:
    """Return what JSON *data* says of a transfer, as it is nearly always: texts are texts, and numbers are numbers.

    Missing: None where that is not so, and it has to be read one by one.
    """
    found: dict[str, object] = {}
    for name, value in data.items():
        if name in _PLAIN_TYPES:
            if type(value) not in _PLAIN_TYPES[name]:
                return None
            found[name] = value  # type: ignore[index]
        elif name == "labels" and value is not None:
            if type(value) is not dict:
                return None
            found["labels"] = MappingProxyType({str(k): v for k, v in value.items()})
    return found


_PLAIN_TYPES: Mapping[object, frozenset[type]] = {
    **dict.fromkeys(_TRANSFER_NUMBERS, frozenset({int, float, NoneType})),
    **dict.fromkeys(_TRANSFER_TEXTS, _TEXTUAL),
}
_TRANSFER_FIELDS = tuple(f.name for f in fields(Transfer) if f.name not in ("labels", "missing"))
_WORKLOAD_NUMBERS = (
    "priority", "memory_footprint", "io_throughput", "batch_size", "epoch_time", "started", "last_activity", "pid",
)  # fmt: skip
_WORKLOAD_TEXTS = ("id", "type", "access_pattern", "framework")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A job on this node that transfers serve.

    Units: ``memory_footprint`` in bytes, ``io_throughput`` in bytes/second, ``epoch_time`` in seconds, ``started`` and
    ``last_activity`` in seconds since 1970.
    Missing: None; an empty ``gpu_devices`` means that no GPU is known to be its own.
    """

    id: str | None = None
    type: str | None = None
    priority: float | None = None
    gpu_devices: tuple[GPUIndex, ...] = ()
    memory_footprint: float | None = None
    access_pattern: str | None = None
    io_throughput: float | None = None
    batch_size: float | None = None
    epoch_time: float | None = None
    framework: str | None = None
    started: float | None = None
    last_activity: float | None = None
    pid: int | None = None
    dataset_files: tuple[str, ...] = ()
    model_files: tuple[str, ...] = ()
    labels: Mapping[str, object] = field(default_factory=nothing)
    missing: Mapping[str, str] = field(default_factory=no_reasons, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Keep only texts and numbers that can be.

        Raises:
            FactError: a text is not a text, or a number none.
        """
        _hold_to_types(self, _WORKLOAD_TEXTS, _WORKLOAD_NUMBERS)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the workload that JSON *data* describes; what does not fit is missing.

        Raises:
            FactError: *data* is not a mapping, or ``gpu_devices`` no list.
        """
        read = Reader(data, "a workload")
        values: dict[str, object] = {n: read.number(n, None if n in _SIGNED else 0) for n in _WORKLOAD_NUMBERS}
        values |= {n: read.text(n) for n in _WORKLOAD_TEXTS}
        devices = tuple(d for d in read.items("gpu_devices") if isinstance(d, int | str) and not isinstance(d, bool))
        return cls(
            gpu_devices=devices,
            dataset_files=read.texts("dataset_files"),
            model_files=read.texts("model_files"),
            labels=read.mapping("labels"),
            missing=read.missing,
            **values,  # type: ignore[arg-type]
        )

    def to_dict(self) -> dict[str, object]:
        """Return the workload as JSON-ready data; what is missing is left out."""
        data = _present(self, _WORKLOAD_FIELDS)
        for name in ("gpu_devices", "dataset_files", "model_files"):
            if getattr(self, name):
                data[name] = list(getattr(self, name))
        return data | {"labels": dict(self.labels)} if self.labels else data


_WORKLOAD_FIELDS = tuple(
    f.name
    for f in fields(Workload)
    if f.name not in ("gpu_devices", "dataset_files", "model_files", "labels", "missing")
)
