"""The state of a node's GPUs at one point in time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Self

from gpurules.model.gpu import GPU, GPUIndex, read_index
from gpurules.model.reading import FactError, Reader, finite, format_rejected, nothing


def _gpus(items: Sequence[object]) -> tuple[GPU, ...]:
    """Return the GPUs of JSON; those without an index have the first that is free from their position on."""
    own = [item.get("index") if type(item) is dict else None for item in items]
    if all(type(index) is int for index in own):  # nearly always
        return tuple([GPU.from_dict(item) for item in items])
    taken = {read_index(item.get("index"), -1) for item in items if isinstance(item, Mapping)}
    gpus: list[GPU] = []
    for position, item in enumerate(items):
        has_index = isinstance(item, Mapping) and read_index(item.get("index"), -1) != -1
        free = position if has_index else next(n for n in count(position) if n not in taken)
        gpus.append(GPU.from_dict(item, free))
        taken.add(free)
    return tuple(gpus)


def _with_distinct_identities(gpus: Iterable[GPU], problems: list[str]) -> Iterator[GPU]:
    """Yield *gpus*, each by an identity and an index of its own; *problems* collects what had to be changed for that.

    Only what agrees in both is one GPU; two GPUs to which a driver gave one UUID stay two.
    """
    seen: set[tuple[str, GPUIndex]] = set()
    identities: set[str] = set()
    indexes: set[GPUIndex] = set()
    for gpu in gpus:
        if (gpu.identity, gpu.index) in seen:
            problems.append(f"GPU {gpu.index} ({gpu.identity}) is in the snapshot twice; the first is used")
            continue
        seen.add((gpu.identity, gpu.index))
        kept = gpu
        if kept.identity in identities:
            problems.append(
                f"GPU {gpu.index} has the UUID of another GPU ({gpu.identity}); it is identified by its index"
            )
            kept = replace(
                kept, uuid=None, missing={**kept.missing, "uuid": f"of two GPUs: {format_rejected(gpu.uuid)}"}
            )
        if kept.index in indexes:
            names = (f"twin-{kept.index}", *(f"twin-{kept.index}-{n}" for n in range(2, len(indexes) + 3)))
            index = next(name for name in names if name not in indexes)
            problems.append(f"GPU {gpu.identity} has the index of another GPU ({gpu.index}); it is GPU {index}")
            kept = replace(kept, index=index)
        identities.add(kept.identity)
        indexes.add(kept.index)
        yield kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of one node at one point in time.

    Units: ``timestamp`` in seconds since 1970 (UTC).
    Missing: ``host`` and ``driver_version`` are None if the source reports none, or no text, as ``problems``
    then says.
    """

    timestamp: float = 0.0
    host: str | None = None
    driver_version: str | None = None
    gpus: tuple[GPU, ...] = ()
    labels: Mapping[str, object] = field(default_factory=nothing)
    problems: tuple[str, ...] = field(default=(), compare=False)
    cache: dict[object, object] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the GPUs as a tuple, each only once and by an identity of its own, and the time a real number."""
        put = object.__setattr__
        time = finite(self.timestamp)
        if time is None:
            raise FactError(f"a snapshot's timestamp must be a finite number of seconds, not {self.timestamp!r}")
        put(self, "timestamp", time)
        problems = list(self.problems)
        for name in ("host", "driver_version"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                problems.append(f"{name} is not a string: {format_rejected(value)}")
                put(self, name, None)
        gpus = tuple(self.gpus)
        is_clear = len({gpu.identity for gpu in gpus}) == len({gpu.index for gpu in gpus}) == len(gpus)
        put(self, "gpus", gpus if is_clear else tuple(_with_distinct_identities(gpus, problems)))
        put(self, "problems", tuple(problems))

    @property
    def gpu_count(self) -> int:
        """How many boards there are (MIG instances do not count)."""
        return sum(1 for gpu in self.gpus if not gpu.mig)

    @property
    def gpu_lost_count(self) -> int:
        """How many boards did not answer."""
        return sum(1 for gpu in self.gpus if not gpu.mig and gpu.is_lost)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Return the snapshot that JSON *data* describes.

        Missing: see :meth:`GPU.from_dict`; an absent timestamp is 0.

        Raises:
            FactError: *data* is not a mapping, its ``gpus`` no list of mappings, or its timestamp no finite number.
        """
        read = Reader(data, "a snapshot")
        timestamp = read.number("timestamp")
        if "timestamp" in read.missing:
            raise FactError(f"the snapshot's timestamp is {read.missing['timestamp']}")
        return cls(
            timestamp=0.0 if timestamp is None else timestamp,
            host=read.text("host"),
            driver_version=read.text("driver_version"),
            gpus=_gpus(read.items("gpus")),
            labels=read.mapping("labels"),
            problems=tuple(f"{key} is {reason}" for key, reason in read.missing.items()),
        )

    def to_dict(self) -> dict[str, object]:
        """Return the snapshot as JSON-ready data; what is missing is left out."""
        data: dict[str, object] = {"timestamp": self.timestamp}
        for name in ("host", "driver_version"):
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        data["gpus"] = [gpu.to_dict() for gpu in self.gpus]
        if self.labels:
            data["labels"] = dict(self.labels)
        return data
